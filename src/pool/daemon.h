// The pool's own process: keeps a number of sandboxes prepared, replaces those that are taken, and
// ends when it is told to, when nobody has come for long, or when no sandbox can be made any more.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "pool/directory.h"
#include "pool/maker.h"
#include "pool/recipe.h"

namespace bailey::pool {

struct Settings {
  std::string name;      // of the socket, in the directory
  std::size_t size = 2;  // prepared sandboxes
  std::chrono::milliseconds idle{std::chrono::minutes(10)};
  std::string policy, workspace;  // for people
};
inline constexpr std::size_t kMostPrepared = 64;

// How a pool is doing.
struct Status {
  std::uint64_t process = 0;
  std::string policy, workspace;
  std::uint64_t size = 0, ready = 0, preparing = 0, busy = 0;
  std::uint64_t taken = 0, stale = 0, died = 0;  // so far
  bool operator==(const Status&) const = default;
};
std::string Encode(const Status& status);
base::Result<Status> DecodeStatus(std::string_view bytes);

// Serves until the end. `ready` is called once, when all are prepared. An error is why there is no
// pool, or why it has ended early.
base::Status Serve(const Directory& directory, const Settings& settings, const Recipe& recipe,
                   const std::function<void()>& ready);
base::Status Serve(const Directory& directory, const Settings& settings, Maker& maker,
                   const std::function<void()>& ready);

// Other processes' side.
struct Found {
  std::string name;
  Status status;
};
// The pools in a directory.
base::Result<std::vector<Found>> FindPools(const Directory& directory);
// Prepared sandboxes are gone when it returns; what runs goes on to its end, unless `kill`.
// kInvalidInput where there is no such pool.
base::Status Stop(const Directory& directory, const std::string& name, bool kill);

}  // namespace bailey::pool
