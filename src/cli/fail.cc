#include <fmt/format.h>

#include <cstdio>

#include "cli/commands.h"

namespace bailey::cli {

int Fail(std::string_view command, const base::Error& error) {
  fmt::print(stderr, "bailey {}: {}\n", command, base::ToString(error));
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
