// A running process: what the kernel says of it in /proc, and its filters by ptrace.
#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "abi/arch.h"
#include "base/text.h"
#include "bpf/program.h"
#include "os/file.h"
#include "os/filters.h"
#include "review/read.h"
#include "review/read_descriptors.h"
#include "review/read_mounts.h"
#include "review/sight.h"
#include "review/ways_out.h"
#include "sandbox/readback.h"

namespace bailey::review {
namespace {

constexpr std::size_t kLimit = 8 << 20;

struct NamespaceName {
  Namespace name;
  const char* link;
};
constexpr NamespaceName kLinks[] = {
    {Namespace::kUser, "ns/user"},     {Namespace::kMount, "ns/mnt"}, {Namespace::kPid, "ns/pid"},
    {Namespace::kNetwork, "ns/net"},   {Namespace::kIpc, "ns/ipc"},   {Namespace::kUts, "ns/uts"},
    {Namespace::kCgroup, "ns/cgroup"}, {Namespace::kTime, "ns/time"},
};

std::string Reason(int number) {
  if (number == EACCES || number == EPERM)
    return "this needs the same user, or CAP_SYS_PTRACE over its user namespace";
  return base::SystemError("", number).text.substr(2);
}

int LineOf(std::string_view text, std::string_view key) {
  int line = 0;
  for (const std::string_view one : base::Split(text, '\n')) {
    ++line;
    if (one.starts_with(key)) return line;
  }
  return 0;
}

class Reader {
 public:
  explicit Reader(int pid) : pid_(pid), directory_name_(fmt::format("/proc/{}", pid)) {}

  base::Result<Subject> Read();

 private:
  std::string FileName(std::string_view name) const {
    return fmt::format("{}/{}", directory_name_, name);
  }
  base::Error Ended() const {
    return base::InvalidInput(fmt::format("read process {}: it has ended", pid_));
  }
  void NotRead(std::string_view what, int number) {
    if (number == ESRCH) has_ended_ = true;
    result_.not_read.push_back(fmt::format("{}: {}", what, Reason(number)));
  }
  // Empty where it cannot be read.
  std::optional<std::string> File(const char* name) {
    auto text = os::ReadFile(directory_.Get(), name, kLimit);
    if (text) return *std::move(text);
    NotRead(name, text.error().value);
    return std::nullopt;
  }

  void ReadStatus(std::string_view text);
  void ReadNamespaces();
  void ReadMounts();
  void ReadSession();
  void ReadEnvironment();
  void ReadFilters(Subject& subject);
  void LookForWaysOut();

  int pid_;
  std::string directory_name_;
  base::UniqueFd directory_;
  Confinement result_;
  std::set<int> mount_ids_;
  bool has_ended_ = false;
};

base::Result<Subject> Reader::Read() {
  auto opened = os::Open(AT_FDCWD, directory_name_.c_str(), O_PATH | O_DIRECTORY);
  if (pid_ <= 0 || !opened)
    return base::InvalidInput(fmt::format("read process {}: there is no such process", pid_));
  directory_ = *std::move(opened);
  const auto status = os::ReadFile(directory_.Get(), "status", kLimit);
  if (!status) return Ended();
  result_.process = pid_;
  result_.place = {FileName("status"), 0, 0, {}};
  result_.landlock = Known::kUnknown;
  ReadStatus(*status);
  if (has_ended_) return Ended();
  ReadNamespaces();
  ReadMounts();
  ReadSession();
  ReadEnvironment();
  auto descriptors = ReadDescriptors(directory_.Get(), mount_ids_, result_);
  if (descriptors) {
    result_.descriptors = *std::move(descriptors);
  } else {
    NotRead("fd", descriptors.error().value);
  }
  LookForWaysOut();
  Subject subject;
  subject.title = fmt::format("process {}", pid_);
  subject.file = directory_name_;
  ReadFilters(subject);
  // What was read after its end is worth nothing.
  if (has_ended_ || !os::ReadFile(directory_.Get(), "status", kLimit)) return Ended();
  subject.confinement = std::move(result_);
  return subject;
}

void Reader::ReadStatus(std::string_view text) {
  const auto status = sandbox::ParseStatus(text);
  const auto get = [&](const std::string& key) {
    const auto found = status.find(key);
    return found == status.end() ? std::string() : found->second;
  };
  const auto place = [&](std::string_view key) {
    return Place{FileName("status"), LineOf(text, key), 0, {}};
  };
  // A zombie has nothing left to read.
  has_ended_ = get("State").starts_with('Z') || get("State").starts_with('X');
  const auto set = [&](const std::string& key) {
    return base::ParseNumber("0x" + get(key)).value_or(0);
  };
  const std::string no_new_privs = get("NoNewPrivs");
  result_.no_new_privs = no_new_privs == "1"   ? Known::kYes
                         : no_new_privs == "0" ? Known::kNo
                                               : Known::kUnknown;
  result_.no_new_privs_place = place("NoNewPrivs:");
  bool is_root = false;
  const std::string ids = get("Uid");
  for (const std::string_view id : base::Split(ids, '\t')) is_root = is_root || id == "0";
  result_.runs_as_root = is_root ? Known::kYes : Known::kNo;
  result_.user_place = place("Uid:");
  std::uint64_t capabilities = set("CapPrm") | set("CapAmb");
  // Executing a program gives id 0 all of the bounding set, unless no_new_privs is set
  // (security/commoncap.c, cap_bprm_creds_from_file).
  if (is_root && result_.no_new_privs == Known::kNo) capabilities |= set("CapBnd");
  result_.capabilities = capabilities;
  result_.capabilities_place = place("CapPrm:");
  result_.seccomp = get("Seccomp") == "0"    ? Known::kNo
                    : get("Seccomp").empty() ? Known::kUnknown
                                             : Known::kYes;
  result_.seccomp_place = place("Seccomp:");
}

void Reader::ReadNamespaces() {
  // The host is what process 1 sees, or this process where that may not be looked at.
  std::string host = "/proc/1/";
  if (!os::ReadLink(AT_FDCWD, "/proc/1/ns/user")) {
    host = "/proc/self/";
    result_.not_read.push_back(
        "the namespaces of process 1: those of the reader are taken for the host's");
  }
  for (const NamespaceName& one : kLinks) {
    const auto theirs = os::ReadLink(directory_.Get(), one.link);
    const auto ours = os::ReadLink(AT_FDCWD, (host + one.link).c_str());
    Known& known = result_.own_namespace[static_cast<std::size_t>(one.name)];
    known = Known::kUnknown;
    if (!theirs) {
      NotRead(one.link, theirs.error().value);
    } else if (ours) {
      known = *theirs == *ours ? Known::kNo : Known::kYes;
    }
  }
}

void Reader::ReadMounts() {
  const auto text = File("mountinfo");
  if (!text) return;
  const auto own = ParseMountRecords(*text);
  for (const MountRecord& record : own) mount_ids_.insert(record.id);
  // What the reader sees is the host's too, where it has mounts of its own.
  std::vector<MountRecord> host;
  for (const char* const file : {"/proc/1/mountinfo", "/proc/self/mountinfo"}) {
    const auto theirs = os::ReadFile(AT_FDCWD, file, kLimit);
    if (!theirs) continue;
    for (MountRecord& record : ParseMountRecords(*theirs)) host.push_back(std::move(record));
  }
  result_.mounts = MountsOf(own, host, FileName("mountinfo"));
}

// The terminal is the caller's where the session's leader is outside: a program with a pty of its
// own has its leader inside.
void Reader::ReadSession() {
  const auto text = File("stat");
  if (!text) return;
  const auto name_end = text->rfind(')');
  if (name_end == std::string::npos) return;
  // After the name: state, parent, group, session, terminal.
  const auto fields = base::Split(std::string_view(*text).substr(name_end + 2), ' ');
  if (fields.size() < 5) return;
  if (fields[4] == "0") {
    result_.new_session = Known::kYes;
    return;
  }
  bool is_inside = false;
  for (const NamespaceName& one : kLinks) {
    if (result_.own_namespace[static_cast<std::size_t>(one.name)] != Known::kYes) continue;
    const auto theirs = os::ReadLink(directory_.Get(), one.link);
    const auto leaders =
        os::ReadLink(AT_FDCWD, fmt::format("/proc/{}/{}", fields[3], one.link).c_str());
    if (!theirs || !leaders || *theirs != *leaders) {
      result_.new_session = Known::kNo;
      return;
    }
    is_inside = true;
  }
  result_.new_session = is_inside ? Known::kYes : Known::kNo;
}

void Reader::ReadEnvironment() {
  const auto text = File("environ");
  if (!text) return;
  result_.environment_place = {FileName("environ"), 0, 0, {}};
  for (const std::string_view one : base::Split(*text, '\0')) {
    const auto equals = one.find('=');
    if (equals != std::string_view::npos && equals != 0)
      result_.environment.emplace_back(one.substr(0, equals));
  }
}

void Reader::ReadFilters(Subject& subject) {
  if (result_.seccomp == Known::kUnknown) return;
  prove::Subject filter;
  filter.archs = prove::MachineArchs({{abi::NativeArch()}});
  filter.listed = filter.archs;
  if (result_.seccomp == Known::kYes) {
    const auto filters = os::FiltersOf(pid_);
    if (!filters) {
      has_ended_ = has_ended_ || filters.error().system_errno == ESRCH;
      result_.not_read.push_back(fmt::format("its filters: {}", filters.error().text));
      return;
    }
    for (const auto& bytes : *filters) {
      auto program = bpf::Read(bytes);
      if (!program) {
        result_.not_read.push_back(fmt::format("its filters: {}", program.error().text));
        return;
      }
      filter.stack.push_back(*std::move(program));
    }
  }
  subject.filter = std::move(filter);
}

// Which of the ways out exist inside; "*" stands for every name there is.
void Reader::LookForWaysOut() {
  std::vector<std::string>& present = result_.present.emplace();
  const auto root = os::Open(directory_.Get(), "root", O_PATH | O_DIRECTORY);
  if (!root) return NotRead("root", root.error().value);
  const auto exists = [&](const std::string& path) {
    return os::OpenInRoot(root->Get(), path.c_str(), O_PATH).has_value();
  };
  std::set<std::string> looked;
  for (const WayOut& way : WaysOut()) {
    for (const std::string& path : PathsOf(way, result_)) {
      if (!looked.insert(path).second) continue;
      const auto star = path.find("/*");
      if (star == std::string::npos) {
        if (exists(path)) present.push_back(path);
        continue;
      }
      std::error_code error;
      const std::string parent = fmt::format("{}/root{}", directory_name_, path.substr(0, star));
      std::set<std::string> names;
      for (std::filesystem::directory_iterator entry(parent, error), end; !error && entry != end;
           entry.increment(error))
        names.insert(entry->path().filename());
      for (const std::string& name : names) {
        const std::string one = path.substr(0, star + 1) + name + path.substr(star + 2);
        if (exists(one)) present.push_back(one);
      }
    }
  }
}

}  // namespace

base::Result<Subject> ReadProcess(int pid) { return Reader(pid).Read(); }

}  // namespace bailey::review
