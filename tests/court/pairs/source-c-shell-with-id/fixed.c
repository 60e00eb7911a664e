// Takes a machine's network down: the namespace and the device that carry its name.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

static const char kUsage[] =
    "usage: net-down ID\n\nThe same by hand: ip netns delete ID; ip link delete tap-ID\n";

static void note(const char* what, const char* id, int status) {
  fprintf(stderr, "net-down: %s of %s: status %d\n", what, id, status);
}

static bool is_id(const char* text) {
  size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-");
  return length > 0 && length <= 11 && text[length] == '\0' && text[0] != '-';
}

static bool known(const char* id) {
  if (!is_id(id)) return false;
  char path[256];
  int length = snprintf(path, sizeof path, "/run/machines/%s", id);
  return length > 0 && (size_t)length < sizeof path && access(path, F_OK) == 0;
}

// The host's own clean-up is fixed text: nothing of a machine is in it.
static int flush_neighbours(void) { return system("ip neigh flush all nud failed"); }

static int run(char* const arguments[]) {
  pid_t child = fork();
  if (child < 0) return -1;
  if (child == 0) {
    execve(arguments[0], arguments, environ);
    _exit(127);
  }
  int status;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return -1;
  }
  return status;
}

static int delete_namespace(char* id) {
  char* const arguments[] = {"/sbin/ip", "netns", "delete", id, NULL};
  return run(arguments);
}

static int delete_device(const char* id) {
  char device[64];
  snprintf(device, sizeof device, "tap-%s", id);
  char* const arguments[] = {"/sbin/ip", "link", "delete", device, NULL};
  return run(arguments);
}

int net_down(int count, char** arguments) {
  if (count != 2) {
    fputs(kUsage, stderr);
    return 2;
  }
  char* id = arguments[1];
  if (!known(id)) {
    fprintf(stderr, "net-down: no machine is called %s\n", id);
    return 1;
  }
  int worst = 0;
  int status = delete_namespace(id);
  if (status != 0) {
    note("namespace", id, status);
    worst = 1;
  }
  status = delete_device(id);
  if (status != 0) {
    note("device", id, status);
    worst = 1;
  }
  if (flush_neighbours() != 0) worst = 1;
  return worst;
}
