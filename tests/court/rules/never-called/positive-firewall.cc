#include <spawn.h>

#include <string>

namespace {

int installFirewall(const std::string& bridge) { /* found */ return Run({"nft", "-f", bridge}); }

}  // namespace

int main(int argc, char** argv) {
  pid_t child;
  return posix_spawn(&child, argv[1], nullptr, nullptr, argv + 1, environ);
}
