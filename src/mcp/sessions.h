// Directories that last from one run to another of `bailey mcp serve`, and are thrown away with it:
// each is locked by the process that has it, so that what a killed one leaves can be told.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace bailey::mcp {

class Sessions {
 public:
  // Below $HOME; removes what killed servers have left there.
  static base::Result<Sessions> Open();
  Sessions(Sessions&&) noexcept = default;
  Sessions& operator=(Sessions&&) = delete;
  ~Sessions() { EndAll(); }

  // From several threads at once.
  base::Result<std::string> Start();
  // The directory; nothing for a name that is none.
  std::optional<std::string> Find(const std::string& name);
  bool End(const std::string& name);
  void EndAll();

 private:
  struct State {
    std::mutex mutex;
    std::map<std::string, base::UniqueFd> locks;  // by name
  };
  Sessions(std::string path, base::UniqueFd place)
      : path_(std::move(path)), place_(std::move(place)), state_(std::make_unique<State>()) {}

  std::string path_;
  base::UniqueFd place_;
  std::unique_ptr<State> state_;
};

// Removes what killed servers of this user have left, and returns the directories' paths.
base::Result<std::vector<std::string>> CollectSessions();

}  // namespace bailey::mcp
