// Looks for anything that the caller's rank left behind: capabilities, user 0, groups; and tries
// to become root.
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attack.h"

void Attack(void) {
  FILE* status = fopen("/proc/self/status", "r");
  if (status == NULL) CannotBeTried("/proc/self/status cannot be read");
  char line[512];
  while (fgets(line, sizeof(line), status) != NULL) {
    if (strncmp(line, "Cap", 3) == 0 && strtoull(line + 7, NULL, 16) != 0) {
      line[strcspn(line, "\n")] = '\0';
      Escaped("has capabilities: %s", line);
    }
    if (strncmp(line, "NoNewPrivs:", 11) == 0 && atoi(line + 11) != 1) {
      Escaped("may gain privileges: NoNewPrivs is 0");
    }
    if (strncmp(line, "Seccomp:", 8) == 0 && atoi(line + 8) != 2) Escaped("runs under no filter");
  }
  fclose(status);
  if (geteuid() == 0 || getegid() == 0) Escaped("is user or group 0");
  errno = 0;
  Refused("no capability, no_new_privs, filter");
  if (setresuid(0, 0, 0) == 0) Escaped("became user 0");
  Refused("setresuid 0");
  if (setresgid(0, 0, 0) == 0) Escaped("became group 0");
  Refused("setresgid 0");
  if (setgroups(0, NULL) == 0) Escaped("may set its groups");
  Refused("setgroups");
  AllRefused();
}
