// Socket families: by the direct calls, and behind socketcall, whose arguments no filter sees. What
// io_uring opens is a topic of its own.
#include <utility>

#include "review/filter_view.h"
#include "review/find_filter.h"

namespace bailey::review {
namespace {

constexpr Topic kMultiplexed = {
    "only-socket-families", "The socket families do not hold for socketcall",
    "On architectures that have it, a socket of any family is made: the family is behind a pointer "
    "that no filter sees.",
    Severity::kMedium};
// The kernel makes both ends before the protocol refuses: what it loads for that stays loaded.
constexpr Topic kPairs = {
    "only-socket-families", "Pairs of sockets of unlisted families can be asked for",
    "No family but unix makes pairs, but the kernel loads the protocol's module to find out.",
    Severity::kLow};

constexpr std::string_view kSingle[] = {"no-socket-alg", "no-socket-vsock", "no-socket-packet"};

// The open calls of the sets of `guarantee` named `call`, told apart by whether they go through
// socketcall.
std::vector<OpenCall> Open(FilterView& view, std::string_view guarantee, std::string_view call,
                           bool through) {
  std::vector<OpenCall> kept;
  for (OpenCall& one : view.OpenCalls(*view.Find(guarantee))) {
    if (one.set->call == call && (one.name == "socketcall") == through)
      kept.push_back(std::move(one));
  }
  return kept;
}

}  // namespace

void FindSockets(const Subject& subject, std::vector<Finding>& findings) {
  if (!HasFilter(subject)) return;
  FilterView view(subject);
  constexpr std::string_view kListed = "only-socket-families";
  const auto direct = Open(view, kListed, "socket", false);
  if (!direct.empty()) findings.push_back(OpenFinding(view, *FindTopic(kListed), direct));
  // Families that the policy lists are its decision; these are not for untrusted code all the same.
  for (const std::string_view guarantee : kSingle) {
    const auto open = Open(view, guarantee, "socket", false);
    if (direct.empty() && !open.empty())
      findings.push_back(OpenFinding(view, *FindTopic(guarantee), open));
  }
  const auto file = [&](const Topic& topic, const std::vector<OpenCall>& open,
                        std::string_view rule) {
    if (open.empty()) return;
    Finding finding = OpenFinding(view, topic, open);
    finding.rule = rule;
    findings.push_back(std::move(finding));
  };
  file(kMultiplexed, Open(view, kListed, "socket", true), kSocketcallRule);
  if (direct.empty()) file(kPairs, Open(view, kListed, "socketpair", false), kPairsRule);
}

}  // namespace bailey::review
