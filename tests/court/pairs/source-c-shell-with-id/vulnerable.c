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

static bool known(const char* id) {
  char path[256];
  int length = snprintf(path, sizeof path, "/run/machines/%s", id);
  return length > 0 && (size_t)length < sizeof path && access(path, F_OK) == 0;
}

// The host's own clean-up is fixed text: nothing of a machine is in it.
static int flush_neighbours(void) { return system("ip neigh flush all nud failed"); }

static int delete_namespace(const char* id) {
  char command[512];
  snprintf(command, sizeof command, "ip netns delete %s", id);
  return system(command);
}

static int delete_device(const char* id) {
  char command[512];
  snprintf(command, sizeof command, "ip link delete tap-%s", id);
  return system(command);
}

int net_down(int count, char** arguments) {
  if (count != 2) {
    fputs(kUsage, stderr);
    return 2;
  }
  const char* id = arguments[1];
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
