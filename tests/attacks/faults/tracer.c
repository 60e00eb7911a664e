// Makes one system call of a launch fail, or kills the process that makes it.
//
//   tracer list -- COMMAND...                prints "PROCESS INDEX NUMBER FIRST-ARGUMENT" for each
//                                            call until the program is executed, then lets
//                                            everything run
//   tracer fail PROCESS INDEX ERRNO -- ...   the call is not made, and answers ERRNO
//   tracer kill PROCESS INDEX -- ...         SIGKILL instead of the call
//
// PROCESS counts the processes in the order in which they are made (0: the command itself), INDEX
// the calls of that process. The launch is over when a process other than the first has executed a
// program. Lines go to descriptor 3; the exit status is the command's (128+n for signal n).
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kMostProcesses = 64 };
enum mode { kList, kFail, kKill };

struct process {
  pid_t pid;
  int calls;
  int is_failing, call;              // the call under way is the one, and its number
  unsigned long long program_break;  // that the kernel gave last
};

static struct process processes[kMostProcesses];
static int known;
static enum mode mode;
static int wanted_process = -1, wanted_call = -1, wanted_errno;
static int launched;  // the program runs: from here everything is let alone

static void Die(const char* what) {
  fprintf(stderr, "tracer: %s: %s\n", what, strerror(errno));
  exit(99);
}

static struct process* Find(pid_t pid) {
  for (int i = 0; i < known; ++i)
    if (processes[i].pid == pid) return &processes[i];
  if (known == kMostProcesses) Die("follow another process");
  processes[known].pid = pid;
  return &processes[known++];
}

static void AtCall(struct process* process) {
  struct user_regs_struct registers;
  struct __ptrace_syscall_info stop;
  // ESRCH: somebody else killed it; its end is about to be reported.
  if (ptrace(PTRACE_GETREGS, process->pid, 0, &registers) != 0) return;
  if (ptrace(PTRACE_GET_SYSCALL_INFO, process->pid, sizeof(stop), &stop) < 0) return;
  if (stop.op == PTRACE_SYSCALL_INFO_EXIT) {
    if (stop.exit.rval > 0 && registers.orig_rax == SYS_brk)
      process->program_break = (unsigned long long)stop.exit.rval;
    if (!process->is_failing) return;
    // brk(2) has no errno: what it could not move stays where it was.
    registers.rax =
        process->call == SYS_brk ? process->program_break : (unsigned long long)-wanted_errno;
    process->is_failing = 0;
    (void)ptrace(PTRACE_SETREGS, process->pid, 0, &registers);
    return;
  }
  const int index = process->calls++;
  const int number = (int)(process - processes);
  const long long call = (long long)registers.orig_rax;
  if (mode == kList) dprintf(3, "%d %d %lld %d\n", number, index, call, (int)registers.rdi);
  if (mode == kList || number != wanted_process || index != wanted_call) return;
  dprintf(3, "%d %d %lld %d\n", number, index, call, (int)registers.rdi);
  if (mode == kKill) {
    (void)kill(process->pid, SIGKILL);
    return;
  }
  process->is_failing = 1;
  process->call = (int)call;
  // In its place one that every policy allows: a filter that hands what it does not know to a
  // listener would have the task wait for one of whom nobody has heard yet.
  registers.orig_rax = SYS_getpid;
  (void)ptrace(PTRACE_SETREGS, process->pid, 0, &registers);
}

static void Go(struct process* process, int signal) {
  (void)ptrace(launched ? PTRACE_CONT : PTRACE_SYSCALL, process->pid, 0, signal);
}

static int Follow(pid_t first) {
  int result = 99;
  for (;;) {
    int status = 0;
    const pid_t pid = waitpid(-1, &status, __WALL);
    if (pid < 0 && errno == EINTR) continue;
    if (pid < 0) return result;  // ECHILD: all have ended
    struct process* const process = Find(pid);
    if (!WIFSTOPPED(status)) {
      if (pid == first) result = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
      continue;
    }
    const int event = status >> 16;
    int signal = WSTOPSIG(status);
    if (signal == (SIGTRAP | 0x80)) {
      AtCall(process);
      signal = 0;
    } else if (event == PTRACE_EVENT_EXEC) {
      if (pid != first) launched = 1;
      signal = 0;
    } else if (event != 0 || signal == SIGTRAP) {
      signal = 0;
    } else if (signal == SIGSTOP && process->calls == 0) {
      signal = 0;  // a new process begins with it
    }
    Go(process, signal);
  }
}

int main(int count, char** arguments) {
  int at = 2;
  if (count > 1 && strcmp(arguments[1], "fail") == 0) mode = kFail;
  if (count > 1 && strcmp(arguments[1], "kill") == 0) mode = kKill;
  if (mode != kList && count > at + 2) {
    wanted_process = atoi(arguments[at++]);
    wanted_call = atoi(arguments[at++]);
    if (mode == kFail) wanted_errno = atoi(arguments[at++]);
  }
  if (at + 1 >= count || strcmp(arguments[at], "--") != 0) {
    fprintf(stderr,
            "tracer: usage: tracer list|fail PROCESS INDEX ERRNO|kill PROCESS INDEX -- COMMAND\n");
    return 99;
  }
  const pid_t first = fork();
  if (first < 0) Die("fork");
  if (first == 0) {
    close(3);
    if (ptrace(PTRACE_TRACEME, 0, 0, 0) != 0) Die("be traced");
    raise(SIGSTOP);
    execv(arguments[at + 1], arguments + at + 1);
    Die(arguments[at + 1]);
  }
  int status = 0;
  if (waitpid(first, &status, 0) != first || !WIFSTOPPED(status)) Die("start");
  const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
                       PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
  if (ptrace(PTRACE_SETOPTIONS, first, 0, options) != 0) Die("set options");
  struct process* const process = Find(first);
  dprintf(3, "%d\n", (int)first);
  if (ptrace(PTRACE_CONT, first, 0, 0) != 0) Die("go");
  // To the command's own execution, and counted from there.
  if (waitpid(first, &status, 0) != first) Die("execute");
  Go(process, 0);
  return Follow(first);
}
