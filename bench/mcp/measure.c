// What the gateway costs: a call, and a result of 10 MB, direct and through it, interleaved; its
// memory over many calls; and a run of /bin/true by `bailey mcp serve` beside bubblewrap's start.
// Where server and client are on the processors decides how fast a pipe between them is: the large
// result is measured as the kernel places them, and with each of them held to one.
//
//   bench-mcp BAILEY SERVER [CALLS]
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { kPeers = 3, kRounds = 5, kCalls = 400, kBigs = 60, kRuns = 31, kBuffer = 1 << 20 };
static const double kBytes = 10e6;

struct Peer {
  pid_t pid;
  int to, from;
};

static char buffer[kBuffer];

static double Now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void Fail(const char* what) {
  fprintf(stderr, "bench-mcp: %s: %s\n", what, strerror(errno));
  exit(1);
}

static struct Peer Start(char* const* argv) {
  int in[2], out[2];
  // Closed in the other peer: it would keep this one's input open.
  if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0) Fail("make pipes");
  const pid_t pid = fork();
  if (pid < 0) Fail("fork");
  if (pid == 0) {
    dup2(in[0], 0);
    dup2(out[1], 1);
    execvp(argv[0], argv);
    _exit(127);
  }
  close(in[0]);
  close(out[1]);
  return (struct Peer){pid, in[1], out[0]};
}

static void Stop(struct Peer peer) {
  close(peer.to);
  close(peer.from);
  waitpid(peer.pid, NULL, 0);
}

// One request; returns when a whole line has come.
static double Ask(struct Peer peer, const char* request) {
  const double begin = Now();
  const size_t size = strlen(request);
  if (write(peer.to, request, size) != (ssize_t)size) Fail("write");
  for (;;) {
    const ssize_t got = read(peer.from, buffer, sizeof(buffer));
    if (got <= 0) Fail("read");
    if (buffer[got - 1] == '\n') return Now() - begin;
  }
}

static int Compare(const void* a, const void* b) {
  const double x = *(const double*)a, y = *(const double*)b;
  return (x > y) - (x < y);
}

static double Median(double* values, int count) {
  qsort(values, (size_t)count, sizeof(double), Compare);
  return values[count / 2];
}

static long MemoryOf(pid_t pid, const char* name) {
  char path[64], line[256];
  snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
  FILE* file = fopen(path, "re");
  if (!file) Fail(path);
  long kib = -1;
  while (fgets(line, sizeof(line), file))
    if (strncmp(line, name, strlen(name)) == 0) kib = strtol(line + strlen(name) + 1, NULL, 10);
  fclose(file);
  return kib;
}

// A gateway is two processes of one file, whose pages they share; the server that it has started is
// not its memory.
static long MemoryOfGateway(pid_t pid, const char* name) {
  char path[96], child_name[64];
  snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
  FILE* children = fopen(path, "re");
  if (!children) Fail(path);
  long sum = MemoryOf(pid, name);
  for (int child = 0; fscanf(children, "%d", &child) == 1;) {
    snprintf(path, sizeof(path), "/proc/%d/comm", child);
    FILE* comm = fopen(path, "re");
    if (comm && fgets(child_name, sizeof(child_name), comm) &&
        strcmp(child_name, "bailey-mcp\n") == 0)
      sum += MemoryOf(child, name) - MemoryOf(child, "RssFile");
    if (comm) fclose(comm);
  }
  fclose(children);
  return sum;
}

static const char kInitialize[] =
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{\"protocolVersion\":"
    "\"2025-11-25\",\"capabilities\":{},\"clientInfo\":{\"name\":\"b\",\"version\":\"1\"}}}\n";
static const char kSmall[] =
    "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/call\",\"params\":{\"name\":\"small\","
    "\"arguments\":{}}}\n";
static const char kBig[] =
    "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"tools/call\",\"params\":{\"name\":\"big\","
    "\"arguments\":{}}}\n";
static const char kRun[] =
    "{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"tools/call\",\"params\":{\"name\":\"run\","
    "\"arguments\":{\"argv\":[\"/bin/true\"]}}}\n";

static uint64_t Processors(void) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) != 0) Fail("find processors");
  uint64_t mask = 0;
  for (size_t cpu = 0; cpu < 64; ++cpu) mask |= (uint64_t)(CPU_ISSET(cpu, &set) != 0) << cpu;
  return mask;
}

static void Hold(uint64_t mask) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (size_t cpu = 0; cpu < 64; ++cpu)
    if (mask >> cpu & 1) CPU_SET(cpu, &set);
  if (sched_setaffinity(0, sizeof(set), &set) != 0) Fail("move");
}

// Not in turn with small ones, which keep two processes on one processor.
static void MeasureBig(const struct Peer* peers, const char* name, uint64_t client,
                       uint64_t server) {
  static double times[kPeers][kBigs];
  char place[256];
  snprintf(place, sizeof(place),
           "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"tools/call\",\"params\":{\"name\":\"place\","
           "\"arguments\":{\"mask\":%llu}}}\n",
           (unsigned long long)server);
  for (int i = 0; i < kPeers; ++i) Ask(peers[i], place);
  Hold(client);
  for (int n = 0; n < kBigs; ++n)
    for (int i = 0; i < kPeers; ++i) times[i][n] = Ask(peers[i], kBig);
  double big[kPeers];
  for (int i = 0; i < kPeers; ++i) big[i] = Median(times[i], kBigs);
  printf("| 10 MB, MB/s, median, %s | %.0f | %.0f | %.0f | %.2f of direct, %.2f of cat |\n", name,
         kBytes / big[0] / 1e6, kBytes / big[2] / 1e6, kBytes / big[1] / 1e6, big[0] / big[1],
         big[2] / big[1]);
}

static void MeasureBigs(const struct Peer* peers) {
  const uint64_t all = Processors(), first = all & -all, rest = all & ~first;
  const uint64_t second = rest & -rest;
  MeasureBig(peers, "as the kernel places server and client", all, all);
  if (second) MeasureBig(peers, "server and client on two processors", first, second);
  MeasureBig(peers, "server and client on one", first, first);
  Hold(all);
}

static void MeasureWrap(char* bailey, char* server, int calls) {
  char* const direct[] = {server, NULL};
  char* const wrapped[] = {bailey, "mcp", "wrap", "--", server, NULL};
  char* const copied[] = {"sh", "-c", "\"$0\" | cat", server, NULL};
  struct Peer peers[kPeers] = {Start(direct), Start(wrapped), Start(copied)};
  static double times[kPeers][kRounds * kCalls];
  for (int i = 0; i < kPeers; ++i) {
    Ask(peers[i], kInitialize);
    Ask(peers[i], kSmall);
    Ask(peers[i], kBig);
  }
  for (int round = 0; round < kRounds; ++round)
    for (int i = 0; i < kPeers; ++i)
      for (int n = 0; n < kCalls; ++n) times[i][round * kCalls + n] = Ask(peers[i], kSmall);
  double small[kPeers];
  for (int i = 0; i < kPeers; ++i) small[i] = Median(times[i], kRounds * kCalls);
  printf("| | direct | through `cat` | through bailey | |\n|---|---|---|---|---|\n");
  printf("| a call, ms, median | %.4f | %.4f | %.4f | %.4f added |\n", small[0] * 1e3,
         small[2] * 1e3, small[1] * 1e3, (small[1] - small[0]) * 1e3);
  MeasureBigs(peers);
  const long before = MemoryOfGateway(peers[1].pid, "VmRSS");
  for (int n = 0; n < calls; ++n) Ask(peers[1], kSmall);
  const long after = MemoryOfGateway(peers[1].pid, "VmRSS"),
             most = MemoryOfGateway(peers[1].pid, "VmHWM");
  printf("| memory, KiB | | | %ld, then %ld after %d calls | %ld at most |\n", before, after, calls,
         most);
  for (int i = 0; i < kPeers; ++i) Stop(peers[i]);
}

static double Bubblewrap(void) {
  char* const argv[] = {"bwrap", "--ro-bind", "/", "/", "--unshare-all", "/bin/true", NULL};
  const double begin = Now();
  const pid_t pid = fork();
  if (pid == 0) {
    execvp(argv[0], argv);
    _exit(127);
  }
  int status = 0;
  if (waitpid(pid, &status, 0) != pid || status != 0) Fail("run bwrap");
  return Now() - begin;
}

static void MeasureServe(char* bailey) {
  char* const serve[] = {bailey, "mcp", "serve", "--pool", NULL};
  struct Peer peer = Start(serve);
  Ask(peer, kInitialize);
  Ask(peer, kRun);
  static double runs[kRuns], starts[kRuns];
  for (int n = 0; n < kRuns; ++n) {
    starts[n] = Bubblewrap();
    runs[n] = Ask(peer, kRun);
    usleep(20000);  // the pool makes the next one
  }
  printf("| /bin/true, ms, median | %.2f (bwrap) | | %.2f (serve, pool) | %.2f of bwrap |\n",
         Median(starts, kRuns) * 1e3, Median(runs, kRuns) * 1e3,
         Median(runs, kRuns) / Median(starts, kRuns));
  Stop(peer);
}

int main(int argc, char** argv) {
  if (argc < 3) {
    fprintf(stderr, "usage: bench-mcp BAILEY SERVER [CALLS]\n");
    return 2;
  }
  MeasureWrap(argv[1], argv[2], argc > 3 ? atoi(argv[3]) : 100000);
  fflush(stdout);
  MeasureServe(argv[1]);
  return 0;
}
