#include "mcp/remote_request.h"

#include <gtest/gtest.h>

#include "mcp/event_reader.h"
#include "mcp/line_merger.h"

namespace bailey::mcp {
namespace {

std::string Read(std::string_view stream, std::size_t piece) {
  std::string heard;
  EventReader reader([&](std::string_view data) { heard += data; }, [&] { heard += '|'; });
  for (std::size_t at = 0; at < stream.size(); at += piece) reader.Take(stream.substr(at, piece));
  return heard + reader.LastId() + (reader.RetryMilliseconds() ? "!" : "");
}

TEST(EventReader, ReadsStreamsHoweverTheyAreCut) {
  struct {
    std::string_view stream, want;
  } const kCases[] = {
      {"data: a\n\n", "a|"},
      {"data:a\r\n\r\ndata: b\r\r", "a|b|"},
      {"data: a\ndata: b\n\n", "a\nb|"},
      {"data\n\n", ""},
      {": note\n\nid: 7\nevent: message\ndata: a\n\n", "a|7"},
      {"event: ping\ndata: a\n\ndata: b\n\n", "b|"},
      {"id: 7\nretry: 100\ndata: \n\n", "|7!"},
      {"id: a b\nretry: soon\nunknown: x\ndata: a\n\n", "a|"},
      {"datadatadatadatadatadata: a\n\n", ""},
      {"data: half", "half"},
      {"data: a:b: c\n\n", "a:b: c|"},
  };
  for (const auto& one : kCases)
    for (const std::size_t piece : {1u, 2u, 3u, 64u})
      EXPECT_EQ(Read(one.stream, piece), one.want) << one.stream << " by " << piece;
}

TEST(LineMerger, OneLongMessageGoesOutAsItComesAndOthersWait) {
  LineMerger merger;
  const std::string text(70'000, 'x');
  merger.Add(1, text);
  merger.Add(2, "b");
  merger.End(2);
  merger.AddLine("c\n");
  EXPECT_EQ(merger.Out(), text);
  EXPECT_FALSE(merger.IsFull(2));
  merger.Add(3, text);
  EXPECT_TRUE(merger.IsFull(3));
  merger.End(1);
  EXPECT_EQ(merger.Out(), text + "\nb\nc\n");
  merger.Cut(3);
  EXPECT_EQ(merger.Out(), text + "\nb\nc\n");
}

TEST(RemoteRequest, FieldsHoldNoLineEnds) {
  EXPECT_EQ(EncodeField("plain name"), "plain name");
  EXPECT_EQ(EncodeField("a\r\nb"), "=?base64?YQ0KYg==?=");
  EXPECT_EQ(EncodeField(" a"), "=?base64?IGE=?=");
  EXPECT_EQ(EncodeField("=?x"), "=?base64?PT94?=");
}

TEST(RemoteRequest, RefusalsAreTheServersOwnWhereTheyAreOfTheProtocol) {
  EXPECT_EQ(RefusedReply({false, "1"}, "{\"id\":null,\n\"error\":{\"code\":-5}}", "why"),
            "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-5}}\n");
  for (const std::string_view body : {"", "<html>", "{\"error\":", "{\"result\":{}}", "[]"})
    EXPECT_NE(RefusedReply({false, "1"}, body, "why").find("\"message\":\"why\""),
              std::string::npos);
}

}  // namespace
}  // namespace bailey::mcp
