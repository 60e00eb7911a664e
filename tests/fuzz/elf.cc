// A program's file: whatever it says of itself, what can be read of it is read to an end.
#include "elf/reach.h"
#include "input.h"

using namespace bailey;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto image = elf::Image::Parse("fuzz", std::vector<std::uint8_t>(data, data + size));
  if (!image) {
    Demand(!image.error().text.empty(), "an error says something");
    return 0;
  }
  for (std::size_t i = 0; i < image->units.size(); ++i) {
    const elf::Piece& unit = image->units[i];
    Demand(unit.begin < unit.end, "a unit has code");
    Demand(i == 0 || image->units[i - 1].end <= unit.begin, "units are apart, in order");
  }
  elf::Object object(*std::move(image));
  const elf::Bound bound = elf::FindCalls({&object});
  for (const elf::Opening& one : bound.open)
    Demand(!one.where.empty() && !one.why.empty(), "an opening says where and why");
  return 0;
}
