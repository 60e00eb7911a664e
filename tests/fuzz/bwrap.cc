// bubblewrap's arguments, one a line: parsed, and judged as root's and as a user's.
#include "base/text.h"
#include "compat/bubblewrap_options.h"
#include "input.h"
#include "review/finder.h"
#include "review/read_bwrap.h"

using namespace bailey;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::string> words;
  for (const std::string_view word : base::Split(Text(data, size), '\n')) words.emplace_back(word);
  // As its front end takes them: every descriptor of --args has the same words once more.
  const auto request = compat::ReadBubblewrap(words, [&](int) -> base::Result<std::string> {
    std::string text;
    for (const std::string& word : words) text += word + '\0';
    return text;
  });
  if (!request) Demand(!request.error().text.empty(), "a mistake says something");
  const auto line = compat::ParseBubblewrap(words);
  if (!line) {
    Demand(!line.error().text.empty(), "an error says something");
    return 0;
  }
  for (const compat::Operation& operation : line->operations) {
    Demand(
        operation.position > 0 && words[operation.position - 1] == compat::Name(operation.option),
        "an operation stands where it says");
  }
  for (const bool as_root : {false, true}) {
    review::Subject subject;
    subject.confinement = review::ConfinementOf(*line, as_root);
    std::vector<review::Finding> findings;
    for (const review::Finder& finder : review::ConfinementFinders())
      finder.find(subject, findings);
  }
  return 0;
}
