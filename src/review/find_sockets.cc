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

// The open calls of the sets of `guarantee` named `call`, told apart by whether they go through
// socketcall.
std::vector<OpenCall> Open(FilterView& view, std::string_view call, bool through) {
  std::vector<OpenCall> kept;
  for (OpenCall& one : view.OpenCalls(*view.Find("only-socket-families"))) {
    if (one.set->call == call && (one.name == "socketcall") == through)
      kept.push_back(std::move(one));
  }
  return kept;
}

}  // namespace

void FindSockets(const Subject& subject, std::vector<Finding>& findings) {
  if (!HasFilter(subject)) return;
  FilterView view(subject);
  const auto direct = Open(view, "socket", false);
  if (!direct.empty())
    findings.push_back(OpenFinding(view, *FindTopic("only-socket-families"), direct));
  const auto file = [&](const Topic& topic, const std::vector<OpenCall>& open, const char* rule) {
    if (open.empty()) return;
    Finding finding = OpenFinding(view, topic, open);
    finding.rule = rule;
    findings.push_back(std::move(finding));
  };
  file(kMultiplexed, Open(view, "socket", true), "filter/socketcall");
  if (direct.empty()) file(kPairs, Open(view, "socketpair", false), "filter/socket-pairs");
}

}  // namespace bailey::review
