// What a program inherits: open descriptors that lead out, and variables that carry secrets.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>

#include "base/text.h"
#include "review/confinement_find.h"
#include "review/fact.h"
#include "review/sight.h"
#include "sandbox/host_path.h"

namespace bailey::review {
namespace {

struct Leak {
  std::string_view begins;  // of the descriptor's target
  std::string_view what, impact;
  Severity effect;
};

constexpr Leak kLeaks[] = {
    {"directory ", "a directory outside its root",
     "openat(2) on it reaches every file below, and \"..\" above.", Severity::kHigh},
    {"block device ", "a block device", "Whole disks are read and written through it.",
     Severity::kCritical},
    {"memory ", "the machine's memory", "It is read and written through it.", Severity::kCritical},
    {"pidfd ", "a process outside", "It is signalled, and its descriptors may be taken.",
     Severity::kMedium},
    {"namespace ", "a namespace outside", "setns(2) enters it where the program may.",
     Severity::kHigh},
    {"proc ", "a file of another process", "It leads to that process's memory or root.",
     Severity::kHigh},
    {"unix socket ", "a socket to a program outside",
     "Its other end takes messages and descriptors for those of its caller.", Severity::kMedium},
    {"inet socket ", "a network socket of the host",
     "It carries traffic of the host's network, and may be connected anew.", Severity::kMedium},
    {"kvm ", "a virtual machine's control", "It runs machines with the host's kernel.",
     Severity::kMedium},
};

bool HasWord(std::string_view name, std::string_view word) {
  const auto at = name.find(word);
  if (at == std::string_view::npos) return false;
  const auto is_edge = [&](std::size_t i) { return i >= name.size() || name[i] == '_'; };
  return (at == 0 || name[at - 1] == '_') && is_edge(at + word.size());
}

// What the name promises; empty: nothing secret.
std::string_view SecretOf(const std::string& variable) {
  std::string name;
  for (const char letter : variable)
    name += static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
  if (name == "SSH_AUTH_SOCK" || name == "GPG_AGENT_INFO") return "an agent that signs";
  // These name files and commands that ask, and hold nothing themselves.
  if (name.ends_with("_ASKPASS") || name.ends_with("_FILE") || name.ends_with("_PATH")) return {};
  for (const std::string_view word :
       {"TOKEN", "SECRET", "PASSWORD", "PASSWD", "PASSPHRASE", "CREDENTIAL", "CREDENTIALS",
        "APIKEY", "API_KEY", "ACCESS_KEY", "PRIVATE_KEY", "SECRET_KEY", "AUTH_KEY", "PGPASSWORD",
        "ACCESS_KEY_ID"}) {
    if (HasWord(name, word)) return "a secret";
  }
  return {};
}

// ".." comes after what a name of /proc leads to, so every directory on the way counts.
bool PassesProc(const Confinement& confinement, const std::string& directory) {
  for (auto end = directory.find('/', 1);; end = directory.find('/', end + 1)) {
    const std::string passed = PlainPath(directory.substr(0, end));
    const Mount* const mount = MountAt(confinement, passed);
    if (sandbox::IsWithin(passed, "/proc") || (mount != nullptr && mount->type == "proc"))
      return true;
    if (end == std::string::npos) return false;
  }
}

}  // namespace

void FindDescriptors(const Subject& subject, std::vector<Finding>& findings) {
  if (!subject.confinement) return;
  const Confinement& confinement = *subject.confinement;
  for (const Descriptor& descriptor : confinement.descriptors) {
    const auto* const leak = std::ranges::find_if(
        kLeaks, [&](const Leak& one) { return descriptor.target.starts_with(one.begins); });
    if (leak == std::end(kLeaks)) continue;
    Finding finding;
    finding.rule = "confinement/descriptor";
    finding.vulnerability = fmt::format("descriptor {} is {}: {}", descriptor.number, leak->what,
                                        base::Escape(descriptor.target));
    finding.reason = "An open descriptor is a right that no mount and no namespace takes back.";
    finding.impact = leak->impact;
    finding.effect = leak->effect;
    finding.place = confinement.place;
    finding.evidence.push_back(
        Read(confinement, finding.place,
             fmt::format("descriptor {}: {}{}", descriptor.number, base::Escape(descriptor.target),
                         descriptor.writable ? ", writable" : "")));
    findings.push_back(std::move(finding));
  }
}

void FindWorkingDirectory(const Subject& subject, std::vector<Finding>& findings) {
  if (!subject.confinement) return;
  const Confinement& confinement = *subject.confinement;
  if (confinement.directory.empty() || !PassesProc(confinement, confinement.directory)) return;
  Finding finding;
  finding.rule = "confinement/working-directory";
  finding.vulnerability = fmt::format("the working directory (cwd) is below /proc: {}",
                                      base::Escape(confinement.directory));
  finding.reason =
      "/proc/self/fd/N is a directory that whoever sets the sandbox up has open, and a root or "
      "working directory there is a process's: entering them passes every mount by "
      "(CVE-2024-21626).";
  finding.impact =
      "Where a directory of the host is open at that moment, the program starts in it, and \"..\" "
      "leads to all of the host's files.";
  finding.effect = Severity::kHigh;
  finding.place = PlaceOr(confinement.directory_place, confinement);
  finding.fix = FixFor(subject, "--chdir /", "\"cwd\": \"/\"");
  finding.evidence.push_back(
      Read(confinement, finding.place, fmt::format("cwd {}", base::Escape(confinement.directory))));
  findings.push_back(std::move(finding));
}

void FindEnvironment(const Subject& subject, std::vector<Finding>& findings) {
  if (!subject.confinement) return;
  const Confinement& confinement = *subject.confinement;
  std::map<std::string_view, std::vector<std::string>> found;
  for (const std::string& name : confinement.environment) {
    if (const auto secret = SecretOf(name); !secret.empty())
      found[secret].push_back(base::Escape(name));
  }
  for (auto& [secret, names] : found) {
    std::ranges::sort(names);
    names.erase(std::unique(names.begin(), names.end()), names.end());
    Finding finding;
    finding.rule = "confinement/secret-variables";
    finding.vulnerability = fmt::format("variables name {}: {}", secret, List(names));
    finding.reason =
        "Every program in the sandbox has them, and so has whoever reads /proc/PID/environ.";
    finding.impact = "What is run in the sandbox uses them as its caller.";
    finding.effect = Severity::kMedium;
    finding.place = PlaceOr(confinement.environment_place, confinement);
    finding.evidence.push_back(Read(confinement, finding.place, List(names)));
    findings.push_back(std::move(finding));
  }
  if (confinement.inherits_environment == Known::kYes) {
    Finding finding;
    finding.rule = "confinement/environment-inherited";
    finding.vulnerability = "the caller's whole environment is inherited";
    finding.reason = "Nothing clears it, so every token in a variable of the caller's comes along.";
    finding.impact = "What is run in the sandbox reads secrets that were not meant for it.";
    finding.effect = Severity::kLow;
    finding.place = PlaceOr(confinement.environment_place, confinement);
    finding.evidence.push_back(Read(confinement, finding.place, "the environment is not cleared"));
    finding.fix = FixFor(subject, "--clearenv", "");
    findings.push_back(std::move(finding));
  }
}

}  // namespace bailey::review
