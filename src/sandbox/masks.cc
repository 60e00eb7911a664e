#include "sandbox/masks.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "base/text.h"
#include "os/file.h"
#include "sandbox/pattern.h"

namespace bailey::sandbox {
namespace {

// Entries that a pattern looks at before it gives up.
constexpr std::size_t kPatternLimit = 5'000'000;
// The operating system's own directories: patterns that do not name them leave them out, as they
// hold nothing of the caller's and hundreds of thousands of files.
constexpr const char* kSystemDirectories[] = {"/usr", "/etc", "/bin", "/sbin", "/lib", "/opt"};
// Of symlinks that lead to nothing, one behind the other.
constexpr int kMaxLinks = 40;

// What the caller itself may not look at is out of reach of a program that may do less.
bool IsAbsent(int error) {
  return error == ENOENT || error == ENOTDIR || error == EACCES || error == ELOOP;
}

std::string Below(const std::string& base, std::string_view path, std::string_view ancestor) {
  if (path == ancestor) return base;
  return Join(base, path.substr(ancestor == "/" ? 1 : ancestor.size() + 1));
}

class Masker {
 public:
  Masker(HostPaths& paths, RootPlan& plan) : paths_(paths), plan_(plan) {
    for (std::size_t i = 0; i < plan.steps.size(); ++i) {
      const Step& step = plan.steps[i];
      const bool is_mount = !std::holds_alternative<MakeDirectory>(step) &&
                            !std::holds_alternative<MakeFile>(step) &&
                            !std::holds_alternative<MakeSymlink>(step);
      if (is_mount) mounts_[Target(step)] = i;
    }
  }

  base::Status Plan(const std::vector<std::string>& hide) {
    for (const std::string& path : hide) {
      const auto added = HasWildcard(path) ? AddPattern(path) : AddName(path);
      if (!added) return added;
    }
    std::string_view above;  // hidden whole, so what is in it is hidden too
    for (const auto& [path, is_name] : hidden_) {
      if (!above.empty() && IsWithin(path, above)) continue;
      const auto covered = Cover(path, is_name);
      if (!covered) return covered.error();
      if (*covered) above = path;
    }
    for (const auto& [path, make] : pins_) plan_.steps.push_back(Pin{path, make});
    std::ranges::move(masks_, std::back_inserter(plan_.steps));
    plan_.stubs.assign(stubs_.begin(), stubs_.end());
    return {};
  }

 private:
  // The mount that shows `path`: the last planned one whose target it is within.
  const Step* MountAbove(std::string_view path) const {
    for (;; path = Parent(path)) {
      if (const auto found = mounts_.find(path); found != mounts_.end())
        return &plan_.steps[found->second];
      if (path == "/") return nullptr;
    }
  }

  base::Status AddName(const std::string& path) {
    const auto resolved = paths_.Resolve(path);
    if (resolved) {
      hidden_[resolved->real] = true;
      return {};
    }
    if (!IsAbsent(resolved.error().system_errno))
      return base::SystemError("hide " + path, resolved.error().system_errno);
    const auto place = WouldBe(path);
    if (!place) return place.error();
    if (*place) hidden_[**place] = true;
    const Step* const above = MountAbove(path);
    const auto* const bind = above ? std::get_if<BindMount>(above) : nullptr;
    if (bind) hidden_[Below(bind->source, path, bind->target)] = true;
    return {};
  }

  // Where on the host a name would come to lie: behind the links of its parents, and behind links
  // that lead to nothing yet.
  base::Result<std::optional<std::string>> WouldBe(std::string path) {
    const auto cannot = [&path](int number) { return base::SystemError("hide " + path, number); };
    for (int links = 0; links < kMaxLinks; ++links) {
      std::string existing(Parent(path));
      auto resolved = paths_.Resolve(existing);
      while (!resolved && resolved.error().system_errno == ENOENT && existing != "/") {
        existing = Parent(existing);
        resolved = paths_.Resolve(existing);
      }
      if (!resolved && !IsAbsent(resolved.error().system_errno))
        return cannot(resolved.error().system_errno);
      if (!resolved) return std::nullopt;
      const std::string place = Below(resolved->real, path, existing);
      const std::size_t first = resolved->real.size() + (resolved->real == "/" ? 0 : 1);
      const std::size_t slash = std::min(place.find('/', first), place.size());
      const auto text = os::ReadLink(AT_FDCWD, place.substr(0, slash).c_str());
      // EINVAL: there is something, and it is no link.
      if (!text && text.error().value != EINVAL && !IsAbsent(text.error().value))
        return cannot(text.error().value);
      if (!text) return place;
      path = (text->starts_with('/') ? *text : Join(resolved->real, *text)) + place.substr(slash);
      // A name with ".." in it is looked for by the kernel, which finds nothing.
      if (path.find("/..") != std::string::npos) return place;
    }
    return std::nullopt;
  }

  // Where to look for what a pattern matches: below its fixed part, in what binds show.
  std::vector<std::string> PatternRoots(const std::string& pattern) const {
    const std::string fixed(Parent(pattern.substr(0, pattern.find_first_of("*?")) + "x"));
    std::vector<std::string> roots;
    for (const Step& step : plan_.steps) {
      const auto* bind = std::get_if<BindMount>(&step);
      if (!bind || !bind->directory) continue;
      const bool system = std::ranges::any_of(
          kSystemDirectories, [&](auto* directory) { return IsWithin(bind->source, directory); });
      if (IsWithin(fixed, bind->source)) {
        roots.push_back(fixed);
      } else if (IsWithin(bind->source, fixed) && !system) {
        roots.push_back(bind->source);
      }
    }
    std::ranges::sort(roots);
    // A bind within another one is walked with it, and sorts behind it.
    std::vector<std::string> outermost;
    for (std::string& root : roots)
      if (outermost.empty() || !IsWithin(root, outermost.back()))
        outermost.push_back(std::move(root));
    return outermost;
  }

  base::Status AddPattern(const std::string& pattern) {
    const auto found = FindMatches(pattern, PatternRoots(pattern), kPatternLimit);
    if (!found) return found.error();
    for (const std::string& path : *found) {
      // A match may be a symlink to a file of another name: that file is what is meant.
      const auto resolved = paths_.Resolve(path);
      hidden_.try_emplace(resolved ? resolved->real : path, false);
    }
    return {};
  }

  // Masks a file of the host at every place where a bind shows it; says whether there is one.
  base::Result<bool> Cover(const std::string& path, bool is_name) {
    const auto found = os::Stat(AT_FDCWD, path.c_str(), false);
    if (!found && !IsAbsent(found.error().value))
      return base::SystemError("hide " + path, found.error().value);
    bool is_covered = false;
    for (const Step& step : plan_.steps) {
      const auto* bind = std::get_if<BindMount>(&step);
      if (!bind || !IsWithin(path, bind->source)) continue;
      const std::string inside = Below(bind->target, path, bind->source);
      if (MountAbove(inside) != &step) continue;
      if (!found) {
        if (!bind->write || !bind->directory) continue;
        const auto can = bind->kept.empty() ? CanAppear(path) : true;
        if (!can) return can.error();
        if (!*can) continue;
      }
      is_covered = true;
      masks_.push_back(
          Mask{inside, found && S_ISDIR(found->st_mode), !found && !bind->kept.empty()});
      if (is_name && bind->write && path != bind->source) HoldName(path, *bind, found);
    }
    return is_covered;
  }

  // Whether the program could make a name. Without privilege it has the caller's rights, and may
  // change the mode of what the caller owns.
  static base::Result<bool> CanAppear(const std::string& path) {
    std::string existing(Parent(path));
    auto found = os::Stat(AT_FDCWD, existing.c_str(), false);
    while (!found && IsAbsent(found.error().value) && existing != "/") {
      existing = Parent(existing);
      found = os::Stat(AT_FDCWD, existing.c_str(), false);
    }
    if (!found) return base::SystemError("hide " + path, found.error().value);
    if (!S_ISDIR(found->st_mode)) return false;
    const auto can = os::CanMakeNames(existing.c_str());
    if (can) return true;
    if (can.error().value == EROFS) return false;
    if (can.error().value == EACCES && found->st_uid != ::geteuid()) return false;
    base::Error error = base::SystemError("hide " + path, can.error().value);
    error.text += fmt::format(
        " (it does not exist, and cannot be held: the mode of {} keeps us from making names there, "
        "and the program could change it)",
        base::Escape(existing));
    return error;
  }

  // Pins the way from the bind to the name, and asks for stubs. What exists may be the stub of
  // another sandbox, so it is listed too, where it could be one.
  void HoldName(const std::string& path, const BindMount& bind,
                const os::SysResult<struct stat>& found) {
    std::string inside = Below(bind.target, path, bind.source);
    for (std::string host(Parent(path)); host != bind.source; host = Parent(host)) {
      inside = Parent(inside);
      if (mounts_.contains(inside)) break;
      const bool make = !bind.kept.empty() && !os::Stat(AT_FDCWD, host.c_str(), false);
      pins_.emplace(inside, make);
      if (bind.kept.empty()) stubs_.insert({host, true});
    }
    if (!bind.kept.empty()) return;
    if (!found || (S_ISREG(found->st_mode) && found->st_size == 0)) stubs_.insert({path, false});
  }

  HostPaths& paths_;
  RootPlan& plan_;
  std::map<std::string, std::size_t, std::less<>> mounts_;  // target -> the last step there
  std::map<std::string, bool> hidden_;  // paths of the host; whether one was named, not matched
  std::map<std::string, bool> pins_;    // parents sort before what is in them; whether to make it
  std::vector<Step> masks_;
  std::set<Stub> stubs_;
};

}  // namespace

base::Status PlanMasks(const std::vector<std::string>& hide, HostPaths& paths, RootPlan& plan) {
  return Masker(paths, plan).Plan(hide);
}

}  // namespace bailey::sandbox
