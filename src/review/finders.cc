#include "review/finder.h"

namespace bailey::review {

std::span<const Finder> Finders() {
  static const std::vector<Finder> all = [] {
    std::vector<Finder> list;
    for (const auto part :
         {FilterFinders(), ConfinementFinders(), MachineFinders(), SourceFinders()})
      list.insert(list.end(), part.begin(), part.end());
    return list;
  }();
  return all;
}

}  // namespace bailey::review
