#include <fstream>
#include <string>

void Write(const std::string& text) {
  const std::string path = "/var/tmp/box.json"; /* found */
  std::ofstream out(path);
  out << text;
}
