#include "pool/message.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace bailey::pool {
namespace {

std::vector<Message> Messages() {
  Request request;
  request.key = std::string("k\0ey", 4);
  request.argv = {"sh", "-c", ""};
  request.environment = {"A=1", "B="};
  request.pass = {"C"};
  request.set = {"D=2"};
  request.workdir = "/w";
  request.wall = std::chrono::milliseconds(1500);
  request.report = true;
  Ended ended;
  ended.exit_status = 137;
  ended.signal = 9;
  ended.wall = std::chrono::microseconds(123456);
  ended.start_up = std::chrono::microseconds(1);
  ended.peak_memory_kib = std::uint64_t{1} << 40;
  ended.said = "line\n";
  ended.report = "{}";
  return {request, Request{}, Signal{15},
          Taken{}, ended,     Refused{base::ErrorCode::kViolation, "no"}};
}

TEST(Message, ComesBackAsItWas) {
  for (const Message& message : Messages()) {
    const auto decoded = Decode(Encode(message));
    ASSERT_TRUE(decoded);
    EXPECT_TRUE(*decoded == message) << message.index();
  }
}

TEST(Message, ThatIsCutShortOrGoesOnIsNone) {
  for (const Message& message : Messages()) {
    const std::string bytes = Encode(message);
    for (std::size_t size = 0; size < bytes.size(); ++size)
      EXPECT_FALSE(Decode(std::string_view(bytes).substr(0, size)))
          << message.index() << " " << size;
    EXPECT_FALSE(Decode(bytes + '\0'));
  }
}

// Lengths and counts are the sender's: none of them may lead beyond the message, or make room for
// more than is there.
TEST(Message, OfAnyBytesIsReadOrRefused) {
  for (const Message& message : Messages()) {
    const std::string bytes = Encode(message);
    for (std::size_t place = 0; place < bytes.size(); ++place) {
      for (const char byte : {'\0', '\1', '\x7f', '\xff'}) {
        std::string changed = bytes;
        changed[place] = byte;
        const auto decoded = Decode(changed);
        if (decoded) continue;
        EXPECT_EQ(decoded.error().text, "read a message of a pool: it is not one");
      }
    }
  }
}

}  // namespace
}  // namespace bailey::pool
