#include <filesystem>
#include <fstream>
#include <string>

struct Request {
  std::string sandbox_id;
  int cpus;
};

void Create(const Request& request) {
  const std::string directory = "/run/box/" + request.sandbox_id;
  std::filesystem::create_directories(directory); /* found */
}

void Remove(const std::string& container_id) {
  auto path = std::filesystem::path("/run/box") / container_id;
  std::filesystem::remove_all(path); /* found */
}
