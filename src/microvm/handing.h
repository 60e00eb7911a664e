// How a machine of a pool changes hands: its descriptors over a connection that keeps messages
// apart, in as many as it takes.
#pragma once

#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace bailey::microvm {

struct Handed {
  base::UniqueFd line, changes;
  std::vector<base::UniqueFd> slots;
};
base::Status SendHanded(int connection, const Handed& handed);
base::Result<Handed> ReceiveHanded(int connection);

}  // namespace bailey::microvm
