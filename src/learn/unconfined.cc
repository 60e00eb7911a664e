#include "learn/unconfined.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <optional>
#include <string_view>

#include "os/events.h"
#include "os/file.h"
#include "os/notify.h"
#include "os/process.h"
#include "os/seccomp.h"

namespace bailey::learn {
namespace {

// The child's words, each the size of one: the number of its listener, or an errno as a negative
// one; then, where the program cannot be executed, why.
using Word = std::int32_t;

os::SysStatus Say(int pipe, Word word) {
  return os::WriteAll(pipe, {reinterpret_cast<const char*>(&word), sizeof(word)});
}

std::optional<Word> Hear(int pipe) {
  Word word = 0;
  ssize_t size = -1;
  do {
    size = ::read(pipe, &word, sizeof(word));
  } while (size < 0 && errno == EINTR);
  return size == sizeof(word) ? std::optional(word) : std::nullopt;
}

std::vector<char*> Pointers(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

struct Program {
  std::vector<char*> argv, executables;
  std::vector<std::uint8_t> filter;
};

[[noreturn]] void Become(const Program& program, int told, int go) {
  auto done = os::ResetSignals();
  if (done) done = os::SetNoNewPrivileges();
  int number = -1;
  if (done) {
    auto attached = os::AttachListener(program.filter);
    if (attached) {
      number = attached->Release();
    } else {
      done = std::unexpected(attached.error());
    }
  }
  // From here on only read and write are made, which are not handed over, until somebody listens.
  if (!Say(told, done ? number : -done.error().value) || !Hear(go)) os::Exit(1);
  Word cause = -ENOENT;
  for (char* const* path = program.executables.data(); *path != nullptr; ++path) {
    const auto executed = os::Execute(*path, program.argv.data(), environ);
    if (executed.error().value != ENOENT && executed.error().value != ENOTDIR)
      cause = -executed.error().value;
  }
  (void)Say(told, cause);  // nobody is there to be told: it does not matter then
  os::Exit(cause == -ENOENT ? 127 : 126);
}

// Until a thread answers, or the program is gone.
base::Status WaitForFirstCall(sandbox::Listener& listener) {
  while (listener.Line() >= 0) {
    const std::array<os::Interest, 1> interests = {{{listener.Line()}}};
    const auto ready = os::WaitReady(interests, std::nullopt);
    if (!ready) return base::SystemError("wait for the program", ready.error().value);
    if (const auto heard = listener.Hear(); !heard) return heard;
  }
  return {};
}

// Passes signals on until the program has ended.
base::Status Follow(const os::Child& child, os::SignalQueue& signals) {
  while (!os::HasEnded(child.pidfd.Get())) {
    const std::array<os::Interest, 2> interests = {{{child.pidfd.Get()}, {signals.Descriptor()}}};
    const auto ready = os::WaitReady(interests, std::nullopt);
    if (!ready) return base::SystemError("wait for the program", ready.error().value);
    // ESRCH: it has just ended.
    while (const auto signal = signals.Next()) (void)os::SendSignal(child.pidfd.Get(), *signal);
  }
  return {};
}

}  // namespace

base::Result<int> RunUnconfined(const std::vector<std::string>& argv,
                                const std::vector<std::string>& executables,
                                const bpf::Program& filter, sandbox::Listener& listener) {
  const Program program = {Pointers(argv), Pointers(executables), filter.Bytes()};
  auto told = os::MakePipe(), go = os::MakePipe();
  if (!told || !go) return base::SystemError("start program", (told ? go : told).error().value);
  auto signals = os::SignalQueue::Make();
  if (!signals) return base::SystemError("start program", signals.error().value);
  if (const auto done = os::ExpectChildren(); !done)
    return base::SystemError("start program", done.error().value);
  const auto child = os::Fork(0);
  if (!child) return base::SystemError("start program", child.error().value);
  if (child->pid == 0) Become(program, (*told)[1].Get(), (*go)[0].Get());
  (*told)[1].Reset();
  const auto number = Hear((*told)[0].Get());
  if (!number || *number < 0) {
    (*go)[1].Reset();
    (void)os::WaitFor(child->pid);
    if (number && *number == -EBUSY)
      return base::Unsupported("record calls: a sandbox around this one listens already");
    return base::SystemError("attach the filter that records", number ? -*number : ECHILD);
  }
  auto taken = os::TakeDescriptor(child->pidfd.Get(), *number);
  auto begun = taken ? listener.Begin(*std::move(taken), filter)
                     : base::Status(base::SystemError("take the listener", taken.error().value));
  if (begun) {
    const auto told_go = Say((*go)[1].Get(), 0);
    if (!told_go) begun = base::SystemError("start program", told_go.error().value);
  }
  if (begun) begun = WaitForFirstCall(listener);
  if (begun) begun = Follow(*child, *signals);
  if (!begun) {
    (void)os::SendSignal(child->pidfd.Get(), SIGKILL);
    (void)os::WaitFor(child->pid);
    return begun.error();
  }
  const auto cause = Hear((*told)[0].Get());
  const auto ended = os::WaitFor(child->pid);
  if (!ended) return base::SystemError("wait for the program", ended.error().value);
  if (cause) return base::SystemError("execute " + argv[0], -*cause);
  listener.EndWithLast();
  const int status = ended->wait_status;
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace bailey::learn
