#include "sandbox/listener.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>

#include "abi/constants.h"
#include "abi/notification.h"
#include "base/text.h"
#include "bpf/interpreter.h"
#include "os/file.h"

namespace bailey::sandbox {
namespace {

constexpr bool kBigEndian = std::endian::native == std::endian::big;

std::int64_t LastNumber(std::string_view line) {
  const auto words = base::Split(base::Trim(line), '\t');
  std::int64_t number = 0;
  const std::string_view word = words.back();
  (void)std::from_chars(word.data(), word.data() + word.size(), number);  // 0: not known
  return number;
}

std::string AnswerText(const bpf::SeccompData& data, abi::Action answer) {
  if (answer.kind == abi::ActionKind::kAllow) return "continue";
  return abi::ToString(answer, audit::ArchOf(data).value_or(abi::NativeArch()));
}

}  // namespace

bool YamaLetsListen(std::string_view ptrace_scope, bool is_root) {
  const char level = ptrace_scope.empty() ? '0' : ptrace_scope[0];
  return level < '2' || (level == '2' && is_root);
}

audit::Task TaskOf(pid_t thread) {
  audit::Task task;
  const std::string proc = fmt::format("/proc/{}", thread);
  if (auto status = os::ReadFile(AT_FDCWD, (proc + "/status").c_str(), 1 << 16)) {
    for (const std::string_view line : base::Split(*status, '\n')) {
      if (line.starts_with("Tgid:")) task.pid = LastNumber(line);
      if (line.starts_with("NStgid:")) task.inside = LastNumber(line);
    }
  }
  if (auto executable = os::ReadLink(AT_FDCWD, (proc + "/exe").c_str()))
    task.executable = base::Escape(*executable);
  return task;
}

base::Status Listener::Begin(base::UniqueFd listener, const bpf::Program& filter) {
  listener_ = std::move(listener);
  filter_ = filter;
  is_waiting_ = true;
  return {};
}

base::Status Listener::Hear() {
  const auto state = os::LookAt(listener_.Get());
  if (!state) return base::SystemError("listen to denied calls", state.error().value);
  if (*state == os::ListenerState::kHasCall) return Start();
  if (*state == os::ListenerState::kIsOver) is_waiting_ = false;
  return {};
}

base::Status Listener::Start() {
  is_waiting_ = false;
  auto stop = os::MakePipe();
  if (!stop) return base::SystemError("listen to denied calls", stop.error().value);
  // Older kernels do not know this: then each answer takes longer.
  (void)os::TakeTurns(listener_.Get());
  stop_ = std::move((*stop)[1]);
  stopped_ = std::move((*stop)[0]);
  thread_ = std::thread(&Listener::Listen, this);
  return {};
}

void Listener::End() {
  is_waiting_ = false;
  // The descriptor ends with this object: taking its filter apart is nothing to wait for.
  if (!thread_.joinable()) return;
  stop_.Reset();  // its other end hangs up
  thread_.join();
  listener_.Reset();
}

void Listener::EndWithLast() {
  if (thread_.joinable()) thread_.join();
  End();
}

void Listener::Listen() {
  for (;;) {
    const auto has_one = os::AwaitNotification(listener_.Get(), stopped_.Get());
    if (!has_one || !*has_one) return;
    const auto call = os::ReceiveNotification(listener_.Get());
    if (call) {
      Answer(*call);
    } else if (call.error().value == ENOENT) {
      ++unanswered_;
    } else if (call.error().value != EINTR) {
      return;
    }
  }
}

void Listener::Answer(const os::Notification& call) {
  const bpf::SeccompData data = {call.number, call.arch, call.instruction_pointer, call.args};
  const std::uint32_t returned = bpf::Interpret(*filter_, data, kBigEndian).value;
  const abi::Action answer = abi::Decode(abi::PlainAnswer(returned));
  const bool goes_on = answer.kind == abi::ActionKind::kAllow;
  std::optional<audit::Event> event;
  const bool has_trail = options_.trail != nullptr;
  if (goes_on && options_.witness) {
    event = Describe(call, data, returned);
    if (event && has_trail && !options_.trail->Admits()) event.reset();
  } else if (!goes_on && has_trail && options_.trail->Admits()) {
    event = Describe(call, data, returned);
  }
  // A notify that the policy asked for by name: as if nobody listened.
  const int number = answer.kind == abi::ActionKind::kErrno ? answer.data : ENOSYS;
  const auto answered = goes_on ? os::LetGoOn(listener_.Get(), call.id)
                                : os::AnswerWithErrno(listener_.Get(), call.id, number);
  if (!answered) {
    ++unanswered_;
    return;
  }
  audit::Denial& row = denials_.Of(data, returned);
  ++row.count;
  if (row.label < 0) row.label = RuleFor(row);
  if (!event || options_.trail == nullptr) return;
  if (!event->rule) event->rule = rules_[static_cast<std::size_t>(row.label)];
  options_.trail->Record(*std::move(event));
}

std::int64_t Listener::RuleFor(const audit::Denial& row) {
  const audit::Rule rule = options_.explain ? options_.explain(row.example) : audit::Rule();
  const auto found = std::ranges::find(rules_, rule);
  if (found != rules_.end()) return found - rules_.begin();
  rules_.push_back(rule);
  return static_cast<std::int64_t>(rules_.size()) - 1;
}

// A thread's number may be given to another one when it ends. The kernel is asked before and after:
// what was read while the call waited is the caller's.
std::optional<audit::Event> Listener::Describe(const os::Notification& call,
                                               const bpf::SeccompData& data,
                                               std::uint32_t returned) const {
  if (!os::StillWaits(listener_.Get(), call.id)) return std::nullopt;
  const abi::Action answer = abi::Decode(abi::PlainAnswer(returned));
  std::optional<audit::Event> event;
  if (answer.kind == abi::ActionKind::kAllow) {
    event = options_.witness(data, call.task, MemoryOf(call.task));
    if (!event) return std::nullopt;
  } else {
    event.emplace();
    event->decision = audit::Decision::kDenied;
    event->detail = audit::Decode(data, AnswerText(data, answer), MemoryOf(call.task));
  }
  event->task = TaskOf(call.task);
  if (!os::StillWaits(listener_.Get(), call.id)) return std::nullopt;
  return event;
}

audit::Memory Listener::MemoryOf(pid_t task) const {
  return [task](std::uint64_t address, std::size_t most) -> std::optional<std::string> {
    std::array<char, 4096> buffer;
    const auto size =
        os::ReadMemory(task, address, std::span(buffer).first(std::min(most, buffer.size())));
    if (!size) return std::nullopt;
    return std::string(buffer.data(), *size);
  };
}

std::vector<HeardCall> Listener::Heard() const {
  std::vector<HeardCall> heard;
  for (const audit::Denial* const row : denials_.All()) {
    heard.push_back(
        {row->example, row->returned, row->is_rest, row->count,
         row->label < 0 ? audit::Rule() : rules_[static_cast<std::size_t>(row->label)]});
  }
  return heard;
}

}  // namespace bailey::sandbox
