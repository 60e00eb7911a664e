#include "review/find_machine.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/text.h"
#include "review/fact.h"

namespace bailey::review {
namespace {

struct PathOf {
  std::string what, path;
  Place place;
};

std::vector<PathOf> PathsIn(const Machine& machine) {
  std::vector<PathOf> paths;
  for (const Drive& drive : machine.drives)
    paths.push_back({fmt::format("drive {}", base::Escape(drive.id)), drive.path, drive.place});
  for (const MachineFile& file : machine.files) paths.push_back({file.what, file.path, file.place});
  return paths;
}

Finding About(std::string_view rule, std::string vulnerability, const Place& place,
              std::string read) {
  Finding finding;
  finding.rule = rule;
  finding.vulnerability = std::move(vulnerability);
  finding.place = place;
  std::string ran = fmt::format("reading {}", place.file);
  if (place.line != 0) ran += fmt::format(", line {}", place.line);
  finding.evidence.push_back({EvidenceKind::kSourceRule, std::move(ran), std::move(read)});
  return finding;
}

// A pipe or the null device keeps nothing.
bool IsBounded(const std::string& path) {
  return path.ends_with(".fifo") || path.ends_with(".pipe") || path == "/dev/null" ||
         path.starts_with("/dev/fd/") || path.starts_with("/proc/self/fd/");
}

bool IsInSharedDirectory(const std::string& path) {
  return std::ranges::any_of(
      std::initializer_list<std::string_view>{"/tmp/", "/var/tmp/", "/dev/shm/"},
      [&](std::string_view directory) { return path.starts_with(directory); });
}

bool HasWord(std::string_view text, std::string_view word) {
  return std::ranges::count(base::Split(text, ' '), word) > 0;
}

bool IsPlainId(std::string_view id) {
  return !id.empty() && id.size() <= 64 && std::ranges::all_of(id, [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '_';
  });
}

}  // namespace

void FindUnboundedFiles(const Subject& subject, std::vector<Finding>& findings) {
  if (!subject.machine) return;
  const Machine& machine = *subject.machine;
  for (const MachineFile& file : machine.files) {
    if (file.what != "log" && file.what != "metrics" && file.what != "serial") continue;
    if (IsBounded(file.path)) continue;
    Finding finding =
        About("machine/unbounded-file",
              fmt::format("the {} grows without bound: {}", file.what, base::Escape(file.path)),
              file.place, fmt::format("{}: {}", file.what, base::Escape(file.path)));
    finding.reason = "The path is a file's, and nothing limits how much is written to it.";
    finding.impact = "A guest that repeats what is written down fills the host's disk.";
    finding.effect = Severity::kMedium;
    finding.fix = "a named pipe (NAME.fifo) that a reader empties and bounds";
    findings.push_back(std::move(finding));
  }
}

void FindSerialConsole(const Subject& subject, std::vector<Finding>& findings) {
  if (!subject.machine) return;
  const Machine& machine = *subject.machine;
  // Firecracker's own arguments, where none are given, turn the device off.
  if (machine.boot_arguments.empty()) return;
  if (HasWord(machine.boot_arguments, "8250.nr_uarts=0")) return;
  Finding finding = About("machine/serial-console", "the serial console is on", machine.boot_place,
                          fmt::format("boot_args: {}", base::Escape(machine.boot_arguments)));
  finding.reason =
      "Without 8250.nr_uarts=0 the guest writes to the standard output of its machine's process.";
  finding.impact =
      "What the guest writes grows where that output is kept, and takes the machine's time.";
  finding.effect = Severity::kMedium;
  finding.fix = "8250.nr_uarts=0 in boot_args";
  findings.push_back(std::move(finding));
}

void FindEscapingPaths(const Subject& subject, std::vector<Finding>& findings) {
  if (!subject.machine) return;
  const Machine& machine = *subject.machine;
  for (const PathOf& one : PathsIn(machine)) {
    const auto names = base::Split(one.path, '/');
    if (std::ranges::find(names, "..") == names.end()) continue;
    Finding finding =
        About("machine/path-escape",
              fmt::format("the path of the {} climbs: {}", one.what, base::Escape(one.path)),
              one.place, base::Escape(one.path));
    finding.reason = "\"..\" in a path comes of a name that was put together unchecked.";
    finding.impact = "Who chooses the name chooses a file of the host to read or overwrite.";
    finding.effect = Severity::kHigh;
    finding.fix = "ids of [a-zA-Z0-9-]{1,64} only, checked before they reach a path";
    findings.push_back(std::move(finding));
  }
  if (machine.id && !IsPlainId(*machine.id)) {
    Finding finding = About("machine/path-escape",
                            fmt::format("the id is no plain name: {}", base::Escape(*machine.id)),
                            machine.place, base::Escape(*machine.id));
    finding.reason = "The id becomes the name of directories, sockets and control groups.";
    finding.impact = "Who chooses the id chooses a file of the host to read or overwrite.";
    finding.effect = Severity::kHigh;
    finding.fix = "ids of [a-zA-Z0-9-]{1,64} only, checked before they reach a path";
    findings.push_back(std::move(finding));
  }
}

void FindPredictablePaths(const Subject& subject, std::vector<Finding>& findings) {
  if (!subject.machine) return;
  for (const PathOf& one : PathsIn(*subject.machine)) {
    if (!IsInSharedDirectory(one.path)) continue;
    Finding finding = About("machine/predictable-path",
                            fmt::format("the {} has a predictable name where everybody may make "
                                        "files: {}",
                                        one.what, base::Escape(one.path)),
                            one.place, base::Escape(one.path));
    finding.reason =
        "Who makes the name first, as a file or a symlink, decides what the machine opens.";
    finding.impact = "Another user of the host feeds the machine, or has it overwrite a file.";
    finding.effect =
        one.what.starts_with("drive") || one.what == "kernel" ? Severity::kHigh : Severity::kMedium;
    finding.fix = "a directory of the machine's own, mode 0700, below /run";
    findings.push_back(std::move(finding));
  }
}

void FindNoRateLimiters(const Subject& subject, std::vector<Finding>& findings) {
  if (!subject.machine) return;
  std::vector<std::string> without;
  const Place* first = nullptr;
  for (const Drive& drive : subject.machine->drives) {
    if (drive.has_rate_limiter) continue;
    without.push_back(fmt::format("drive {}", base::Escape(drive.id)));
    if (first == nullptr) first = &drive.place;
  }
  for (const NetworkInterface& one : subject.machine->interfaces) {
    if (one.has_rate_limiter) continue;
    without.push_back(fmt::format("interface {}", base::Escape(one.id)));
    if (first == nullptr) first = &one.place;
  }
  if (first == nullptr) return;
  Finding finding =
      About("machine/no-rate-limiter", fmt::format("no rate limiter bounds {}", List(without, 4)),
            *first, List(without));
  finding.reason = "A drive has no rate_limiter, or an interface not one for each direction.";
  finding.impact = "One guest takes the host's disk or network from the others.";
  finding.effect = Severity::kLow;
  finding.fix = "\"rate_limiter\": { \"bandwidth\": ..., \"ops\": ... }";
  findings.push_back(std::move(finding));
}

void FindWritableRoot(const Subject& subject, std::vector<Finding>& findings) {
  if (!subject.machine) return;
  std::map<std::string, std::size_t> uses;
  for (const Drive& drive : subject.machine->drives) ++uses[drive.path];
  for (const Drive& drive : subject.machine->drives) {
    const bool is_double = uses[drive.path] > 1;
    if (drive.read_only || (!drive.is_root && !is_double)) continue;
    Finding finding = About(
        "machine/writable-root",
        is_double ? fmt::format("the writable image {} is attached twice", base::Escape(drive.path))
                  : fmt::format("the root drive is writable: {}", base::Escape(drive.path)),
        drive.place, fmt::format("is_read_only: false, {}", base::Escape(drive.path)));
    finding.reason = is_double
                         ? "Two drives of one file, one writable, corrupt each other's file system."
                         : "What a guest changes in its image stays for who starts from it next.";
    finding.impact = "A guest changes what other machines of the same image run.";
    finding.effect = Severity::kMedium;
    if (!is_double) {
      finding.reach = Reach::kOtherLayer;
      finding.bounded_by = "only machines that are given the same image are reached";
    }
    finding.fix = "\"is_read_only\": true, and what is written on a drive of its own";
    findings.push_back(std::move(finding));
  }
}

void FindMachineSettings(const Subject& subject, std::vector<Finding>& findings) {
  if (!subject.machine) return;
  const Machine& machine = *subject.machine;
  if (machine.seccomp == false) {
    Finding finding = About("machine/no-seccomp", "the machine's process runs without its filters",
                            {"machine arguments", 0, 0, {}}, "--no-seccomp");
    finding.reason = "--no-seccomp turns off the filters that are built in.";
    finding.impact = "A guest that takes over the process has every system call of the host.";
    finding.effect = Severity::kHigh;
    finding.fix = "no --no-seccomp";
    findings.push_back(std::move(finding));
  }
  if (machine.has_arguments && !machine.is_jailed) {
    Finding finding = About("machine/no-jailer", "the machine runs outside the jailer",
                            {"machine arguments", 1, 0, {}}, "firecracker, not jailer");
    finding.reason = "Without it the process has its caller's files, ids, network and processes.";
    finding.impact = "A guest that takes over the process has what its caller has.";
    finding.effect = Severity::kMedium;
    finding.fix = "jailer --id ID --exec-file firecracker --uid UID --gid GID -- ...";
    findings.push_back(std::move(finding));
  }
  if (machine.has_metadata_service && !machine.metadata_version_2) {
    Finding finding = About("machine/metadata-version-1", "the metadata service asks for no token",
                            machine.metadata_place, "mmds-config without \"version\": \"V2\"");
    finding.reason = "Version 1 answers any request; version 2 asks for a session's token first.";
    finding.impact = "A program in the guest that only fetches addresses for others reads secrets.";
    finding.effect = Severity::kMedium;
    finding.fix = "\"version\": \"V2\"";
    findings.push_back(std::move(finding));
  }
  if (machine.smt) {
    Finding finding =
        About("machine/smt", "guests share a core's threads", machine.smt_place, "\"smt\": true");
    finding.reason = "Two threads of a core share caches and buffers that leak between them.";
    finding.impact = "A guest reads what runs on the other thread of its core.";
    finding.effect = Severity::kMedium;
    finding.reach = Reach::kOtherLayer;
    finding.bounded_by = "the processor's mitigations";
    finding.fix = "\"smt\": false";
    findings.push_back(std::move(finding));
  }
}

}  // namespace bailey::review
