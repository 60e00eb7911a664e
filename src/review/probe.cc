#include "review/probe.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "base/text.h"
#include "os/inside.h"
#include "os/loopback.h"
#include "review/fact.h"

namespace bailey::review {
namespace {

using Kind = Attempt::Kind;
using os::Tried;

constexpr const char* kBwrap = "/usr/bin/bwrap";

class Prober {
 public:
  Prober(const Subject& subject, os::InsideOf inside, std::string where)
      : subject_(subject), inside_(std::move(inside)), where_(std::move(where)) {}

  void Try(Finding& finding, ProbeReport& report) {
    std::vector<Evidence> refused;
    bool is_shown = false, is_complete = true;
    for (const Attempt& attempt : finding.attempts) {
      // A name that nobody filled in cannot be tried.
      if (attempt.path.find('*') != std::string::npos) {
        is_complete = false;
        continue;
      }
      const Tried tried = TryOne(attempt);
      if (tried.kind == Tried::Kind::kNotEntered) {
        is_complete = false;
        Note(report, fmt::format("{}: {} cannot be entered", where_, tried.step));
        continue;
      }
      ++report.tried;
      Evidence evidence = {EvidenceKind::kLiveProbe, Ran(attempt), Said(tried)};
      if (tried.kind == Tried::Kind::kDone) {
        finding.evidence.push_back(std::move(evidence));
        is_shown = true;
        // One is enough, and the rest would only be longer.
        break;
      }
      refused.push_back(std::move(evidence));
    }
    if (!is_shown && is_complete && !refused.empty()) Refute(finding, std::move(refused));
  }

 private:
  static void Note(ProbeReport& report, std::string text) {
    if (std::ranges::find(report.not_tried, text) == report.not_tried.end())
      report.not_tried.push_back(std::move(text));
  }

  // What was read says that it should work, and it does not: the reading gives way.
  static void Refute(Finding& finding, std::vector<Evidence> refused) {
    finding.evidence.clear();
    finding.against.insert(finding.against.end(), refused.begin(), refused.end());
  }

  Tried TryOne(const Attempt& attempt) {
    os::Attempted what;
    what.path = attempt.path;
    switch (attempt.kind) {
      case Kind::kConnect:
        what.deed = os::Deed::kConnect;
        break;
      case Kind::kRead:
        what.deed = os::Deed::kOpenForReading;
        break;
      case Kind::kWrite:
        what.deed = os::Deed::kOpenForWriting;
        break;
      case Kind::kSeeProcess:
        what.deed = os::Deed::kFindProcess;
        what.process = os::OwnPid();
        if (!attempt.path.empty()) {
          what.deed = os::Deed::kOpenForReading;
          what.path = fmt::format("{}/{}/stat", attempt.path, what.process);
        }
        break;
      case Kind::kMakeUserNamespace:
        what.deed = os::Deed::kMakeUserNamespace;
        break;
      case Kind::kReachLoopback: {
        const auto listener = os::ListenOnLoopback();
        if (!listener) return {Tried::Kind::kNotEntered, 0, "a port of 127.0.0.1"};
        what.deed = os::Deed::kConnectToLoopback;
        what.port = listener->port;
        Tried tried = inside_.Try(what);
        // Only who arrives here has reached the host.
        if (tried.kind == Tried::Kind::kDone && !os::HasArrived(*listener))
          tried = {Tried::Kind::kRefused, 0, {}};
        return tried;
      }
    }
    return inside_.Try(what);
  }

  std::string Ran(const Attempt& attempt) const {
    const std::string path = base::Escape(attempt.path);
    switch (attempt.kind) {
      case Kind::kConnect:
        return fmt::format("in {}: connect to {}", where_, path);
      case Kind::kRead:
        return fmt::format("in {}: open {} for reading", where_, path);
      case Kind::kWrite:
        return fmt::format("in {}: open {} for writing, and write nothing", where_, path);
      case Kind::kSeeProcess:
        return fmt::format("in {}: look for the reviewer's process{}{}", where_,
                           path.empty() ? "" : " in ", path);
      case Kind::kReachLoopback:
        return fmt::format("in {}: connect to a port of the host's 127.0.0.1", where_);
      case Kind::kMakeUserNamespace:
        return fmt::format("in {}: unshare(CLONE_NEWUSER)", where_);
    }
    return where_;
  }

  static std::string Said(const Tried& tried) {
    switch (tried.kind) {
      case Tried::Kind::kDone:
        return "it works";
      case Tried::Kind::kKilled:
        return "killed";
      case Tried::Kind::kRefused:
      case Tried::Kind::kNotEntered:
        break;
    }
    return tried.error == 0 ? "somebody else answers" : std::strerror(tried.error);
  }

  const Subject& subject_;
  os::InsideOf inside_;
  std::string where_;
};

std::vector<std::vector<std::uint8_t>> FiltersOf(const Subject& subject) {
  std::vector<std::vector<std::uint8_t>> filters;
  if (!subject.filter) return filters;
  for (const bpf::Program& program : subject.filter->stack) filters.push_back(program.Bytes());
  return filters;
}

}  // namespace

ProbeReport Probe(const Subject& subject, std::span<Finding> findings) {
  ProbeReport report;
  if (!subject.confinement) return report;
  const Confinement& confinement = *subject.confinement;
  const bool has_attempts =
      std::ranges::any_of(findings, [](const Finding& one) { return !one.attempts.empty(); });
  if (!has_attempts) return report;
  if (!confinement.process && confinement.bubblewrap.empty()) {
    report.not_tried.push_back("a configuration is not started: only what it says is judged");
    return report;
  }
  if (confinement.seccomp == Known::kYes && !subject.filter) {
    // Without its filters more would work than does.
    report.not_tried.push_back(
        "its filters could not be read, and attempts without them prove "
        "nothing");
    return report;
  }
  std::optional<os::HeldBubblewrap> held;
  int pid = confinement.process.value_or(0);
  std::string where = fmt::format("process {}", pid);
  if (!confinement.process) {
    auto started = os::HeldBubblewrap::Start(kBwrap, confinement.bubblewrap);
    if (!started) {
      report.not_tried.push_back(started.error().text);
      return report;
    }
    held.emplace(*std::move(started));
    pid = held->Pid();
    where = "bwrap's sandbox";
  }
  auto inside = os::InsideOf::Open(pid, FiltersOf(subject));
  if (!inside) {
    report.not_tried.push_back(inside.error().text);
    return report;
  }
  Prober prober(subject, *std::move(inside), where);
  for (Finding& finding : findings) prober.Try(finding, report);
  return report;
}

}  // namespace bailey::review
