// The program that the host wants to be run, as its frames have said so far. In memory of a fixed
// size, before the fork: texts end with a null byte here, and have none within.
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "guest/protocol.h"

namespace bailey::guest {

struct Command {
  static constexpr std::size_t kMostWords = 8192, kMostGrants = 512, kMostLimits = 16;
  static constexpr std::size_t kMostMounts = 64, kMostFilters = 64, kMostWatches = 1024;
  static constexpr std::size_t kMostNamings = 512, kMostSendings = 32;
  static constexpr std::size_t kRoom = std::size_t{3} << 20;

  // As it was made; what it was told stays in its memory, and is not looked at.
  void Clear();
  // Adds what a frame says. False where it is malformed, too much, or no part of a command.
  bool Add(const Frame& frame);
  bool IsComplete() const { return is_complete; }
  // All that was said of it but its words, and at what rate it is told of: two commands of one
  // shape are confined alike. Empty where that is more than is kept.
  std::span<const std::uint8_t> Shape() const {
    return std::span(shape_).first(shape_fits_ ? shape_size_ : 0);
  }
  static constexpr std::size_t kMostShape = std::size_t{64} << 10;

  std::array<char*, kMostWords + 1> argv = {}, environment = {};
  std::array<Grant, kMostGrants> grants;
  std::array<Limit, kMostLimits> limits;
  std::array<Mount, kMostMounts> mounts;
  std::array<std::span<const std::uint8_t>, kMostFilters> filters;
  std::size_t arguments = 0, variables = 0;
  std::size_t grant_count = 0, limit_count = 0, mount_count = 0, filter_count = 0;
  std::array<Watch, kMostWatches> watches;  // by architecture and number
  std::size_t watch_count = 0;
  std::array<Naming, kMostNamings> namings;  // the same
  std::size_t naming_count = 0;
  std::array<Sending, kMostSendings> sendings;
  std::size_t sending_count = 0;
  Listen listen;
  bool listens = false;
  Network network;
  bool has_network = false;
  bool rehearses = false;
  Start start;
  bool is_complete = false;

 private:
  // Null where it does not fit, or has a null byte within.
  char* Keep(std::string_view text);
  bool KeepView(std::string_view& text);
  bool AddWord(const Frame& frame, std::array<char*, kMostWords + 1>& words, std::size_t& count);
  bool AddFilter(const Frame& frame);
  bool AddMount(const Frame& frame);
  void AddShape(const Frame& frame);

  std::array<std::uint8_t, kMostShape> shape_;
  std::size_t shape_size_ = 0;
  bool shape_fits_ = true;
  std::size_t used_ = 0;
  alignas(8) std::array<char, kRoom> room_;
};

}  // namespace bailey::guest
