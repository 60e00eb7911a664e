#include <fcntl.h>
#include <unistd.h>

void Run(const Options& options) {
  const int log = ::open(options.log.c_str(), O_WRONLY | O_APPEND); /* found */
  Write(log, "started");
  ::execve(options.program.c_str(), options.argv(), options.envp());
}
