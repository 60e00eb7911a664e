// What bubblewrap's options come to for the program that it starts.
#pragma once

#include "compat/bubblewrap_options.h"
#include "review/confinement.h"

namespace bailey::review {

// `as_root`: started by id 0, where bubblewrap keeps every capability and makes a user namespace
// only when asked; without privilege it always makes one, and keeps no capability.
Confinement ConfinementOf(const compat::BubblewrapLine& line, bool as_root);

}  // namespace bailey::review
