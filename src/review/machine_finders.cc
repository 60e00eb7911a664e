#include "review/finder.h"

namespace bailey::review {

std::span<const Finder> MachineFinders() { return {}; }

}  // namespace bailey::review
