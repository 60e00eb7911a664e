#include "review/read_mounts.h"

#include <algorithm>
#include <optional>

#include "base/text.h"
#include "sandbox/host_path.h"

namespace bailey::review {
namespace {

// Blanks and the like are octal: "\040".
std::string Unescape(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto digit = [&](std::size_t at) {
      return at < text.size() && text[at] >= '0' && text[at] <= '7' ? text[at] - '0' : -1;
    };
    const int high = digit(i + 1), middle = digit(i + 2), low = digit(i + 3);
    if (text[i] == '\\' && high >= 0 && middle >= 0 && low >= 0) {
      plain += static_cast<char>(high * 64 + middle * 8 + low);
      i += 3;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

std::optional<MountRecord> ParseRecord(std::string_view text) {
  std::vector<std::string_view> fields = base::Split(text, ' ');
  // Optional fields stand before the lone hyphen.
  const auto hyphen = std::ranges::find(fields, "-");
  if (hyphen - fields.begin() < 6 || fields.end() - hyphen < 3) return std::nullopt;
  MountRecord record;
  record.id = static_cast<int>(base::ParseNumber(fields[0]).value_or(0));
  record.device = fields[2];
  record.root = Unescape(fields[3]);
  record.point = Unescape(fields[4]);
  record.options = fields[5];
  record.type = hyphen[1];
  if (fields.end() - hyphen > 3) record.superblock_options = hyphen[3];
  return record;
}

bool Has(std::string_view options, std::string_view option) {
  return std::ranges::count(base::Split(options, ','), option) > 0;
}

// File systems whose files are the kernel's, not somebody's.
bool IsOfTheKernel(std::string_view type) {
  constexpr std::string_view kTypes[] = {
      "proc",       "sysfs",       "cgroup",    "cgroup2", "devtmpfs",   "debugfs",  "tracefs",
      "securityfs", "configfs",    "bpf",       "pstore",  "efivarfs",   "fusectl",  "mqueue",
      "devpts",     "binfmt_misc", "hugetlbfs", "nsfs",    "rpc_pipefs", "selinuxfs"};
  return std::ranges::find(kTypes, type) != std::end(kTypes);
}

std::string HostPath(const MountRecord& mount, const std::vector<MountRecord>& host) {
  const MountRecord* best = nullptr;
  for (const MountRecord& one : host) {
    if (one.device != mount.device || !sandbox::IsWithin(mount.root, one.root)) continue;
    // What shows more of the file system names its files as people do.
    if (best == nullptr || one.root.size() < best->root.size()) best = &one;
  }
  if (best == nullptr) return {};
  const std::string below = best->root == "/" ? mount.root : mount.root.substr(best->root.size());
  if (below.empty() || below == "/") return best->point;
  return best->point == "/" ? below : best->point + below;
}

}  // namespace

std::vector<MountRecord> ParseMountRecords(std::string_view text) {
  std::vector<MountRecord> records;
  int line = 0;
  for (const std::string_view one : base::Split(text, '\n')) {
    ++line;
    if (auto record = ParseRecord(one)) {
      record->line = line;
      records.push_back(std::move(*record));
    }
  }
  return records;
}

std::vector<Mount> MountsOf(const std::vector<MountRecord>& own,
                            const std::vector<MountRecord>& host, const std::string& file) {
  std::vector<Mount> mounts;
  for (const MountRecord& record : own) {
    Mount mount;
    mount.from = HostPath(record, host);
    mount.to = record.point;
    mount.type = IsOfTheKernel(record.type) || mount.from.empty() ? record.type : "bind";
    mount.writable = Has(record.options, "rw") && !Has(record.superblock_options, "ro");
    mount.nosuid = Has(record.options, "nosuid");
    mount.nodev = Has(record.options, "nodev");
    mount.noexec = Has(record.options, "noexec");
    mount.recursive = false;
    mount.place = {file, record.line, 0, {}};
    mounts.push_back(std::move(mount));
  }
  return mounts;
}

}  // namespace bailey::review
