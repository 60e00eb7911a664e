// Whether the host's tree is still what a plan was made of, known without planning again: every
// directory in which the plan looked up a name is watched from before it was last found current.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>

#include "base/result.h"
#include "os/changes.h"

namespace bailey::pool {

class Freshness {
 public:
  // `check` plans again: whether that is still the same plan.
  explicit Freshness(std::function<base::Result<bool>()> check) : check_(std::move(check)) {}

  // Begins to watch, or does again after a change. Where the tree cannot be watched, every question
  // is a check.
  void Watch();
  // True from Watch on until something in the tree has changed.
  bool IsWatched() const { return is_current_ && changes_->IsQuiet(); }
  // Readable when something has; negative where nothing is watched.
  int Descriptor() const { return is_current_ ? changes_->Descriptor() : -1; }
  base::Result<bool> IsCurrent() const;

 private:
  bool AddDirectories();

  std::function<base::Result<bool>()> check_;
  std::optional<os::Changes> changes_;
  std::set<std::string> watched_;
  bool is_current_ = false;
};

}  // namespace bailey::pool
