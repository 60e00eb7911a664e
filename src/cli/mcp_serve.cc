// bailey mcp serve: bailey as a server of tools.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "approval/pins.h"
#include "cli/approve.h"
#include "cli/arguments.h"
#include "cli/caller.h"
#include "cli/commands.h"
#include "cli/libexec.h"
#include "cli/mcp.h"
#include "cli/mcp_gateway.h"
#include "cli/mcp_listen.h"
#include "cli/mcp_pool.h"
#include "cli/mcp_server.h"
#include "cli/run_options.h"
#include "mcp/gateway.h"
#include "mcp/http_listen.h"
#include "mcp/run_tool.h"
#include "mcp/service.h"
#include "mcp/tools.h"
#include "mcp/workspace.h"
#include "policy/widening.h"

namespace bailey::cli {
namespace {

constexpr const char* kInstructions =
    "Programs run in a sandbox: what its policy does not grant is denied, whoever asks. A result "
    "says what was denied, and an error what to change.";

int FailServe(const base::Error& error) { return Fail("mcp serve", error); }

struct ServeOptions {
  SandboxOptions sandbox;
  std::vector<std::string> words;     // of the sandbox, as they were given
  std::vector<std::string> unasked;   // of this command, without --approve
  std::vector<std::string> policies;  // that a call may name
  ApproveOptions approve = {.approve = "none"};
  ListenOptions listen;
  bool pool = false;
};

// The file tools keep to what the policy grants, as programs in the sandbox have to.
mcp::WorkspaceRules RulesOf(const policy::Policy& policy) {
  return {policy.filesystem.hide, policy.filesystem.write};
}

// As a gateway sees the definition: what is remembered holds whoever asked.
std::string HashOf(const mcp::ServedTool& tool) {
  const auto list =
      mcp::ReadTools(fmt::format("{{\"result\":{{\"tools\":[{}]}}}}", tool.definition));
  return list && *list ? approval::Hash((*list)->tools.front().definition) : "";
}

// A call is answered with a refusal, or as before.
void Guard(mcp::ServedTool& tool, approval::Approver& approver, const std::string& workspace) {
  const approval::Action action = {"bailey", tool.name, HashOf(tool), "", workspace, true};
  tool.call = [action, call = std::move(tool.call), &approver](
                  const std::string& arguments,
                  mcp::Cancellation& cancellation) -> mcp::ToolResult {
    approval::Action asked = action;
    asked.arguments = arguments;
    if (const auto why = approver.Refuse(asked))
      return {fmt::format("call tool \"{}\": {}", asked.tool, *why), "", true};
    return call(arguments, cancellation);
  };
}

approval::ReadFile ReaderOf(const mcp::Workspace& workspace) {
  return [&workspace](const std::string& path) -> std::optional<std::string> {
    auto text = workspace.Read(path);
    if (!text) return std::nullopt;
    return *std::move(text);
  };
}

// What a call's own policy would let its program do besides.
approval::Widening WideningBeyond(const policy::Policy& usual, const ServeOptions& options) {
  return [&usual, sandbox = options.sandbox,
          allowed = options.policies](const std::string& name) -> std::vector<std::string> {
    // A call does not make this process read a file.
    if (std::ranges::find(allowed, name) == allowed.end()) return {"the server does not allow it"};
    const auto context = CallerContext();
    if (!context) return {context.error().text};
    SandboxOptions asked = sandbox;
    asked.policy = name;
    const auto other = LoadPolicy(std::move(asked), *context);
    if (!other) return {other.error().text};
    auto lines = policy::Widening(usual, *other);
    if (lines.empty()) lines.emplace_back("nothing");
    return lines;
  };
}

// The client is asked by a gateway in front of a server that asks nobody.
int ServeBehindGateway(const ServeOptions& options, const mcp::Workspace& workspace,
                       approval::Widening widening) {
  const auto approver = MakeApprover(options.approve, ReaderOf(workspace), std::move(widening));
  if (!approver) return FailServe(approver.error());
  auto bailey = FindBailey();
  if (!bailey) return FailServe(bailey.error());
  std::map<std::string, std::string, std::less<>> hashes;
  mcp::GatewayOptions limits;
  limits.own = fmt::format("bailey-{}-", mcp::RandomName().substr(0, 16));
  mcp::Gateway gateway(limits, [&](const mcp::Tool& tool) -> std::optional<std::string> {
    hashes[tool.name] = approval::Hash(tool.definition);
    return std::nullopt;
  });
  CallJudge judge(approver->get(), options.approve);
  const auto judged = judge.Attach(gateway, "bailey", [&](const mcp::Call& call) {
    return approval::Action{"bailey",
                            call.tool,
                            hashes[call.tool],
                            call.arguments.empty() ? "{}" : call.arguments,
                            workspace.Directory(),
                            true};
  });
  if (!judged) return FailServe(judged.error());
  std::vector<std::string> server = {*std::move(bailey), "mcp", "serve"};
  server.insert(server.end(), options.unasked.begin(), options.unasked.end());
  return RunGateway("mcp serve", gateway, server);
}

int Serve(ServeOptions options) {
  const auto context = CallerContext();
  if (!context) return FailServe(context.error());
  if (options.sandbox.policy.empty()) {
    options.sandbox.policy = "agent";
    options.words.push_back("--policy=agent");
  }
  const auto policy = LoadPolicy(options.sandbox, *context);
  if (!policy) return FailServe(policy.error());
  auto workspace = mcp::Workspace::Open(context->current_directory, RulesOf(*policy));
  if (!workspace) return FailServe(workspace.error());
  auto widening = WideningBeyond(*policy, options);
  if (options.approve.approve == "elicit")
    return ServeBehindGateway(options, *workspace, std::move(widening));
  auto sessions = mcp::Sessions::Open();
  if (!sessions) return FailServe(sessions.error());
  auto bailey = FindBailey();
  if (!bailey) return FailServe(bailey.error());
  mcp::AskPool pool;
  if (options.pool) {
    auto made = MakeAskPool(options.sandbox, *context, *bailey);
    if (!made) return FailServe(made.error());
    pool = *std::move(made);
  }
  const mcp::RunToolOptions run = {*std::move(bailey),  std::move(options.words), options.policies,
                                   policy->limits.wall, policy->limits.memory,    std::move(pool)};
  auto tools = mcp::RunTools(run, *sessions);
  for (mcp::ServedTool& tool : mcp::FileTools(*workspace)) tools.push_back(std::move(tool));
  const auto approver = MakeApprover(options.approve, ReaderOf(*workspace), std::move(widening));
  if (!approver) return FailServe(approver.error());
  if (*approver)
    for (mcp::ServedTool& tool : tools) Guard(tool, **approver, workspace->Directory());
  std::ranges::sort(tools, {}, &mcp::ServedTool::name);
  mcp::Service service({"bailey", BAILEY_VERSION, kInstructions}, std::move(tools));
  const auto served = mcp::Serve(service, 0, 1, [&sessions] { sessions->EndAll(); });
  if (!served) return FailServe(served.error());
  return kYes;
}

}  // namespace

int RunMcpServe(int argc, char** argv) {
  Arguments arguments(
      "mcp serve",
      "Is a server of the Model Context Protocol on standard input and output. Its tools run\n"
      "programs in sandboxes (run), read and change files of the current directory (read, write,\n"
      "edit, list), and put policies on trial (check). The options say which sandbox; without a\n"
      "policy it is the preset agent. Exits with 0 when the client ended the connection.");
  ServeOptions options;
  Describe(arguments, options.sandbox);
  arguments.Values("--allow-policy", options.policies, "another policy that a call may ask for");
  Describe(arguments, options.approve);
  Describe(arguments, options.listen);
  arguments.Flag("--pool", options.pool,
                 "use sandboxes that `bailey pool` has prepared, where there are any");
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (const auto code = arguments.Read(words, kUsage)) return *code;
  const std::vector<std::string> own = WithoutListening(words);
  if (!options.listen.where.empty()) {
    std::vector<std::string> server = {"mcp", "serve"};
    server.insert(server.end(), own.begin(), own.end());
    return Listen(options.listen, "mcp serve", server);
  }
  options.unasked = WithoutOptions(own, {"--approve", "--approve-time", "--allow-tool"}, {});
  options.words = WithoutOptions(
      own, {"--allow-policy", "--approve", "--approve-time", "--allow-tool"}, {"--pool"});
  return Serve(std::move(options));
}

}  // namespace bailey::cli
