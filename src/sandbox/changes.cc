#include "sandbox/changes.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

#include "base/text.h"
#include "os/file.h"
#include "os/tree.h"
#include "sandbox/host_path.h"
#include "sandbox/kept.h"

namespace bailey::sandbox {
namespace {

constexpr std::size_t kTextLimit = 1 << 20;

base::Error Cannot(std::string_view verb, const std::string& path, os::Errno error) {
  return base::SystemError(fmt::format("{} {}", verb, base::Escape(path)), error.value);
}

// The kernel's mark of a name that is gone (Documentation/filesystems/overlayfs.rst).
bool IsWhiteout(const struct stat& found) {
  return S_ISCHR(found.st_mode) && found.st_rdev == makedev(0, 0);
}

Change::Type TypeOf(const struct stat& found) {
  if (S_ISREG(found.st_mode)) return Change::Type::kFile;
  if (S_ISDIR(found.st_mode)) return Change::Type::kDirectory;
  if (S_ISLNK(found.st_mode)) return Change::Type::kSymlink;
  return Change::Type::kOther;
}

base::Result<KeptLayer> OpenLayer(int top, const std::string& path, const std::string& name) {
  const auto directory = os::Open(top, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (!directory) return Cannot("open", path, directory.error());
  const auto text = os::ReadFile(directory->Get(), "source", kTextLimit);
  if (!text) return Cannot("read", path + "/source", text.error());
  const auto words = base::Split(*text, ' ');
  const auto number = [&](std::size_t i) {
    return i < words.size() ? base::ParseNumber(words[i]) : std::nullopt;
  };
  const auto device = number(0), inode = number(1), since = number(2);
  const std::size_t at = text->find('/');
  if (!device || !inode || !since || at == std::string::npos)
    return base::InvalidInput(fmt::format("read {}/source: it is damaged", base::Escape(path)));
  KeptLayer layer;
  layer.source = text->substr(at);
  layer.upper = path + "/upper";
  layer.since = static_cast<std::int64_t>(*since);
  const auto held = os::ReadFile(directory->Get(), "held", kTextLimit);
  if (!held) return Cannot("read", path + "/held", held.error());
  for (const std::string_view one : base::Split(*held, '\0'))
    if (!one.empty()) layer.held.emplace_back(one);
  auto upper = os::Open(directory->Get(), "upper", O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (!upper) return Cannot("open", layer.upper, upper.error());
  auto lower = os::OpenWithoutLinks(AT_FDCWD, layer.source.c_str(), O_RDONLY | O_DIRECTORY);
  if (!lower) return Cannot("open", layer.source, lower.error());
  const auto found = os::StatFd(lower->Get());
  if (!found) return Cannot("look at", layer.source, found.error());
  if (found->st_dev != *device || found->st_ino != *inode) {
    return base::InvalidInput(fmt::format("open {}: it is not the directory that was covered",
                                          base::Escape(layer.source)));
  }
  layer.upper_fd = *std::move(upper);
  layer.lower_fd = *std::move(lower);
  return layer;
}

// Walks an upper layer beside what it covers.
class Lister {
 public:
  Lister(const KeptLayer& layer, std::size_t number) : layer_(layer), number_(number) {}

  base::Result<std::vector<Change>> List() {
    if (const auto walked = Walk(layer_.upper_fd.Get(), layer_.lower_fd.Get(), ""); !walked)
      return walked.error();
    return std::move(changes_);
  }

 private:
  base::Status Walk(int upper, int lower, const std::string& prefix) {
    const auto names = os::Names(upper);
    if (!names) return Cannot("look into", layer_.upper + "/" + prefix, names.error());
    if (lower >= 0 && os::IsOpaque(upper)) {
      if (const auto deleted = DeleteOthers(*names, lower, prefix); !deleted) return deleted;
    }
    for (const std::string& name : *names)
      if (const auto seen = See(upper, lower, name, prefix + name); !seen) return seen;
    return {};
  }

  // What an opaque directory does not have again is gone.
  base::Status DeleteOthers(const std::vector<std::string>& kept, int lower,
                            const std::string& prefix) {
    const auto names = os::Names(lower);
    if (!names) return Cannot("look into", layer_.source + "/" + prefix, names.error());
    for (const std::string& name : *names) {
      if (std::ranges::binary_search(kept, name)) continue;
      const auto found = os::Stat(lower, name.c_str(), false);
      if (found) Add(Change::Kind::kDeleted, *found, &*found, prefix + name);
    }
    return {};
  }

  base::Status See(int upper, int lower, const std::string& name, const std::string& path) {
    const auto is = os::Stat(upper, name.c_str(), false);
    if (!is) return Cannot("look at", layer_.upper + "/" + path, is.error());
    std::optional<struct stat> was;
    if (lower >= 0) {
      const auto found = os::Stat(lower, name.c_str(), false);
      if (found) was = *found;
      if (!found && found.error().value != ENOENT)
        return Cannot("look at", layer_.source + "/" + path, found.error());
    }
    if (IsWhiteout(*is)) {
      if (was) Add(Change::Kind::kDeleted, *was, &*was, path);
      return {};
    }
    if (!was && IsHeld(path, *is, upper, name)) return {};
    const bool same_type = was && (was->st_mode & S_IFMT) == (is->st_mode & S_IFMT);
    if (!was) {
      Add(Change::Kind::kAdded, *is, nullptr, path);
    } else if (!same_type) {
      Add(Change::Kind::kChanged, *is, &*was, path);
    } else {
      const auto differs = Differs(upper, lower, name, *is, *was, path);
      if (!differs) return differs.error();
      if (*differs) Add(Change::Kind::kChanged, *is, &*was, path);
    }
    if (!S_ISDIR(is->st_mode)) return {};
    return Enter(upper, same_type ? lower : -1, name, path);
  }

  base::Status Enter(int upper, int lower, const std::string& name, const std::string& path) {
    constexpr int kFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
    const auto above = os::Open(upper, name.c_str(), kFlags);
    if (!above) return Cannot("open", layer_.upper + "/" + path, above.error());
    if (lower < 0) return Walk(above->Get(), -1, path + "/");
    const auto below = os::Open(lower, name.c_str(), kFlags);
    if (!below) return Cannot("open", layer_.source + "/" + path, below.error());
    return Walk(above->Get(), below->Get(), path + "/");
  }

  // Made by the launcher, to be masked.
  bool IsHeld(const std::string& path, const struct stat& is, int upper,
              const std::string& name) const {
    if (std::ranges::count(layer_.held, path) == 0) return false;
    if (S_ISREG(is.st_mode)) return is.st_size == 0;
    if (!S_ISDIR(is.st_mode)) return false;
    const auto opened = os::Open(upper, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    const auto names = opened ? os::Names(opened->Get()) : std::vector<std::string>{""};
    return names && std::ranges::all_of(*names, [&](const std::string& one) {
             const auto found = os::Stat(opened->Get(), one.c_str(), false);
             return found && IsHeld(path + "/" + one, *found, opened->Get(), one);
           });
  }

  base::Result<bool> Differs(int upper, int lower, const std::string& name, const struct stat& is,
                             const struct stat& was, const std::string& path) const {
    if ((is.st_mode & 07777) != (was.st_mode & 07777)) return true;
    if (S_ISLNK(is.st_mode)) {
      const auto new_text = os::ReadLink(upper, name.c_str());
      const auto old_text = os::ReadLink(lower, name.c_str());
      return !new_text || !old_text || *new_text != *old_text;
    }
    if (!S_ISREG(is.st_mode)) return false;
    if (is.st_size != was.st_size) return true;
    const auto same = os::HaveSameBytes(upper, lower, name.c_str());
    if (!same) return Cannot("compare", layer_.source + "/" + path, same.error());
    return !*same;
  }

  void Add(Change::Kind kind, const struct stat& of, const struct stat* was, std::string path) {
    const bool conflict =
        was && was->st_ctim.tv_sec * 1'000'000'000 + was->st_ctim.tv_nsec >= layer_.since;
    changes_.push_back({kind, TypeOf(of), number_, std::move(path), conflict});
  }

  const KeptLayer& layer_;
  std::size_t number_;
  std::vector<Change> changes_;
};

class Applier {
 public:
  explicit Applier(const KeptLayer& layer) : layer_(layer) {}

  base::Status Apply(const Change& change) {
    const std::size_t slash = change.path.rfind('/');
    const bool at_top = slash == std::string::npos;
    const std::string parent = at_top ? "." : change.path.substr(0, slash);
    name_ = at_top ? change.path : change.path.substr(slash + 1);
    auto to = os::OpenBeneath(layer_.lower_fd.Get(), parent.c_str(), O_RDONLY | O_DIRECTORY);
    if (!to) return Failed(change, to.error());
    to_ = *std::move(to);
    if (change.kind == Change::Kind::kDeleted)
      return Done(change, os::RemoveTree(to_.Get(), name_));
    auto from = os::OpenBeneath(layer_.upper_fd.Get(), parent.c_str(), O_RDONLY | O_DIRECTORY);
    if (!from) return Failed(change, from.error());
    from_ = *std::move(from);
    switch (change.type) {
      case Change::Type::kDirectory:
        return Done(change, ApplyDirectory());
      case Change::Type::kFile:
      case Change::Type::kSymlink:
        return Done(change, ApplyFile(change.type));
      case Change::Type::kOther:
        break;
    }
    return base::Unsupported(fmt::format("apply {}/{}: it is no file, directory or symlink",
                                         base::Escape(layer_.source), base::Escape(change.path)));
  }

 private:
  base::Error Failed(const Change& change, os::Errno error) const {
    return Cannot("apply", layer_.source + "/" + change.path, error);
  }
  base::Status Done(const Change& change, const os::SysStatus& done) const {
    if (!done) return Failed(change, done.error());
    return {};
  }

  os::SysStatus ApplyDirectory() {
    const auto is = os::Stat(from_.Get(), name_.c_str(), false);
    if (!is) return std::unexpected(is.error());
    const auto there = os::Stat(to_.Get(), name_.c_str(), false);
    if (there && !S_ISDIR(there->st_mode)) {
      if (const auto gone = os::RemoveFile(to_.Get(), name_.c_str()); !gone) return gone;
    }
    if (!there || !S_ISDIR(there->st_mode)) {
      if (const auto made = os::MakeDirectory(to_.Get(), name_.c_str(), 0700); !made) return made;
    }
    const auto opened = os::Open(to_.Get(), name_.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (!opened) return std::unexpected(opened.error());
    return GiveAttributes(opened->Get(), *is);
  }

  // Made beside, complete, and then moved to its name in one step.
  os::SysStatus ApplyFile(Change::Type type) {
    const auto there = os::Stat(to_.Get(), name_.c_str(), false);
    const std::string beside = fmt::format(".bailey-apply-{}", ::getpid());
    const auto made = type == Change::Type::kSymlink ? CopyLink(beside) : CopyFile(beside);
    if (!made) return made;
    if (there && S_ISDIR(there->st_mode)) {
      if (const auto gone = os::RemoveTree(to_.Get(), name_); !gone) return gone;
    }
    const auto moved = os::RenameAt(to_.Get(), beside.c_str(), to_.Get(), name_.c_str());
    if (!moved) (void)os::RemoveFile(to_.Get(), beside.c_str());
    return moved;
  }

  os::SysStatus CopyLink(const std::string& beside) {
    const auto text = os::ReadLink(from_.Get(), name_.c_str());
    if (!text) return std::unexpected(text.error());
    return os::MakeSymlink(text->c_str(), to_.Get(), beside.c_str());
  }

  os::SysStatus CopyFile(const std::string& beside) {
    const auto from = os::Open(from_.Get(), name_.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    if (!from) return std::unexpected(from.error());
    const auto is = os::StatFd(from->Get());
    if (!is) return std::unexpected(is.error());
    if (!S_ISREG(is->st_mode)) return os::Fail(ESTALE);
    constexpr int kFlags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;
    const auto to = os::Open(to_.Get(), beside.c_str(), kFlags, 0600);
    if (!to) return std::unexpected(to.error());
    auto copied = os::CopyBytes(from->Get(), to->Get());
    if (copied) copied = GiveAttributes(to->Get(), *is);
    if (!copied) (void)os::RemoveFile(to_.Get(), beside.c_str());
    return copied;
  }

  // Never the bits that give their next user power.
  static os::SysStatus GiveAttributes(int fd, const struct stat& is) {
    if (::geteuid() == 0) {
      if (const auto given = os::ChangeOwner(fd, is.st_uid, is.st_gid); !given) return given;
    }
    return os::ChangeMode(fd, is.st_mode & 01777);
  }

  const KeptLayer& layer_;
  base::UniqueFd from_, to_;
  std::string name_;
};

}  // namespace

base::Result<std::vector<std::string>> ListKept() {
  const auto place = KeptPlace();
  if (!place) return place.error();
  const auto directory = os::Open(AT_FDCWD, place->c_str(), O_RDONLY | O_DIRECTORY);
  if (!directory && directory.error().value == ENOENT) return std::vector<std::string>();
  if (!directory) return Cannot("open", *place, directory.error());
  auto names = os::Names(directory->Get());
  if (!names) return Cannot("look into", *place, names.error());
  return *std::move(names);
}

base::Result<KeptChanges> OpenKept(const std::string& name) {
  const auto place = KeptPlace();
  if (!place) return place.error();
  const bool is_name = !name.empty() && name.size() < 64 &&
                       name.find_first_not_of("0123456789abcdef-") == std::string::npos;
  const auto top = is_name ? os::Open(AT_FDCWD, (*place + "/" + name).c_str(),
                                      O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
                           : os::SysResult<base::UniqueFd>(os::Fail(ENOENT));
  if (!top && top.error().value == ENOENT)
    return base::InvalidInput(
        fmt::format("open changes \"{}\": there are none of this name", base::Escape(name)));
  if (!top) return Cannot("open changes", name, top.error());
  KeptChanges kept;
  kept.path = *place + "/" + name;
  auto lock = os::Copy(top->Get());
  if (!lock) return Cannot("open changes", name, lock.error());
  const auto locked = os::TryLock(lock->Get(), os::Lock::kExclusive);
  if (!locked) return Cannot("open changes", name, locked.error());
  if (!*locked)
    return base::InvalidInput(fmt::format("open changes {}: their sandbox still runs", name));
  kept.lock = *std::move(lock);
  const auto names = os::Names(top->Get());
  if (!names) return Cannot("look into", kept.path, names.error());
  for (const std::string& one : *names) {
    auto layer = OpenLayer(top->Get(), kept.path + "/" + one, one);
    if (!layer) return layer.error();
    kept.layers.push_back(*std::move(layer));
  }
  return kept;
}

base::Result<std::vector<Change>> ListChanges(const KeptChanges& kept) {
  std::vector<Change> all;
  for (std::size_t i = 0; i < kept.layers.size(); ++i) {
    auto changes = Lister(kept.layers[i], i).List();
    if (!changes) return changes.error();
    std::ranges::move(*changes, std::back_inserter(all));
  }
  return all;
}

base::Status ApplyChanges(const KeptChanges& kept, const std::vector<Change>& changes) {
  for (const Change& change : changes)
    if (const auto done = Applier(kept.layers.at(change.layer)).Apply(change); !done) return done;
  return {};
}

base::Status DropKept(KeptChanges kept) {
  const auto parent =
      os::Open(AT_FDCWD, std::string(Parent(kept.path)).c_str(), O_RDONLY | O_DIRECTORY);
  if (!parent) return Cannot("drop", kept.path, parent.error());
  const auto gone = os::RemoveTree(parent->Get(), kept.path.substr(kept.path.rfind('/') + 1));
  if (!gone) return Cannot("drop", kept.path, gone.error());
  return {};
}

}  // namespace bailey::sandbox
