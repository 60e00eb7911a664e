// How findings about a confinement are written: what was read, and where, is their evidence.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "review/record.h"
#include "review/subject.h"

namespace bailey::review {

// What was read of the subject. It is a live probe where the kernel says it of a running process,
// and a rule over the source where a text does.
Evidence Read(const Confinement& confinement, const Place& place, std::string what);

// How far a program gets with what needs id 0 of the host: nothing to file when it has not.
struct RootReach {
  bool files = false;
  Reach reach = Reach::kAnyProgram;
};
RootReach ReachOfRoot(const Confinement& confinement);

// Whether the subject's filters close the calls of a guarantee of the catalogue, on every
// architecture.
struct Closed {
  Known closed =
      Known::kUnknown;  // unknown: there are filters that could not be read, or undecided
  std::string because;  // "no-tty-injection: proved", the witness, "no filter"
  std::optional<bpf::SeccompData> witness;
};
Closed IsClosed(const Subject& subject, std::string_view guarantee);
// Whether a program is kept from speaking to unix sockets that listen: from making one, or from
// connecting it. A pair of its own is no way there.
Closed IsUnixConnectClosed(const Subject& subject);

// Where the filters close what the finding needs, it reaches as far as another layer only; where
// they do not, the witness is evidence too.
void BoundByFilter(const Subject& subject, std::string_view guarantee, Finding& finding);
void BoundByUnixConnect(const Subject& subject, Finding& finding);

// Where a part is said, or else where it should be.
const Place& PlaceOr(const Place& part, const Confinement& confinement);

bool Is(const Confinement& confinement, Namespace name, Known known);

// "a, b and c"; of more than `most`, "a, b and 3 more".
std::string List(const std::vector<std::string>& words, std::size_t most = 100);

// The change that closes it, in the words of whoever confines: options of bubblewrap, or keys of an
// OCI configuration. Empty for other subjects.
std::string FixFor(const Subject& subject, std::string_view bubblewrap, std::string_view oci);

}  // namespace bailey::review
