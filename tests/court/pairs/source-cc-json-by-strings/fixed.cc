// Writes the configuration of a machine for the monitor that boots it.
#include <array>
#include <expected>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace boot {

struct Drive {
  std::string id;
  std::string path;
  bool read_only = true;
};

struct Machine {
  std::string name;  // what its owner calls it
  std::string kernel;
  std::vector<Drive> drives;
  int cpus = 1;
  int memory_mib = 128;
};

// What the monitor answers looks like this; it is parsed with the library.
constexpr std::string_view kExample = R"({"id": "m-1", "state": "Running", "app_name": "monitor"})";

std::expected<std::string, std::string> StateOf(std::string_view answer) {
  const auto document = nlohmann::json::parse(answer, nullptr, /*allow_exceptions=*/false);
  if (document.is_discarded() || !document.contains("state") || !document["state"].is_string()) {
    return std::unexpected("read state: not an answer of the monitor, expected like " +
                           std::string(kExample));
  }
  return document["state"].get<std::string>();
}

nlohmann::json DriveDocument(const Drive& drive) {
  return {{"drive_id", drive.id},
          {"path_on_host", drive.path},
          {"is_root_device", false},
          {"is_read_only", drive.read_only}};
}

// Words of the kernel's command line end at a space.
bool IsHostName(std::string_view name) {
  return !name.empty() && name.size() <= 63 &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string_view::npos;
}

std::string Configuration(const Machine& machine) {
  nlohmann::json drives = nlohmann::json::array();
  for (const Drive& drive : machine.drives) drives.push_back(DriveDocument(drive));
  const nlohmann::json document = {
      {"boot-source",
       {{"kernel_image_path", machine.kernel}, {"boot_args", "quiet hostname=" + machine.name}}},
      {"drives", drives},
      {"machine-config", {{"vcpu_count", machine.cpus}, {"mem_size_mib", machine.memory_mib}}},
  };
  return document.dump();
}

std::expected<void, std::string> WriteConfiguration(const Machine& machine,
                                                    const std::filesystem::path& file) {
  if (machine.cpus < 1 || machine.cpus > 32) return std::unexpected("write: 1 to 32 processors");
  if (!IsHostName(machine.name)) return std::unexpected("write: the name is no host name");
  std::ofstream out(file, std::ios::trunc);
  out << Configuration(machine) << '\n';
  if (!out.flush()) return std::unexpected("write " + file.string());
  return {};
}

}  // namespace boot
