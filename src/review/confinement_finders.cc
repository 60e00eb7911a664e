#include "review/finder.h"

namespace bailey::review {

std::span<const Finder> ConfinementFinders() { return {}; }

}  // namespace bailey::review
