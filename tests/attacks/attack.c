#include "attack.h"

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char** arguments;
static pid_t outer_parent;
static char refusals[2000];

static __attribute__((noreturn)) void End(const char* verdict, const char* text, int status) {
  printf("%s: %s\n", verdict, text);
  fflush(stdout);
  _exit(status);
}

const char* Given(const char* name) {
  size_t length = strlen(name);
  for (char** argument = arguments + 1; *argument != NULL; ++argument) {
    if (strncmp(*argument, name, length) == 0 && (*argument)[length] == '=') {
      return *argument + length + 1;
    }
  }
  End("BROKEN: the driver gave no value for", name, 2);
}

static bool Has(const char* word) {
  for (char** argument = arguments + 1; *argument != NULL; ++argument) {
    if (strcmp(*argument, word) == 0) return true;
  }
  return false;
}

bool IsControl(void) { return Has("control=1"); }

pid_t OuterParent(void) { return outer_parent; }

void Refused(const char* format, ...) {
  const char* name = strerrorname_np(errno);
  size_t used = strlen(refusals);
  // More attempts than fit say the same as those that do.
  if (used + 300 > sizeof(refusals)) return;
  va_list values;
  va_start(values, format);
  if (used > 0) used += (size_t)sprintf(refusals + used, "; ");
  used += (size_t)vsnprintf(refusals + used, 200, format, values);
  va_end(values);
  if (errno != 0) sprintf(refusals + strlen(refusals), ": %s", name != NULL ? name : "?");
}

void AllRefused(void) { End("stopped", refusals, 0); }

void Escaped(const char* format, ...) {
  char text[500];
  va_list values;
  va_start(values, format);
  vsnprintf(text, sizeof(text), format, values);
  va_end(values);
  End("ESCAPED", text, 1);
}

void CannotBeTried(const char* format, ...) {
  char text[500];
  va_list values;
  va_start(values, format);
  vsnprintf(text, sizeof(text), format, values);
  va_end(values);
  End("cannot be tried", text, 77);
}

void TryRead(const char* path) {
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) {
    Refused("open %s", path);
    return;
  }
  char bytes[4096];
  ssize_t count = read(fd, bytes, sizeof(bytes));
  if (count > 0) Escaped("read %zd bytes of %s", count, path);
  if (count == 0) errno = 0;
  Refused("read %s", path);
  close(fd);
}

void TryOpenForWriting(const char* path) {
  int fd = open(path, O_WRONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd >= 0) Escaped("opened %s for writing", path);
  Refused("open %s for writing", path);
}

int main(int count, char** given) {
  (void)count;
  arguments = given;
  outer_parent = getppid();
  // Where starting another process is refused. SIGSYS is then this program's end.
  if (Has("alone=1")) {
    Attack();
    End("BROKEN", "the attack came to no verdict", 2);
  }
  pid_t child = fork();
  if (child < 0) End("BROKEN", "fork failed", 2);
  if (child == 0) {
    Attack();
    End("BROKEN", "the attack came to no verdict", 2);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status)) return WEXITSTATUS(status);
  if (WTERMSIG(status) == SIGSYS) End("stopped", "killed by SIGSYS", 0);
  fprintf(stdout, "BROKEN: killed by signal %d\n", WTERMSIG(status));
  return 2;
}
