// A pool's name in its directory: held by one process at a time, with two sockets, one for callers
// and one for questions about the pool. What a killed process leaves, the next one takes over.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "pool/directory.h"

namespace bailey::pool {

enum class Question : char { kStatus = '?', kStop = 's', kKill = 'k' };

class Control {
 public:
  // kInvalidInput where a living process has the name.
  static base::Result<Control> Claim(const Directory& directory, const std::string& name);
  Control(Control&&) = default;
  Control& operator=(Control&&) = delete;
  ~Control() { GiveUp(); }

  // Callers' socket, to be listened on.
  base::UniqueFd TakeCallers() { return std::move(callers_); }
  // Can be read when Next has something to say.
  int Descriptor() const { return questions_.Get(); }
  // nullopt for one that asked nothing, or may not ask.
  base::Result<std::optional<Question>> Next();
  // To who asked last.
  void Reply(std::string_view text);
  // Who asked last hears nothing yet; they are let go when Release is called.
  void Hold();
  void Release() { held_.clear(); }
  // Another process may have the name from now on.
  void GiveUp();

 private:
  Control(base::UniqueFd directory, std::string name, base::UniqueFd lock)
      : directory_(std::move(directory)), name_(std::move(name)), lock_(std::move(lock)) {}
  base::Status Listen();

  base::UniqueFd directory_;
  std::string name_;
  base::UniqueFd lock_, callers_, questions_, asker_;
  std::vector<base::UniqueFd> held_;
};

// Asks a pool and returns what it answers; empty where it ends without one. kInvalidInput where
// there is no such pool.
base::Result<std::string> Ask(const Directory& directory, const std::string& name,
                              Question question);
// Removes what processes left that have been killed, and returns the sockets' paths.
base::Result<std::vector<std::string>> RemoveLeftovers(const Directory& directory);
// The names that are held, also by processes that have been killed.
base::Result<std::vector<std::string>> Names(const Directory& directory);

}  // namespace bailey::pool
