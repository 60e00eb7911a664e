#include "microvm/session.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstring>

#include "base/text.h"
#include "os/file.h"
#include "os/terminal.h"
#include "os/vmm.h"

namespace bailey::microvm {
namespace {

using guest::FrameType;

// PIPE_BUF: a pipe that can be written to takes so much without waiting.
constexpr std::size_t kPiece = 4096;
constexpr std::chrono::seconds kPingAfter{10};
constexpr std::chrono::seconds kPowerOffPatience{5};
// Ten thousand changed files take a slow machine some seconds.
constexpr std::chrono::minutes kCollectPatience{15};

std::string_view Describe(guest::Step step) {
  switch (step) {
    case guest::Step::kWelcome:
      return "take over seed and time";
    case guest::Step::kCommand:
      return "take the command";
    case guest::Step::kMount:
      return "mount";
    case guest::Step::kGroup:
      return "make the control group";
    case guest::Step::kPipe:
      return "make the standard streams";
    case guest::Step::kFork:
      return "fork";
    case guest::Step::kTerminal:
      return "make the terminal";
    case guest::Step::kLimits:
      return "set limits";
    case guest::Step::kSession:
      return "start a session";
    case guest::Step::kWorkdir:
      return "enter the working directory";
    case guest::Step::kIds:
      return "become the program's user";
    case guest::Step::kNoNewPrivileges:
      return "forbid new privileges";
    case guest::Step::kLandlock:
      return "apply Landlock";
    case guest::Step::kCapabilities:
      return "drop capabilities";
    case guest::Step::kSeccomp:
      return "attach a seccomp filter";
    case guest::Step::kExecute:
      return "execute";
    case guest::Step::kCollect:
      return "bring changes out";
    case guest::Step::kForget:
      return "forget the last command";
    case guest::Step::kNetwork:
      return "try the network:";
  }
  return "";
}

base::Error GuestError(const guest::Failed& failed) {
  const std::string object =
      failed.object.empty() ? "" : fmt::format(" {}", base::Escape(failed.object.substr(0, 4096)));
  return base::SystemError(fmt::format("prepare the guest: {}{}", Describe(failed.step), object),
                           static_cast<int>(failed.error));
}

base::Error Nonsense() { return base::Violation("hear the guest: it sent what has no place here"); }

base::Result<guest::Welcome> MakeWelcome() {
  guest::Welcome welcome;
  if (!os::FillRandom(welcome.token) || !os::FillRandom(welcome.seed))
    return base::Unsupported("greet the guest: there are no random numbers");
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now);
  welcome.seconds = static_cast<std::uint64_t>(seconds.count());
  welcome.nanoseconds = static_cast<std::uint32_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(now - seconds).count());
  return welcome;
}

}  // namespace

base::Result<guest::Token> SayWelcome(int line) {
  const auto welcome = MakeWelcome();
  if (!welcome) return welcome.error();
  std::array<std::uint8_t, 256> room;
  const auto frame = guest::Encode(*welcome, room);
  const std::string_view bytes(reinterpret_cast<const char*>(frame.data()), frame.size());
  if (const auto written = os::WriteAll(line, bytes); !written)
    return base::SystemError("greet the guest", written.error().value);
  return welcome->token;
}

base::Error Session::Cut() {
  cut_ = true;
  return base::Unsupported("hear the guest: the line is cut");
}

base::Result<guest::Frame> Session::Await(Clock::time_point deadline) {
  for (;;) {
    // Looked at here as well: a guest that never stops talking must not put it off.
    const bool late = Clock::now() >= deadline;
    auto frame = line_.Next();
    if (!frame) return frame.error();
    if (*frame && !late) return **frame;
    const os::Interest interests[] = {
        {signals_.Descriptor()}, {line_.Descriptor()}, {line_.Descriptor(), true}};
    const auto ready =
        os::WaitReady(std::span(interests).first(line_.HasQueued() ? 3 : 2), deadline);
    if (!ready) return base::SystemError("wait for the guest", ready.error().value);
    if (!*ready || late)
      return base::Unsupported(fmt::format(
          "hear the guest: no answer within {} ms",
          std::chrono::duration_cast<std::chrono::milliseconds>(bounds_.patience).count()));
    if (**ready == 0) {
      const auto signal = signals_.Next();
      if (!signal || *signal == SIGWINCH || *signal == SIGCONT) continue;
      return base::Unsupported(fmt::format("start the machine: stopped by signal {}", *signal));
    }
    if (**ready == 2) {
      if (const auto written = line_.Write(); !written) return written.error();
      continue;
    }
    const auto open = line_.Read();
    if (!open) return open.error();
    if (!*open) return Cut();
  }
}

base::Result<GuestGreeting> Session::Greet(std::optional<guest::Token> said) {
  if (!said) {
    const auto welcome = MakeWelcome();
    if (!welcome) return welcome.error();
    if (const auto queued = line_.Queue(*welcome); !queued) return queued.error();
    said = welcome->token;
  }
  const auto frame = Await(Clock::now() + bounds_.patience);
  if (!frame) return frame.error();
  guest::Failed failed;
  if (frame->type == FrameType::kFailed && guest::Decode(frame->body, failed))
    return GuestError(failed);
  guest::Hello hello;
  if (frame->type != FrameType::kHello || !guest::Decode(frame->body, hello)) return Nonsense();
  if (hello.version != guest::kVersion || hello.token != *said)
    return base::Violation("greet the guest: it answered with another version or token");
  return GuestGreeting{base::Escape(hello.kernel.substr(0, 128)),
                       static_cast<int>(std::min<std::uint32_t>(hello.landlock, 1000))};
}

base::Status Session::Tell(const GuestCommand& command, bool terminal) {
  base::Status done;
  const auto tell = [&](const auto&... what) {
    if (done) done = line_.Queue(what...);
  };
  for (const std::string& word : command.argv) tell(FrameType::kArgument, word);
  for (const std::string& entry : command.environment) tell(FrameType::kVariable, entry);
  for (const auto& filter : command.filters)
    tell(FrameType::kFilter,
         std::string_view(reinterpret_cast<const char*>(filter.data()), filter.size()));
  for (const GuestGrant& grant : command.grants) tell(guest::Grant{grant.rights, grant.path});
  for (const guest::Limit& limit : command.limits) tell(limit);
  for (const GuestMount& mount : command.mounts)
    tell(guest::Mount{mount.kind, mount.size, mount.drive, mount.path, mount.name});
  if (command.network) tell(*command.network);
  if (calls_ != nullptr) {
    tell(calls_->Rate());
    for (const guest::Watch& watch : CallWatches()) tell(watch);
    if (calls_->AsksForFiles())
      for (const guest::Naming& naming : CallNamings()) tell(naming);
    if (calls_->AsksForChanges())
      for (const guest::Sending& sending : CallSendings()) tell(sending);
  }
  if (command.rehearses) tell(FrameType::kRehearse, "");
  guest::Start start;
  start.uid = command.uid;
  start.gid = command.gid;
  start.landlock = command.landlock;
  start.memory = command.memory;
  start.processes = command.processes;
  start.terminal = terminal;
  start.workdir = command.workdir;
  start.hostname = command.hostname;
  tell(start);
  return done;
}

base::Result<sandbox::Outcome> Session::Failed(const guest::Frame& frame,
                                               const GuestCommand& command) {
  guest::Failed failed;
  if (frame.type != FrameType::kFailed || !guest::Decode(frame.body, failed)) return Nonsense();
  if (failed.step != guest::Step::kExecute) return GuestError(failed);
  const int number = static_cast<int>(failed.error);
  sandbox::Outcome outcome;
  outcome.kind = number == ENOENT || number == ENOTDIR ? sandbox::Outcome::Kind::kNotFound
                                                       : sandbox::Outcome::Kind::kNotExecutable;
  outcome.detail =
      base::SystemError(fmt::format("execute {}", base::Escape(command.argv[0])), number).text;
  return outcome;
}

base::Result<sandbox::Outcome> Session::Run(const GuestCommand& command, bool terminal,
                                            CallLog* calls, network::Running* gateway) {
  terminal_ = terminal;
  calls_ = calls;
  gateway_ = gateway;
  if (const auto told = Tell(command, terminal); !told) return told.error();
  const auto begin = Clock::now();
  const auto frame = Await(begin + bounds_.patience);
  if (!frame) return frame.error();
  if (frame->type != FrameType::kStarted) return Failed(*frame, command);
  start_ = heard_ = Clock::now();
  if (terminal) {
    if (const auto raw = os::MakeRaw(0); !raw)
      return base::SystemError("prepare the terminal", raw.error().value);
    if (const auto size = os::GetWindowSize(0))
      if (const auto told = line_.Queue(guest::Window{size->rows, size->columns}); !told)
        return told.error();
  }
  while (!over_) {
    // Not only where nothing else happens: a program that never stops writing is over, too.
    if (bounds_.wall && Clock::now() >= start_ + *bounds_.wall) {
      if (const auto watched = Watch(); !watched) return watched.error();
      break;
    }
    // Passed on before anything else is taken.
    if (passed_ == output_.size()) {
      const auto next = line_.Next();
      if (!next) return next.error();
      if (*next) {
        if (const auto handled = Handle(**next); !handled) return handled.error();
        continue;
      }
    }
    if (const auto stepped = Step(); !stepped) return stepped.error();
  }
  outcome_.wall = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - start_);
  return outcome_;
}

std::optional<Session::Clock::time_point> Session::NextDeadline() const {
  std::optional<Clock::time_point> next;
  if (bounds_.wall) next = start_ + *bounds_.wall;
  // A guest that may not speak, because its last words are not passed on yet, need not answer.
  if (passed_ < output_.size()) return next;
  const auto answer = pinged_ ? heard_ + kPingAfter + bounds_.patience : heard_ + kPingAfter;
  return next ? std::min(*next, answer) : answer;
}

// The deadline is over: which one?
base::Status Session::Watch() {
  const auto now = Clock::now();
  if (bounds_.wall && now >= start_ + *bounds_.wall) {
    outcome_.kind = sandbox::Outcome::Kind::kTimeLimit;
    outcome_.status = SIGKILL;
    over_ = true;
    return {};
  }
  if (!pinged_) {
    pinged_ = true;
    return line_.Queue(FrameType::kPing, "");
  }
  if (now < heard_ + kPingAfter + bounds_.patience) return {};
  return base::Unsupported(
      fmt::format("hear the guest: no sign of life for {} ms", bounds_.patience.count()));
}

base::Status Session::Step() {
  enum What : std::uint8_t { kSignals, kOutput, kInput, kHear, kSay, kGateway };
  std::array<os::Interest, 6> interests;
  std::array<What, 6> what = {};
  std::size_t count = 0;
  const auto add = [&](What which, os::Interest interest) {
    interests[count] = interest;
    what[count++] = which;
  };
  add(kSignals, {signals_.Descriptor()});
  if (gateway_ != nullptr && gateway_->IsOpen()) add(kGateway, {gateway_->Descriptor()});
  if (passed_ < output_.size()) add(kOutput, {output_to_, true});
  if (!input_ended_ && credit_ > 0) add(kInput, {0});
  if (line_.HasQueued()) add(kSay, {line_.Descriptor(), true});
  if (passed_ == output_.size()) add(kHear, {line_.Descriptor()});
  const auto ready = os::WaitReady(std::span(interests).first(count), NextDeadline());
  if (!ready) return base::SystemError("wait for the guest", ready.error().value);
  if (!*ready) return Watch();
  switch (what[**ready]) {
    case kSignals:
      return PassSignals();
    case kOutput:
      return PassOutput();
    case kInput:
      return PassInput();
    case kSay:
      return line_.Write();
    case kGateway:
      return gateway_->Read();
    case kHear:
      break;
  }
  const auto open = line_.Read();
  if (!open) return open.error();
  if (!*open) return Cut();
  return {};
}

base::Status Session::Handle(const guest::Frame& frame) {
  heard_ = Clock::now();
  pinged_ = false;
  guest::Number credit;
  guest::Ended ended;
  switch (frame.type) {
    case FrameType::kOutput:
      return TakeOutput(frame.body);
    case FrameType::kPong:
      return {};
    case FrameType::kCalled:
    case FrameType::kUsed:
    case FrameType::kSent:
    case FrameType::kDenied:
    case FrameType::kMissed:
      return HandleCall(frame);
    case FrameType::kCredit:
      // Never more than it had at first: what it grants beyond that it did not get.
      if (!guest::Decode(frame.body, credit) || credit.value > guest::kFirstCredit - credit_)
        return Nonsense();
      credit_ += credit.value;
      return {};
    case FrameType::kEnded:
      if (!guest::Decode(frame.body, ended)) return Nonsense();
      break;
    default:
      return Nonsense();
  }
  const int status = static_cast<int>(ended.status);
  if (!WIFEXITED(status) && !WIFSIGNALED(status)) return Nonsense();
  outcome_.kind =
      WIFEXITED(status) ? sandbox::Outcome::Kind::kExited : sandbox::Outcome::Kind::kSignalled;
  outcome_.status = WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status);
  if (WIFSIGNALED(status) && outcome_.status == SIGKILL && ended.memory_kill)
    outcome_.kind = sandbox::Outcome::Kind::kMemoryLimit;
  outcome_.user = std::chrono::microseconds(ended.user_us);
  outcome_.system = std::chrono::microseconds(ended.system_us);
  outcome_.peak_memory_kib = ended.peak_kib;
  over_ = true;
  return {};
}

base::Status Session::HandleCall(const guest::Frame& frame) {
  const auto take = [&](auto value) -> base::Status {
    if (calls_ == nullptr || !guest::Decode(frame.body, value)) return Nonsense();
    return calls_->Take(value);
  };
  if (frame.type == FrameType::kCalled) return take(guest::Called());
  if (frame.type == FrameType::kUsed) return take(guest::Used());
  if (frame.type == FrameType::kSent) return take(guest::Sent());
  return frame.type == FrameType::kDenied ? take(guest::Denied()) : take(guest::Missed());
}

base::Status Session::TakeOutput(std::span<const std::uint8_t> body) {
  if (body.empty() || (body[0] != 1 && body[0] != 2)) return Nonsense();
  output_to_ = body[0];
  body = body.subspan(1);
  if (bounds_.output && body.size() > *bounds_.output - output_total_) {
    body = body.first(static_cast<std::size_t>(*bounds_.output - output_total_));
    outcome_.kind = sandbox::Outcome::Kind::kOutputLimit;
  }
  output_total_ += body.size();
  output_.assign(body.begin(), body.end());
  passed_ = closed_[static_cast<std::size_t>(output_to_)] ? output_.size() : 0;
  if (outcome_.kind == sandbox::Outcome::Kind::kOutputLimit && output_.empty()) over_ = true;
  return {};
}

base::Status Session::PassOutput() {
  const auto rest = std::span<const std::uint8_t>(output_).subspan(passed_);
  const auto count = os::WriteSome(output_to_, rest.first(std::min(rest.size(), kPiece)));
  if (count) passed_ += *count;
  if (!count && count.error().value != EAGAIN) {
    // Nobody reads it any more, which a program that writes to a pipe learns by a signal.
    closed_[static_cast<std::size_t>(output_to_)] = true;
    passed_ = output_.size();
    std::array<std::uint8_t, 64> room;
    return line_.Queue(guest::Encode(FrameType::kSignal, guest::Number{SIGPIPE}, room));
  }
  if (passed_ == output_.size() && outcome_.kind == sandbox::Outcome::Kind::kOutputLimit)
    over_ = true;
  return {};
}

base::Status Session::PassInput() {
  std::array<std::uint8_t, 16 << 10> piece;
  const auto count =
      os::ReadSome(0, std::span(piece).first(std::min<std::size_t>(piece.size(), credit_)));
  if (!count && count.error().value == EAGAIN) return {};
  if (!count || *count == 0) {
    input_ended_ = true;
    return line_.Queue(FrameType::kInputEnd, "");
  }
  credit_ -= static_cast<std::uint32_t>(*count);
  return line_.Queue(FrameType::kInput, {reinterpret_cast<const char*>(piece.data()), *count});
}

base::Status Session::PassSignals() {
  const auto signal = signals_.Next();
  if (!signal) return {};
  if (*signal == SIGWINCH) {
    const auto size = terminal_ ? os::GetWindowSize(0) : os::SysResult<os::WindowSize>();
    if (!terminal_ || !size) return {};
    return line_.Queue(guest::Window{size->rows, size->columns});
  }
  std::array<std::uint8_t, 64> room;
  return line_.Queue(
      guest::Encode(FrameType::kSignal, guest::Number{static_cast<std::uint32_t>(*signal)}, room));
}

base::Result<guest::Collected> Session::Collect(std::optional<std::chrono::milliseconds> patience) {
  if (const auto queued = line_.Queue(FrameType::kCollect, ""); !queued) return queued.error();
  const auto deadline = Clock::now() + patience.value_or(kCollectPatience);
  for (;;) {
    const auto frame = Await(deadline);
    if (!frame) return frame.error();
    guest::Failed failed;
    if (frame->type == FrameType::kFailed && guest::Decode(frame->body, failed))
      return GuestError(failed);
    guest::Collected collected;
    if (frame->type == FrameType::kCollected && guest::Decode(frame->body, collected))
      return collected;
    // What was on its way when the program ended.
    if (frame->type != FrameType::kPong && frame->type != FrameType::kCredit) return Nonsense();
  }
}

base::Status Session::Ask(std::span<const std::uint8_t> question, FrameType answer) {
  if (const auto queued = line_.Queue(question); !queued) return queued;
  const auto deadline = Clock::now() + bounds_.patience;
  for (;;) {
    const auto frame = Await(deadline);
    if (!frame) return frame.error();
    guest::Failed failed;
    if (frame->type == FrameType::kFailed && guest::Decode(frame->body, failed))
      return GuestError(failed);
    if (frame->type == answer) return {};
    // What was on its way when the program ended.
    if (frame->type != FrameType::kPong && frame->type != FrameType::kCredit) return Nonsense();
  }
}

base::Status Session::Forget(const guest::Forget& wanted) {
  std::array<std::uint8_t, 64> room;
  return Ask(guest::Encode(wanted, room), FrameType::kForgotten);
}

base::Status Session::Preload(std::uint32_t mebibytes) {
  std::array<std::uint8_t, 64> room;
  return Ask(guest::Encode(FrameType::kPreload, guest::Number{mebibytes}, room),
             FrameType::kPreloaded);
}

void Session::PowerOff() {
  if (!line_.Queue(FrameType::kPowerOff, "")) return;
  const auto deadline = Clock::now() + kPowerOffPatience;
  while (Await(deadline)) continue;
}

}  // namespace bailey::microvm
