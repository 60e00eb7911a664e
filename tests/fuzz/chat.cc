// A model's stream, and a transcript: the first byte says how the bytes are cut. What was put
// together is written down and read again as it was.
#include "agent/transcript.h"
#include "agent/turn.h"
#include "input.h"

using namespace bailey;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t piece = 1 + data[0] % 64;
  const std::string_view text = Text(data + 1, size - 1);
  agent::EventReader events;
  agent::TurnBuilder builder;
  bool is_fine = true;
  for (std::size_t at = 0; at < text.size() && is_fine; at += piece) {
    for (const std::string& event : events.Take(text.substr(at, piece)))
      is_fine = is_fine && builder.Take(event).has_value();
    (void)builder.TakeShown();
  }
  if (is_fine) {
    if (const auto turn = builder.Finish()) {
      const std::string start = agent::ToJsonLine(agent::Started{"g", "m", "s", {}});
      const auto read = agent::ReadTranscript(start + agent::ToJsonLine(*turn), "t");
      Demand(read.has_value() && read->size() == 2, "what was written is read");
      (void)agent::MessagesOf(*read);
    }
  }
  if (const auto read = agent::ReadTranscript(text, "t")) (void)agent::MessagesOf(*read);
  return 0;
}
