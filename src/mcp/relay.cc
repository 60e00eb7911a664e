#include "mcp/relay.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <optional>
#include <utility>
#include <vector>

#include "mcp/judge_pipe.h"
#include "mcp/mover.h"
#include "mcp/mover_filter.h"
#include "os/confine.h"
#include "os/events.h"
#include "os/file.h"
#include "os/landlock.h"
#include "os/process.h"
#include "os/seccomp.h"

namespace bailey::mcp {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kPatience{10};

base::Error Failed(std::string_view what, os::Errno error) {
  return base::SystemError(std::string(what), error.value);
}

// The process that moves, from its first instruction to its last.
[[noreturn]] void BeMover(Gateway& gateway, const Judges& judges, os::PipedChild& server,
                          const RelayOptions& options, base::UniqueFd questions,
                          base::UniqueFd answers) {
  constexpr int kFailed = 1;
  auto to_client = os::PatientWriter::Of(options.to_client);
  if (!to_client) os::Exit(kFailed);
  std::vector<int> kept = {options.from_client, options.to_client,   to_client->Descriptor(),
                           server.input.Get(),  server.output.Get(), questions.Get(),
                           answers.Get()};
  std::ranges::sort(kept);
  kept.erase(std::ranges::unique(kept).begin(), kept.end());
  std::erase_if(kept, [](int descriptor) { return descriptor <= 2; });
  const auto filter = MoverFilter();
  if (!os::DieWithParent() || !os::CloseAllBut(kept) || !filter ||
      !os::Confine(os::LandlockAbi().has_value()) || !os::AttachFilter(filter->Bytes()))
    os::Exit(kFailed);
  JudgePipe pipe(std::move(questions), std::move(answers));
  gateway.SetJudges(pipe.Proxies(judges));
  const auto moved =
      Move(gateway,
           {options.from_client, *std::move(to_client), std::move(server.input),
            std::move(server.output)},
           {[&](const std::string& note) { pipe.Say({Topic::kNote, {note}}); },
            [&](int signal) { pipe.Say({Topic::kStop, {fmt::format("{}", signal)}}); },
            [&] {
              auto how = pipe.Ask({Topic::kWait, {}});
              return how.empty() ? "nobody knows how" : std::move(how[0]);
            }});
  if (moved) {
    pipe.Say({Topic::kDone, {*moved ? "wanted" : ""}});
  } else {
    pipe.Say({Topic::kFailed, {moved.error().text}});
  }
  os::Exit(0);
}

// The process that answers it, and looks after the server.
class Keeper {
 public:
  Keeper(Judges judges, const RelayOptions& options, base::UniqueFd questions,
         base::UniqueFd answers, os::PipedChild server, os::SignalQueue signals)
      : judges_(std::move(judges)),
        options_(options),
        questions_(std::move(questions)),
        answers_(std::move(answers)),
        server_(std::move(server)),
        signals_(std::move(signals)) {}

  // nullopt: the mover has ended before it was done.
  base::Result<std::optional<Ended>> Run() {
    while (questions_.IsOpen() && !failure_)
      if (const auto done = Step(); !done) return done.error();
    EndServer();
    if (failure_) return *failure_;
    if (!is_done_) return std::nullopt;
    return Ended{wait_status_, wanted_};
  }

 private:
  base::Status Step() {
    const std::array<os::Interest, 2> interests = {{{signals_.Descriptor()}, {questions_.Get()}}};
    const auto ready = os::WaitReady(interests, deadline_);
    if (!ready) return Failed("wait for client and server", ready.error());
    if (!*ready) {
      Stop(SIGKILL);
      deadline_.reset();
      return {};
    }
    if (**ready == 0) {
      TakeSignals();
      return {};
    }
    std::array<char, 65536> buffer;
    const auto size = os::ReadOnce(questions_.Get(), buffer);
    if (!size) return Failed("read from the gateway", size.error());
    if (*size == 0) {
      questions_.Reset();
      return {};
    }
    reader_.Take({buffer.data(), *size});
    while (const auto frame = reader_.Next())
      if (const auto done = Take(*frame); !done) return done;
    if (reader_.IsBroken()) questions_.Reset();
    return {};
  }

  base::Status Take(const Frame& frame) {
    const std::string text = frame.texts.empty() ? "" : frame.texts[0];
    switch (frame.topic) {
      case Topic::kNote:
        options_.note(text);
        return {};
      case Topic::kStop:
        Stop(text == fmt::format("{}", SIGKILL) ? SIGKILL : SIGTERM);
        return {};
      case Topic::kWait:
        EndServer();
        return Answer({Topic::kWait, {HowItEnded(wait_status_)}});
      case Topic::kDone:
        is_done_ = true;
        wanted_ = wanted_ || text == "wanted";
        return {};
      case Topic::kFailed:
        failure_ = base::Error{.code = base::ErrorCode::kSystem, .text = text};
        return {};
      case Topic::kTool:
      case Topic::kCall:
      case Topic::kAnswer:
        break;
    }
    const auto answer = AnswerFor(judges_, frame);
    if (answer) return Answer(*answer);
    questions_.Reset();
    return {};
  }

  // It waits for this, and reads.
  base::Status Answer(const Frame& frame) {
    const std::string bytes = Encode(frame);
    const auto patience = Clock::now() + kPatience;
    for (std::string_view left = bytes; !left.empty();) {
      const std::array<os::Interest, 1> room = {{{answers_.Get(), true}}};
      const auto ready = os::WaitReady(room, patience);
      if (!ready) return Failed("answer the gateway", ready.error());
      const auto size = *ready ? os::PatientWriter::OfOwn(answers_.Get()).Write(left)
                               : std::unexpected(os::Errno{EPIPE});
      if (!size && size.error().value == EAGAIN) continue;
      if (!size) {  // it is gone, or does not read: its end is seen next
        questions_.Reset();
        return {};
      }
      left.remove_prefix(*size);
    }
    return {};
  }

  void TakeSignals() {
    while (const auto signal = signals_.Next()) {
      if (*signal == SIGWINCH || *signal == SIGCONT) continue;
      wanted_ = true;
      Stop(*signal);
      deadline_ = Clock::now() + kPatience;
    }
  }

  void Stop(int signal) {
    // One that has ended meanwhile needs none.
    if (!has_ended_) (void)os::SendSignal(server_.pidfd.Get(), signal);
  }

  // A server that has only closed its output is of no use any more either.
  void EndServer() {
    if (has_ended_) return;
    const std::array<os::Interest, 1> end = {{{server_.pidfd.Get()}}};
    const auto ended = os::WaitReady(
        end,
        Clock::now() + (is_done_ || questions_.IsOpen() ? kPatience : std::chrono::seconds(0)));
    if (!ended || !*ended) Stop(SIGKILL);
    const auto waited = os::WaitFor(server_.pid);
    if (waited) wait_status_ = waited->wait_status;
    has_ended_ = true;
  }

  Judges judges_;
  const RelayOptions& options_;
  base::UniqueFd questions_, answers_;
  os::PipedChild server_;
  os::SignalQueue signals_;
  FrameReader reader_;
  std::optional<Clock::time_point> deadline_;
  std::optional<base::Error> failure_;
  int wait_status_ = 0;
  bool wanted_ = false, is_done_ = false, has_ended_ = false;
};

}  // namespace

std::string HowItEnded(int wait_status) {
  if (WIFSIGNALED(wait_status)) return fmt::format("signal {}", WTERMSIG(wait_status));
  return fmt::format("exit status {}", WEXITSTATUS(wait_status));
}

base::Result<Ended> Relay(Gateway& gateway, os::PipedChild server, const RelayOptions& options) {
  if (const auto ignored = os::IgnoreBrokenPipes(); !ignored)
    return Failed("ignore broken pipes", ignored.error());
  auto signals = os::SignalQueue::Make();
  if (!signals) return Failed("wait for signals", signals.error());
  auto questions = os::MakePipe();
  auto answers = os::MakePipe();
  if (!questions || !answers)
    return Failed("make a pipe", questions ? answers.error() : questions.error());
  if (const auto set = os::SetNonBlocking((*answers)[1].Get()); !set)
    return Failed("make a pipe", set.error());
  Judges judges = gateway.GetJudges();
  auto mover = os::Fork(0);
  if (!mover) return Failed("start the gateway", mover.error());
  if (mover->pid == 0) {
    BeMover(gateway, judges, server, options, std::move((*questions)[1]), std::move((*answers)[0]));
  }
  (*questions)[1].Reset();
  (*answers)[0].Reset();
  server.input.Reset();
  server.output.Reset();
  auto kept = Keeper(std::move(judges), options, std::move((*questions)[0]),
                     std::move((*answers)[1]), std::move(server), *std::move(signals))
                  .Run();
  const auto ended = os::WaitFor(mover->pid);
  if (!kept) return kept.error();
  if (*kept) return **kept;
  return base::Internal(fmt::format("stand between client and server: the gateway has ended: {}",
                                    ended ? HowItEnded(ended->wait_status) : "nobody knows how"));
}

}  // namespace bailey::mcp
