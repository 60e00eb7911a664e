// bailey learn: a program under observation, and the policy that it needs.
#include "cli/learn.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <system_error>

#include "base/text.h"
#include "cli/arguments.h"
#include "cli/caller.h"
#include "cli/commands.h"
#include "cli/input.h"
#include "cli/learn_static.h"
#include "cli/libexec.h"
#include "compile/compile.h"
#include "learn/policy_text.h"
#include "learn/recorder.h"
#include "learn/recording_filter.h"
#include "learn/unconfined.h"
#include "os/file.h"
#include "prove/prover.h"
#include "sandbox/file_witness.h"
#include "sandbox/host_path.h"
#include "sandbox/listener.h"
#include "sandbox/pattern.h"

namespace bailey::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxProfileBytes = 64u << 20;

struct LearnOptions {
  std::string output, profile;
  std::vector<std::string> read, write, environment;
  std::string network = "record", timeout;
  bool unconfined = false;
  std::vector<std::string> check;  // POLICY PROFILE
  std::string static_file;
  std::vector<std::string> program;
};

constexpr char kDescription[] =
    "Runs a program in a sandbox in which every call is allowed and recorded, and writes the\n"
    "policy that it needs. The sandbox shows the host's files read-only without secrets, the\n"
    "current directory for writing, a private /tmp, and a network that leads nowhere.\n"
    "Several runs of one --profile add up. The exit status is the program's own, or 125 when\n"
    "nothing could be learned.";

void Describe(Arguments& arguments, LearnOptions& options) {
  arguments.EndsInProgram("Then: [--] PROGRAM [ARGUMENTS]");
  arguments.Value("-o,--output", options.output, "write the policy here (FILE.toml)");
  arguments.Value("--profile", options.profile,
                  "what was recorded, for later runs to add to (default: FILE.profile.json)");
  const auto read = arguments.Values("--read", options.read, "show a path as well, read-only");
  const auto write = arguments.Values("--write", options.write, "show a path as well, writable");
  const auto network =
      arguments
          .Value("--net", options.network,
                 "record (default): whatever it asks for is noted, and nothing leaves the host;\n"
                 "reach: the internet is reached, and noted; none; host: the host's own network")
          .OneOf({"record", "reach", "none", "host"});
  arguments.Values("-e,--env", options.environment, "pass a variable");
  const auto timeout =
      arguments.Value("--timeout", options.timeout, "kill the program after this time (30s)");
  arguments
      .Flag("--unconfined", options.unconfined,
            "run it on the host itself: everything that it does there is done")
      .Excludes(read)
      .Excludes(write)
      .Excludes(network)
      .Excludes(timeout);
  arguments
      .Values("--check", options.check,
              "POLICY PROFILE: say what the policy would have denied of the recorded runs, and "
              "run nothing")
      .Words(2);
  arguments.Value("--static", options.static_file,
                  "FILE: say which calls a program and its libraries can make at all, and run "
                  "nothing");
}

// What is in "/", but for what a sandbox has of its own.
std::vector<std::string> TopLevel() {
  constexpr std::string_view kOwn[] = {"/proc", "/sys", "/dev", "/tmp", "/lost+found"};
  std::vector<std::string> paths;
  std::error_code error;
  for (fs::directory_iterator at("/", error), end; !error && at != end; at.increment(error)) {
    const std::string path = at->path().string();
    if (std::ranges::find(kOwn, path) == std::end(kOwn)) paths.push_back(path);
  }
  return paths;
}

// Directories that the command line names: the program is to find in them what the caller owns.
// None that is everybody's, holds where the caller is, or belongs to the operating system.
std::vector<std::string> NamedDirectories(const LearnOptions& options,
                                          const policy::Context& context) {
  constexpr std::string_view kSystem[] = {"/usr", "/etc", "/bin",  "/sbin", "/opt",
                                          "/lib", "/dev", "/proc", "/sys"};
  std::vector<std::string> named;
  for (std::size_t i = 1; i < options.program.size(); ++i) {
    std::error_code error;
    const std::string path = fs::canonical(options.program[i], error).string();
    // A bind's two names are parted by ":" (--bind FROM:TO).
    if (error || !fs::is_directory(path, error) || path.contains(':')) continue;
    const bool is_system = std::ranges::any_of(
        kSystem, [&](std::string_view one) { return sandbox::IsWithin(path, one); });
    const bool is_around =
        sandbox::IsWithin(context.current_directory, path) || sandbox::IsWithin(context.home, path);
    if (!is_system && !is_around && !learn::IsBroad(path) &&
        !sandbox::IsWithin(path, context.current_directory))
      named.push_back(path);
  }
  return named;
}

const std::vector<std::string> kPassed = {"HOME",  "LANG", "LC_*", "LOGNAME", "PATH",
                                          "SHELL", "TERM", "TZ",   "USER"};

bool HasGateway(const LearnOptions& options) {
  return options.network == "record" || options.network == "reach";
}

// Addresses of the internet at large; names are the gateway's own matter.
std::vector<std::string> NetworkOf(const std::string& option) {
  if (option == "none" || option == "host") return {option};
  return {"allow:0.0.0.0/0:*", "allow:0.0.0.0/0:*/udp", "allow:[::/0]:*", "allow:[::/0]:*/udp"};
}

// The wall behind which a program is learned, but for the filter.
base::Result<policy::Policy> RecordingPolicy(const LearnOptions& options,
                                             const policy::Context& context) {
  const auto secrets = policy::Load("untrusted", context);
  if (!secrets) return secrets.error();
  policy::Overrides overrides = {.read = TopLevel(),
                                 .write = {"."},
                                 .network = NetworkOf(options.network),
                                 .timeout = options.timeout};
  overrides.hide = secrets->filesystem.hide;
  for (const std::string& path : NamedDirectories(options, context))
    overrides.binds.push_back(path + ":" + path);
  for (const std::string& path : options.read) overrides.read.push_back(path);
  for (const std::string& path : options.write) overrides.write.push_back(path);
  overrides.pass_environment = kPassed;
  for (const std::string& name : options.environment) overrides.pass_environment.push_back(name);
  return policy::Load("allow-all", context, overrides);
}

struct Recorded {
  learn::Profile profile;
  int exit_status = 0;
};

base::Result<Recorded> RecordUnconfined(const LearnOptions& options) {
  const auto filter = learn::RecordingFilter();
  if (!filter) return filter.error();
  std::vector<std::string> environment;
  for (char** entry = environ; *entry; ++entry) environment.emplace_back(*entry);
  learn::Recorder recorder;
  sandbox::Listener listener({.witness = std::bind_front(&learn::Recorder::See, &recorder)});
  const auto status = learn::RunUnconfined(
      options.program, sandbox::PlanExecutables(options.program[0], environment), *filter,
      listener);
  if (!status) return status.error();
  return Recorded{recorder.Take(), *status};
}

base::Result<Recorded> Record(const LearnOptions& options, const policy::Context& context) {
  const auto policy = RecordingPolicy(options, context);
  if (!policy) return policy.error();
  const auto caller = os::CurrentCaller();
  if (!caller) return base::SystemError("find out who is calling", caller.error().value);
  sandbox::PlanOptions plan_options;
  plan_options.argv = options.program;
  plan_options.current_directory = context.current_directory;
  for (char** entry = environ; *entry; ++entry) plan_options.environment.emplace_back(*entry);
  const bool reaches = options.network == "reach";
  if (reaches) {
    auto resolver = FindLibexec("resolve");
    if (!resolver) return resolver.error();
    plan_options.resolver = *std::move(resolver);
  }
  auto plan = sandbox::BuildPlan(*policy, *caller, plan_options);
  if (!plan) return plan.error();
  if (plan->network)
    network::Record(reaches ? network::Recording::kReaching : network::Recording::kRefusing,
                    *plan->network);
  learn::Recorder recorder;
  sandbox::Listener listener({.witness = std::bind_front(&learn::Recorder::See, &recorder)});
  auto outcome = sandbox::Launch(
      *plan,
      [&]() -> base::Result<std::vector<bpf::Program>> {
        auto filter = learn::RecordingFilter();
        if (!filter) return filter.error();
        return std::vector<bpf::Program>{*std::move(filter)};
      },
      &listener, std::bind_front(&learn::Recorder::Decided, &recorder));
  if (!outcome) {
    base::Error error = outcome.error();
    if (HasGateway(options)) error.text += " (--net none learns without a network)";
    return error;
  }
  if (listener.IsDeaf())
    return base::Unsupported("record calls: a sandbox around this one listens already");
  return Recorded{recorder.Take(), sandbox::ExitStatus(*outcome)};
}

base::Status WriteText(const std::string& path, const std::string& text) {
  const std::string next = path + ".new";
  std::FILE* const file = std::fopen(next.c_str(), "we");
  if (file == nullptr) return base::SystemError("write " + next, errno);
  const bool is_written = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  if (std::fclose(file) != 0 || !is_written) return base::SystemError("write " + next, errno);
  const auto moved = os::Rename(next.c_str(), path.c_str());
  if (!moved) return base::SystemError("write " + path, moved.error().value);
  return {};
}

base::Result<learn::Profile> ReadProfile(const std::string& path) {
  const auto text = os::ReadFile(AT_FDCWD, path.c_str(), kMaxProfileBytes);
  if (!text) return base::SystemError("read profile " + path, text.error().value);
  return learn::ParseProfile(*text, path);
}

struct Judged {
  std::vector<std::string> proved, refuted;
};

// Of the guarantees that untrusted code needs: which hold with this policy's filter.
base::Result<Judged> JudgeGuarantees(const policy::Policy& policy) {
  auto filter = compile::Compile(policy.syscalls);
  if (!filter) return filter.error();
  prove::Prover prover(prove::SubjectOf(policy.syscalls, *std::move(filter)));
  Judged judged;
  for (const prove::Guarantee& one : prove::BuiltinGuarantees()) {
    if (!one.untrusted) continue;
    const bool holds = prover.Prove(one).verdict == prove::Verdict::kProved;
    (holds ? judged.proved : judged.refuted).push_back(std::string(one.name));
  }
  return judged;
}

std::string NameOf(const std::string& output) {
  std::string name = fs::path(output).stem().string();
  std::erase_if(name, [](char c) {
    return !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
             c == '.' || c == '_' || c == '-');
  });
  return name.empty() ? "learned" : name.substr(0, 63);
}

// Outside of a sandbox there is no loopback of its own: what was connected to was the host's.
bool UsesHostNetwork(const LearnOptions& options, const learn::Profile& profile) {
  return options.network == "host" || (options.unconfined && !profile.addresses.empty());
}

// What `untrusted` hides, but for what the program used: outside of a sandbox it may have.
base::Result<std::vector<std::string>> SecretsOf(const learn::Profile& profile,
                                                 const policy::Context& context) {
  const auto untrusted = policy::Load("untrusted", context);
  if (!untrusted) return untrusted.error();
  std::vector<std::string> hidden;
  for (const std::string& secret : untrusted->filesystem.hide) {
    const bool is_used = std::ranges::any_of(profile.paths, [&](const auto& one) {
      return sandbox::HasWildcard(secret) ? sandbox::Matches(secret, one.first)
                                          : sandbox::IsWithin(one.first, secret);
    });
    if (is_used) continue;
    const auto below = [&](const std::string& directory) {
      return !directory.empty() && sandbox::IsWithin(secret, directory);
    };
    // "**/.env" is of whatever directory the policy is used in.
    if (sandbox::HasWildcard(secret) && below(context.current_directory)) {
      hidden.push_back(secret.substr(context.current_directory.size() + 1));
    } else {
      hidden.push_back(below(context.home) ? "~" + secret.substr(context.home.size()) : secret);
    }
  }
  return hidden;
}

base::Status WritePolicy(const LearnOptions& options, const learn::Profile& profile,
                         const policy::Context& context) {
  const auto base = policy::Load("os", context);
  if (!base) return base.error();
  const auto root = sandbox::PlanRoot(base->filesystem, {});
  if (!root) return root.error();
  const auto is_shown = [&](const std::string& path, bool write) {
    return sandbox::Judge(*root, path, write ? abi::PathUse::kWrite : abi::PathUse::kRead) ==
           sandbox::Withholding::kNot;
  };
  const learn::Grants grants = learn::Fold(profile, context.current_directory, is_shown);
  const std::string hot = fs::path(options.output).replace_extension(".hot.json").string();
  learn::LearnedOptions learned = {.name = NameOf(options.output),
                                   .hot = fs::path(hot).filename().string(),
                                   .workspace = context.current_directory,
                                   .host_network = UsesHostNetwork(options, profile),
                                   .pass = kPassed};
  for (const std::string& name : options.environment) learned.pass.push_back(name);
  auto secrets = SecretsOf(profile, context);
  if (!secrets) return secrets.error();
  learned.hide = *std::move(secrets);
  if (const auto written = WriteText(hot, learn::HotText(profile)); !written) return written;
  // Once to see what holds, and once to promise it.
  const auto policy = policy::Parse(learn::PolicyText(profile, grants, learned),
                                    fs::absolute(options.output).string(), context);
  if (!policy) return policy.error();
  const auto judged = JudgeGuarantees(*policy);
  if (!judged) return judged.error();
  learned.keep = judged->proved;
  if (const auto written = WriteText(options.output, learn::PolicyText(profile, grants, learned));
      !written)
    return written;
  fmt::print(stderr, "bailey learn: {}: {} calls in {} run{}; {} guarantees hold\n", options.output,
             profile.calls.size(), profile.runs, profile.runs == 1 ? "" : "s",
             judged->proved.size());
  if (!judged->refuted.empty())
    fmt::print(stderr, "bailey learn: these do not: {}\n", fmt::join(judged->refuted, ", "));
  if (const auto names = learn::OnlyLookedUp(profile); !names.empty()) {
    fmt::print(stderr, "bailey learn: looked up and not connected to, so not granted: {}\n",
               fmt::join(names, ", "));
  }
  if (const std::string bound = StaticSummary(profile); !bound.empty())
    fmt::print(stderr, "bailey learn: {}\n", bound);
  return {};
}

int CheckProfile(const LearnOptions& options, const policy::Context& context) {
  const auto policy = policy::Load(options.check[0], context);
  if (!policy) return Fail("learn", policy.error());
  const auto profile = ReadProfile(options.check[1]);
  if (!profile) return Fail("learn", profile.error());
  const auto denied = learn::Check(*policy, *profile);
  for (const learn::WouldDeny& one : denied)
    fmt::print("{:>8} x {}  {} ({})\n", one.count, one.call, one.answer, one.reason);
  const auto refused = learn::CheckNetwork(policy->network, *profile);
  for (const learn::WouldRefuse& one : refused)
    fmt::print("connect to {}  ({})\n", one.entry, one.why);
  const auto root = sandbox::PlanRoot(policy->filesystem, {});
  if (!root) return Fail("learn", root.error());
  std::size_t withheld = 0;
  for (const auto& [path, use] : profile->paths) {
    const bool writes = use.write || use.change_entries;
    const auto wanted = writes ? abi::PathUse::kWrite : abi::PathUse::kRead;
    if (sandbox::Judge(*root, path, wanted) == sandbox::Withholding::kNot) continue;
    ++withheld;
    fmt::print("{:>8} x {} {}\n", use.count, writes ? "write" : "read", base::Escape(path));
  }
  return denied.empty() && refused.empty() && withheld == 0 ? kYes : kNo;
}

// Nothing was learned: whatever the reason, there is no policy.
int NotLearned(const base::Error& error) {
  (void)Fail("learn", error);
  return kNoSandbox;
}

}  // namespace

int RunLearnItself(int argc, char** argv) {
  LearnOptions options;
  Arguments arguments("learn", kDescription);
  Describe(arguments, options);
  const SplitWords words = SplitAtDashes(argc, argv);
  if (const auto code = arguments.Read(words.options, kUsage)) return *code;
  options.program = arguments.Program();
  options.program.insert(options.program.end(), words.program.begin(), words.program.end());
  const auto context = CallerContext();
  if (!context) return NotLearned(context.error());
  if (!options.check.empty()) return CheckProfile(options, *context);
  if (!options.static_file.empty()) return RunStatic(options.static_file);
  if (options.program.empty() || options.output.empty())
    return Fail("learn", base::InvalidInput("start program: none is named, or no --output"));
  if (options.profile.empty())
    options.profile = fs::path(options.output).replace_extension(".profile.json").string();
  learn::Profile profile;
  if (fs::exists(options.profile)) {
    auto before = ReadProfile(options.profile);
    if (!before) return NotLearned(before.error());
    profile = *std::move(before);
  }
  auto recorded = options.unconfined ? RecordUnconfined(options) : Record(options, *context);
  if (!recorded) return NotLearned(recorded.error());
  const auto named = NamedDirectories(options, *context);
  recorded->profile.named.insert(named.begin(), named.end());
  learn::Merge(profile, recorded->profile);
  if (const auto written = WriteText(options.profile, learn::ToJson(profile)); !written)
    return NotLearned(written.error());
  if (const auto written = WritePolicy(options, profile, *context); !written)
    return NotLearned(written.error());
  return recorded->exit_status;
}

}  // namespace bailey::cli
