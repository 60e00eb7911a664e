// What a guest sends to its host, and what a guest would take: cut into frames, and every body read
// as every value.
#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "guest/protocol.h"
#include "input.h"

using namespace bailey;

namespace {

// What can be read says the same when it is written again.
template <class T>
void Read(std::span<const std::uint8_t> body) {
  T value{};
  if (!guest::Decode(body, value)) return;
  static std::vector<std::uint8_t> room(guest::kMostFrame);
  const auto frame = guest::Encode(value, room);
  Demand(std::ranges::equal(frame.subspan(guest::kHeaderSize), body), "a value is its bytes");
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto deframer = std::make_unique<guest::Deframer>();
  for (std::size_t at = 0; at < size;) {
    const auto space = deframer->Space();
    Demand(!space.empty(), "there is room for more");
    // Pieces of sizes that the input itself gives.
    const std::size_t count = std::min({space.size(), size - at, std::size_t{data[at]} * 64 + 1});
    std::memcpy(space.data(), data + at, count);
    deframer->Add(count);
    at += count;
    guest::Frame frame;
    guest::Deframer::State state;
    while ((state = deframer->Next(frame)) == guest::Deframer::State::kFrame) {
      Demand(frame.body.size() <= guest::kMostBody, "a body is bounded");
      Read<guest::Welcome>(frame.body);
      Read<guest::Hello>(frame.body);
      Read<guest::Grant>(frame.body);
      Read<guest::Limit>(frame.body);
      Read<guest::Mount>(frame.body);
      Read<guest::Start>(frame.body);
      Read<guest::Window>(frame.body);
      Read<guest::Forget>(frame.body);
      Read<guest::Ended>(frame.body);
      Read<guest::Failed>(frame.body);
      Read<guest::Collected>(frame.body);
      Read<guest::Listen>(frame.body);
      Read<guest::Watch>(frame.body);
      Read<guest::Naming>(frame.body);
      Read<guest::Sending>(frame.body);
      Read<guest::Network>(frame.body);
      Read<guest::Called>(frame.body);
      Read<guest::Used>(frame.body);
      Read<guest::Sent>(frame.body);
      Read<guest::Denied>(frame.body);
      Read<guest::Missed>(frame.body);
    }
    if (state == guest::Deframer::State::kBroken) return 0;
  }
  return 0;
}
