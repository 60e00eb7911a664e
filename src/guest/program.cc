#include "guest/program.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest/machine.h"
#include "guest/network.h"

namespace bailey::guest {
namespace {

int Result(long value) { return value < 0 ? errno : 0; }

// In place of an errno: the child has a listener, of the number that is the index.
constexpr int kListening = -1;
// It has all that does not depend on the command.
constexpr int kReady = -2;

// Control groups of version 2, which the guest's kernel has to itself.
int WriteText(const char* path, std::string_view text) {
  const int file = ::open(path, O_WRONLY | O_CLOEXEC);
  if (file < 0) return errno;
  const int error = ::write(file, text.data(), text.size()) < 0 ? errno : 0;
  ::close(file);
  return error;
}

int WriteNumber(const char* path, std::size_t number) {
  Path text;
  text << number;
  return WriteText(path, text.Text());
}

int MakeGroup() {
  static bool mounted = false;
  if (!mounted) {
    if (::mount("group", "/group", "cgroup2", 0, nullptr) != 0) return errno;
    if (const int error = WriteText("/group/cgroup.subtree_control", "+memory +pids")) return error;
    mounted = true;
  }
  return Result(::mkdir("/group/program", 0700));
}

int LimitGroup(const Start& start) {
  if (start.processes > 0) {
    if (const int error = WriteNumber("/group/program/pids.max", start.processes)) return error;
  }
  if (start.memory == 0) return 0;
  return WriteNumber("/group/program/memory.max", start.memory);
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

// A message between this process and its child, with room for descriptors beside it.
template <std::size_t kMost>
class Message {
 public:
  Message(void* bytes, std::size_t size) : bytes_{bytes, size} {
    message_.msg_iov = &bytes_;
    message_.msg_iovlen = 1;
    message_.msg_control = control_;
    message_.msg_controllen = sizeof(control_);
  }
  int Send(int socket, std::span<const int> descriptors) {
    message_.msg_controllen = descriptors.empty() ? 0 : CMSG_SPACE(descriptors.size_bytes());
    if (cmsghdr* const header = CMSG_FIRSTHDR(&message_)) {
      header->cmsg_level = SOL_SOCKET;
      header->cmsg_type = SCM_RIGHTS;
      header->cmsg_len = CMSG_LEN(descriptors.size_bytes());
      memcpy(CMSG_DATA(header), descriptors.data(), descriptors.size_bytes());
    }
    return Result(::sendmsg(socket, &message_, MSG_NOSIGNAL));
  }
  // Its size, or -1.
  ssize_t Receive(int socket) {
    ssize_t size;
    do {
      size = ::recvmsg(socket, &message_, MSG_CMSG_CLOEXEC);
    } while (size < 0 && errno == EINTR);
    return size;
  }
  // How many came along, which are written to `descriptors`.
  std::size_t Take(int* descriptors) {
    const cmsghdr* const header = CMSG_FIRSTHDR(&message_);
    if (!header) return 0;
    const std::size_t size = header->cmsg_len - CMSG_LEN(0);
    memcpy(descriptors, CMSG_DATA(header), size);
    return size / sizeof(int);
  }

 private:
  alignas(cmsghdr) char control_[CMSG_SPACE(sizeof(int) * kMost)] = {};
  iovec bytes_;
  msghdr message_ = {};
};

// Everything between fork and exec, in order. It reports, and ends.
class Child {
 public:
  Child(const Command& command, int report) : command_(command), report_(report) {}

  [[noreturn]] void Run(const int streams[3]) {
    for (int i = 0; i < 3; ++i) Need(Step::kPipe, Result(::dup2(streams[i], i)));
    Need(Step::kGroup, WriteText("/group/program/cgroup.procs", "0"));
    Need(Step::kSession, Result(::setsid()));
    Need(Step::kMount,
         Result(::unshare(CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP)));
    Need(Step::kMount, EnterRoot());
    AwaitCommand();
    // The program owns its ends, and can open them again as /dev/stdout.
    for (int i = 0; i < 3 && !command_.start.terminal; ++i)
      Need(Step::kPipe, Result(::fchown(i, command_.start.uid, command_.start.gid)));
    Need(Step::kSession,
         Result(::sethostname(command_.start.hostname.data(), command_.start.hostname.size())));
    Need(Step::kMount, EnterTrees(command_, trees_, failure_.index));
    if (command_.start.terminal) TakeTerminal();
    SetLimits();
    Need(Step::kWorkdir, Result(::chdir(command_.start.workdir.data())));
    Need(Step::kSession, KeepDescriptors());
    const int ruleset = MakeRuleset();
    BecomeUser();
    Need(Step::kNoNewPrivileges, Result(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)));
    if (ruleset >= 0) {
      Need(Step::kLandlock, Result(::syscall(SYS_landlock_restrict_self, ruleset, 0)));
      ::close(ruleset);
    }
    ::umask(022);
    AttachFilters();
    if (command_.rehearses) Rehearse();
    Execute();
  }

 private:
  void Need(Step step, int error) {
    if (error == 0) return;
    failure_.step = step;
    failure_.error = error;
    (void)!::write(report_, &failure_, sizeof(failure_));
    ::_exit(1);
  }

  // Until here nothing depended on the command, which may not be known yet. It comes with the trees
  // that are to be attached.
  void AwaitCommand() {
    const Failure told = {Step::kFork, kReady, 0};
    (void)!::write(report_, &told, sizeof(told));
    char word = 0;
    Message<Command::kMostMounts - 1> message(&word, sizeof(word));
    const ssize_t size = message.Receive(report_);
    Need(Step::kFork, size < 0 ? errno : size == 0 ? EPIPE : 0);
    Need(Step::kFork, message.Take(&trees_.copies[1]) + 1 == command_.mount_count ? 0 : EPROTO);
  }

  void TakeTerminal() {
    const int master = ::open("/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
    Need(Step::kTerminal, Result(master));
    int zero = 0;
    Need(Step::kTerminal, Result(::ioctl(master, TIOCSPTLCK, &zero)));
    const int slave = ::ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    Need(Step::kTerminal, Result(slave));
    Need(Step::kTerminal, Result(::ioctl(slave, TIOCSCTTY, 0)));
    Need(Step::kTerminal, Result(::fchown(slave, command_.start.uid, command_.start.gid)));
    for (int i = 0; i < 3; ++i) Need(Step::kTerminal, Result(::dup2(slave, i)));
    SendMaster(master);
  }

  void SendMaster(int master) {
    Message<1> message(&failure_, sizeof(failure_));
    Need(Step::kTerminal, message.Send(report_, {&master, 1}));
  }

  void SetLimits() {
    for (failure_.index = 0; failure_.index < command_.limit_count; ++failure_.index) {
      const Limit& limit = command_.limits[failure_.index];
      const rlimit value = {limit.value, limit.value};
      Need(Step::kLimits,
           Result(::setrlimit(static_cast<__rlimit_resource>(limit.resource), &value)));
    }
  }

  // Only 0, 1, 2 and the report, which goes when the program starts.
  int KeepDescriptors() {
    constexpr int kReport = 3;
    if (report_ != kReport) {
      if (::dup3(report_, kReport, O_CLOEXEC) < 0) return errno;
      report_ = kReport;
    }
    return Result(::syscall(SYS_close_range, kReport + 1, ~0u, 0));
  }

  int MakeRuleset() {
    if (command_.start.landlock == 0) return -1;
    landlock_ruleset_attr attributes = {};
    attributes.handled_access_fs = command_.start.landlock;
    const auto ruleset = static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes,
                                                    sizeof(attributes.handled_access_fs), 0));
    Need(Step::kLandlock, Result(ruleset));
    for (failure_.index = 0; failure_.index < command_.grant_count; ++failure_.index) {
      const Grant& grant = command_.grants[failure_.index];
      landlock_path_beneath_attr rule = {};
      rule.allowed_access = grant.rights;
      rule.parent_fd = ::open(grant.path.data(), O_PATH | O_CLOEXEC);
      Need(Step::kLandlock, Result(rule.parent_fd));
      Need(Step::kLandlock,
           Result(::syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0)));
      ::close(rule.parent_fd);
    }
    return ruleset;
  }

  void BecomeUser() {
    for (int i = 0; ::prctl(PR_CAPBSET_READ, i, 0, 0, 0) >= 0; ++i)
      Need(Step::kCapabilities, Result(::prctl(PR_CAPBSET_DROP, i, 0, 0, 0)));
    Need(Step::kIds, Result(::setgroups(0, nullptr)));
    Need(Step::kIds,
         Result(::setresgid(command_.start.gid, command_.start.gid, command_.start.gid)));
    Need(Step::kIds,
         Result(::setresuid(command_.start.uid, command_.start.uid, command_.start.uid)));
    __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct none[2] = {};
    Need(Step::kCapabilities, Result(::syscall(SYS_capset, &header, none)));
  }

  void AttachFilters() {
    for (failure_.index = 0; failure_.index < command_.filter_count; ++failure_.index) {
      const auto records = command_.filters[failure_.index];
      sock_fprog program = {
          static_cast<unsigned short>(records.size() / sizeof(sock_filter)),
          const_cast<sock_filter*>(reinterpret_cast<const sock_filter*>(records.data()))};
      const bool listens = command_.listens && failure_.index + 1 == command_.filter_count;
      const long attached = ::syscall(
          SYS_seccomp, SECCOMP_SET_MODE_FILTER,
          listens ? SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV : 0,
          &program);
      Need(Step::kSeccomp, Result(attached));
      if (listens) SayListening(static_cast<int>(attached));
    }
  }

  // No filter hands over reads and writes (policy::IsNotified): every other call can be made when
  // the listener is taken. It is closed on execution.
  void SayListening(int listener) {
    const Failure told = {Step::kSeccomp, kListening, static_cast<std::size_t>(listener)};
    char go = 0;
    (void)!::write(report_, &told, sizeof(told));
    (void)!::read(report_, &go, sizeof(go));
  }

  // What many programs begin with, some of which is denied to most: its way to the host and back is
  // gone once. Nothing depends on what becomes of it.
  static void Rehearse() {
    const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (socket >= 0) ::close(socket);
    for (const char* const path : {"/etc/passwd", "/", "/proc/self/status"}) {
      const int file = ::open(path, O_RDONLY | O_CLOEXEC);
      char piece[4096];
      if (file >= 0 && ::read(file, piece, sizeof(piece)) < 0)
        (void)::syscall(SYS_getdents64, file, piece, sizeof(piece));
      if (file >= 0) ::close(file);
    }
  }

  // As execvp(3): a candidate that is there but may not be executed decides the error.
  [[noreturn]] void Execute() {
    const std::string_view name = command_.argv[0];
    int error = ENOENT;
    const auto attempt = [&](const char* path) {
      if (!path) return;
      ::execve(path, command_.argv.data(), command_.environment.data());
      if (errno != ENOENT && errno != ENOTDIR) error = errno;
    };
    if (name.find('/') != std::string_view::npos) {
      attempt(command_.argv[0]);
    } else {
      std::string_view rest = SearchPath();
      for (bool more = true; more;) {
        const std::size_t end = rest.find(':');
        more = end != std::string_view::npos;
        const std::string_view directory(rest.data(), more ? end : rest.size());
        Path path;
        path << directory << (directory.empty() ? "" : "/") << name;
        attempt(path.Text());
        if (more) rest.remove_prefix(end + 1);
      }
    }
    Need(Step::kExecute, error);
    ::_exit(1);
  }

  std::string_view SearchPath() const {
    for (std::size_t i = 0; i < command_.variables; ++i) {
      std::string_view variable = command_.environment[i];
      if (!variable.starts_with("PATH=")) continue;
      variable.remove_prefix(5);
      return variable;
    }
    return "/usr/local/bin:/usr/bin:/bin";
  }

  const Command& command_;
  Trees trees_;
  int report_;
  Failure failure_;
};

int TakeListener(const Command& command, int report, pid_t child, std::size_t number,
                 Listening& listening) {
  const auto task = static_cast<int>(::syscall(SYS_pidfd_open, child, 0));
  if (task < 0) return errno;
  const auto listener = static_cast<int>(::syscall(SYS_pidfd_getfd, task, number, 0));
  const int error = Result(listener);
  ::close(task);
  if (error != 0) return error;
  if (const int failed = listening.Begin(listener, command)) return failed;
  return Result(::write(report, "", 1));
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
      const int error = TakeListener(command, report, running.pid, failure.index, listening);
      if (error != 0) return {Step::kSeccomp, error, 0};
      continue;
    }
    if (failure.error != 0) return failure;
    if (message.Take(&running.output[0]) == 1)
      running.input = ::fcntl(running.output[0], F_DUPFD_CLOEXEC, 3);
  }
}

// Until the child waits for its command.
Failure AwaitReady(int report) {
  Failure failure;
  ssize_t size;
  do {
    size = ::read(report, &failure, sizeof(failure));
  } while (size < 0 && errno == EINTR);
  if (size != sizeof(failure)) return {Step::kFork, size < 0 ? errno : EPROTO, 0};
  if (failure.error == kReady) return {};
  return failure;
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
  return 0;
}

int SendCommand(const Command& command, const Trees& trees, int report) {
  char word = 0;
  Message<Command::kMostMounts - 1> message(&word, sizeof(word));
  return message.Send(report, {&trees.copies[1], command.mount_count - 1});
}

Trees trees;

// The child that waits for the next command.
struct Waiting {
  Running running;
  int report = -1;
};
Waiting waiting;

}  // namespace

Failure PrepareProgram(const Command& command) {
  if (const int error = MakeRootTree()) return {Step::kMount, error, 0};
  if (const int error = MakeGroup()) return {Step::kGroup, error, 0};
  if (const int error = BringLoopbackUp()) return {Step::kSession, error, 0};
  int streams[3] = {-1, -1, -1}, report[2];
  if (const int error = MakeStreams(waiting.running, streams)) return {Step::kPipe, error, 0};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, report) != 0)
    return {Step::kPipe, errno, 0};
  waiting.running.pid = ::fork();
  if (waiting.running.pid < 0) return {Step::kFork, errno, 0};
  if (waiting.running.pid == 0) {
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::signal(SIGPIPE, SIG_DFL);
    Child(command, report[1]).Run(streams);
  }
  ::close(report[1]);
  for (const int stream : streams) ::close(stream);
  waiting.report = report[0];
  return AwaitReady(waiting.report);
}

Failure StartProgram(const Command& command, Running& running, Listening& listening) {
  if (waiting.report < 0) {
    if (const Failure failure = PrepareProgram(command); failure.error != 0) return failure;
  }
  Failure failure = {Step::kMount, 0, 0};
  failure.error = MakeTrees(command, trees, failure.index);
  if (failure.error) return failure;
  if (const int error = LimitGroup(command.start)) return {Step::kGroup, error, 0};
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
  if (const int error = SendCommand(command, trees, waiting.report)) return {Step::kFork, error, 0};
  failure = AwaitStart(command, waiting.report, running, listening);
  waiting.running = {};
  Close(waiting.report);
  return failure;
}

int ForgetProgram(const Command& command) {
  if (const int error = UnmakeTrees(command, trees)) return error;
  return Result(::rmdir("/group/program"));
}

bool HadMemoryKill() {
  char text[512];
  const int file = ::open("/group/program/memory.events", O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  const ssize_t size = ::read(file, text, sizeof(text));
  ::close(file);
  if (size <= 0) return false;
  const std::string_view events(text, static_cast<std::size_t>(size));
  const std::size_t at = events.find("oom_kill ");
  return at != std::string_view::npos && at + 9 < events.size() && events[at + 9] != '0';
}

}  // namespace bailey::guest
