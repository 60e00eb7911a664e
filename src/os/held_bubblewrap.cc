// bubblewrap says the pid of its child on --info-fd, and --block-fd holds that child when its
// mounts are made and its capabilities dropped, just before filters and command.
#include <fcntl.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "os/file.h"
#include "os/inside.h"

namespace bailey::os {
namespace {

constexpr int kTries = 500;  // of 10 ms

void Pause() {
  const timespec time = {0, 10'000'000};
  (void)::nanosleep(&time, nullptr);
}

base::Error NotStarted(std::string_view why) {
  return base::Unsupported("start bwrap: " + std::string(why));
}

// {"child-pid": 12, ...}
pid_t ChildOf(std::string_view text) {
  const auto key = text.find("\"child-pid\"");
  if (key == std::string_view::npos) return -1;
  const auto digit = text.find_first_of("0123456789", key);
  if (digit == std::string_view::npos) return -1;
  return static_cast<pid_t>(std::strtol(std::string(text.substr(digit)).c_str(), nullptr, 10));
}

// One object, which may come in pieces.
std::string ReadObject(int fd) {
  std::string text;
  char buffer[512];
  ssize_t size = 0;
  while (text.find('}') == std::string::npos && (size = ::read(fd, buffer, sizeof(buffer))) > 0)
    text.append(buffer, static_cast<std::size_t>(size));
  return text;
}

// Whether it waits in read(2) on this descriptor.
bool IsHeld(pid_t pid, int fd) {
  char begins[32];
  (void)std::snprintf(begins, sizeof(begins), "%d 0x%x ", 0, static_cast<unsigned>(fd));
  const auto call = ReadFile(AT_FDCWD, ("/proc/" + std::to_string(pid) + "/syscall").c_str(), 4096);
  return call && call->starts_with(begins);
}

[[noreturn]] void Run(const std::string& program, char* const* argv, int info, int hold) {
  (void)DieWithParent();
  const int null = ::open("/dev/null", O_RDWR);
  for (const int standard : {0, 1, 2})
    if (null == -1 || ::dup2(null, standard) == -1) Exit(127);
  if (null > 2) (void)::close(null);
  if (::fcntl(info, F_SETFD, 0) == -1 || ::fcntl(hold, F_SETFD, 0) == -1) Exit(127);
  (void)Execute(program.c_str(), argv, environ);
  Exit(127);
}

}  // namespace

base::Result<HeldBubblewrap> HeldBubblewrap::Start(const std::string& program,
                                                   std::span<const std::string> arguments) {
  if (::access(program.c_str(), X_OK) != 0) return NotStarted("there is no " + program);
  auto info = MakePipe();
  auto hold = MakePipe();
  if (!info || !hold) return NotStarted("no pipe can be made");
  const int info_end = (*info)[1].Get(), hold_end = (*hold)[0].Get();
  std::vector<std::string> words = {program, "--info-fd", std::to_string(info_end), "--block-fd",
                                    std::to_string(hold_end)};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  HeldBubblewrap held;
  auto child = Fork(0);
  if (!child) return NotStarted(std::strerror(child.error().value));
  if (child->pid == 0) Run(program, argv.data(), info_end, hold_end);
  held.child_ = *std::move(child);
  (*info)[1].Reset();
  (*hold)[0].Reset();
  held.hold_ = std::move((*hold)[1]);
  held.inside_ = ChildOf(ReadObject((*info)[0].Get()));
  if (held.inside_ <= 0) return NotStarted("it ended without starting anything");
  for (int i = 0; i < kTries; ++i) {
    if (IsHeld(held.inside_, hold_end)) return held;
    Pause();
  }
  return NotStarted("it did not set up its sandbox in time");
}

HeldBubblewrap::~HeldBubblewrap() {
  if (child_.pid <= 0) return;
  // Its children first: without them it ends by itself.
  if (inside_ > 0) (void)::kill(inside_, SIGKILL);
  (void)SendSignal(child_.pidfd.Get(), SIGKILL);
  (void)WaitFor(child_.pid);
}

}  // namespace bailey::os
