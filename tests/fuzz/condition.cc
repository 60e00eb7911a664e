// A condition's text: what is written again means the same.
#include "policy/condition.h"

#include "input.h"

using namespace bailey;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto condition = policy::ParseCondition(Text(data, size));
  if (!condition) return 0;
  const auto again = policy::ParseCondition(policy::ToString(*condition));
  Demand(again.has_value(), "a written condition can be read");
  Demand(*again == *condition, "a written condition reads the same");
  return 0;
}
