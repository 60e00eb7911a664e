#include "guest/child.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "guest/machine.h"
#include "guest/message.h"
#include "guest/program.h"

namespace bailey::guest {
namespace {

int Result(long value) { return value < 0 ? errno : 0; }

// Everything between fork and exec, in order. It reports, and ends.
class Child {
 public:
  Child(const Command& command, const ChildPlan& plan)
      : command_(command), plan_(plan), report_(plan.report) {}

  [[noreturn]] void Run() {
    for (int i = 0; i < 3; ++i) Need(Step::kPipe, Result(::dup2(plan_.streams[i], i)));
    Need(Step::kGroup, WriteText(PathOfGroup(plan_.stage, "/cgroup.procs").Text(), "0"));
    Need(Step::kSession, Result(::setsid()));
    Need(Step::kMount,
         Result(::unshare(CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP)));
    Need(Step::kMount, EnterRoot(plan_.stage));
    if (plan_.trees)
      trees_ = *plan_.trees;
    else
      AwaitCommand();
    Confine();
    if (plan_.trees) AwaitWords();
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

  void Confine() {
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
  }

  void SayReady() {
    const Failure told = {Step::kFork, kReady, 0};
    (void)!::write(report_, &told, sizeof(told));
  }

  // Until here nothing depended on the command, which may not be known yet. It comes with the trees
  // that are to be attached.
  void AwaitCommand() {
    SayReady();
    char word = 0;
    Message<Command::kMostMounts - 1> message(&word, sizeof(word));
    const ssize_t size = message.Receive(report_);
    Need(Step::kFork, size < 0 ? errno : size == 0 ? EPIPE : 0);
    Need(Step::kFork, message.Take(&trees_.copies[1]) + 1 == command_.mount_count ? 0 : EPROTO);
  }

  // Behind the filters: reads and writes are what no filter hands over.
  void AwaitWords() {
    SayReady();
    AwaitByte();
  }

  // Of one that knows its command the input is the way: a pipe, which the program reads from
  // anyway.
  void AwaitByte() {
    char byte = 0;
    const ssize_t size = ::read(plan_.trees ? 0 : report_, &byte, sizeof(byte));
    Need(Step::kFork, size < 0 ? errno : size == 0 ? EPIPE : 0);
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
    (void)!::write(report_, &told, sizeof(told));
    AwaitByte();
  }

  // What many programs begin with, some of which is denied to most: its way to the host and back is
  // gone once. Nothing depends on what becomes of it.
  void Rehearse() {
    const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (socket >= 0) ::close(socket);
    const int file = ::open("/etc/passwd", O_RDONLY | O_CLOEXEC);
    char piece[4096];
    if (file >= 0) (void)!::read(file, piece, sizeof(piece));
    if (file >= 0) Map(file);
    if (file >= 0) ::close(file);
    // All but the loader's look for libraries is translated for where it lies, which is elsewhere
    // in each process: it lists them, to nobody, and ends.
    ::close(1);
    static std::array<char*, Command::kMostWords + 2> traced;
    std::copy_n(command_.environment.begin(), command_.variables, traced.begin());
    traced[command_.variables] = const_cast<char*>("LD_TRACE_LOADED_OBJECTS=1");
    environment_ = traced.data();
  }

  // What a loader does with a library when it has found it.
  static void Map(int file) {
    constexpr std::size_t kPage = 4096;
    void* const place = ::mmap(nullptr, kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
    if (place == MAP_FAILED) return;
    struct stat found;
    // Nothing is behind the end of an empty one.
    if (::fstat(file, &found) == 0 && found.st_size > 0) *static_cast<volatile char*>(place) = 0;
    (void)::mprotect(place, kPage, PROT_READ);
    (void)::munmap(place, kPage);
  }

  // As execvp(3): a candidate that is there but may not be executed decides the error.
  [[noreturn]] void Execute() {
    const std::string_view name = command_.argv[0];
    int error = ENOENT;
    const auto attempt = [&](const char* path) {
      if (!path) return;
      ::execve(path, command_.argv.data(), environment_);
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
  const ChildPlan& plan_;
  char* const* environment_ = command_.environment.data();
  Trees trees_;
  int report_;
  Failure failure_;
};

}  // namespace

// Control groups of version 2, which the guest's kernel has to itself.
int WriteText(const char* path, std::string_view text) {
  const int file = ::open(path, O_WRONLY | O_CLOEXEC);
  if (file < 0) return errno;
  const int error = ::write(file, text.data(), text.size()) < 0 ? errno : 0;
  ::close(file);
  return error;
}

Path PathOfGroup(std::size_t stage, std::string_view file) {
  Path path;
  path << "/group/program-" << stage << file;
  return path;
}

void RunChild(const Command& command, const ChildPlan& plan) { Child(command, plan).Run(); }

}  // namespace bailey::guest
