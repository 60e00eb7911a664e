// bailey pool: sandboxes that are prepared before anybody asks.
#include "cli/pool.h"

#include <fmt/format.h>

#include <chrono>
#include <functional>
#include <string>
#include <utility>

#include "base/text.h"
#include "cli/arguments.h"
#include "cli/caller.h"
#include "cli/commands.h"
#include "cli/pool_recipe.h"
#include "cli/pool_serving.h"
#include "cli/run_options.h"
#include "os/process.h"
#include "pool/daemon.h"
#include "pool/directory.h"

namespace bailey::cli {
namespace {

constexpr const char* kHelp =
    "Usage: bailey pool start [OPTIONS]\n"
    "       bailey pool status [--json]\n"
    "       bailey pool stop [--all | NAME | OPTIONS]\n"
    "\n"
    "Keeps sandboxes prepared for `bailey run --pool`, and for programs with the library.\n"
    "`bailey pool COMMAND --help` describes a command.\n";

struct StartOptions {
  SandboxOptions sandbox;
  std::size_t size = 2;
  std::string idle = "10m";
  bool foreground = false;
};

struct StopOptions {
  SandboxOptions sandbox;
  WhichPools which;
};

base::Result<pool::Settings> MakeSettings(const StartOptions& options,
                                          const policy::Context& context, const std::string& key) {
  pool::Settings settings;
  settings.name = PoolName(key);
  if (options.size < 1 || options.size > pool::kMostPrepared) {
    return base::InvalidInput(
        fmt::format("read --size: {} is not from 1 to {}", options.size, pool::kMostPrepared));
  }
  settings.size = options.size;
  const auto idle = base::ParseDuration(options.idle);
  if (!idle) return base::InvalidInput("read --idle: " + idle.error().text);
  settings.idle = *idle;
  settings.policy = options.sandbox.policy.empty() ? "untrusted" : options.sandbox.policy;
  settings.workspace = context.current_directory;
  return settings;
}

struct Start {
  pool::Directory directory;
  pool::Settings settings;
  pool::Recipe recipe;
};

base::Result<Start> MakeStart(const StartOptions& options) {
  const auto context = CallerContext();
  if (!context) return context.error();
  auto key = PoolKey(options.sandbox, *context);
  if (!key) return key.error();
  auto settings = MakeSettings(options, *context, *key);
  if (!settings) return settings.error();
  auto directory = pool::OpenDirectory(true);
  if (!directory) return directory.error();
  return Start{*std::move(directory), *std::move(settings),
               PoolRecipe(options.sandbox, *context, *key)};
}

int RunStart(int argc, char** argv) {
  StartOptions options;
  Arguments arguments(
      "pool start",
      "Prepares sandboxes as `bailey run` with the same options makes them, and prints the path "
      "of\n"
      "the socket where they are had. Variables and a time limit come with each program.");
  Describe(arguments, options.sandbox);
  arguments.Value("--size", options.size, "how many are prepared (2)");
  arguments.Value("--idle", options.idle, "end when nobody has come for so long (10m)");
  arguments.Flag("--foreground", options.foreground, "serve in this process, until it is stopped");
  const SplitWords words = SplitAtDashes(argc, argv);
  if (const auto code = arguments.Read(words.options, kUsage)) return *code;
  // What careless callers leave open is not kept for hours.
  if (const auto closed = os::CloseAllBut({}); !closed)
    return Fail("pool", base::SystemError("close descriptors", closed.error().value));
  const auto start = MakeStart(options);
  if (!start) return Fail("pool", start.error());
  return ServePool({"pool", fmt::format("{}/{}", start->directory.path, start->settings.name),
                    [&start](const std::function<void()>& ready) {
                      return pool::Serve(start->directory, start->settings, start->recipe, ready);
                    }},
                   options.foreground);
}

int RunStop(int argc, char** argv) {
  StopOptions options;
  Arguments arguments(
      "pool stop",
      "Throws prepared sandboxes away; programs that run go on to their end. Of the pool that was\n"
      "started with the same options here, or the one named.");
  Describe(arguments, options.sandbox);
  Describe(arguments, options.which, "bailey pool", "end what runs as well");
  const SplitWords words = SplitAtDashes(argc, argv);
  if (const auto code = arguments.Read(words.options, kUsage)) return *code;
  return StopPools("pool", pool::kSandboxes, options.which, [&]() -> base::Result<std::string> {
    const auto context = CallerContext();
    if (!context) return context.error();
    const auto key = PoolKey(options.sandbox, *context);
    if (!key) return key.error();
    return PoolName(*key);
  });
}

}  // namespace

int RunPool(int argc, char** argv) {
  const std::string_view verb = argc > 1 ? argv[1] : "";
  if (verb == "start") return RunStart(argc - 1, argv + 1);
  if (verb == "status") return ShowPools("pool", pool::kSandboxes, argc - 1, argv + 1);
  if (verb == "stop") return RunStop(argc - 1, argv + 1);
  if (verb == "--help" || verb == "-h") {
    fmt::print("{}", kHelp);
    return kYes;
  }
  fmt::print(
      stderr, "bailey pool: {}\n{}",
      verb.empty() ? "no command given" : fmt::format("no command \"{}\"", base::Escape(verb)),
      kHelp);
  return kUsage;
}

}  // namespace bailey::cli
