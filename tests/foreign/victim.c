// Tries calls under a filter, on the kernel that it is about, and executes none of them.
//
//   victim NAME       tries the rows of /NAME.rows under the filter /NAME.bpf
//   victim (as init)  runs the lines "PROGRAM NAME" of /jobs one after the other, then powers off
//
// A row is seven hexadecimal words: the number and six arguments. Below the filter (older) lies one
// that answers TRACE to everything: what is stricter is seen as it is, and what the filter allows
// or logs stops at the tracer, which takes the call back. The answers are printed in order, several
// to a line, "answer*N" for N in a row, numbers hexadecimal:
//
//   bailey NAME a*12 e1 a*3 k
//
//   a   let through (allow and log)       eN  returned the errno N
//   rN  a tracer was told N               tN  SIGSYS with si_errno N (trap)
//   k   ended the process                 vN  returned N, which is no errno
//   x   any other signal
#include <linux/filter.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <linux/signal.h>

#include "machine.h"

enum { kMaxRows = 32768, kMaxFilter = 4096, kMaxText = 4 << 20, kAllowed = 0x1ee7 };

struct row {
  word number;
  word args[6];
};
struct answer {
  char kind;  // 0: none yet
  word value;
};
struct shared {
  volatile int started;
  volatile word next;  // the row that is being tried
  volatile long failure;
  struct answer answers[kMaxRows];
};

static struct sock_filter filter[kMaxFilter];
static struct row rows[kMaxRows];
static char text[kMaxText];
static word count;

#define CALL0(name) call(__NR_##name, 0, 0, 0, 0, 0, 0)
#define CALL2(name, a, b) call(__NR_##name, (word)(a), (word)(b), 0, 0, 0, 0)
#define CALL3(name, a, b, c) call(__NR_##name, (word)(a), (word)(b), (word)(c), 0, 0, 0)
#define CALL4(name, a, b, c, d) call(__NR_##name, (word)(a), (word)(b), (word)(c), (word)(d), 0, 0)

// The compiler's own calls.
void* memset(void* to, int value, word size) {
  for (volatile char* at = to; size > 0; --size) *at++ = (char)value;
  return to;
}
void* memcpy(void* to, const void* from, word size) {
  const char* source = from;
  for (volatile char* at = to; size > 0; --size) *at++ = *source++;
  return to;
}

// -- text

static char line[200];
static word used;

static void flush(void) {
  line[used++] = '\n';
  (void)CALL3(write, 1, line, used);  // to a console; there is nobody else to tell
  used = 0;
}
static void put(const char* words) {
  while (*words != 0 && used < sizeof line - 1) line[used++] = *words++;
}
static void put_hex(word value) {
  char digits[17];
  char* at = digits + sizeof digits - 1;
  *at = 0;
  do {
    *--at = "0123456789abcdef"[value & 15];
  } while ((value >>= 4) != 0);
  put(at);
}
static _Noreturn void fail(const char* what, long result) {
  used = 0;
  put("bailey fault: ");
  put(what);
  put(": ");
  put_hex((word)-result);
  flush();
  (void)call(__NR_exit_group, 1, 0, 0, 0, 0, 0);
  __builtin_trap();
}

static word read_file(const char* name, const char* ending, void* to, word room) {
  char path[64];
  word length = 0;
  path[length++] = '/';
  for (const char* at = name; *at != 0 && length < 50; ++at) path[length++] = *at;
  for (const char* at = ending; *at != 0 && length < 60; ++at) path[length++] = *at;
  path[length] = 0;
  const long fd = CALL3(openat, -100, path, 0);
  if (fd < 0) fail(path, fd);
  word size = 0;
  for (;;) {
    const long part = CALL3(read, fd, (char*)to + size, room - size);
    if (part < 0) fail(path, part);
    if (part == 0) break;
    size += (word)part;
  }
  if (size == room) fail("a file is too large", 0);
  (void)call(__NR_close, (word)fd, 0, 0, 0, 0, 0);  // read only: nothing can be lost
  return size;
}

static const char* parse_hex(const char* at, word* value) {
  *value = 0;
  for (;; ++at) {
    if (*at >= '0' && *at <= '9') {
      *value = *value << 4 | (word)(*at - '0');
    } else if (*at >= 'a' && *at <= 'f') {
      *value = *value << 4 | (word)(*at - 'a' + 10);
    } else {
      return at + 1;
    }
  }
}

static void read_rows(const char* name) {
  const word size = read_file(name, ".rows", text, sizeof text - 1);
  text[size] = 0;
  for (const char* at = text; *at != 0 && count < kMaxRows; ++count) {
    at = parse_hex(at, &rows[count].number);
    for (int i = 0; i < 6; ++i) at = parse_hex(at, &rows[count].args[i]);
  }
  if (count == kMaxRows) fail("too many rows", 0);
}

// -- trying

static long fork(void) {
#ifdef __s390x__
  return CALL2(clone, 0, SIGCHLD);
#else
  return CALL2(clone, SIGCHLD, 0);
#endif
}

static struct shared* share(void) {
  // PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS
#if defined(__s390x__)
  word arguments[6] = {0, sizeof(struct shared), 3, 0x21, (word)-1, 0};
  const long at = call(__NR_mmap, (word)arguments, 0, 0, 0, 0, 0);
#elif defined(__NR_mmap2)
  const long at = call(__NR_mmap2, 0, sizeof(struct shared), 3, 0x21, (word)-1, 0);
#else
  const long at = call(__NR_mmap, 0, sizeof(struct shared), 3, 0x21, (word)-1, 0);
#endif
  if (at < 0 && at > -4096) fail("map memory", at);
  return (struct shared*)at;
}

static void attach(struct shared* shared, struct sock_filter* instructions, word size) {
  struct sock_fprog program = {(unsigned short)size, instructions};
  const long result = CALL3(seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
  if (result == 0) return;
  shared->failure = result;
  (void)call(__NR_exit_group, 1, 0, 0, 0, 0, 0);
}

static _Noreturn void try_rows(struct shared* shared, word size) {
  struct sock_filter trace[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE | kAllowed)};
  shared->failure = CALL0(getpid);
  if (CALL4(ptrace, PTRACE_TRACEME, 0, 0, 0) != 0) fail("be traced", 0);
  if (call(__NR_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0) != 0) fail("set no_new_privs", 0);
  (void)CALL2(kill, CALL0(getpid), SIGSTOP);  // the tracer sees it, or that it did not happen
  attach(shared, trace, 1);
  attach(shared, filter, size);
  shared->failure = 0;
  shared->started = 1;
  while (shared->next < count) {
    const word i = shared->next;
    const struct row* row = &rows[i];
    const long result = call(row->number, row->args[0], row->args[1], row->args[2], row->args[3],
                             row->args[4], row->args[5]);
    if (shared->answers[i].kind == 0) {
      const int is_errno = result <= 0 && result > -4096;
      shared->answers[i].kind = is_errno ? 'e' : 'v';
      shared->answers[i].value = (word)(is_errno ? -result : result);
    }
    shared->next = i + 1;
  }
  for (;;) __builtin_trap();  // no call to end by is sure to be let through
}

static void answer(struct shared* shared, char kind, word value) {
  struct answer* const at = &shared->answers[shared->next];
  if (at->kind != 0) return;  // the call was taken back, and the filters asked once more
  at->kind = kind;
  at->value = value;
}

// Handles one stop. Returns whether the rows are done.
static int handle_stop(struct shared* shared, long pid, int status) {
  const int signal = status >> 8 & 0xff;
  if (status >> 16 == PTRACE_EVENT_SECCOMP) {
    if (!shared->started) return 0;
    word told = 0;
    (void)CALL4(ptrace, PTRACE_GETEVENTMSG, pid, 0, &told);  // 0 is an answer that no row expects
    answer(shared, told == kAllowed ? 'a' : 'r', told);
    const long taken = take_back(pid);
    if (taken != 0) fail("take a call back", taken);
    return 0;
  }
  if (!shared->started) {
    const long set =
        CALL4(ptrace, PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESECCOMP | PTRACE_O_EXITKILL);
    if (signal != SIGSTOP || set != 0) fail("trace", set);
    return 0;
  }
  if (shared->next == count) return 1;
  if (signal != SIGSYS) {
    answer(shared, 'x', (word)signal);
    return 0;
  }
  int info[32] = {0};
  (void)CALL4(ptrace, PTRACE_GETSIGINFO, pid, 0, info);  // zeros are an answer no row expects
  answer(shared, 't', (word)info[1]);
  return 0;
}

static int run_child(struct shared* shared, word size) {
  shared->started = 0;
  const long pid = fork();
  if (pid < 0) fail("fork", pid);
  if (pid == 0) try_rows(shared, size);
  for (;;) {
    int status = 0;
    const long waited = CALL4(wait4, pid, &status, 0x40000000 /* __WALL */, 0);
    if (waited != pid) fail("wait", waited);
    if ((status & 0xff) != 0x7f) {
      if (!shared->started) fail("attach the filter", shared->failure);
      if (shared->next == count) return 1;
      answer(shared, (status & 0x7f) == SIGSYS ? 'k' : 'x', (word)status);
      ++shared->next;
      return shared->next == count;
    }
    const int done = handle_stop(shared, pid, status);
    if (done) (void)CALL2(kill, pid, SIGKILL);    // its end is what the loop waits for
    (void)CALL4(ptrace, PTRACE_CONT, pid, 0, 0);  // fails when it is gone, which wait4 tells
  }
}

static void print_answers(const struct shared* shared, const char* name) {
  for (word i = 0; i < count;) {
    const struct answer* const at = &shared->answers[i];
    word same = 1;
    while (i + same < count && at[same].kind == at->kind && at[same].value == at->value) ++same;
    i += same;
    if (used == 0) {
      put("bailey ");
      put(name);
    }
    line[used++] = ' ';
    line[used++] = at->kind;
    if (at->kind != 'a' && at->kind != 'k') put_hex(at->value);
    if (same > 1) {
      put("*");
      put_hex(same);
    }
    if (used > 100) flush();
  }
  if (used > 0) flush();
}

static void run_rows(const char* name) {
  const word size = read_file(name, ".bpf", filter, sizeof filter);
  read_rows(name);
  struct shared* const shared = share();
  while (!run_child(shared, size / sizeof filter[0])) continue;
  print_answers(shared, name);
}

// -- init

static void run_jobs(void) {
  text[read_file("jobs", "", text, sizeof text - 1)] = 0;
  char* at = text;
  while (*at != 0) {
    char* const program = at;
    while (*at != ' ') ++at;
    *at++ = 0;
    char* const name = at;
    while (*at != '\n') ++at;
    *at++ = 0;
    const long pid = fork();
    if (pid == 0) {
      const char* arguments[] = {program, name, 0};
      const char* environment[] = {0};
      fail(program, CALL3(execve, program, arguments, environment));
    }
    int status = 0;
    if (pid < 0 || CALL4(wait4, pid, &status, 0, 0) != pid) fail("run a job", pid);
    put(status == 0 ? "bailey done " : "bailey failed ");
    put(name);
    flush();
  }
  put("bailey end");
  flush();
  // LINUX_REBOOT_CMD_POWER_OFF; where the machine has no such switch, init's end is a panic, and
  // the panic the end of the machine.
  (void)call(__NR_reboot, 0xfee1dead, 672274793, 0x4321fedc, 0, 0, 0);
}

_Noreturn __attribute__((used)) void start(const word* stack) {
  if (CALL0(getpid) == 1) {
    run_jobs();
  } else {
    run_rows((const char*)stack[2]);
  }
  (void)call(__NR_exit_group, 0, 0, 0, 0, 0, 0);
  __builtin_trap();
}

asm(".globl _start\n_start:\n" ENTRY);
