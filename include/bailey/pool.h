// Programs in sandboxes that `bailey pool` has prepared, for programs that start many.
//
//   // $ bailey pool start --policy agent --size 4
//   // /run/user/1000/bailey/pool/3f07c2a91b5de846
//   const auto pool = bailey::Pool::Open("/run/user/1000/bailey/pool/3f07c2a91b5de846");
//   if (!pool) return Complain(pool.error());
//   const auto result = pool->Run({.arguments = {"make", "-j4"}, .streams = {0, pipe, pipe}});
//   if (!result) return Complain(result.error());       // the program did not run
//   return result->exit_status;                         // as that of `bailey run`
//
// The policy, the workspace and everything else about the sandboxes is what the pool was started
// with (docs/pool.md). Each sandbox is for one program. Nothing here throws, keeps state or starts
// threads; a Pool may be used from any thread, a Running one from one at a time.
#pragma once

#include <bailey/descriptor.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bailey {

struct Program {
  std::vector<std::string> arguments;  // the first is looked for as execvp(3) does, inside
  // "NAME=value". The policy says which of them pass, and what others there are.
  std::vector<std::string> environment;
  std::string directory;  // inside; empty: the policy's
  // Descriptors of the caller's: the program's standard input, output and error. No directories,
  // and no terminal as standard input.
  std::array<int, 3> streams = {0, 1, 2};
  std::optional<std::chrono::milliseconds> time_limit;  // in place of the policy's
};

struct ProgramResult {
  int exit_status = 0;  // as that of `bailey run`: 128+n for signal n, 124 when the time was over
  int signal = 0;       // that ended it; 0: none
  std::chrono::microseconds time{};
  std::uint64_t peak_memory_kib = 0;  // of the largest process
  std::string said;                   // about an end that the status does not tell; mostly empty
};

// A program in its sandbox. When this goes away, so does all of the sandbox.
class Running {
 public:
  Running(Running&& other) noexcept = default;
  Running& operator=(Running&& other) noexcept = default;

  // Can be read when Wait may have an answer.
  int Number() const { return connection_.Number(); }
  // The program has ended, and every process that it left. Blocks. An error: it did not run.
  Expected<ProgramResult> Wait();
  // To the program; nothing where it has ended.
  Expected<void> Signal(int number) const;

 private:
  friend class Pool;
  Running(Descriptor connection, std::string name)
      : connection_(std::move(connection)), name_(std::move(name)) {}
  Descriptor connection_;
  std::string name_;
};

class Pool {
 public:
  // By the socket's path, as `bailey pool start` prints it. A directory that is not this user's
  // alone is an error; whether a pool lives there is found out by Start.
  static Expected<Pool> Open(std::string_view path);

  // Waits for a sandbox where none is ready.
  Expected<Running> Start(const Program& program) const;
  // Start, and Wait.
  Expected<ProgramResult> Run(const Program& program) const;

 private:
  Pool(Descriptor directory, std::string name)
      : directory_(std::move(directory)), name_(std::move(name)) {}
  Descriptor directory_;
  std::string name_;
};

}  // namespace bailey
