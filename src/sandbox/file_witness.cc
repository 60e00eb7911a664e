#include "sandbox/file_witness.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "os/file.h"
#include "sandbox/host_path.h"

namespace bailey::sandbox {
namespace {

constexpr std::size_t kMostPaths = 1000;
constexpr int kMostLinks = 40;  // fs/namei.c, MAXSYMLINKS

// The path with the plan's own links followed.
std::string Follow(const RootPlan& root, std::string path) {
  for (int links = 0; links < kMostLinks; ++links) {
    const MakeSymlink* on_the_way = nullptr;
    for (const Step& step : root.steps) {
      const auto* const link = std::get_if<MakeSymlink>(&step);
      if (link != nullptr && IsWithin(path, link->path)) on_the_way = link;
    }
    if (on_the_way == nullptr) return path;
    const std::string rest = path.substr(on_the_way->path.size());
    path = NormalPath(Parent(on_the_way->path), on_the_way->text + rest);
  }
  return path;
}

std::string_view AccessText(abi::PathUse use) {
  switch (use) {
    case abi::PathUse::kLook:
      return "look";
    case abi::PathUse::kRead:
    case abi::PathUse::kOpen:
      return "read";
    case abi::PathUse::kWrite:
      return "write";
    case abi::PathUse::kExecute:
      return "execute";
  }
  return "";
}

std::string_view ReasonText(Withholding withholding) {
  switch (withholding) {
    case Withholding::kNot:
      break;
    case Withholding::kHidden:
      return "hidden";
    case Withholding::kReadOnly:
      return "read-only";
    case Withholding::kNotShown:
      return "not shown";
  }
  return "";
}

// The entry of the policy that decides, as the plan has it: of a pattern, what it matched.
std::string OriginText(Withholding withholding, const Step* innermost) {
  const auto entry = [&](std::string_view key) {
    return fmt::format("[filesystem] {} {}", key,
                       innermost == nullptr ? "" : base::Escape(Target(*innermost)));
  };
  if (withholding == Withholding::kHidden) return entry("hide");
  if (innermost != nullptr && std::holds_alternative<ProcMount>(*innermost))
    return fmt::format("[filesystem]: {} is always read-only", Target(*innermost));
  const bool is_shown = withholding == Withholding::kReadOnly && innermost != nullptr &&
                        std::holds_alternative<BindMount>(*innermost);
  return is_shown ? entry("read") : "[filesystem]: no entry shows it";
}

// Whether a path below a /proc leads out of it, through a link that only the kernel can follow: an
// open file, a directory, or the program itself, of a task ("self/fd/1", "7/task/9/root/etc").
bool LeadsOutOfProc(std::string_view below) {
  constexpr std::string_view kLinks[] = {"cwd", "exe", "fd", "map_files", "root"};
  const auto names = base::Split(below, '/');  // the first is empty
  const std::size_t at = names.size() > 3 && names[2] == "task" ? 4 : 2;
  return at < names.size() && std::ranges::find(kLinks, names[at]) != std::end(kLinks);
}

// What of the plan a path is in, itself or below; null: nothing. `is_on_the_way`: to something that
// is shown.
const Step* Innermost(const RootPlan& root, const std::string& path, bool& is_on_the_way) {
  const Step* innermost = nullptr;
  is_on_the_way = path == "/";
  for (const Step& step : root.steps) {
    const std::string& target = Target(step);
    is_on_the_way |= IsWithin(target, path);
    if (std::holds_alternative<MakeSymlink>(step) || !IsWithin(path, target)) continue;
    if (innermost == nullptr || target.size() >= Target(*innermost).size()) innermost = &step;
  }
  return innermost;
}

// What is nowhere is not withheld: programs look for much that is not there. What they would make
// is.
bool IsOutside(const std::string& path, abi::PathUse use, Withholding judged) {
  const bool is_made = use == abi::PathUse::kWrite && judged == Withholding::kReadOnly;
  return is_made || os::Stat(AT_FDCWD, path.c_str(), false);
}

}  // namespace

std::string NormalPath(std::string_view at, std::string_view path) {
  std::vector<std::string_view> names;
  const auto add = [&](std::string_view text) {
    for (const std::string_view name : base::Split(text, '/')) {
      if (name.empty() || name == ".") continue;
      if (name != "..") {
        names.push_back(name);
      } else if (!names.empty()) {
        names.pop_back();
      }
    }
  };
  if (!path.starts_with('/')) add(at);
  add(path);
  std::string normal;
  for (const std::string_view name : names) normal.append("/").append(name);
  return normal.empty() ? "/" : normal;
}

std::optional<std::string> StartOf(const abi::PathArgument& argument, const bpf::SeccompData& call,
                                   std::int32_t task, std::string_view path) {
  if (path.starts_with('/')) return "/";
  std::string link = fmt::format("/proc/{}/cwd", task);
  if (argument.directory >= 0) {
    const auto fd =
        static_cast<std::int32_t>(call.args[static_cast<std::size_t>(argument.directory)]);
    if (fd != AT_FDCWD) link = fmt::format("/proc/{}/fd/{}", task, fd);
  }
  auto at = os::ReadLink(AT_FDCWD, link.c_str());
  if (!at || !at->starts_with('/')) return std::nullopt;
  return *std::move(at);
}

abi::PathUse UseOf(const abi::PathArgument& path, const bpf::SeccompData& data) {
  if (path.use != abi::PathUse::kOpen) return path.use;
  const std::uint64_t flags = data.args[path.flags];
  const bool changes = (flags & O_ACCMODE) != O_RDONLY || (flags & (O_CREAT | O_TRUNC)) != 0;
  return changes ? abi::PathUse::kWrite : abi::PathUse::kRead;
}

Withholding Judge(const RootPlan& root, const std::string& named, abi::PathUse use) {
  bool is_on_the_way = false;
  const std::string path = Follow(root, named);
  const Step* const innermost = Innermost(root, path, is_on_the_way);
  const bool writes = use == abi::PathUse::kWrite;
  if (innermost == nullptr) return Withholding::kNotShown;
  if (std::holds_alternative<Mask>(*innermost)) return Withholding::kHidden;
  if (const auto* const bind = std::get_if<BindMount>(innermost))
    return writes && !bind->write && !bind->device ? Withholding::kReadOnly : Withholding::kNot;
  if (const auto* const proc = std::get_if<ProcMount>(innermost)) {
    const bool is_its_own = !LeadsOutOfProc(path.substr(proc->target.size()));
    return writes && is_its_own ? Withholding::kReadOnly : Withholding::kNot;
  }
  const auto* const tmpfs = std::get_if<TmpfsMount>(innermost);
  const bool is_skeleton = (tmpfs != nullptr && tmpfs->seal) ||
                           std::holds_alternative<MakeDirectory>(*innermost) ||
                           std::holds_alternative<MakeFile>(*innermost);
  if (!is_skeleton) return Withholding::kNot;
  if (!is_on_the_way) return Withholding::kNotShown;
  return writes ? Withholding::kReadOnly : Withholding::kNot;
}

audit::Event FileWitness::Note(std::string_view call, const std::string& path, abi::PathUse use,
                               Withholding judged) {
  ++total_;
  const std::string access(AccessText(use)), reason(ReasonText(judged));
  const auto key = std::tuple(base::Escape(path), access, reason);
  if (counts_.contains(key) || counts_.size() < kMostPaths) ++counts_[key];
  bool is_on_the_way = false;
  const Step* const innermost = Innermost(root_, Follow(root_, path), is_on_the_way);
  audit::Event event = {.decision = audit::Decision::kDenied,
                        .rule = audit::Rule{OriginText(judged, innermost), ""}};
  event.detail = audit::FileAccess{std::string(call), base::Escape(path), access, reason};
  return event;
}

std::optional<audit::Event> FileWitness::Look(const bpf::SeccompData& call, std::int32_t task,
                                              const audit::Memory& memory) {
  const std::string_view name = audit::NameOf(call);
  for (const abi::PathArgument& argument : abi::PathsOf(name)) {
    const auto text = audit::ReadPath(memory, call.args[argument.path]);
    if (!text || text->empty()) continue;
    const auto start = StartOf(argument, call, task, *text);
    if (!start) continue;
    const std::string path = NormalPath(*start, *text);
    const abi::PathUse use = UseOf(argument, call);
    const Withholding judged = Judge(root_, path, use);
    if (judged == Withholding::kNot || !IsOutside(path, use, judged)) continue;
    return Note(name, path, use, judged);
  }
  return std::nullopt;
}

std::optional<audit::Event> FileWitness::LookInMachine(const bpf::SeccompData& call,
                                                       const Names& names) {
  const std::string_view name = audit::NameOf(call);
  for (const abi::PathArgument& argument : abi::PathsOf(name)) {
    const auto named = names(argument);
    if (!named || !named->path.starts_with('/')) continue;
    const std::string path = NormalPath("/", named->path);
    const abi::PathUse use = UseOf(argument, call);
    Withholding judged = Judge(root_, path, use);
    // What the image has is shown, and never to be changed.
    if (named->is_there && judged != Withholding::kNot)
      judged = use == abi::PathUse::kWrite ? Withholding::kReadOnly : Withholding::kNot;
    if (judged == Withholding::kNot || !IsOutside(path, use, judged)) continue;
    return Note(name, path, use, judged);
  }
  return std::nullopt;
}

std::vector<WithheldFile> FileWitness::Withheld() const {
  std::vector<WithheldFile> files;
  for (const auto& [key, count] : counts_)
    files.push_back({std::get<0>(key), std::get<1>(key), std::get<2>(key), count});
  std::ranges::stable_sort(files, std::greater(), &WithheldFile::count);
  return files;
}

}  // namespace bailey::sandbox
