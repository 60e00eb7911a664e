#include "audit/store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "audit/file_sink.h"
#include "os/file.h"

namespace bailey::audit {
namespace {

namespace fs = std::filesystem;

std::string SpoolOf(const std::string& directory) { return directory + "/spool"; }

// The oldest go first. What cannot be removed is left: the next one tries again.
void Trim(const std::string& directory, const SpoolLimits& limits) {
  std::vector<Spooled> files = SpooledIn(directory);
  std::uint64_t bytes = 0;
  for (const Spooled& one : files) bytes += one.size;
  const std::uint64_t room = limits.bytes - std::min(limits.bytes, 2 * limits.bytes_of_one);
  std::size_t left = files.size();
  for (const Spooled& one : files) {
    if (bytes <= room && left < limits.files) return;
    if (::unlink(one.path.c_str()) != 0) continue;
    bytes -= one.size;
    --left;
  }
}

class StoreSink : public Sink {
 public:
  StoreSink(std::string directory, std::string sandbox, const SpoolLimits& limits)
      : directory_(std::move(directory)), sandbox_(std::move(sandbox)), limits_(limits) {}

  std::string_view Name() const override { return "store"; }

  void Write(const Event& event) override {
    if (!file_ && fault_.empty()) Open();
    if (!file_) return Lose(fault_);
    const std::uint64_t before = file_->Lost();
    file_->Write(event);
    if (file_->Lost() != before) Lose(file_->LastFault());
  }

 private:
  void Open() {
    const std::string spool = SpoolOf(directory_);
    if (const auto made = MakePrivateDirectory(spool); !made) {
      fault_ = made.error().text;
      return;
    }
    Trim(directory_, limits_);
    auto file = OpenFileSink(fmt::format("{}/{}.jsonl", spool, sandbox_),
                             {.file_bytes = limits_.bytes_of_one, .old_files = 1});
    if (!file) {
      fault_ = file.error().text;
      return;
    }
    file_ = *std::move(file);
  }

  std::string directory_, sandbox_;
  SpoolLimits limits_;
  std::unique_ptr<Sink> file_;
  std::string fault_;
};

}  // namespace

base::Result<std::string> StoreDirectory(const StoreOwner& owner) {
  if (owner.state_home.starts_with('/')) return owner.state_home + "/bailey/audit";
  if (owner.is_root) return std::string("/var/lib/bailey/audit");
  if (owner.home.starts_with('/')) return owner.home + "/.local/state/bailey/audit";
  return base::Unsupported("find the audit store: neither HOME nor XDG_STATE_HOME says where");
}

base::Status MakePrivateDirectory(const std::string& path) {
  for (std::size_t end = 0; end != std::string::npos;) {
    end = path.find('/', end + 1);
    const std::string part = path.substr(0, end);
    const auto made = os::MakeDirectory(AT_FDCWD, part.c_str(), 0700);
    if (!made && made.error().value != EEXIST)
      return base::SystemError("make directory " + part, made.error().value);
  }
  const auto found = os::Stat(AT_FDCWD, path.c_str(), false);
  if (!found) return base::SystemError("look at directory " + path, found.error().value);
  const bool is_ours = S_ISDIR(found->st_mode) && found->st_uid == ::geteuid() &&
                       (found->st_mode & (S_IWGRP | S_IWOTH)) == 0;
  if (!is_ours)
    return base::InvalidInput(fmt::format(
        "use directory {}: it is a link, somebody else's, or others may write it", path));
  return {};
}

std::vector<Spooled> SpooledIn(const std::string& directory) {
  std::vector<Spooled> files;
  std::error_code error;
  for (fs::directory_iterator at(SpoolOf(directory), error), end; !error && at != end;
       at.increment(error)) {
    const std::string path = at->path().string();
    const auto found = os::Stat(AT_FDCWD, path.c_str(), false);
    if (!found || !S_ISREG(found->st_mode)) continue;
    files.push_back({path, static_cast<std::uint64_t>(found->st_size),
                     found->st_mtim.tv_sec * std::int64_t{1000000000} + found->st_mtim.tv_nsec});
  }
  std::ranges::sort(files, {}, [](const Spooled& one) { return std::pair(one.changed, one.path); });
  return files;
}

std::unique_ptr<Sink> MakeStoreSink(std::string directory, std::string sandbox,
                                    const SpoolLimits& limits) {
  return std::make_unique<StoreSink>(std::move(directory), std::move(sandbox), limits);
}

}  // namespace bailey::audit
