// Text that people write and read: numbers with units, near misses, control characters.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace bailey::base {

std::vector<std::string_view> Split(std::string_view text, char separator);
std::string_view Trim(std::string_view text);

// "64MiB", "1GiB", "10kB", "512" (bytes). Binary units KiB MiB GiB TiB, decimal kB MB GB TB.
Result<std::uint64_t> ParseSize(std::string_view text);
// "250ms", "30s", "10m", "2h", "1d". A bare number is an error: it has no unit.
Result<std::chrono::milliseconds> ParseDuration(std::string_view text);
// Decimal, 0x hexadecimal or 0 octal; the whole text must be the number, and fit in 64 bits.
std::optional<std::uint64_t> ParseNumber(std::string_view text);

// The candidate that is fewest edits away, if that is near enough to be what was meant.
std::optional<std::string_view> Nearest(std::string_view text,
                                        std::span<const std::string_view> candidates);

// Control characters, quotes and backslashes as \n, \", \x1b; a terminal shows it as it is.
std::string Escape(std::string_view text);
// One shell word: unchanged when nothing in it is special, otherwise single-quoted.
std::string ShellQuote(std::string_view text);

}  // namespace bailey::base
