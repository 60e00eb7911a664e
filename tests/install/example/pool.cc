// A program outside the tree: runs words in sandboxes of the pool whose socket is named first, one
// after the other, and keeps what each printed.
#include <bailey/pool.h>
#include <unistd.h>

#include <cstdio>
#include <string>

namespace {

std::string ReadAll(int from) {
  std::string text;
  char buffer[4096];
  for (ssize_t size = 0; (size = read(from, buffer, sizeof(buffer))) > 0;)
    text.append(buffer, static_cast<std::size_t>(size));
  return text;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  const auto pool = bailey::Pool::Open(argv[1]);
  if (!pool) {
    std::fprintf(stderr, "%s\n", pool.error().c_str());
    return 2;
  }
  for (int i = 0; i < 3; ++i) {
    int output[2];
    if (pipe(output) != 0) return 3;
    bailey::Program program;
    program.arguments.assign(argv + 2, argv + argc);
    program.arguments.push_back(std::to_string(i));
    program.streams = {0, output[1], 2};
    auto running = pool->Start(program);
    close(output[1]);
    if (!running) {
      std::fprintf(stderr, "%s\n", running.error().c_str());
      return 4;
    }
    const std::string text = ReadAll(output[0]);
    close(output[0]);
    const auto result = running->Wait();
    if (!result) {
      std::fprintf(stderr, "%s\n", result.error().c_str());
      return 4;
    }
    std::printf("%d: %s", result->exit_status, text.c_str());
  }
  return 0;
}
