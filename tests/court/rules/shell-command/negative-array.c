#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int Remove(char* bridge) {
  char* argv[] = {"ip", "link", "del", bridge, NULL};
  return execv("/sbin/ip", argv);
}

int Fixed(void) { return system("ip link show"); }

int Numbered(int pid) {
  char command[64];
  snprintf(command, sizeof(command), "kill %d", pid);
  return system(command);
}

int Chosen(int quiet) {
  const char* program;
  char command[64];
  if (quiet)
    program = "/bin/true";
  else
    program = "/bin/echo";
  snprintf(command, sizeof(command), "%s done", program);
  return system(command);
}
