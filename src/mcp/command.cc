#include "mcp/command.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>

#include <algorithm>

#include "mcp/pump.h"
#include "os/memory_file.h"
#include "os/piped_child.h"
#include "os/process.h"

namespace bailey::mcp {
namespace {

constexpr std::size_t kMostReport = 1 << 20;

base::Error Failed(const std::string& program, os::Errno error) {
  return base::SystemError("run " + program, error.value);
}

int ExitOf(int wait_status) {
  return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

}  // namespace

void Excerpt::Add(std::string_view bytes) {
  total_ += bytes.size();
  const std::size_t room = most_ / 2 - std::min(most_ / 2, begin_.size());
  begin_ += bytes.substr(0, room);
  bytes.remove_prefix(std::min(room, bytes.size()));
  end_ += bytes;
  // Not at every piece: what is cut off is moved.
  if (end_.size() > 2 * most_) end_.erase(0, end_.size() - (most_ - most_ / 2));
}

std::string Excerpt::Text() const {
  if (!IsCut()) return begin_ + end_;
  const std::string_view last = std::string_view(end_).substr(end_.size() - (most_ - most_ / 2));
  return fmt::format("{}\n... {} bytes are left out ...\n{}", begin_, total_ - most_, last);
}

base::Result<Ran> RunToEnd(const std::vector<std::string>& argv, const RunOptions& options,
                           Cancellation& cancellation) {
  os::PipedOptions pipes = {.with_errors = true};
  base::UniqueFd report;
  if (options.with_report) {
    auto made = os::MakeMemoryFile("report");
    if (!made) return Failed(argv[0], made.error());
    report = *std::move(made);
    pipes.passed = report.Get();
  }
  auto child = os::StartPiped(argv[0], argv, pipes);
  if (!child) return Failed(argv[0], child.error());
  Ran ran(options.most_output);
  const auto kill = [](int pidfd) { return os::SendSignal(pidfd, SIGKILL); };
  if (!cancellation.Watch(child->pidfd.Get(), kill)) cancellation.Cancel();
  const auto pumped = Pump(*child, options.input, ran).UntilClosed();
  const auto waited = os::WaitFor(child->pid);
  cancellation.Forget();
  if (!pumped) return Failed(argv[0], pumped.error());
  if (!waited) return Failed(argv[0], waited.error());
  ran.exit = ExitOf(waited->wait_status);
  if (report.IsOpen()) {
    auto text = os::ReadMemoryFile(report.Get(), kMostReport);
    if (!text) return Failed(argv[0], text.error());
    ran.report = *std::move(text);
  }
  return ran;
}

}  // namespace bailey::mcp
