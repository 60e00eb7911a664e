// bailey mcp wrap: a server in a sandbox, and a gateway before it.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "approval/pins.h"
#include "base/text.h"
#include "cli/approve.h"
#include "cli/arguments.h"
#include "cli/caller.h"
#include "cli/commands.h"
#include "cli/libexec.h"
#include "cli/mcp.h"
#include "cli/mcp_gateway.h"
#include "cli/mcp_server.h"
#include "mcp/gateway.h"
#include "mcp/http_listen.h"

namespace bailey::cli {
namespace {

int FailWrap(const base::Error& error) { return Fail("mcp wrap", error); }

// What may be called: tools as they were approved, or were first seen.
class Approved {
 public:
  Approved(approval::Pins pins, std::string server)
      : pins_(std::move(pins)), server_(std::move(server)) {}

  std::optional<std::string> Check(const mcp::Tool& tool) {
    hashes_[tool.name] = approval::Hash(tool.definition);
    const auto verdict = pins_.Check(server_, tool.name, tool.definition);
    if (!verdict) return verdict.error().text;
    if (*verdict != approval::PinVerdict::kChanged) return std::nullopt;
    return fmt::format(
        "its definition is not the one that was approved; a person can compare and approve it: "
        "bailey mcp pins {} {}",
        base::ShellQuote(server_), base::ShellQuote(tool.name));
  }

  approval::Action ActionOf(const mcp::Call& call, const std::string& workspace) const {
    const auto hash = hashes_.find(call.tool);
    return {server_,
            call.tool,
            hash == hashes_.end() ? "" : hash->second,
            call.arguments.empty() ? "{}" : call.arguments,
            workspace,
            false};
  }

 private:
  approval::Pins pins_;
  std::string server_;
  std::map<std::string, std::string, std::less<>> hashes_;  // by tool
};

base::Result<approval::Pins> OpenPins() {
  const auto path = approval::Database::DefaultPath();
  if (!path) return path.error();
  auto database = approval::Database::Open(*path);
  if (!database) return database.error();
  return approval::Pins(*std::move(database));
}

// What the ids of this process's own requests begin with: nobody guesses it.
std::string OwnIds() { return fmt::format("bailey-{}-", mcp::RandomName().substr(0, 16)); }

int Wrap(const ServerOptions& options) {
  mcp::GatewayOptions limits;
  const auto most = base::ParseSize(options.result_limit);
  if (!most) return FailWrap(base::InvalidInput("read --result-limit: " + most.error().text));
  limits.passed = *most;
  limits.own = OwnIds();
  auto pins = OpenPins();
  if (!pins) return FailWrap(pins.error());
  Approved approved(*std::move(pins), options.name);
  mcp::Gateway gateway(limits, [&](const mcp::Tool& tool) { return approved.Check(tool); });
  if (!options.no_translate) gateway.SetTranslating({.own = OwnIds()});
  auto approver = MakeApprover(options.approve, [](const std::string&) { return std::nullopt; });
  if (!approver) return FailWrap(approver.error());
  const auto context = CallerContext();
  if (!context) return FailWrap(context.error());
  CallJudge judge(approver->get(), options.approve);
  const auto judged = judge.Attach(gateway, options.name, [&](const mcp::Call& call) {
    return approved.ActionOf(call, context->current_directory);
  });
  if (!judged) return FailWrap(judged.error());
  const auto command = options.url.empty() ? SandboxCommand(options) : RemoteCommand(options);
  if (!command) return FailWrap(command.error());
  return RunGateway("mcp wrap", gateway, *command, !options.url.empty());
}

}  // namespace

int RunMcpWrap(int argc, char** argv) {
  const SplitWords words = SplitAtDashes(argc, argv);
  const auto asks_for_config = [](const std::string& word) {
    return word == "--config" || word.starts_with("--config=");
  };
  if (std::ranges::any_of(words.options, asks_for_config)) return RunMcpConfig(argc, argv);
  ServerOptions options;
  if (const auto code = ReadServerOptions(words, options)) return *code;
  if (options.listen.where.empty()) return Wrap(options);
  std::vector<std::string> own = {"mcp", "wrap"};
  own.insert(own.end(), options.own.begin(), options.own.end());
  own.push_back("--");
  own.insert(own.end(), options.command.begin(), options.command.end());
  return Listen(options.listen, "mcp wrap", own);
}

}  // namespace bailey::cli
