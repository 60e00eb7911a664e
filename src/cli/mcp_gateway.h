// What `bailey mcp wrap` and `bailey mcp serve --approve elicit` share: a gateway, and who judges
// the calls that pass it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "approval/approver.h"
#include "base/result.h"
#include "cli/approve.h"
#include "mcp/gateway.h"

namespace bailey::cli {

class CallJudge {
 public:
  // `approver`: null where every call may be made.
  CallJudge(approval::Approver* approver, const ApproveOptions& options)
      : approver_(approver), options_(options) {}
  // The gateway asks it about each call; both must outlive the gateway's use. `server`: whose calls
  // they are.
  base::Status Attach(mcp::Gateway& gateway, const std::string& server,
                      std::function<approval::Action(const mcp::Call&)> action_of);

 private:
  mcp::Verdict Judge(const approval::Action& action);
  std::optional<std::string> Resolve(std::uint64_t number, std::optional<std::string_view> answer);

  approval::Approver* approver_;
  const ApproveOptions& options_;
  std::uint64_t last_ = 0;
  std::map<std::uint64_t, approval::Question> questions_;
};

// Between standard input and output and a program, until one of them ends; the exit code. Where the
// program stands for a `remote` server, it says itself what it could not do.
int RunGateway(const std::string& command, mcp::Gateway& gateway,
               const std::vector<std::string>& server, bool remote = false);

}  // namespace bailey::cli
