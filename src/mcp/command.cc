#include "mcp/command.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "os/events.h"
#include "os/file.h"
#include "os/memory_file.h"
#include "os/piped_child.h"
#include "os/process.h"

namespace bailey::mcp {
namespace {

constexpr std::size_t kBuffer = 64 << 10;
constexpr std::size_t kMostReport = 1 << 20;

base::Error Failed(const std::string& program, os::Errno error) {
  return base::SystemError("run " + program, error.value);
}

// Reads and writes until the program has closed both of its streams.
class Pump {
 public:
  Pump(os::PipedChild& child, std::string_view input, Ran& ran)
      : child_(child), input_(input), ran_(ran), buffer_(kBuffer) {
    if (input_.empty()) child_.input.Reset();
  }

  os::SysStatus Run() {
    while (child_.output.IsOpen() || child_.errors.IsOpen())
      if (const auto done = Step(); !done) return done;
    child_.input.Reset();
    return {};
  }

 private:
  os::SysStatus Step() {
    std::array<os::Interest, 3> interests;
    std::array<base::UniqueFd*, 3> lines = {};
    std::size_t count = 0;
    for (base::UniqueFd* fd : {&child_.output, &child_.errors, &child_.input}) {
      if (!fd->IsOpen()) continue;
      interests[count] = {fd->Get(), fd == &child_.input};
      lines[count++] = fd;
    }
    const auto ready = os::WaitReady(std::span(interests).first(count), std::nullopt);
    if (!ready) return std::unexpected(ready.error());
    base::UniqueFd& line = *lines[**ready];
    if (&line == &child_.input) return Write();
    const auto size = os::ReadOnce(line.Get(), buffer_);
    if (!size && size.error().value != EAGAIN) return std::unexpected(size.error());
    if (!size) return {};
    if (*size == 0) line.Reset();
    (&line == &child_.errors ? ran_.errors : ran_.out).Add({buffer_.data(), *size});
    return {};
  }

  os::SysStatus Write() {
    const auto size = os::PatientWriter::OfOwn(child_.input.Get()).Write(input_);
    if (!size && size.error().value == EAGAIN) return {};
    // A program need not read what it is given.
    if (size) input_.remove_prefix(*size);
    if (!size || input_.empty()) child_.input.Reset();
    return {};
  }

  os::PipedChild& child_;
  std::string_view input_;
  Ran& ran_;
  std::vector<char> buffer_;
};

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
  Ran ran = {0, Excerpt(options.most_output), Excerpt(options.most_output), {}};
  if (!cancellation.Watch(child->pidfd.Get())) cancellation.Cancel();
  const auto pumped = Pump(*child, options.input, ran).Run();
  const auto waited = os::WaitFor(child->pid);
  (void)cancellation.Watch(-1);  // given up or not, nothing is to be killed any more
  if (!pumped) return Failed(argv[0], pumped.error());
  if (!waited) return Failed(argv[0], waited.error());
  ran.wait_status = waited->wait_status;
  if (report.IsOpen()) {
    auto text = os::ReadMemoryFile(report.Get(), kMostReport);
    if (!text) return Failed(argv[0], text.error());
    ran.report = *std::move(text);
  }
  return ran;
}

}  // namespace bailey::mcp
