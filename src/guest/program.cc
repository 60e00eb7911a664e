#include "guest/program.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "guest/child.h"
#include "guest/machine.h"
#include "guest/message.h"
#include "guest/network.h"
#include "guest/task.h"

namespace bailey::guest {
namespace {

int Result(long value) { return value < 0 ? errno : 0; }

int WriteNumber(const char* path, std::size_t number) {
  Path text;
  text << number;
  return WriteText(path, text.Text());
}

int MakeGroup(std::size_t stage) {
  static bool mounted = false;
  if (!mounted) {
    if (::mount("group", "/group", "cgroup2", 0, nullptr) != 0) return errno;
    if (const int error = WriteText("/group/cgroup.subtree_control", "+memory +pids")) return error;
    mounted = true;
  }
  return Result(::mkdir(PathOfGroup(stage, "").Text(), 0700));
}

int LimitGroup(std::size_t stage, const Start& start) {
  if (start.processes > 0) {
    const Path file = PathOfGroup(stage, "/pids.max");
    if (const int error = WriteNumber(file.Text(), start.processes)) return error;
  }
  if (start.memory == 0) return 0;
  return WriteNumber(PathOfGroup(stage, "/memory.max").Text(), start.memory);
}

// What a file of a group says of `name`; negative where it does not.
int ReadFlag(int file, std::string_view name) {
  char text[512];
  const ssize_t size = ::pread(file, text, sizeof(text), 0);
  if (size <= 0) return -EIO;
  const std::string_view events(text, static_cast<std::size_t>(size));
  const std::size_t at = events.find(name);
  if (at == std::string_view::npos || at + name.size() >= events.size()) return -EIO;
  return events[at + name.size()] != '0' ? 1 : 0;
}

int OpenGroupFile(std::size_t stage, std::string_view name) {
  return ::open(PathOfGroup(stage, name).Text(), O_RDONLY | O_CLOEXEC);
}

// Whether something has happened since it was read.
bool HasNews(int group_events) {
  pollfd wait = {group_events, POLLPRI, 0};
  return ::poll(&wait, 1, 0) > 0 && (wait.revents & POLLPRI) != 0;
}

int BringLoopbackUp() {
  const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return errno;
  ifreq request = {};
  memcpy(request.ifr_name, "lo", 3);
  request.ifr_flags = IFF_UP;
  const int error = Result(::ioctl(socket, SIOCSIFFLAGS, &request));
  ::close(socket);
  return error;
}

// The child's descriptor of this number; negative: minus an errno.
int TakeListener(pid_t child, std::size_t number) {
  const auto task = static_cast<int>(::syscall(SYS_pidfd_open, child, 0));
  if (task < 0) return -errno;
  const auto listener = static_cast<int>(::syscall(SYS_pidfd_getfd, task, number, 0));
  const int error = Result(listener);
  ::close(task);
  return error != 0 ? -error : listener;
}

ssize_t ReadFailure(int report, Failure& failure) {
  ssize_t size;
  do {
    size = ::read(report, &failure, sizeof(failure));
  } while (size < 0 && errno == EINTR);
  return size;
}

// Until the other end is closed, by the program's execution.
Failure AwaitStart(const Command& command, int report, Running& running, Listening& listening) {
  for (;;) {
    Failure failure;
    Message<1> message(&failure, sizeof(failure));
    const ssize_t size = message.Receive(report);
    if (size <= 0) return {};
    if (size != sizeof(failure)) return {Step::kFork, EPROTO, 0};
    if (failure.error == kListening) {
      const int listener = TakeListener(running.pid, failure.index);
      if (listener < 0) return {Step::kSeccomp, -listener, 0};
      if (const int error = listening.Take(listener)) return {Step::kSeccomp, error, 0};
      listening.Begin(command, running.pid);
      if (::write(report, "", 1) < 0) return {Step::kSeccomp, errno, 0};
      continue;
    }
    if (failure.error != 0) return failure;
    if (message.Take(&running.output[0]) != 1) continue;
    running.input = ::fcntl(running.output[0], F_DUPFD_CLOEXEC, 3);
    if (running.input < 0 || ::fcntl(running.input, F_SETFL, O_NONBLOCK) != 0)
      return {Step::kPipe, errno, 0};
  }
}

void Close(int& descriptor) {
  if (descriptor >= 0) ::close(descriptor);
  descriptor = -1;
}

int MakeStreams(Running& running, int streams[3]) {
  for (int i = 0; i < 3; ++i) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return errno;
    streams[i] = ends[i == 0 ? 0 : 1];
    (i == 0 ? running.input : running.output[i - 1]) = ends[i == 0 ? 1 : 0];
  }
  return Result(::fcntl(running.input, F_SETFL, O_NONBLOCK));
}

int SendCommand(const Command& command, const Trees& trees, int report) {
  char word = 0;
  Message<Command::kMostMounts - 1> message(&word, sizeof(word));
  return message.Send(report, {&trees.copies[1], command.mount_count - 1});
}

std::array<Trees, kStages> all_trees;

// The child that waits for a command.
struct Waiting {
  Running running;
  int report = -1;  // a socket; of one that knows its shape, a pipe
  // Of one that needs its words alone: the shape of its command, and where that is told of.
  bool knows_shape = false, listens = false;
  int listener = -1;       // until `listening` has it
  int group_events = -1;   // says when all of its group is gone; open as long as the group is used
  bool tells_end = false;  // whatever is news there is that
  // Its namespaces and its pipes. With the last who is in there, or has it open, all of it is
  // unmade, for which nobody who hears of the program's end is to wait.
  enum : std::size_t { kMounts, kMessages, kNames, kGroups, kInput, kReport, kHeld };
  std::array<int, kHeld> held = {-1, -1, -1, -1, -1, -1};

  bool IsThere() const { return report >= 0; }
  void Drop() {
    Close(running.input);
    for (int& output : running.output) Close(output);
    for (int* const other : {&report, &listener, &group_events}) Close(*other);
    LetGo();
  }
  void LetGo() {
    for (int& one : held) Close(one);
  }
};
std::array<Waiting, kStages> all_waiting;
std::size_t stage = 0;  // of the program, or of the next one
// Where a command is prepared for when another was expected.
constexpr std::size_t kLastStage = kStages - 1;

std::array<std::uint8_t, Command::kMostShape> expected_bytes;
std::span<const std::uint8_t> expected;

Waiting& OfAnother() { return all_waiting[(stage + 1) % kStages]; }

// Until the child waits.
Failure AwaitReady(Waiting& waiting) {
  for (;;) {
    Failure failure;
    const ssize_t size = ReadFailure(waiting.report, failure);
    if (size != sizeof(failure)) return {Step::kFork, size < 0 ? errno : EPROTO, 0};
    if (failure.error == kReady) return {};
    if (failure.error != kListening) return failure;
    waiting.listener = TakeListener(waiting.running.pid, failure.index);
    if (waiting.listener < 0) return {Step::kSeccomp, -waiting.listener, 0};
    const int line = waiting.knows_shape ? waiting.running.input : waiting.report;
    if (::write(line, "", 1) < 0) return {Step::kSeccomp, errno, 0};
  }
}

int Hold(Waiting& waiting) {
  constexpr const char* kNames[] = {"mnt", "ipc", "uts", "cgroup"};
  waiting.LetGo();
  for (std::size_t i = 0; i < std::size(kNames); ++i) {
    Path path;
    path << "/proc/" << static_cast<std::size_t>(waiting.running.pid) << "/ns/" << kNames[i];
    waiting.held[i] = ::open(path.Text(), O_RDONLY | O_CLOEXEC);
    if (waiting.held[i] < 0) return errno;
  }
  // The pipe, and neither of its ends: who writes is to hear that nobody reads.
  Path input;
  input << "/proc/self/fd/" << static_cast<std::size_t>(waiting.running.input);
  waiting.held[Waiting::kInput] = ::open(input.Text(), O_PATH | O_CLOEXEC);
  if (waiting.held[Waiting::kInput] < 0) return errno;
  // That the child has come into its group is news, too. Where the kernel has not said so yet, it
  // may come at any time (cgroup_file_notify), and says nothing about an end.
  waiting.tells_end = HasNews(waiting.group_events);
  if (ReadFlag(waiting.group_events, "populated ") != 1) return ESRCH;
  // What is asked for with each call that is denied: the kernel has a place for it from now on.
  Text executable;
  ReadExecutable(static_cast<std::uint32_t>(waiting.running.pid), executable);
  return 0;
}

// What the command has made for it before there is a child.
Failure MakeItsOwn(const Command& command, std::size_t on) {
  Failure failure = {Step::kMount, 0, 0};
  failure.error = MakeTrees(command, on, all_trees[on], failure.index);
  if (failure.error) return failure;
  return {Step::kGroup, LimitGroup(on, command.start), 0};
}

// `all`: for a command that is like this one, so that its words alone are left to be known.
Failure Prepare(const Command& command, std::size_t on, bool all) {
  Waiting& waiting = all_waiting[on];
  waiting.knows_shape = all;
  if (const int error = MakeRootTree(on)) return {Step::kMount, error, 0};
  if (const int error = MakeGroup(on)) return {Step::kGroup, error, 0};
  waiting.group_events = OpenGroupFile(on, "/cgroup.events");
  if (waiting.group_events < 0) return {Step::kGroup, errno, 0};
  // What comes after this is news.
  if (ReadFlag(waiting.group_events, "populated ") != 0) return {Step::kGroup, EBUSY, 0};
  if (const int error = BringLoopbackUp()) return {Step::kSession, error, 0};
  ChildPlan plan;
  plan.stage = on;
  if (all) {
    if (const Failure failure = MakeItsOwn(command, on); failure.error != 0) return failure;
    plan.trees = &all_trees[on];
  }
  int report[2];
  if (const int error = MakeStreams(waiting.running, plan.streams)) return {Step::kPipe, error, 0};
  // Descriptors go through sockets alone. What is not sent there nobody needs the code of a socket
  // for, which under emulation is much.
  if ((all ? ::pipe2(report, O_CLOEXEC)
           : ::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, report)) != 0)
    return {Step::kPipe, errno, 0};
  plan.report = report[1];
  waiting.running.pid = ::fork();
  if (waiting.running.pid < 0) return {Step::kFork, errno, 0};
  if (waiting.running.pid == 0) {
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::signal(SIGPIPE, SIG_DFL);
    // Its own ends of the pipes are among these, too: only this process has any use for them.
    for (Waiting& any : all_waiting) any.Drop();
    RunChild(command, plan);
  }
  ::close(report[1]);
  for (const int stream : plan.streams) ::close(stream);
  waiting.report = report[0];
  const Failure failure = AwaitReady(waiting);
  waiting.listens = waiting.listener >= 0;
  return failure.error != 0 ? failure : Failure{Step::kMount, Hold(waiting), 0};
}

// It was to be another command. What was made for that one stays where nobody sees it.
Failure PrepareAnew(const Command& command) {
  Waiting& waiting = all_waiting[stage];
  ::kill(waiting.running.pid, SIGKILL);
  while (::waitpid(waiting.running.pid, nullptr, 0) < 0 && errno == EINTR) continue;
  waiting.Drop();
  stage = kLastStage;
  return Prepare(command, stage, false);
}

Failure MakeReady(const Command& command) {
  const Waiting& waiting = all_waiting[stage];
  if (!waiting.IsThere()) return Prepare(command, stage, false);
  if (!waiting.knows_shape) return {};
  const bool fits =
      std::ranges::equal(command.Shape(), expected) && command.listens == waiting.listens;
  return fits ? Failure{} : PrepareAnew(command);
}

// What the next command's child has said about its filter: who listens waits for it from now on.
int HandOver(Waiting& waiting, Listening& listening) {
  if (waiting.listener < 0) return 0;
  return listening.Take(std::exchange(waiting.listener, -1));
}

// To one that knows its shape.
int SendWords(const Command& command, Waiting& waiting, Listening& listening) {
  if (const int error = HandOver(waiting, listening)) return error;
  if (waiting.listens) listening.Begin(command, waiting.running.pid);
  return ::write(waiting.running.input, "", 1) < 0 ? errno : 0;
}

// The same as AwaitStart, of one that knows its shape: there is nothing else that it could say.
Failure AwaitExecution(int report) {
  Failure failure;
  const ssize_t size = ReadFailure(report, failure);
  if (size < 0) return {Step::kFork, errno, 0};
  return size == sizeof(failure) ? failure : Failure{};
}

}  // namespace

std::size_t StageOfProgram() { return stage; }

Failure StartProgram(const Command& command, Running& running, Listening& listening) {
  Failure failure = MakeReady(command);
  if (failure.error) return failure;
  Waiting& waiting = all_waiting[stage];
  if (!waiting.knows_shape) {
    failure = MakeItsOwn(command, stage);
    if (failure.error) return failure;
  }
  if (command.has_network) {
    failure = {Step::kNetwork, 0, 0};
    failure.error = SetUpNetwork(command.network, failure.object);
    if (failure.error) return failure;
  }
  running = waiting.running;
  if (command.start.terminal) {
    Close(running.input);
    for (int& output : running.output) Close(output);
  }
  const int error = waiting.knows_shape ? SendWords(command, waiting, listening)
                                        : SendCommand(command, all_trees[stage], waiting.report);
  if (error != 0) return {Step::kFork, error, 0};
  failure = waiting.knows_shape ? AwaitExecution(waiting.report)
                                : AwaitStart(command, waiting.report, running, listening);
  waiting.running = {};
  waiting.held[Waiting::kReport] = std::exchange(waiting.report, -1);
  return failure;
}

void AddUsage(const rusage& one, rusage& all) {
  timeradd(&one.ru_utime, &all.ru_utime, &all.ru_utime);
  timeradd(&one.ru_stime, &all.ru_stime, &all.ru_stime);
  all.ru_maxrss = std::max(all.ru_maxrss, one.ru_maxrss);
}

// A killed process whose parent is gone as well is this one's child.
int KillProgram(bool& alone, rusage& others) {
  const Waiting& waiting = all_waiting[stage];
  alone = true;
  // Reading it would be much more to do.
  if (waiting.tells_end && HasNews(waiting.group_events)) return 0;
  for (;; alone = false) {
    const int populated = ReadFlag(waiting.group_events, "populated ");
    if (populated <= 0) return -populated;
    const int error = alone ? WriteNumber(PathOfGroup(stage, "/cgroup.kill").Text(), 1) : 0;
    if (error != 0) return error;
    rusage used = {};
    if (::wait4(-1, nullptr, 0, &used) > 0)
      AddUsage(used, others);
    else if (errno != EINTR)
      return errno;
    while (::wait4(-1, nullptr, WNOHANG, &used) > 0) AddUsage(used, others);
  }
}

Failure ForgetProgram(const Command& command, const Forget& wanted, Listening& listening) {
  const bool another = OfAnother().IsThere();
  if (another && wanted.commands == 1) {
    stage = (stage + 1) % kStages;
    return {Step::kSeccomp, HandOver(all_waiting[stage], listening), 0};
  }
  Close(all_waiting[stage].group_events);
  all_waiting[stage].LetGo();
  if (const int error = UnmakeTrees(command, stage, all_trees[stage]))
    return {Step::kForget, error, 0};
  if (::rmdir(PathOfGroup(stage, "").Text()) != 0) return {Step::kForget, errno, 0};
  const auto shape = command.Shape();
  // A terminal's other end would have to be handed over.
  const bool alike = wanted.alike && !shape.empty() && !command.start.terminal;
  if (alike) {
    std::ranges::copy(shape, expected_bytes.begin());
    expected = std::span(expected_bytes).first(shape.size());
  }
  Failure failure = Prepare(command, stage, alike);
  if (failure.error == 0 && wanted.commands == 2 && !another)
    failure = Prepare(command, (stage + 1) % kStages, alike);
  if (failure.error == 0) failure = {Step::kSeccomp, HandOver(all_waiting[stage], listening), 0};
  if (failure.error == 0) failure.error = OwnMemory();
  return failure;
}

bool HadMemoryKill() {
  const int file = OpenGroupFile(stage, "/memory.events");
  const bool had = file >= 0 && ReadFlag(file, "oom_kill ") > 0;
  if (file >= 0) ::close(file);
  return had;
}

}  // namespace bailey::guest
