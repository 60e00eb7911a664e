// Runs a set-user-ID program that belongs to root.
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attack.h"

void Attack(void) {
  const char* program = Given("setuid");
  if (program[0] == '\0') CannotBeTried("only root can prepare the set-user-ID program");
  // As its child: `id -u` copied and made set-user-ID prints the effective user.
  int pipe_ends[2];
  if (pipe(pipe_ends) < 0) CannotBeTried("pipe failed");
  pid_t child = fork();
  if (child == 0) {
    dup2(pipe_ends[1], 1);
    execl(program, "id", "-u", (char*)NULL);
    _exit(99);
  }
  close(pipe_ends[1]);
  char text[32] = "";
  ssize_t count = read(pipe_ends[0], text, sizeof(text) - 1);
  int status = 0;
  waitpid(child, &status, 0);
  errno = 0;
  if (count <= 0 || WEXITSTATUS(status) != 0) {
    Refused("run %s: it did not run", program);
    AllRefused();
  }
  if (atol(text) != (long)getuid()) Escaped("it ran as user %ld", atol(text));
  Refused("it ran as its caller");
  AllRefused();
}
