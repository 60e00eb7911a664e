#include "sandbox/supervisor.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>

#include "os/file.h"
#include "os/local_socket.h"
#include "os/notify.h"
#include "sandbox/id_map.h"
#include "sandbox/launch_error.h"

namespace bailey::sandbox {
namespace {

base::Error GatewayEnded() { return base::Internal("start the network gateway: it has ended"); }

}  // namespace

base::Result<Outcome> Supervisor::Run(const FilterSource& filter) {
  if (const auto watched = Watch(filter); !watched) {
    if (start_ == Clock::time_point()) return watched.error();
    // An error says that the program never ran. This one did, and is killed for want of a
    // watcher.
    sandbox_.Kill();
    wait_status_ = SIGKILL;
    outcome_.detail = watched.error().text;
  }
  return Finish();
}

base::Status Supervisor::Watch(const FilterSource& filter) {
  if (const auto mapped = MapIds(); !mapped) return mapped.error();
  // Beside the sandbox, which has begun.
  if (gateway_) {
    if (const auto started = gateway_->Start(); !started) return started.error();
  }
  auto expected = Expect(plan_);
  if (!expected) return expected.error();
  expected_ = *std::move(expected);
  if (const auto made = MakeFilter(filter); !made) return made.error();
  for (bool over = false; !over;) {
    std::vector<os::Interest> interests = {{socket_.Get()}, {signals_.Descriptor()}};
    const bool has_customer = command_.has_value();
    if (has_customer) interests.push_back({customer_->Line()});
    const std::size_t first_line = interests.size();
    std::vector<std::size_t> lines;
    if (streams_) streams_->Watch(interests, lines);
    const bool listens = observer_ && observer_->Line() >= 0;
    const std::size_t calls = interests.size();
    if (listens) interests.push_back({observer_->Line()});
    const std::size_t gateway = interests.size();
    if (gateway_ && gateway_->IsOpen()) interests.push_back({gateway_->Descriptor()});
    const auto ready = os::WaitReady(interests, deadline_);
    if (!ready) return base::SystemError("wait for the sandbox", ready.error().value);
    if (!*ready) {
      outcome_.kind = Outcome::Kind::kTimeLimit;
      sandbox_.Kill();
      break;
    }
    if (**ready == 1) {
      if (const auto passed = PassSignals(); !passed) return passed.error();
      continue;
    }
    if (listens && **ready == calls) {
      if (const auto heard = observer_->Hear(); !heard) return heard.error();
      continue;
    }
    if (**ready == gateway) {
      if (const auto heard = HearGateway(); !heard) return heard;
      continue;
    }
    if (**ready >= first_line) {
      if (const auto passed = PassOn(lines[**ready - first_line]); !passed) return passed.error();
      if (!streams_->IsExceeded()) continue;
      outcome_.kind = Outcome::Kind::kOutputLimit;
      sandbox_.Kill();
      break;
    }
    if (**ready == 2) {
      PassCustomersSignals();
      continue;
    }
    const auto handled = HandleMessage();
    if (!handled) return handled.error();
    over = *handled;
  }
  return {};
}

base::Status Supervisor::MapIds() {
  if (const auto added = groups_.Add(sandbox_.Pid()); !added) return added;
  const auto proc = os::OpenProc();
  if (!proc) return At(Stage::kMapIds, proc.error());
  const Identity& identity = plan_.identity;
  const auto mapped =
      HasNamespaces(plan_)
          ? os::WriteIdMaps(proc->Get(), sandbox_.Pid(),
                            {identity.inside_uid, identity.outside_uid, 1},
                            {identity.inside_gid, identity.outside_gid, 1}, !identity.privileged)
          : os::SysStatus();
  if (!mapped) return At(Stage::kMapIds, mapped.error());
  if (const auto sent = Tell(MessageKind::kMapped); !sent) return sent;
  // From here no process of this user may ptrace the supervisor or open its memory.
  if (const auto set = os::SetDumpable(false); !set) return At(Stage::kMapIds, set.error());
  return {};
}

base::Status Supervisor::MakeFilter(const FilterSource& filter) {
  const auto programs = filter();
  if (!programs) return programs.error();
  if (programs->size() > FilterSlot::kMostFilters)
    return base::InvalidInput(fmt::format("attach {} seccomp filters: a sandbox has at most {}",
                                          programs->size(), FilterSlot::kMostFilters));
  std::size_t used = 0;
  for (const bpf::Program& program : *programs) {
    const std::vector<std::uint8_t> bytes = program.Bytes();
    if (bytes.size() > slot_.records.size() - used)
      return base::InvalidInput(
          fmt::format("attach seccomp filters: together they have more than {} instructions",
                      FilterSlot::kMostInstructions));
    std::ranges::copy(bytes, slot_.records.begin() + static_cast<std::ptrdiff_t>(used));
    used += bytes.size();
    slot_.sizes[slot_.count++] = static_cast<std::uint32_t>(bytes.size());
    instructions_.push_back(program.Size());
  }
  slot_.listens = observer_ != nullptr && !programs->empty();
  if (slot_.listens) newest_ = programs->back();
  return Tell(MessageKind::kFilter);
}

base::Status Supervisor::Tell(MessageKind kind) {
  const auto sent = os::Send(socket_.Get(), Message{.kind = kind}.Bytes());
  if (sent) return {};
  // Until it is told to start, a sandbox that is gone has said why, and that is heard next.
  const int error = sent.error().value;
  if (outcome_.enforced.empty() && (error == EPIPE || error == ECONNRESET)) return {};
  return At(Stage::kHandshake, sent.error());
}

base::Result<bool> Supervisor::HandleMessage() {
  Message message;
  auto received = os::Receive(socket_.Get(), {reinterpret_cast<char*>(&message), sizeof(message)});
  if (!received) return At(Stage::kHandshake, received.error());
  if (received->size == 0) return EndedUnseen();
  if (received->size != sizeof(message))
    return base::Internal("talk to the sandbox: a message of the wrong size");
  switch (message.kind) {
    case MessageKind::kHello: {
      auto pidfd = os::OpenPidfd(received->sender);
      if (!pidfd && pidfd.error().value == ESRCH) return false;
      if (!pidfd) return At(Stage::kHandshake, pidfd.error());
      payload_ = received->sender;
      payload_pidfd_ = std::move(*pidfd);
      return false;
    }
    case MessageKind::kTerminal:
      terminal_ = std::move(received->descriptor);
      return false;
    case MessageKind::kListening:
      if (const auto begun = BeginToListen(message.error); !begun) return begun.error();
      return false;
    case MessageKind::kReady:
      ready_ = true;
      return StartWhenComplete();
    case MessageKind::kRooted:
      if (const auto heard = HearRooted(); !heard) return heard.error();
      return false;
    case MessageKind::kSealed:
      return HearSealed();
    case MessageKind::kFailed:
      return Failed(message);
    case MessageKind::kEnded:
      if (outcome_.enforced.empty()) return EndedEarly(message.error);
      wait_status_ = message.error;
      // Nobody is left that could ask for anything: it ends while the kernel takes the namespaces
      // apart.
      if (gateway_ && message.index == kNobodyLeft) gateway_->Finish();
      TellCustomer(message);
      return true;
    case MessageKind::kMapped:
    case MessageKind::kFilter:
    case MessageKind::kStart:
      break;
  }
  return base::Internal("talk to the sandbox: an unexpected message");
}

base::Status Supervisor::HearRooted() {
  if (HasPayloadEnded()) return {};
  auto found = ReadBackRoot(plan_, expected_, payload_);
  if (!found && IsPayloadEnding(found.error())) return {};
  if (!found) return found.error();
  root_ = std::move(*found);
  return {};
}

base::Result<bool> Supervisor::HearSealed() {
  // A keeper may be sealed before the payload says hello.
  if (HasNamespaces(plan_) && HasPayloadEnded()) return false;
  const auto found = ReadBackPid1(sandbox_.Pid());
  if (!found && IsPayloadEnding(found.error())) return false;
  if (!found) return found.error();
  sealed_ = true;
  return StartWhenComplete();
}

// The task says the number alone: its filter may forbid sending a descriptor.
base::Status Supervisor::BeginToListen(int number) {
  if (!newest_) return base::Internal("talk to the sandbox: an unexpected listener");
  if (number < 0) {
    observer_->CannotListen();
    return {};
  }
  auto listener = os::TakeDescriptor(payload_pidfd_.Get(), number);
  // Its end is what PID 1 is about to tell of.
  if (!listener && HasPayloadEnded()) return {};
  if (!listener) {
    base::Error error =
        base::SystemError("take the listener of denied calls", listener.error().value);
    error.text += " (`--audit none` runs without)";
    return error;
  }
  if (!os::IsListener(listener->Get()))
    return base::Internal("take the listener of denied calls: it is something else");
  return observer_->Begin(*std::move(listener), *newest_);
}

bool Supervisor::IsPayloadEnding(const base::Error& error) const {
  if (HasPayloadEnded() || error.code != base::ErrorCode::kSystem) return HasPayloadEnded();
  const std::array<os::Interest, 1> interest = {os::Interest{payload_pidfd_.Get()}};
  (void)os::WaitReady(interest, Clock::now() + std::chrono::seconds(2));
  return HasPayloadEnded();
}

base::Status Supervisor::HearGateway() {
  const bool was_ready = gateway_->Ready().has_value();
  if (const auto heard = gateway_->Read(); !heard) return heard;
  if (was_ready || (gateway_->IsOpen() && !gateway_->Ready())) return {};
  const auto started = StartWhenComplete();
  if (!started) return started.error();
  return {};
}

base::Result<bool> Supervisor::StartWhenComplete() {
  if (!ready_ || !sealed_) return false;
  if (gateway_ && !gateway_->Ready()) {
    if (gateway_->IsOpen()) return false;
    return GatewayEnded();
  }
  auto enforced = ReadBackLayers(plan_, expected_, instructions_, payload_, std::move(root_));
  if (!enforced && IsPayloadEnding(enforced.error())) return false;
  if (!enforced) return enforced.error();
  outcome_.enforced = std::move(*enforced);
  if (gateway_) outcome_.enforced.push_back({"network", *gateway_->Ready()});
  if (plan_.terminal) {
    if (const auto taken = streams_->AddTerminal(std::move(terminal_)); !taken)
      return At(Stage::kTerminal, taken.error());
  }
  const auto started = customer_ ? TakeCommand() : Tell(MessageKind::kStart);
  if (!started) return started.error();
  start_ = Clock::now();
  outcome_.start_up = std::chrono::duration_cast<std::chrono::microseconds>(start_ - begin_);
  const auto wall = command_ ? command_->wall : plan_.wall;
  if (wall) deadline_ = start_ + *wall;
  return false;
}

base::Status Supervisor::TakeCommand() {
  auto command = customer_->Wait(socket_.Get());
  if (!command) return command.error();
  begin_ = Clock::now();
  // It may have been killed while there was no program to miss it.
  if (gateway_) {
    if (const auto heard = gateway_->Read(); !heard) return heard;
    if (!gateway_->IsOpen()) return GatewayEnded();
  }
  command_ = *std::move(command);
  if (const auto checked = CheckStreams(command_->streams); !checked) return checked;
  if (const auto written = Write(*command_, *command_slot_); !written) return written;
  return SendCommand();
}

base::Status Supervisor::SendCommand() {
  std::array<int, 3> descriptors;
  for (std::size_t i = 0; i < descriptors.size(); ++i) descriptors[i] = command_->streams[i].Get();
  if (plan_.output) {
    // What is passed on goes to this process's own streams, which become the customer's.
    for (const int i : {1, 2}) {
      const auto done = os::Duplicate(descriptors[static_cast<std::size_t>(i)], i);
      if (!done) return At(Stage::kOutput, done.error());
    }
    auto streams = Streams::Make(plan_.output, false, {});
    if (!streams) return At(Stage::kOutput, streams.error());
    streams_ = *std::move(streams);
    for (const std::size_t i : {1, 2}) descriptors[i] = streams_->Ends()[i].Get();
  }
  if (const auto given = GivePipes(plan_.identity, descriptors); !given) return given;
  if (const auto told = customer_->Start(); !told) return told;
  const Message start{.kind = MessageKind::kStart};
  const auto sent = os::SendDescriptors(socket_.Get(), start.Bytes(), descriptors);
  if (!sent) return At(Stage::kHandshake, sent.error());
  customer_->Started();
  command_->streams = {};
  if (streams_) streams_->CloseEnds();
  return {};
}

// Where the gateway has failed, what the sandbox says is what came of it.
base::Status Supervisor::CauseOutside() {
  if (!gateway_ || !gateway_->IsOpen() || !outcome_.enforced.empty()) return {};
  return gateway_->Read();
}

base::Result<bool> Supervisor::Failed(const Message& message) {
  if (const auto cause = CauseOutside(); !cause) return cause.error();
  const bool asked_gateway = message.stage == Stage::kProbe ||
                             (message.stage == Stage::kLoopback && message.error == EPIPE);
  if (asked_gateway && gateway_ && !gateway_->IsOpen()) return GatewayEnded();
  if (message.stage == Stage::kSeccomp) return CannotAttach(message, instructions_.size());
  if (message.stage != Stage::kExecute) {
    // It was told to start, and did not get to execute anything.
    start_ = {};
    return Describe(plan_, message);
  }
  const bool missing = message.error == ENOENT || message.error == ENOTDIR;
  outcome_.kind = missing ? Outcome::Kind::kNotFound : Outcome::Kind::kNotExecutable;
  outcome_.detail = base::SystemError(fmt::format("execute {}", ProgramName()), message.error).text;
  sandbox_.Kill();
  return true;
}

base::Result<bool> Supervisor::EndedUnseen() {
  if (!outcome_.enforced.empty()) {
    wait_status_ = SIGKILL;
    return true;
  }
  if (const auto cause = CauseOutside(); !cause) return cause.error();
  return base::SystemError("start sandbox: its first process was killed", ECHILD);
}

base::Status Supervisor::PassSignals() {
  while (const auto signal = signals_.Next()) {
    // What asks for nothing but attention: a caller that was stopped and goes on.
    const bool is_notice = *signal == SIGWINCH || *signal == SIGCONT;
    if (outcome_.enforced.empty()) {
      if (is_notice) continue;
      return base::SystemError(fmt::format("start sandbox: signal {} came first", *signal), EINTR);
    }
    if (plan_.signals_kill) {
      if (!is_notice) sandbox_.Kill();
      continue;
    }
    if (plan_.terminal && is_notice) {
      streams_->Refresh();
      continue;
    }
    // ESRCH: it has just ended, which the socket is about to say.
    (void)os::SendSignal(payload_pidfd_.Get(), *signal);
  }
  return {};
}

void Supervisor::PassCustomersSignals() {
  const auto signal = customer_->NextSignal();
  if (!signal) return;
  // Who waits for the program may end all of it; ESRCH: it has just ended.
  if (*signal == SIGKILL) return sandbox_.Kill();
  (void)os::SendSignal(payload_pidfd_.Get(), *signal);
}

base::Status Supervisor::PassOn(std::size_t line) {
  const auto passed = streams_->Step(line);
  if (!passed) return base::SystemError("pass on the program's streams", passed.error().value);
  return {};
}

base::Result<Outcome> Supervisor::Finish() {
  const auto ended = sandbox_.Wait();
  if (!ended) return base::SystemError("wait for the sandbox", ended.error().value);
  if (gateway_) gateway_->Finish();
  if (is_concluded_) return std::move(outcome_);
  if (streams_) {
    if (const auto passed = streams_->Drain(); !passed && outcome_.detail.empty()) {
      outcome_.detail =
          base::SystemError("pass on the program's streams", passed.error().value).text;
    }
    if (streams_->IsExceeded() && outcome_.kind == Outcome::Kind::kExited)
      outcome_.kind = Outcome::Kind::kOutputLimit;
  }
  const auto since = [](const timeval& time) {
    return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
  };
  outcome_.user = since(ended->usage.ru_utime);
  outcome_.system = since(ended->usage.ru_stime);
  outcome_.peak_memory_kib = static_cast<std::uint64_t>(ended->usage.ru_maxrss);
  Conclude();
  return std::move(outcome_);
}

// When the payload was the last process inside, its customer need not wait until the kernel has
// taken the namespaces apart.
void Supervisor::TellCustomer(const Message& ended) {
  if (!customer_ || ended.index != kNobodyLeft || streams_) return;
  outcome_.user = std::chrono::microseconds(ended.user_us);
  outcome_.system = std::chrono::microseconds(ended.system_us);
  outcome_.peak_memory_kib = ended.peak_kib;
  if (observer_) observer_->End();
  Conclude();
  is_concluded_ = true;
  customer_->End(outcome_);
}

void Supervisor::Conclude() {
  if (start_ != Clock::time_point())
    outcome_.wall = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - start_);
  outcome_.had_memory_kill = groups_.HadMemoryKill();
  if (outcome_.kind != Outcome::Kind::kExited) return;
  if (!WIFSIGNALED(wait_status_)) {
    outcome_.status = WEXITSTATUS(wait_status_);
    return;
  }
  outcome_.kind = Outcome::Kind::kSignalled;
  outcome_.status = WTERMSIG(wait_status_);
  if (outcome_.status == SIGKILL && outcome_.had_memory_kill)
    outcome_.kind = Outcome::Kind::kMemoryLimit;
}

}  // namespace bailey::sandbox
