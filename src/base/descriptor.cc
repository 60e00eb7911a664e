#include "bailey/descriptor.h"

#include <utility>

#include "base/unique_fd.h"

namespace bailey {

Descriptor::Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  base::UniqueFd old(std::exchange(number_, std::exchange(other.number_, -1)));
  return *this;
}

Descriptor::~Descriptor() { base::UniqueFd closed(number_); }

int Descriptor::Release() { return std::exchange(number_, -1); }

}  // namespace bailey
