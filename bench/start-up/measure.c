// Runs several commands in turn, round by round, and prints for each run its wall time and the CPU
// time and peak memory of all its processes:
//
//   measure ROUNDS + COMMAND ARGS... + COMMAND ARGS... ...
//   0 2912 1834 1100          command, wall µs, CPU µs, peak KiB
//
// Interleaved, so that whatever else the machine does falls on all of them alike; with a pause
// after each, so that what a pool then does for the next falls on none of them. A command that
// begins with
// "@SOCKET" is not started: this process asks the pool for it, and its CPU time and memory are not
// seen.
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include "resident.h"

extern char** environ;

static long Microseconds(struct timeval time) { return time.tv_sec * 1000000L + time.tv_usec; }

static long Now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000L + now.tv_nsec / 1000;
}

static const struct timespec kPause = {.tv_nsec = 20 * 1000 * 1000};

static void RunInPool(int index, char** command, int print) {
  ++command[0];  // behind the sign
  long start = Now();
  int status = RunResident(command);
  long wall = Now() - start;
  --command[0];
  if (status != 0) {
    fprintf(stderr, "measure: run %s: exit status %d\n", command[1], status);
    exit(1);
  }
  if (print) printf("%d %ld 0 0\n", index, wall);
}

static void Run(int index, char** command, int print) {
  if (command[0][0] == '@') return RunInPool(index, command, print);
  long start = Now();
  pid_t child;
  int error = posix_spawn(&child, command[0], NULL, NULL, command, environ);
  if (error != 0) {
    fprintf(stderr, "measure: run %s: %s\n", command[0], strerror(error));
    exit(1);
  }
  int status = 0;
  struct rusage usage;
  while (wait4(child, &status, 0, &usage) < 0 && errno == EINTR) {
  }
  long wall = Now() - start;
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    fprintf(stderr, "measure: run %s: wait status %#x\n", command[0], (unsigned)status);
    exit(1);
  }
  if (print) {
    printf("%d %ld %ld %ld\n", index, wall,
           Microseconds(usage.ru_utime) + Microseconds(usage.ru_stime), usage.ru_maxrss);
  }
}

int main(int count, char** arguments) {
  char** commands[32];
  int known = 0;
  for (int i = 2; i < count && known < 32; ++i) {
    if (strcmp(arguments[i], "+") != 0) continue;
    arguments[i] = NULL;
    commands[known++] = arguments + i + 1;
  }
  if (known == 0) {
    fprintf(stderr, "measure: usage: measure ROUNDS + COMMAND...\n");
    return 2;
  }
  int rounds = atoi(arguments[1]);
  // Two rounds to warm the caches are not printed.
  for (int round = -2; round < rounds; ++round) {
    for (int i = 0; i < known; ++i) {
      Run(i, commands[i], round >= 0);
      nanosleep(&kPause, NULL);
    }
  }
  return 0;
}
