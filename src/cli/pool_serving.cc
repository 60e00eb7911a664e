// What the commands for pools have in common, whatever is prepared.
#include "cli/pool_serving.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "base/text.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "os/file.h"
#include "os/process.h"
#include "pool/daemon.h"
#include "pool/directory.h"

namespace bailey::cli {
namespace {

// A pool's sandboxes hold nothing of who started it: neither streams nor a terminal.
base::Status LetGoOfStreams() {
  const auto null = os::Open(AT_FDCWD, "/dev/null", O_RDWR);
  if (!null) return base::SystemError("open /dev/null", null.error().value);
  for (const int descriptor : {0, 1, 2})
    if (const auto done = os::Duplicate(null->Get(), descriptor); !done)
      return base::SystemError("let go of the caller's streams", done.error().value);
  return {};
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

int SayPlace(const Serving& serving, std::FILE* to) {
  fmt::print(to, "{}\n", serving.place);
  return std::fflush(to) == 0 ? kYes : kNo;
}

// This process itself, by copies of its streams.
class OnStreams : public Starter {
 public:
  explicit OnStreams(const Serving& serving)
      : serving_(serving), out_(::fdopen(::dup(1), "we")), error_(::fdopen(::dup(2), "we")) {}
  OnStreams(const OnStreams&) = delete;
  OnStreams& operator=(const OnStreams&) = delete;
  ~OnStreams() override {
    for (std::FILE* const file : {out_, error_})
      if (file) (void)std::fclose(file);
  }
  void Hear(const base::Status& status) override {
    if (status && out_) (void)SayPlace(serving_, out_);
    if (!status && error_)
      fmt::print(error_, "bailey {}: {}\n", serving_.command, ToString(status.error()));
  }

 private:
  const Serving& serving_;
  std::FILE *out_, *error_;
};

int Serve(const Serving& serving, Starter& starter) {
  auto served = LetGoOfStreams();
  if (served) served = serving.serve([&starter] { starter.Hear({}); });
  if (!served) starter.Hear(served);
  return served ? kYes : kNo;
}

int ServeInBackground(const Serving& serving) {
  auto pipe = os::MakePipe();
  if (!pipe) return Fail(serving.command, base::SystemError("start pool", pipe.error().value));
  const auto child = os::Fork(0);
  if (!child) return Fail(serving.command, base::SystemError("start pool", child.error().value));
  if (child->pid == 0) {
    (*pipe)[0].Reset();
    InFront starter(std::move((*pipe)[1]));
    os::Exit(os::StartSession() ? Serve(serving, starter) : kNo);
  }
  (*pipe)[1].Reset();
  // Until the other end is closed.
  const auto said =
      os::ReadFile(AT_FDCWD, fmt::format("/proc/self/fd/{}", (*pipe)[0].Get()).c_str(), 1 << 16);
  if (!said) return Fail(serving.command, base::SystemError("start pool", said.error().value));
  if (*said == "r") return SayPlace(serving, stdout);
  if (said->empty())
    return Fail(serving.command, base::Internal("start pool: its process has ended"));
  return Fail(
      serving.command,
      base::Error{static_cast<base::ErrorCode>((*said)[0] - '0'), said->substr(1), 0, {}, {}});
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
base::Result<std::vector<pool::Found>> Find(const char* kind, std::string& path) {
  const auto directory = pool::OpenDirectory(false, kind);
  if (!directory && directory.error().system_errno == ENOENT) return std::vector<pool::Found>();
  if (!directory) return directory.error();
  path = directory->path;
  return pool::FindPools(*directory);
}

}  // namespace

int ServePool(const Serving& serving, bool in_front) {
  if (!in_front) return ServeInBackground(serving);
  OnStreams starter(serving);
  return Serve(serving, starter);
}

int ShowPools(std::string_view command, const char* kind, int argc, char** argv) {
  bool json = false;
  Arguments arguments(fmt::format("{} status", command), "Lists this user's pools.");
  arguments.Flag("--json", json, "as JSON");
  const SplitWords words = SplitAtDashes(argc, argv);
  if (const auto code = arguments.Read(words.options, kUsage)) return *code;
  std::string path;
  const auto pools = Find(kind, path);
  if (!pools) return Fail(command, pools.error());
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

void Describe(Arguments& arguments, WhichPools& which, const std::string& command,
              const std::string& ends) {
  arguments.Value("NAME", which.name, fmt::format("of the pool, as `{} status` says it", command));
  arguments.Flag("--all", which.all, "of every pool of this user");
  arguments.Flag("--kill", which.kill, ends);
}

int StopPools(std::string_view command, const char* kind, const WhichPools& which,
              const std::function<base::Result<std::string>()>& own) {
  const auto directory = pool::OpenDirectory(false, kind);
  if (!directory && which.all && directory.error().system_errno == ENOENT) return kYes;
  if (!directory) return Fail(command, directory.error());
  std::vector<std::string> names;
  if (which.all) {
    const auto pools = pool::FindPools(*directory);
    if (!pools) return Fail(command, pools.error());
    for (const pool::Found& found : *pools) names.push_back(found.name);
  } else if (!which.name.empty()) {
    names.push_back(which.name);
  } else {
    auto name = own();
    if (!name) return Fail(command, name.error());
    names.push_back(*std::move(name));
  }
  for (const std::string& name : names)
    if (const auto stopped = pool::Stop(*directory, name, which.kill); !stopped)
      return Fail(command, stopped.error());
  return kYes;
}

}  // namespace bailey::cli
