#include "cli/run_prepared.h"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <utility>

#include "base/text.h"
#include "cli/pool_recipe.h"
#include "os/events.h"
#include "os/terminal.h"
#include "pool/client.h"
#include "pool/directory.h"

namespace bailey::cli {
namespace {

base::Status PassSignals(const pool::Visit& visit, os::SignalQueue& signals) {
  while (const auto signal = signals.Next())
    if (const auto sent = visit.Send(pool::Signal{*signal}); !sent) return sent;
  return {};
}

base::Result<std::optional<Prepared>> Follow(pool::Visit& visit, os::SignalQueue& signals,
                                             const std::string& program) {
  for (bool taken = false;;) {
    const std::array<os::Interest, 2> interests = {{{visit.Line()}, {signals.Descriptor()}}};
    const auto ready = visit.IsOpen() ? os::WaitReady(interests, std::nullopt) : std::optional(0);
    if (!ready) return base::SystemError("wait for the pool", ready.error().value);
    if (**ready == 1) {
      if (const auto passed = PassSignals(visit, signals); !passed) return passed.error();
      continue;
    }
    auto heard = visit.Listen();
    if (!heard) return heard.error();
    if (std::holds_alternative<pool::NotTaken>(*heard)) return std::nullopt;
    if (std::holds_alternative<pool::Taken>(*heard)) taken = true;
    if (auto* const refused = std::get_if<pool::Refused>(&*heard)) {
      // A start of our own says what is wrong, if it is anything but this pool.
      if (!taken) return std::nullopt;
      return base::Error{refused->code, std::move(refused->text), 0, {}, {}};
    }
    if (std::holds_alternative<pool::Lost>(*heard)) {
      fmt::print(stderr, "bailey run: {} was killed: its pool has ended\n", program);
      return Prepared{128 + SIGKILL, {}};
    }
    if (auto* const ended = std::get_if<pool::Ended>(&*heard)) {
      (void)std::fputs(ended->said.c_str(), stderr);
      return Prepared{ended->exit_status, std::move(ended->report)};
    }
  }
}

}  // namespace

base::Result<pool::Request> PoolRequest(const SandboxOptions& options, std::string key,
                                        const std::vector<std::string>& program, bool report) {
  pool::Request request;
  request.key = std::move(key);
  request.argv = program;
  for (char** entry = environ; *entry; ++entry) request.environment.emplace_back(*entry);
  for (const std::string& entry : options.environment)
    (entry.find('=') != std::string::npos ? request.set : request.pass).push_back(entry);
  if (!options.overrides.timeout.empty()) {
    const auto wall = base::ParseDuration(options.overrides.timeout);
    if (!wall) return base::InvalidInput("read --timeout: " + wall.error().text);
    if (wall->count() == 0) return base::InvalidInput("read --timeout: it is zero");
    request.wall = *wall;
  }
  request.report = report;
  return request;
}

base::Result<std::optional<Prepared>> RunPrepared(const SandboxOptions& options,
                                                  const policy::Context& context,
                                                  const std::vector<std::string>& program,
                                                  bool report) {
  // A terminal of its own is made with a sandbox.
  if (os::IsTerminal(STDIN_FILENO).value_or(true)) return std::nullopt;
  const auto directory = pool::OpenDirectory(false);
  if (!directory && directory.error().code == base::ErrorCode::kViolation) return directory.error();
  if (!directory) return std::nullopt;
  auto key = PoolKey(options, context);
  if (!key) return key.error();
  const std::string name = PoolName(*key);
  auto request = PoolRequest(options, *std::move(key), program, report);
  if (!request) return request.error();
  auto signals = os::SignalQueue::Make();
  if (!signals) return base::SystemError("wait for signals", signals.error().value);
  auto visit = pool::Visit::Begin(directory->descriptor.Get(), name, *request, {0, 1, 2});
  // More words than a message holds.
  if (!visit && visit.error().code == base::ErrorCode::kInvalidInput) return std::nullopt;
  if (!visit) return visit.error();
  return Follow(*visit, *signals, program[0]);
}

}  // namespace bailey::cli
