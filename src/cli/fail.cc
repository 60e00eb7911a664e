#include <fmt/format.h>

#include <cstdio>

#include "cli/commands.h"

namespace bailey::cli {

int Fail(std::string_view command, const base::Error& error) {
  // Where nobody hears it, the exit code says it: fmt::print would throw.
  (void)std::fputs(fmt::format("bailey {}: {}\n", command, base::ToString(error)).c_str(), stderr);
  switch (error.code) {
    case base::ErrorCode::kInvalidInput:
    case base::ErrorCode::kSystem:
      return kUsage;
    case base::ErrorCode::kUnsupported:
      return kUnknown;
    case base::ErrorCode::kViolation:
      return kNo;
    case base::ErrorCode::kInternal:
      return kBug;
  }
  return kBug;
}

}  // namespace bailey::cli
