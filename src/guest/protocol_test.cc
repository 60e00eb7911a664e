#include "guest/protocol.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace bailey::guest {
namespace {

using Bytes = std::vector<std::uint8_t>;

std::span<const std::uint8_t> Body(std::span<const std::uint8_t> frame) {
  return frame.subspan(kHeaderSize);
}

// What was encoded, decoded again; no prefix of it decodes, and nothing longer.
template <class T>
void ExpectRoundTrip(const T& value) {
  std::array<std::uint8_t, 4096> room;
  const auto frame = Encode(value, room);
  ASSERT_FALSE(frame.empty());
  T again{};
  EXPECT_TRUE(Decode(Body(frame), again));
  EXPECT_EQ(again, value);
  for (std::size_t size = 0; size < frame.size() - kHeaderSize; ++size) {
    T part{};
    EXPECT_FALSE(Decode(Body(frame).first(size), part)) << size;
  }
  Bytes longer(Body(frame).begin(), Body(frame).end());
  longer.push_back(0);
  EXPECT_FALSE(Decode(longer, again));
  for (std::size_t size = 0; size < frame.size(); ++size)
    EXPECT_TRUE(Encode(value, std::span(room).first(size)).empty()) << size;
}

TEST(Protocol, EveryValueComesBackAsItWas) {
  Welcome welcome;
  welcome.token.fill(1);
  welcome.seed.fill(0xfe);
  welcome.seconds = 0x0102030405060708;
  welcome.nanoseconds = 999'999'999;
  ExpectRoundTrip(welcome);
  ExpectRoundTrip(Hello{7, welcome.token, 4, "6.1.0-test"});
  ExpectRoundTrip(Grant{~0ull, "/a path"});
  ExpectRoundTrip(Limit{9, 1ull << 40});
  ExpectRoundTrip(Mount{Mount::Kind::kShow, 5, "drive-1", "/a", "b"});
  ExpectRoundTrip(Start{1000, 1001, 3, 1 << 20, 17, 1, "/work", "bailey"});
  ExpectRoundTrip(Window{24, 80});
  ExpectRoundTrip(Forget{2, 1});
  ExpectRoundTrip(Ended{256, 1, 2, 3, 4});
  ExpectRoundTrip(Failed{Step::kExecute, 2, "/bin/none"});
  ExpectRoundTrip(Collected{1024, 2, 3});
  ExpectRoundTrip(Listen{100, 1000});
  ExpectRoundTrip(Watch{0xc000003e, 41, 0, 0, 32, 6, 1, 2});
  ExpectRoundTrip(Naming{0xc000003e, 257, 1, 0, 2, 1});
  ExpectRoundTrip(Sending{0xc000003e, 46, 1, 4});
  ExpectRoundTrip(Network{1,
                          2,
                          {2, 0, 0, 0, 0, 1},
                          1,
                          {1, 2},
                          {3},
                          {4, 5},
                          {6},
                          3,
                          4,
                          5,
                          6,
                          0,
                          "a.test",
                          "b.test",
                          "text"});
  const bpf::SeccompData data = {165, 0xc000003e, ~0ull, {1, 2, 3, 4, 5, 1ull << 63}};
  ExpectRoundTrip(Called{data, 12, "/bin/mount", {{{0, "/dev/sda"}, {1, ""}, {}}}});
  ExpectRoundTrip(Used{data, 12, "/bin/mv", {{{1, 1, "/a"}, {3, 0, "/b"}}}});
  ExpectRoundTrip(Sent{data, 12, "/bin/ip", 4, {24, 25}, 2, 1, 1});
  ExpectRoundTrip(Denied{1023, 1, ~0ull, data});
  ExpectRoundTrip(Missed{1, 2});
}

TEST(Protocol, WhatIsToldOfDeniedCallsIsBounded) {
  std::array<std::uint8_t, 4096> room;
  const std::string most(Called::kMostText, 'a'), more(Called::kMostText + 1, 'a');
  Called called;
  const auto reads = [&](const Called& value) { return Decode(Body(Encode(value, room)), called); };
  EXPECT_TRUE(reads({{}, 1, most, {{{0, most}, {}, {}}}}));
  EXPECT_FALSE(reads({{}, 1, more, {}}));
  EXPECT_FALSE(reads({{}, 1, "", {{{}, {}, {0, more}}}}));
  Used used;
  const auto is_read = [&](const Used& value) { return Decode(Body(Encode(value, room)), used); };
  EXPECT_TRUE(is_read({{}, 1, most, {{{0, 1, most}, {}}}}));
  EXPECT_FALSE(is_read({{}, 1, more, {}}));
  EXPECT_FALSE(is_read({{}, 1, "", {{{}, {1, 0, more}}}}));
  EXPECT_FALSE(is_read({{}, 1, "", {{{0, 2, "/a"}, {}}}}));
  Sent sent;
  const auto is_taken = [&](const Sent& value) { return Decode(Body(Encode(value, room)), sent); };
  EXPECT_TRUE(is_taken({{}, 1, most, 0, {}, 8, 1, 1}));
  EXPECT_FALSE(is_taken({{}, 1, more, 0, {}, 8, 1, 1}));
  EXPECT_FALSE(is_taken({{}, 1, most, 0, {}, 9, 1, 1}));
  EXPECT_FALSE(is_taken({{}, 1, most, 0, {}, 8, 2, 1}));
  EXPECT_FALSE(is_taken({{}, 1, most, 0, {}, 8, 1, 2}));
  Sending sending;
  EXPECT_FALSE(Decode(Body(Encode(Sending{0, 0, 4, 8}, room)), sending));
  EXPECT_FALSE(Decode(Body(Encode(Sending{0, 0, 0, 2}, room)), sending));
  Denied denied;
  EXPECT_FALSE(Decode(Body(Encode(Denied{Denied::kMostRows, 0, 1, {}}, room)), denied));
  EXPECT_FALSE(Decode(Body(Encode(Denied{0, 2, 1, {}}, room)), denied));
}

TEST(Protocol, ANumberOutsideOfAnEnumerationIsRefused) {
  std::array<std::uint8_t, 64> room;
  const auto frame = Encode(Failed{Step::kMost, 0, ""}, room);
  Bytes body(Body(frame).begin(), Body(frame).end());
  Failed failed;
  EXPECT_TRUE(Decode(body, failed));
  ++body[0];
  EXPECT_FALSE(Decode(body, failed));
}

TEST(Protocol, ALengthWithinABodyIsNotBelieved) {
  std::array<std::uint8_t, 64> room;
  const auto frame = Encode(Grant{1, "abc"}, room);
  Bytes body(Body(frame).begin(), Body(frame).end());
  for (const int size : {0, 2, 4, 255}) {
    body[8] = static_cast<std::uint8_t>(size);
    Grant grant;
    EXPECT_FALSE(Decode(body, grant)) << size;
  }
  std::memset(body.data() + 8, 0xff, 4);
  Grant grant;
  EXPECT_FALSE(Decode(body, grant));
}

TEST(Protocol, AFrameIsAtMostSoLong) {
  const Bytes body(kMostBody + 1, 'x');
  Bytes room(kMostFrame + 100);
  EXPECT_TRUE(Encode(FrameType::kOutput, body, room).empty());
  EXPECT_EQ(Encode(FrameType::kOutput, std::span(body).first(kMostBody), room).size(), kMostFrame);
}

// Feeds the stream in pieces of the sizes that `piece` gives; the bodies that come out.
template <class Piece>
std::vector<std::string> Cut(const Bytes& stream, Piece piece) {
  const auto deframer = std::make_unique<Deframer>();
  std::vector<std::string> bodies;
  for (std::size_t at = 0; at < stream.size();) {
    const auto space = deframer->Space();
    EXPECT_FALSE(space.empty());
    const std::size_t count = std::min({space.size(), stream.size() - at, piece()});
    std::memcpy(space.data(), stream.data() + at, count);
    deframer->Add(count);
    at += count;
    Frame frame;
    Deframer::State state;
    while ((state = deframer->Next(frame)) == Deframer::State::kFrame)
      bodies.emplace_back(frame.body.begin(), frame.body.end());
    if (state == Deframer::State::kBroken) {
      bodies.emplace_back("broken");
      return bodies;
    }
  }
  return bodies;
}

TEST(Deframer, CutsAlikeHoweverTheStreamArrives) {
  Bytes stream;
  std::vector<std::string> wanted;
  Bytes room(kMostFrame);
  for (const std::size_t size : {0u, 1u, 5u, 4096u, 65535u, 65536u, 0u, 3u}) {
    const Bytes body(size, static_cast<std::uint8_t>('a' + wanted.size()));
    const auto frame = Encode(FrameType::kOutput, body, room);
    stream.insert(stream.end(), frame.begin(), frame.end());
    wanted.emplace_back(body.begin(), body.end());
  }
  EXPECT_EQ(Cut(stream, [] { return std::size_t{1}; }), wanted);
  EXPECT_EQ(Cut(stream, [] { return std::size_t{1} << 20; }), wanted);
  std::mt19937 random(1);
  EXPECT_EQ(Cut(stream, [&] { return std::size_t{1} + random() % 9000; }), wanted);
}

TEST(Deframer, ALengthThatIsTooLargeEndsTheStream) {
  Bytes stream = {0x01, 0x00, 0x01, 0x00, 66};  // 65537
  EXPECT_EQ(Cut(stream, [] { return std::size_t{1}; }), std::vector<std::string>{"broken"});
  stream = {0xff, 0xff, 0xff, 0xff, 66, 1, 2, 3};
  EXPECT_EQ(Cut(stream, [] { return std::size_t{8}; }), std::vector<std::string>{"broken"});
}

TEST(Protocol, ArbitraryBytesDecodeToNothingOutsideOfThem) {
  std::mt19937 random(7);
  for (int i = 0; i < 20000; ++i) {
    Bytes body(random() % 64);
    for (std::uint8_t& byte : body)
      byte = static_cast<std::uint8_t>(random() % 4 ? random() % 8 : random());
    const auto within = [&](std::string_view text) {
      const auto* const from = reinterpret_cast<const std::uint8_t*>(text.data());
      return text.empty() ||
             (from >= body.data() && from + text.size() <= body.data() + body.size());
    };
    Hello hello;
    if (Decode(body, hello)) {
      EXPECT_TRUE(within(hello.kernel));
    }
    Mount mount;
    if (Decode(body, mount)) {
      EXPECT_TRUE(within(mount.drive) && within(mount.path) && within(mount.name));
    }
    Failed failed;
    if (Decode(body, failed)) {
      EXPECT_TRUE(within(failed.object));
    }
  }
}

}  // namespace
}  // namespace bailey::guest
