#include "mcp/mover_filter.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/confine.h"
#include "os/landlock.h"
#include "os/seccomp.h"
#include "prove/worker_proof.h"

namespace bailey::mcp {
namespace {

TEST(MoverFilter, IsProved) {
  const auto filter = MoverFilter();
  ASSERT_TRUE(filter);
  const auto proved = prove::ProveWorkerFilter(kMoverCalls, *filter);
  EXPECT_TRUE(proved) << proved.error().text;
}

// What a process does that has been taken over through what it reads: each try is its last.
TEST(MoverFilter, EndsWhoeverTriesMore) {
  struct Try {
    const char* what;
    long (*call)();
  };
  const Try tries[] = {
      {"open a file", [] { return ::syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY); }},
      {"make a socket", [] { return ::syscall(SYS_socket, AF_INET, SOCK_STREAM, 0); }},
      {"start a program", [] { return ::syscall(SYS_execve, "/bin/true", nullptr, nullptr); }},
      {"fork", [] { return ::syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0); }},
      {"signal its parent", [] { return ::syscall(SYS_kill, ::getppid(), SIGTERM); }},
      {"trace its parent", [] { return ::syscall(SYS_ptrace, 16, ::getppid(), 0, 0); }},
      {"take a descriptor", [] { return ::syscall(SYS_pidfd_getfd, 3, 0, 0); }},
      {"send a descriptor", [] { return ::syscall(SYS_sendmsg, 1, nullptr, 0); }},
      {"remove a file", [] { return ::syscall(SYS_unlinkat, AT_FDCWD, "/nothing", 0); }},
      {"take its filter off", [] { return ::syscall(SYS_prctl, PR_SET_SECCOMP, 0, 0, 0, 0); }},
  };
  const auto filter = MoverFilter();
  ASSERT_TRUE(filter);
  for (const Try& one : tries) {
    const pid_t pid = ::fork();
    ASSERT_GE(pid, 0);
    if (pid == 0) {
      const bool confined =
          os::Confine(os::LandlockAbi().has_value()) && os::AttachFilter(filter->Bytes());
      if (confined) (void)one.call();
      ::_exit(confined ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(pid, &status, 0), pid);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) << one.what << ": " << status;
  }
}

}  // namespace
}  // namespace bailey::mcp
