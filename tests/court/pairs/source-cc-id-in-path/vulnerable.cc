// The registry of running machines: one directory each, with a socket and a log in it.
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <expected>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace machines {

namespace fs = std::filesystem;

struct Machine {
  std::string id;
  fs::path directory;
  int memory_mib = 0;
};

class Registry {
 public:
  explicit Registry(fs::path root) : root_(std::move(root)) {}

  // `id` comes from the client of the control socket.
  std::expected<Machine, std::string> Add(const std::string& id, int memory_mib);
  std::expected<void, std::string> Remove(const std::string& id);
  std::vector<std::string> Ids() const;

 private:
  fs::path DirectoryOf(const std::string& id) const { return root_ / id; }

  fs::path root_;
  std::map<std::string, Machine> machines_;
};

namespace {

// Names of images are checked: they come from a list that is signed.
bool IsImageName(std::string_view name) {
  if (name.empty() || name.size() > 63) return false;
  for (char c : name) {
    const bool good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
    if (!good) return false;
  }
  return name.front() != '-';
}

}  // namespace

std::expected<Machine, std::string> Registry::Add(const std::string& id, int memory_mib) {
  if (memory_mib < 16 || memory_mib > 65536) {
    return std::unexpected("add " + id + ": memory must be from 16 to 65536 MiB");
  }
  if (machines_.contains(id)) return std::unexpected("add " + id + ": it exists");
  Machine machine{id, DirectoryOf(id), memory_mib};
  std::error_code error;
  fs::create_directories(machine.directory, error);
  if (error) return std::unexpected("make " + machine.directory.string() + ": " + error.message());
  std::ofstream log(machine.directory / "log", std::ios::trunc);
  if (!log) return std::unexpected("open the log of " + id);
  machines_[id] = machine;
  return machine;
}

std::expected<void, std::string> Registry::Remove(const std::string& id) {
  std::error_code error;
  fs::remove_all(DirectoryOf(id), error);
  if (error) return std::unexpected("remove " + id + ": " + error.message());
  machines_.erase(id);
  return {};
}

std::vector<std::string> Registry::Ids() const {
  std::vector<std::string> ids;
  for (const auto& [id, machine] : machines_) ids.push_back(id);
  return ids;
}

bool ImageExists(const fs::path& images, std::string_view name) {
  return IsImageName(name) && fs::exists(images / name);
}

}  // namespace machines
