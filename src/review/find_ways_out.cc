// Paths that lead out of the sandbox: one finding for each rule and each mount that shows some.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "review/confinement_find.h"
#include "review/fact.h"
#include "review/sight.h"
#include "review/ways_out.h"
#include "sandbox/host_path.h"

namespace bailey::review {
namespace {

constexpr std::size_t kShown = 8;

struct Group {
  const Mount* mount = nullptr;
  const WayOut* worst = nullptr;
  std::vector<const WayOut*> ways;
  std::vector<std::string> insides;  // a path for each way
  bool needs_root = true;            // all of them do
};

bool Leads(const WayOut& way, const Mount& mount) {
  switch (way.kind) {
    case WayKind::kSocket:
    case WayKind::kRead:
      return true;
    case WayKind::kWrite:
      return mount.writable;
    case WayKind::kDevice:
      return !mount.nodev || mount.type == "device";
  }
  return false;
}

Attempt AttemptOf(const WayOut& way, const std::string& inside) {
  switch (way.kind) {
    case WayKind::kSocket:
      return {Attempt::Kind::kConnect, inside};
    case WayKind::kWrite:
      return {Attempt::Kind::kWrite, inside};
    case WayKind::kRead:
    case WayKind::kDevice:
      break;
  }
  return {Attempt::Kind::kRead, inside};
}

// The path, or where somebody looked, what was found that it stands for.
std::vector<std::string> Found(const Confinement& confinement, const std::string& path) {
  if (!confinement.present) return {path};
  std::vector<std::string> found;
  for (const std::string& there : *confinement.present) {
    if (there == path || StandsFor(path, there)) found.push_back(there);
  }
  return found;
}

struct Words {
  std::string_view title, reason;
};

Words WordsOf(std::string_view rule) {
  static const std::map<std::string_view, Words> words = {
      {"confinement/engine-socket",
       {"the socket of a container engine is reachable", "Connecting needs no writable mount"}},
      {"confinement/host-sockets",
       {"sockets of services outside are reachable", "Connecting needs no writable mount"}},
      {"confinement/home-secrets", {"secrets can be read", "What can be seen can be copied"}},
      {"confinement/startup-files",
       {"files that are run outside can be written", "What is written is run later, unconfined"}},
      {"confinement/host-files-writable",
       {"files of the host's system can be written", "What is written is run later, unconfined"}},
      {"confinement/host-devices",
       {"devices of the host can be opened", "A device node is a way around file systems"}},
      {"confinement/kernel-files",
       {"the kernel's settings can be written",
        "The kernel asks for id 0 of the host here, and for no capability"}},
  };
  return words.at(rule);
}

std::map<std::pair<std::string_view, const Mount*>, Group> Collect(const Confinement& confinement) {
  std::map<std::pair<std::string_view, const Mount*>, Group> groups;
  const RootReach root = ReachOfRoot(confinement);
  for (const WayOut& way : WaysOut()) {
    if (way.needs_root && !root.files) continue;
    for (const std::string& path : PathsOf(way, confinement)) {
      for (const std::string& found : Found(confinement, path)) {
        for (const Sight& sight : SightsOf(confinement, found)) {
          if (!Leads(way, *sight.mount)) continue;
          Group& group = groups[{way.rule, sight.mount}];
          group.mount = sight.mount;
          if (group.worst == nullptr || group.worst->effect < way.effect) group.worst = &way;
          group.ways.push_back(&way);
          group.insides.push_back(sight.inside);
          group.needs_root = group.needs_root && way.needs_root;
        }
      }
    }
  }
  return groups;
}

// What to mount over: a socket's directory, and a file or directory itself.
std::string Hiding(const std::string& inside) {
  const bool is_socket = inside.ends_with("sock") || inside.starts_with("/run/");
  return std::string(is_socket ? sandbox::Parent(inside) : inside);
}

std::string ImpactOf(const WayOut& way) {
  switch (way.kind) {
    case WayKind::kRead:
      return fmt::format("A program in the sandbox reads {}.", way.opens);
    case WayKind::kWrite:
      return fmt::format("What a program in the sandbox writes there {}.", way.opens);
    case WayKind::kSocket:
    case WayKind::kDevice:
      break;
  }
  return fmt::format("A program in the sandbox {}.", way.opens);
}

Finding FindingOf(const Subject& subject, std::string_view rule, const Group& group) {
  const Confinement& confinement = *subject.confinement;
  const Words words = WordsOf(rule);
  Finding finding;
  finding.rule = rule;
  const std::string mount = ToString(*group.mount);
  finding.vulnerability = fmt::format("{} through {}", words.title, mount);
  std::set<std::string> said;
  std::vector<std::string> opens;
  for (std::size_t i = 0; i < group.ways.size(); ++i) {
    finding.attempts.push_back(AttemptOf(*group.ways[i], group.insides[i]));
    if (said.insert(group.insides[i]).second)
      opens.push_back(fmt::format("{} ({})", group.insides[i], group.ways[i]->opens));
  }
  finding.reason = fmt::format("{}: {}.", words.reason, List(opens, kShown));
  finding.impact = ImpactOf(*group.worst);
  finding.effect = group.worst->effect;
  finding.place = group.mount->place;
  finding.fix = group.worst->kind == WayKind::kWrite
                    ? FixFor(subject, fmt::format("--remount-ro {}", group.mount->to),
                             fmt::format("\"readonlyPaths\": [\"{}\"]", group.insides[0]))
                    : FixFor(subject, fmt::format("--tmpfs {}", Hiding(group.insides[0])),
                             fmt::format("\"maskedPaths\": [\"{}\"]", group.insides[0]));
  if (group.needs_root) finding.reach = ReachOfRoot(confinement).reach;
  finding.evidence.push_back(Read(confinement, group.mount->place, mount));
  if (group.worst->kind == WayKind::kSocket) {
    BoundByUnixConnect(subject, finding);
  }
  return finding;
}

}  // namespace

void FindWaysOut(const Subject& subject, std::vector<Finding>& findings) {
  if (!subject.confinement) return;
  auto groups = Collect(*subject.confinement);
  // In the order of the ways and the mounts, not of addresses.
  std::set<std::string_view> rules;
  for (const WayOut& way : WaysOut()) {
    if (!rules.insert(way.rule).second) continue;
    for (const Mount& mount : subject.confinement->mounts) {
      if (const auto group = groups.find({way.rule, &mount}); group != groups.end())
        findings.push_back(FindingOf(subject, way.rule, group->second));
    }
  }
}

}  // namespace bailey::review
