// What a caller and a pool say to each other: messages over one connection a command. The caller
// sends a Request with its standard descriptors, then signals; the pool answers Taken, and Ended or
// Refused at the end. Before Taken the program has certainly not run.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"

namespace bailey::pool {

// Of one message; the kernel's bound on a socket's queue is a little above (net.core.wmem_default).
inline constexpr std::size_t kMostBytes = std::size_t{160} << 10;

// Room for one message, of which only what is filled is touched.
class Buffer {
 public:
  std::span<char> All() const { return {bytes_.get(), kMostBytes}; }
  std::string_view First(std::size_t size) const { return {bytes_.get(), size}; }

 private:
  std::unique_ptr<char[]> bytes_ = std::make_unique_for_overwrite<char[]>(kMostBytes);
};

struct Request {
  // Everything that the pool's sandboxes must have been made for. Empty where the caller has chosen
  // the pool by its path, and takes what it is for.
  std::string key;
  std::vector<std::string> argv;
  std::vector<std::string> environment;  // the caller's, "NAME=value": the policy says what passes
  std::vector<std::string> pass, set;    // and what else: "NAME", "NAME=value"
  std::string workdir;                   // inside; empty: the policy's
  std::optional<std::chrono::milliseconds> wall;  // in place of the policy's
  bool report = false;
  bool operator==(const Request&) const = default;
};

struct Signal {
  int number = 0;
  bool operator==(const Signal&) const = default;
};

struct Taken {
  bool operator==(const Taken&) const = default;
};

// The program ran, or was not there to be executed.
struct Ended {
  int exit_status = 0;  // as that of `bailey run`
  int signal = 0;       // that ended it; 0: none
  std::chrono::microseconds wall{}, start_up{};
  std::uint64_t peak_memory_kib = 0;
  std::string said;    // lines for a person
  std::string report;  // where it was asked for: docs/schemas/run.schema.json
  bool operator==(const Ended&) const = default;
};

// The program did not run.
struct Refused {
  base::ErrorCode code = base::ErrorCode::kInternal;
  std::string text;
  bool operator==(const Refused&) const = default;
};

using Message = std::variant<Request, Signal, Taken, Ended, Refused>;
std::string Encode(const Message& message);
// kInvalidInput for bytes that Encode does not make.
base::Result<Message> Decode(std::string_view bytes);

}  // namespace bailey::pool
