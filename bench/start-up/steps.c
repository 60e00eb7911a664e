// What of an executable's code is executed, its children's included, in the order of first use:
//
//   steps FILE COMMAND ARGS...
//   2 4a340            one line in FILE for each 16 bytes that a process executes: its number, in
//                      the order in which they began, and their offset from the load address
//
// Single-steps everything, which takes a launch some ten thousand times as long. Programs that it
// executes itself are let go.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kGranule = 16, kMost = 1 << 24, kMostTasks = 8 };
static unsigned char seen[kMost];  // a bit a process
static pid_t tasks[kMostTasks];

static void Fail(const char* what) {
  fprintf(stderr, "steps: %s: %s\n", what, strerror(errno));
  exit(1);
}

static unsigned long LoadAddress(pid_t pid) {
  char path[64];
  snprintf(path, sizeof(path), "/proc/%d/maps", pid);
  FILE* maps = fopen(path, "re");
  unsigned long address = 0;
  if (!maps || fscanf(maps, "%lx", &address) != 1) Fail(path);
  fclose(maps);
  return address;
}

static pid_t Start(char** command) {
  const pid_t child = fork();
  if (child < 0) Fail("fork");
  if (child == 0) {
    ptrace(PTRACE_TRACEME, 0, NULL, NULL);
    raise(SIGSTOP);
    execv(command[0], command);
    _exit(127);
  }
  int status = 0;
  if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status)) Fail("trace the command");
  const long options = PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
                       PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
  if (ptrace(PTRACE_SETOPTIONS, child, NULL, options) != 0) Fail("trace the command");
  ptrace(PTRACE_SINGLESTEP, child, NULL, NULL);
  return child;
}

// Those beyond the last that there is room for count as it.
static int IndexOf(pid_t task) {
  int index = 0;
  while (index + 1 < kMostTasks && tasks[index] != 0 && tasks[index] != task) ++index;
  if (tasks[index] == 0) tasks[index] = task;
  return index;
}

static void Note(FILE* out, pid_t task, unsigned long base) {
  struct user_regs_struct registers;
  if (ptrace(PTRACE_GETREGS, task, NULL, &registers) != 0) return;
  const unsigned long granule = (registers.rip - base) / kGranule;
  const int index = IndexOf(task);
  if (granule >= kMost || (seen[granule] & 1 << index)) return;
  seen[granule] |= (unsigned char)(1 << index);
  fprintf(out, "%d %lx\n", index, granule * kGranule);
}

int main(int count, char** arguments) {
  if (count < 3) {
    fprintf(stderr, "steps: usage: steps FILE COMMAND ARGS...\n");
    return 2;
  }
  FILE* out = fopen(arguments[1], "we");
  if (!out) Fail(arguments[1]);
  const pid_t first = Start(arguments + 2);
  unsigned long base = 0;
  int result = 1;
  for (;;) {
    int status = 0;
    const pid_t task = waitpid(-1, &status, __WALL);
    if (task < 0) break;
    if (task == first && WIFEXITED(status)) result = WEXITSTATUS(status);
    if (!WIFSTOPPED(status)) continue;
    const int event = status >> 16;
    if (event == PTRACE_EVENT_EXEC) {
      if (base != 0) {
        ptrace(PTRACE_DETACH, task, NULL, NULL);
        continue;
      }
      base = LoadAddress(task);
    }
    if (base != 0) Note(out, task, base);
    const int signal = WSTOPSIG(status);
    const int is_ours = signal == SIGTRAP || signal == SIGSTOP || event != 0;
    ptrace(PTRACE_SINGLESTEP, task, NULL, is_ours ? 0L : (long)signal);
  }
  if (fclose(out) != 0) Fail(arguments[1]);
  return result;
}
