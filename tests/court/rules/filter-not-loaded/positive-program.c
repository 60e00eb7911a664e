#include <linux/filter.h>
#include <unistd.h>

int Start(char** argv) {
  struct sock_fprog program = Make(); /* found */
  (void)program;
  return execv(argv[0], argv);
}
