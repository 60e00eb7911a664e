// bailey pool: sandboxes that are prepared before anybody asks.
#include "cli/pool.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "base/text.h"
#include "cli/arguments.h"
#include "cli/caller.h"
#include "cli/commands.h"
#include "cli/pool_recipe.h"
#include "cli/run_options.h"
#include "os/file.h"
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
  std::string name;
  bool all = false, kill = false;
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

// A pool's sandboxes hold nothing of who started it: neither streams nor a terminal.
base::Status LetGoOfStreams() {
  const auto null = os::Open(AT_FDCWD, "/dev/null", O_RDWR);
  if (!null) return base::SystemError("open /dev/null", null.error().value);
  for (const int descriptor : {0, 1, 2})
    if (const auto done = os::Duplicate(null->Get(), descriptor); !done)
      return base::SystemError("let go of the caller's streams", done.error().value);
  return {};
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

// Who started it, and hears of it once: nothing but that it is ready, or why it is not.
class Starter {
 public:
  virtual ~Starter() = default;
  virtual void Hear(const base::Status& status) = 0;
};

// Waits at the other end of a pipe.
class InFront : public Starter {
 public:
  explicit InFront(base::UniqueFd pipe) : pipe_(std::move(pipe)) {}
  void Hear(const base::Status& status) override {
    if (!pipe_.IsOpen()) return;
    const std::string text = status ? ""
                                    : fmt::format("{}{}", static_cast<int>(status.error().code),
                                                  ToString(status.error()));
    // It may be gone; then nobody wants to know.
    (void)os::WriteAll(pipe_.Get(), status ? "r" : text);
    pipe_.Reset();
  }

 private:
  base::UniqueFd pipe_;
};

int SayPlace(const Start& start, std::FILE* to) {
  fmt::print(to, "{}/{}\n", start.directory.path, start.settings.name);
  return std::fflush(to) == 0 ? kYes : kNo;
}

// This process itself, by copies of its streams.
class OnStreams : public Starter {
 public:
  explicit OnStreams(const Start& start)
      : start_(start), out_(::fdopen(::dup(1), "we")), error_(::fdopen(::dup(2), "we")) {}
  OnStreams(const OnStreams&) = delete;
  OnStreams& operator=(const OnStreams&) = delete;
  ~OnStreams() override {
    for (std::FILE* const file : {out_, error_})
      if (file) (void)std::fclose(file);
  }
  void Hear(const base::Status& status) override {
    if (status && out_) (void)SayPlace(start_, out_);
    if (!status && error_) fmt::print(error_, "bailey pool: {}\n", ToString(status.error()));
  }

 private:
  const Start& start_;
  std::FILE *out_, *error_;
};

int Serve(const Start& start, Starter& starter) {
  auto served = LetGoOfStreams();
  if (served)
    served = pool::Serve(start.directory, start.settings, start.recipe,
                         [&starter] { starter.Hear({}); });
  if (!served) starter.Hear(served);
  return served ? kYes : kNo;
}

int StartInBackground(const Start& start) {
  auto pipe = os::MakePipe();
  if (!pipe) return Fail("pool", base::SystemError("start pool", pipe.error().value));
  const auto child = os::Fork(0);
  if (!child) return Fail("pool", base::SystemError("start pool", child.error().value));
  if (child->pid == 0) {
    (*pipe)[0].Reset();
    InFront starter(std::move((*pipe)[1]));
    os::Exit(os::StartSession() ? Serve(start, starter) : kNo);
  }
  (*pipe)[1].Reset();
  // Until the other end is closed.
  const auto said =
      os::ReadFile(AT_FDCWD, fmt::format("/proc/self/fd/{}", (*pipe)[0].Get()).c_str(), 1 << 16);
  if (!said) return Fail("pool", base::SystemError("start pool", said.error().value));
  if (*said == "r") return SayPlace(start, stdout);
  if (said->empty()) return Fail("pool", base::Internal("start pool: its process has ended"));
  return Fail(
      "pool",
      base::Error{static_cast<base::ErrorCode>((*said)[0] - '0'), said->substr(1), 0, {}, {}});
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
  if (!options.foreground) return StartInBackground(*start);
  OnStreams starter(*start);
  return Serve(*start, starter);
}

std::string ToJson(const std::vector<pool::Found>& pools, const std::string& directory) {
  nlohmann::ordered_json all;
  all["version"] = 1;
  all["pools"] = nlohmann::ordered_json::array();
  for (const pool::Found& found : pools) {
    const pool::Status& status = found.status;
    all["pools"].push_back({{"name", found.name},
                            {"socket", fmt::format("{}/{}", directory, found.name)},
                            {"process", status.process},
                            {"policy", status.policy},
                            {"workspace", status.workspace},
                            {"size", status.size},
                            {"ready", status.ready},
                            {"preparing", status.preparing},
                            {"busy", status.busy},
                            {"taken", status.taken},
                            {"stale", status.stale},
                            {"died", status.died}});
  }
  return all.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

// The pools of this user; none where there is not even a directory for them.
base::Result<std::vector<pool::Found>> Find(std::string& path) {
  const auto directory = pool::OpenDirectory(false);
  if (!directory && directory.error().system_errno == ENOENT) return std::vector<pool::Found>();
  if (!directory) return directory.error();
  path = directory->path;
  return pool::FindPools(*directory);
}

int RunStatus(int argc, char** argv) {
  bool json = false;
  Arguments arguments("pool status", "Lists this user's pools.");
  arguments.Flag("--json", json, "as JSON");
  const SplitWords words = SplitAtDashes(argc, argv);
  if (const auto code = arguments.Read(words.options, kUsage)) return *code;
  std::string path;
  const auto pools = Find(path);
  if (!pools) return Fail("pool", pools.error());
  if (json) {
    fmt::print("{}\n", ToJson(*pools, path));
    return kYes;
  }
  for (const pool::Found& found : *pools) {
    const pool::Status& status = found.status;
    fmt::print("{}  {} of {} ready, {} in use, {} taken so far  {} in {}\n", found.name,
               status.ready, status.size, status.busy, status.taken, base::Escape(status.policy),
               base::Escape(status.workspace));
  }
  return kYes;
}

base::Result<std::vector<std::string>> Chosen(const StopOptions& options,
                                              const pool::Directory& directory) {
  if (options.all) {
    auto pools = pool::FindPools(directory);
    if (!pools) return pools.error();
    std::vector<std::string> names;
    for (pool::Found& found : *pools) names.push_back(std::move(found.name));
    return names;
  }
  if (!options.name.empty()) return std::vector{options.name};
  const auto context = CallerContext();
  if (!context) return context.error();
  const auto key = PoolKey(options.sandbox, *context);
  if (!key) return key.error();
  return std::vector{PoolName(*key)};
}

int RunStop(int argc, char** argv) {
  StopOptions options;
  Arguments arguments(
      "pool stop",
      "Throws prepared sandboxes away; programs that run go on to their end. Of the pool that was\n"
      "started with the same options here, or the one named.");
  Describe(arguments, options.sandbox);
  arguments.Value("NAME", options.name, "of the pool, as `bailey pool status` says it");
  arguments.Flag("--all", options.all, "of every pool of this user");
  arguments.Flag("--kill", options.kill, "end what runs as well");
  const SplitWords words = SplitAtDashes(argc, argv);
  if (const auto code = arguments.Read(words.options, kUsage)) return *code;
  const auto directory = pool::OpenDirectory(false);
  if (!directory && options.all && directory.error().system_errno == ENOENT) return kYes;
  if (!directory) return Fail("pool", directory.error());
  const auto chosen = Chosen(options, *directory);
  if (!chosen) return Fail("pool", chosen.error());
  for (const std::string& name : *chosen)
    if (const auto stopped = pool::Stop(*directory, name, options.kill); !stopped)
      return Fail("pool", stopped.error());
  return kYes;
}

}  // namespace

int RunPool(int argc, char** argv) {
  const std::string_view verb = argc > 1 ? argv[1] : "";
  if (verb == "start") return RunStart(argc - 1, argv + 1);
  if (verb == "status") return RunStatus(argc - 1, argv + 1);
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
