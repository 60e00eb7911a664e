#include "mcp/run_tool.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdlib.h>

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/text.h"
#include "mcp/command.h"
#include "os/file.h"

namespace bailey::mcp {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kRun = R"json({
"name": "run",
"description": "Runs a program in a sandbox and returns what it wrote and how it ended. The program sees the workspace and the system's programs, and nothing else that its policy does not grant. Use argv as execve takes it; for a shell: [\"sh\", \"-c\", \"...\"].",
"inputSchema": {"type": "object", "additionalProperties": false, "required": ["argv"], "properties": {
"argv": {"type": "array", "items": {"type": "string"}, "minItems": 1, "description": "the program and its arguments"},
"stdin": {"type": "string", "description": "what it reads on standard input; nothing by default"},
"policy": {"type": "string", "description": "another policy than the server's, if the server allows it"},
"timeout": {"type": "string", "description": "for example 30s; not more than the policy allows"},
"memory": {"type": "string", "description": "for example 512MiB; not more than the policy allows"},
"session": {"type": "string", "description": "a session of session_start: its directory is HOME and lasts"},
"output": {"type": "integer", "minimum": 0, "maximum": 4194304, "description": "bytes of each stream to return at most, its beginning and end; 65536 by default"}}},
"outputSchema": {"type": "object", "required": ["exit", "stdout", "stderr"], "properties": {
"exit": {"type": "integer", "description": "the program's; 128+n for signal n, 124 time limit, 125 no sandbox, 126 and 127 no program"},
"stdout": {"type": "string"}, "stderr": {"type": "string"},
"stdout_bytes": {"type": "integer"}, "stderr_bytes": {"type": "integer"},
"report": {"type": "object", "description": "of bailey run: outcome, times, what was enforced, what was denied"}}},
"annotations": {"title": "Run a program in a sandbox", "readOnlyHint": false, "openWorldHint": false}})json";

constexpr const char* kCheck = R"json({
"name": "check",
"description": "Puts a policy on trial and returns what is wrong with it. Name a preset, or give the text of a policy file.",
"inputSchema": {"type": "object", "additionalProperties": false, "properties": {
"policy": {"type": "string", "maxLength": 63, "description": "a preset's name"},
"text": {"type": "string", "maxLength": 1048576, "description": "the text of a policy file (TOML)"}}},
"annotations": {"title": "Check a policy", "readOnlyHint": true, "openWorldHint": false}})json";

constexpr const char* kStart = R"json({
"name": "session_start",
"description": "Makes a directory that lasts from one run to another, as HOME, until session_end or the end of the connection; then it is thrown away. Returns its name.",
"inputSchema": {"type": "object", "additionalProperties": false, "properties": {}}})json";

constexpr const char* kEnd = R"json({
"name": "session_end",
"description": "Throws a session's directory away.",
"inputSchema": {"type": "object", "additionalProperties": false, "required": ["session"], "properties": {"session": {"type": "string"}}}})json";

std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

ToolResult Error(std::string text) { return {std::move(text), "", true}; }

// Takes an option out, in each of its forms: an option is given once. ("-p agent", "-pagent")
void Drop(std::vector<std::string>& words, std::string_view name, std::string_view letter = "") {
  for (auto word = words.begin(); word != words.end();) {
    const bool alone = *word == name || (!letter.empty() && *word == letter);
    const bool joined = word->starts_with(std::string(name) + "=") ||
                        (!letter.empty() && !word->starts_with("--") && word->starts_with(letter));
    if (!alone && !joined) {
      ++word;
      continue;
    }
    word = words.erase(word);
    if (alone && word != words.end()) word = words.erase(word);
  }
}

// The options that a call adds, or why it may not.
class Caller {
 public:
  Caller(const RunToolOptions& options, Sessions& sessions, const Json& arguments)
      : options_(options), sessions_(sessions), arguments_(arguments) {}

  base::Result<std::vector<std::string>> Command() {
    std::vector<std::string> command = {options_.bailey, "run"};
    command.insert(command.end(), options_.sandbox.begin(), options_.sandbox.end());
    for (const auto& add :
         {&Caller::AddPolicy, &Caller::AddTimeout, &Caller::AddMemory, &Caller::AddSession})
      if (const auto added = (this->*add)(command); !added) return added.error();
    if (MayBePooled()) command.push_back("--pool");
    command.push_back("--json-file=/proc/self/fd/3");
    command.push_back("--");
    for (const Json& word : arguments_["argv"]) {
      command.push_back(word);
      if (command.back().find('\0') != std::string::npos)
        return base::InvalidInput("run a program: a word of \"argv\" has a zero byte in it");
    }
    return command;
  }

  // The sandbox is that of every call which asks for no other.
  bool MayBePooled() const {
    if (!options_.pool) return false;
    return !arguments_.contains("policy") && !arguments_.contains("memory") &&
           !arguments_.contains("session");
  }
  // Of a call whose Command there is.
  PooledProgram Pooled() const {
    PooledProgram program;
    for (const Json& word : arguments_["argv"]) program.argv.push_back(word);
    if (arguments_.contains("timeout")) {
      const auto time = base::ParseDuration(arguments_["timeout"].get<std::string>());
      if (time) program.wall = *time;
    }
    return program;
  }

 private:
  base::Status AddPolicy(std::vector<std::string>& command) {
    if (!arguments_.contains("policy")) return {};
    const std::string policy = arguments_["policy"];
    if (std::ranges::find(options_.policies, policy) == options_.policies.end()) {
      return base::InvalidInput(fmt::format(
          "run with policy \"{}\": the server does not allow it; leave \"policy\" out, or let a "
          "person start the server with --allow-policy {}",
          base::Escape(policy), base::ShellQuote(policy)));
    }
    Drop(command, "--policy", "-p");
    command.push_back("--policy=" + policy);
    return {};
  }

  base::Status AddTimeout(std::vector<std::string>& command) {
    if (!arguments_.contains("timeout")) return {};
    const std::string text = arguments_["timeout"];
    const auto time = base::ParseDuration(text);
    if (!time) return base::InvalidInput("run with a timeout: " + time.error().text);
    if (time->count() == 0) return base::InvalidInput("run with a timeout: it is zero");
    if (options_.wall && *time > *options_.wall) {
      return base::InvalidInput(fmt::format("run with a timeout of {}: the policy allows {} ms",
                                            text, options_.wall->count()));
    }
    Drop(command, "--timeout");
    command.push_back("--timeout=" + text);
    return {};
  }

  base::Status AddMemory(std::vector<std::string>& command) {
    if (!arguments_.contains("memory")) return {};
    const std::string text = arguments_["memory"];
    const auto size = base::ParseSize(text);
    if (!size) return base::InvalidInput("run with a memory limit: " + size.error().text);
    if (options_.memory && *size > *options_.memory) {
      return base::InvalidInput(fmt::format(
          "run with a memory limit of {}: the policy allows {} bytes", text, *options_.memory));
    }
    Drop(command, "--memory");
    command.push_back("--memory=" + text);
    return {};
  }

  base::Status AddSession(std::vector<std::string>& command) {
    if (!arguments_.contains("session")) return {};
    const std::string name = arguments_["session"];
    const auto directory = sessions_.Find(name);
    if (!directory) {
      return base::InvalidInput(fmt::format(
          "run in session \"{}\": there is none; session_start makes one", base::Escape(name)));
    }
    command.push_back("--write=" + *directory);
    command.push_back("--env=HOME=" + *directory);
    return {};
  }

  const RunToolOptions& options_;
  Sessions& sessions_;
  const Json& arguments_;
};

ToolResult Describe(const Ran& ran) {
  const Json report = Json::parse(ran.report, nullptr, false);
  Json result = {{"exit", ran.exit},
                 {"stdout", ran.out.Text()},
                 {"stderr", ran.errors.Text()},
                 {"stdout_bytes", ran.out.Total()},
                 {"stderr_bytes", ran.errors.Total()}};
  if (report.is_object()) result["report"] = report;
  std::string text = ran.out.Text();
  if (ran.errors.Total() > 0)
    text += fmt::format("{}[standard error]\n{}", text.empty() ? "" : "\n", ran.errors.Text());
  text +=
      fmt::format("{}[exit status {}]", text.empty() || text.ends_with('\n') ? "" : "\n", ran.exit);
  // Without a report the program did not run.
  return {std::move(text), Dump(result), !report.is_object() || ran.exit == 126 || ran.exit == 127};
}

ToolResult Run(const RunToolOptions& options, Sessions& sessions, const std::string& text,
               Cancellation& cancellation) {
  const Json arguments = Json::parse(text);
  Caller caller(options, sessions, arguments);
  const auto command = caller.Command();
  if (!command) return Error(command.error().text);
  RunOptions run;
  run.input = arguments.value("stdin", "");
  run.most_output = arguments.value("output", std::size_t{64} << 10);
  run.with_report = true;
  if (caller.MayBePooled()) {
    const auto ran = RunPooled(options.pool, caller.Pooled(), run, cancellation);
    if (!ran) return Error(ran.error().text);
    if (*ran) return Describe(**ran);
  }
  const auto ran = RunToEnd(*command, run, cancellation);
  if (!ran) return Error(ran.error().text);
  return Describe(*ran);
}

// The text of a policy under a name that says what it is, as long as this lives.
class PolicyFile {
 public:
  static base::Result<PolicyFile> Make(const std::string& text) {
    std::string path = "/tmp/bailey-XXXXXX.toml";
    const base::UniqueFd file(::mkostemps(path.data(), 5, O_CLOEXEC));
    if (!file.IsOpen()) return base::SystemError("make " + path, errno);
    PolicyFile made(std::move(path));
    if (const auto written = os::WriteAll(file.Get(), text); !written)
      return base::SystemError("write " + made.path_, written.error().value);
    return made;
  }
  PolicyFile(PolicyFile&& other) noexcept : path_(std::exchange(other.path_, "")) {}
  PolicyFile& operator=(PolicyFile&&) = delete;
  ~PolicyFile() {
    if (!path_.empty()) (void)os::RemoveFile(AT_FDCWD, path_.c_str());
  }
  const std::string& Path() const { return path_; }

 private:
  explicit PolicyFile(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

ToolResult Check(const RunToolOptions& options, const std::string& text,
                 Cancellation& cancellation) {
  const Json arguments = Json::parse(text);
  if (arguments.contains("policy") == arguments.contains("text"))
    return Error("check a policy: give either \"policy\" or \"text\"");
  std::string subject = arguments.value("policy", "");
  // A path would be read as whoever started this server.
  const auto in_name = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  };
  if (!std::ranges::all_of(subject, in_name))
    return Error("check a policy: \"policy\" is the name of a preset; give a file's as \"text\"");
  RunOptions run;
  run.most_output = 4 << 20;
  std::optional<PolicyFile> file;
  if (arguments.contains("text")) {
    auto made = PolicyFile::Make(arguments["text"]);
    if (!made) return Error(made.error().text);
    file.emplace(*std::move(made));
    subject = file->Path();
  }
  const std::vector<std::string> command = {options.bailey,    "review", "--format=json",
                                            "--fail-on=never", "--",     subject};
  const auto ran = RunToEnd(command, run, cancellation);
  if (!ran) return Error(ran.error().text);
  const Json report = Json::parse(ran->out.Text(), nullptr, false);
  if (!report.is_object()) return Error(ran->errors.Text());
  std::string lines;
  const Json findings = report.value("security_researcher", Json::array());
  for (const Json& finding : findings)
    lines += fmt::format("- {}\n", finding.value("vulnerability", ""));
  return {fmt::format("{} findings\n{}", findings.size(), lines), Dump(report), false};
}

}  // namespace

std::vector<ServedTool> RunTools(const RunToolOptions& options, Sessions& sessions) {
  const auto start = [&sessions](const std::string&, Cancellation&) -> ToolResult {
    const auto name = sessions.Start();
    if (!name) return Error(name.error().text);
    return {*name, Dump({{"session", *name}}), false};
  };
  const auto end = [&sessions](const std::string& text, Cancellation&) -> ToolResult {
    const std::string name = Json::parse(text)["session"];
    if (sessions.End(name)) return {"gone", "", false};
    return Error(fmt::format("end session \"{}\": there is none", base::Escape(name)));
  };
  return {{"run", kRun,
           [&](const std::string& text, Cancellation& cancellation) {
             return Run(options, sessions, text, cancellation);
           }},
          {"check", kCheck,
           [&](const std::string& text, Cancellation& cancellation) {
             return Check(options, text, cancellation);
           }},
          {"session_start", kStart, start},
          {"session_end", kEnd, end}};
}

}  // namespace bailey::mcp
