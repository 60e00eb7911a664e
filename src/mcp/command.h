// A program that is run to its end, with what it wrote kept up to a bound.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "mcp/service.h"

namespace bailey::mcp {

// The beginning and the end of a text that is too long to keep.
class Excerpt {
 public:
  explicit Excerpt(std::size_t most) : most_(most) {}
  void Add(std::string_view bytes);
  // With a line between the two that says how much is left out.
  std::string Text() const;
  bool IsCut() const { return total_ > most_; }
  std::uint64_t Total() const { return total_; }

 private:
  std::size_t most_;
  std::uint64_t total_ = 0;
  std::string begin_, end_;
};

struct Ran {
  explicit Ran(std::size_t most_output) : out(most_output), errors(most_output) {}
  int exit = 0;  // its status, or 128+n for signal n
  Excerpt out, errors;
  std::string report;  // what it wrote to the passed descriptor, if it was given one
};

struct RunOptions {
  std::string input;
  std::size_t most_output = 256 << 10;  // of each stream
  bool with_report = false;             // a file of its own at /proc/self/fd/3
};

base::Result<Ran> RunToEnd(const std::vector<std::string>& argv, const RunOptions& options,
                           Cancellation& cancellation);

}  // namespace bailey::mcp
