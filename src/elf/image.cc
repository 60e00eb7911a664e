#include "elf/image.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace bailey::elf {
namespace {

const Segment* SegmentAt(const std::vector<Segment>& segments, std::uint64_t address) {
  for (const Segment& one : segments)
    if (address >= one.address && address - one.address < one.size) return &one;
  return nullptr;
}

}  // namespace

std::span<const std::uint8_t> Image::At(std::uint64_t address, std::uint64_t size) const {
  const Segment* const segment = SegmentAt(segments, address);
  if (segment == nullptr || size > segment->size - (address - segment->address)) return {};
  return std::span(bytes_).subspan(segment->offset + (address - segment->address), size);
}

std::optional<std::uint64_t> Image::Number(std::uint64_t address, unsigned size) const {
  const auto bytes = At(address, size);
  if (bytes.empty()) return std::nullopt;
  std::uint64_t number = 0;
  for (unsigned i = 0; i < size; ++i) number |= std::uint64_t{bytes[i]} << (8 * i);
  return number;
}

bool Image::IsCode(std::uint64_t address) const {
  const Segment* const segment = SegmentAt(segments, address);
  return segment != nullptr && segment->is_code;
}

const Piece* Image::UnitAt(std::uint64_t address) const {
  const auto after = std::ranges::upper_bound(units, address, {}, &Piece::begin);
  if (after == units.begin() || address >= std::prev(after)->end) return nullptr;
  return &*std::prev(after);
}

bool Image::IsFunction(std::uint64_t address) const {
  const Piece* const unit = UnitAt(address);
  return unit != nullptr && (unit->begin == address || unit->is_loose);
}

std::string Image::Describe(std::uint64_t address) const {
  std::string text = fmt::format("{} at {:#x}", base::Escape(name), address);
  const Piece* const unit = UnitAt(address);
  const auto after = std::ranges::upper_bound(functions, address, {}, &Function::address);
  if (unit == nullptr || after == functions.begin()) return text;
  const Function& function = *std::prev(after);
  // A name further away is another function's.
  if (function.address < unit->begin) return text;
  return text + fmt::format(" ({})", base::Escape(function.name));
}

}  // namespace bailey::elf
