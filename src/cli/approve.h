// --approve: who is asked about calls of tools.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "approval/approver.h"
#include "base/result.h"
#include "cli/arguments.h"

namespace bailey::cli {

struct ApproveOptions {
  std::string approve;  // "none", "policy", "terminal", "elicit" or "socket:PATH"
  std::string time_limit = "60s";
  std::vector<std::string> allow;  // SERVER/TOOL
};

void Describe(Arguments& arguments, ApproveOptions& options);
base::Result<std::chrono::seconds> TimeLimit(const ApproveOptions& options);

// Nothing with "none". What is decided becomes an event of `bailey audit`.
base::Result<std::unique_ptr<approval::Approver>> MakeApprover(const ApproveOptions& options,
                                                               approval::ReadFile read_file,
                                                               approval::Widening widening = {});

}  // namespace bailey::cli
