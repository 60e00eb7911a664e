#include "sandbox/stubs.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "base/text.h"
#include "os/file.h"
#include "sandbox/host_path.h"
#include "sandbox/state.h"

namespace bailey::sandbox {
namespace {

constexpr const char* kState = "stubs";
constexpr unsigned kFileMode = 0444;
constexpr unsigned kDirectoryMode = 0755;
constexpr std::size_t kRecordLimit = 1 << 20;
// Behind the last entry. A record without it was never finished, and nothing was made for it.
constexpr std::string_view kEnd = "end";

// A line of a record: "f 00000000000000001234 /ws/.env", ended by a null byte. The inode is 0 until
// the stub is there.
struct Entry {
  std::string path;
  bool directory = false;
  std::uint64_t inode = 0;
};

std::string ToText(const std::vector<Entry>& entries) {
  std::string text;
  for (const Entry& entry : entries) {
    text += fmt::format("{} {:020} {}", entry.directory ? 'd' : 'f', entry.inode, entry.path);
    text += '\0';
  }
  return text += kEnd;
}

std::vector<Entry> Parse(std::string_view text) {
  std::vector<Entry> entries;
  if (!text.ends_with(kEnd)) return entries;
  text.remove_suffix(kEnd.size());
  constexpr std::size_t kPathAt = 23;
  for (const std::string_view line : base::Split(text, '\0')) {
    if (line.size() <= kPathAt || line[kPathAt] != '/') continue;
    std::string_view number = line.substr(2, 20);
    number.remove_prefix(std::min(number.find_first_not_of('0'), number.size() - 1));
    entries.push_back({std::string(line.substr(kPathAt)), line.front() == 'd',
                       base::ParseNumber(number).value_or(0)});
  }
  return entries;
}

const char* Name(const std::string& path) { return path.c_str() + path.rfind('/') + 1; }

os::SysResult<base::UniqueFd> OpenParent(const std::string& path) {
  return os::OpenWithoutLinks(AT_FDCWD, std::string(Parent(path)).c_str(), O_PATH | O_DIRECTORY);
}

bool IsOurs(const Entry& entry, const struct stat& found) {
  if (entry.inode != 0 && entry.inode != found.st_ino) return false;
  if (entry.directory) return S_ISDIR(found.st_mode);
  return S_ISREG(found.st_mode) && found.st_size == 0 && found.st_nlink == 1 &&
         (found.st_mode & 07777 & ~kFileMode) == 0;
}

// True when the stub is gone, or is none any more; false when it has to stay for now.
bool Remove(const Entry& entry, std::vector<std::string>& removed) {
  const auto is_gone = [](int error) {
    return error == ENOENT || error == ENOTDIR || error == ELOOP;
  };
  const auto parent = OpenParent(entry.path);
  if (!parent) return is_gone(parent.error().value);
  const char* const name = Name(entry.path);
  const auto found = os::Stat(parent->Get(), name, false);
  if (!found) return is_gone(found.error().value);
  if (!IsOurs(entry, *found)) return true;
  const auto opened = os::Open(parent->Get(), name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  if (opened) {
    const auto locked = os::TryLock(opened->Get(), os::Lock::kExclusive);
    if (!locked || !*locked) return false;
  }
  const auto done = entry.directory ? os::RemoveDirectory(parent->Get(), name)
                                    : os::RemoveFile(parent->Get(), name);
  if (done) removed.push_back(entry.path);
  // Somebody has put something into the directory, which is theirs now.
  return done || is_gone(done.error().value) || done.error().value == ENOTEMPTY ||
         done.error().value == EEXIST;
}

// The records of one place. Whoever reads or changes them holds this lock.
class Records {
 public:
  static os::SysResult<Records> Lock(base::UniqueFd directory) {
    Records records(std::move(directory));
    if (const auto locked = os::WaitForLock(records.directory_.Get(), os::Lock::kExclusive);
        !locked)
      return std::unexpected(locked.error());
    return records;
  }

  // Removes what nobody uses any more; remembers what somebody does.
  os::SysResult<std::vector<std::string>> Collect() {
    const auto names = os::Names(directory_.Get());
    if (!names) return std::unexpected(names.error());
    struct Dead {
      std::string name;
      std::vector<Entry> entries;
    };
    std::vector<Dead> dead;
    for (const std::string& name : *names) {
      const auto record = os::Open(directory_.Get(), name.c_str(), O_RDONLY | O_NOFOLLOW);
      if (!record) return std::unexpected(record.error());
      const auto unused = os::TryLock(record->Get(), os::Lock::kExclusive);
      if (!unused) return std::unexpected(unused.error());
      const auto text = os::ReadFile(directory_.Get(), name.c_str(), kRecordLimit);
      if (!text) return std::unexpected(text.error());
      std::vector<Entry> entries = Parse(*text);
      if (*unused) {
        dead.push_back({name, std::move(entries)});
      } else {
        for (Entry& entry : entries) used_.insert(std::move(entry.path));
      }
    }
    std::vector<std::string> removed;
    for (const Dead& one : dead) {
      bool done = true;
      // Parents stand before what is in them.
      for (auto entry = one.entries.rbegin(); entry != one.entries.rend(); ++entry)
        if (!used_.contains(entry->path)) done = Remove(*entry, removed) && done;
      if (done) (void)os::RemoveFile(directory_.Get(), one.name.c_str());
    }
    return removed;
  }

  bool IsUsed(const std::string& path) const { return used_.contains(path); }

  os::SysResult<base::UniqueFd> Write(const std::vector<Entry>& entries) const {
    for (int number = 0;; ++number) {
      const std::string name = fmt::format("{}-{}", ::getpid(), number);
      constexpr int kFlags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;
      auto record = os::Open(directory_.Get(), name.c_str(), kFlags, 0600);
      if (!record && record.error().value == EEXIST) continue;
      if (!record) return record;
      if (const auto filled = Fill(record->Get(), name, entries); !filled) {
        (void)os::RemoveFile(directory_.Get(), name.c_str());
        return std::unexpected(filled.error());
      }
      return record;
    }
  }

 private:
  explicit Records(base::UniqueFd directory) : directory_(std::move(directory)) {}

  // Nobody collects while this holds the lock of all records, so half a one is seen by none.
  os::SysStatus Fill(int record, const std::string& name, const std::vector<Entry>& entries) const {
    if (const auto set = os::ChangeMode(directory_.Get(), name.c_str(), 0600); !set) return set;
    if (const auto locked = os::TryLock(record, os::Lock::kShared); !locked)
      return std::unexpected(locked.error());
    return os::WriteAll(record, ToText(entries));
  }

  base::UniqueFd directory_;
  std::set<std::string, std::less<>> used_;
};

os::SysResult<base::UniqueFd> MakeStub(const Stub& stub) {
  const auto parent = OpenParent(stub.path);
  if (!parent) return std::unexpected(parent.error());
  const char* const name = Name(stub.path);
  if (stub.directory) {
    if (const auto made = os::MakeDirectory(parent->Get(), name, kDirectoryMode); !made)
      return std::unexpected(made.error());
  }
  const int flags = stub.directory ? O_RDONLY | O_DIRECTORY : O_RDONLY | O_CREAT | O_EXCL;
  auto made = os::Open(parent->Get(), name, flags | O_NOFOLLOW, kFileMode);
  if (!made) return made;
  // Whatever the caller's umask: other users' sandboxes must be able to lock it.
  const unsigned mode = stub.directory ? kDirectoryMode : kFileMode;
  if (auto set = os::ChangeMode(made->Get(), mode); !set) return std::unexpected(set.error());
  if (::geteuid() == 0) {
    // What root makes in somebody's directory is theirs, to remove and to use.
    const auto above = os::StatFd(parent->Get());
    if (!above) return std::unexpected(above.error());
    const auto given = os::ChangeOwner(made->Get(), above->st_uid, above->st_gid);
    if (!given) return std::unexpected(given.error());
  }
  return made;
}

// Opens what is there, or makes it, and locks it for sharing. A descriptor that is not open: it is
// somebody else's, and cannot be locked.
os::SysResult<base::UniqueFd> Hold(const Stub& stub) {
  constexpr int kFlags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK;
  for (;;) {
    auto opened = os::OpenWithoutLinks(AT_FDCWD, stub.path.c_str(), kFlags);
    if (!opened && opened.error().value == ENOENT) {
      opened = MakeStub(stub);
      if (!opened && opened.error().value == EEXIST) continue;
      if (!opened) return opened;
    }
    if (!opened && opened.error().value == EACCES) return base::UniqueFd();
    if (!opened) return opened;
    if (const auto locked = os::WaitForLock(opened->Get(), os::Lock::kShared); !locked)
      return std::unexpected(locked.error());
    // Another user's sandbox may have removed it while it was not locked.
    const auto held = os::StatFd(opened->Get());
    if (!held) return std::unexpected(held.error());
    const auto found = os::Stat(AT_FDCWD, stub.path.c_str(), false);
    if (found && found->st_ino == held->st_ino && found->st_dev == held->st_dev) return opened;
    if (!found && found.error().value != ENOENT) return std::unexpected(found.error());
  }
}

base::Error CannotHold(const std::string& path, os::Errno error) {
  return base::SystemError(fmt::format("hide {}", base::Escape(path)), error.value);
}

}  // namespace

base::Result<Stubs> Stubs::Make(const std::vector<Stub>& plan) {
  Stubs stubs;
  if (plan.empty()) return stubs;
  auto directory = OpenState(kState);
  if (!directory) return directory.error();
  auto copy = os::Open(directory->Get(), ".", O_RDONLY | O_DIRECTORY);
  if (!copy) return base::SystemError("open the records of stubs", copy.error().value);
  stubs.directory_ = *std::move(copy);
  auto records = Records::Lock(*std::move(directory));
  if (!records) return base::SystemError("lock the records of stubs", records.error().value);
  if (const auto collected = records->Collect(); !collected)
    return base::SystemError("look through the records of stubs", collected.error().value);
  std::vector<Entry> entries;
  for (const Stub& stub : plan) {
    const auto found = os::Stat(AT_FDCWD, stub.path.c_str(), false);
    if (!found && found.error().value != ENOENT) return CannotHold(stub.path, found.error());
    if (!found || records->IsUsed(stub.path)) entries.push_back({stub.path, stub.directory, 0});
  }
  if (!entries.empty()) {
    auto record = records->Write(entries);
    if (!record) return base::SystemError("write a record of stubs", record.error().value);
    stubs.record_ = *std::move(record);
  }
  for (const Stub& stub : plan) {
    auto held = Hold(stub);
    if (!held) return CannotHold(stub.path, held.error());
    if (!held->IsOpen()) continue;
    const auto entry = std::ranges::find(entries, stub.path, &Entry::path);
    if (entry != entries.end()) {
      const auto found = os::StatFd(held->Get());
      if (!found) return CannotHold(stub.path, found.error());
      entry->inode = found->st_ino;
    }
    stubs.held_.push_back(*std::move(held));
  }
  if (stubs.record_.IsOpen()) {
    const auto written = os::RewriteAll(stubs.record_.Get(), ToText(entries));
    if (!written) return base::SystemError("write a record of stubs", written.error().value);
  }
  return stubs;
}

Stubs::~Stubs() {
  if (!record_.IsOpen()) return;
  auto records = Records::Lock(std::move(directory_));
  if (!records) return;
  held_.clear();
  record_.Reset();
  // What could not be removed stays written down, for a later start or `bailey gc`.
  (void)records->Collect();
}

base::Result<std::vector<std::string>> CollectStubs() {
  std::vector<std::string> all;
  for (base::UniqueFd& directory : FindState(kState)) {
    auto records = Records::Lock(std::move(directory));
    if (!records) return base::SystemError("lock the records of stubs", records.error().value);
    auto removed = records->Collect();
    if (!removed)
      return base::SystemError("look through the records of stubs", removed.error().value);
    std::ranges::move(*removed, std::back_inserter(all));
  }
  return all;
}

}  // namespace bailey::sandbox
