// One prepared sandbox and who keeps it: a child of the pool's process that makes it, waits with it
// for a caller, watches over the program, and ends. It is never used twice.
#pragma once

#include <string>

#include "base/unique_fd.h"
#include "pool/recipe.h"

namespace bailey::pool {

// What a steward tells the pool's process: one byte a message, and a text after kFailed.
enum class Word : char {
  kReady = 'r',   // every layer is in force: waiting for a caller
  kTaken = 't',   // one has come
  kStale = 's',   // one has come, and what was prepared is no longer what the policy says
  kFailed = 'f',  // no sandbox could be made; the rest of the message says why
};

// In a child of the pool's process. `listener`: where callers come in, to whichever steward is
// free; `owner`: to the pool's process, which says with any message, or by closing it, to go if
// nobody has come.
[[noreturn]] void RunSteward(const Recipe& recipe, Batch batch, base::UniqueFd listener,
                             base::UniqueFd owner);

}  // namespace bailey::pool
