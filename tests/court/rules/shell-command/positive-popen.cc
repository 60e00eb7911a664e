#include <cstdio>
#include <string>

FILE* List(const std::string& image) {
  const std::string command = "tar tf " + image;
  return popen(command.c_str(), "r"); /* found */
}

void Start(const char* name) {
  execl("/bin/sh", "sh", "-c", ("box " + std::string(name)).c_str(), nullptr); /* found */
}
