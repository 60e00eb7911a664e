// Configurations of containers: read, and judged by every finder over confinements.
#include "input.h"
#include "review/finder.h"
#include "review/read.h"

using namespace bailey;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto subject = review::ReadOci(std::string(Text(data, size)), "config.json");
  if (!subject) {
    Demand(!subject.error().text.empty(), "an error says something");
    return 0;
  }
  std::vector<review::Finding> findings;
  for (const review::Finder& finder : review::ConfinementFinders()) finder.find(*subject, findings);
  for (const review::Finding& finding : findings)
    Demand(!finding.evidence.empty(), "a finding has evidence");
  return 0;
}
