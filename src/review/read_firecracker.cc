// Firecracker's configuration file as a machine. Names that Firecracker does not know are errors
// there, and so they are here.
#include "review/read_firecracker.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>

#include "base/text.h"
#include "review/json_reader.h"
#include "review/read.h"

namespace bailey::review {
namespace {

class Reader {
 public:
  Reader(const LocatedJson& text, const std::string& file)
      : json_(text), text_(text), file_(file) {}

  base::Result<Machine> Read() {
    if (!text_.Root().is_object()) return text_.ErrorAt("", "it is not a JSON object");
    machine_.place = {file_, 0, 0, {}};
    Known("", {"boot-source", "drives", "machine-config", "network-interfaces", "vsock", "logger",
               "metrics", "mmds-config", "balloon", "entropy", "cpu-config", "serial", "pmem",
               "memory-hotplug"});
    ReadBoot();
    ReadDrives();
    ReadInterfaces();
    ReadSettings();
    ReadFiles();
    if (json_.Failed()) return json_.Error();
    return std::move(machine_);
  }

 private:
  void Known(const std::string& pointer, std::initializer_list<std::string_view> names) {
    const auto unknown = json_.Unknown(pointer, names);
    if (!unknown.empty())
      json_.Fail(fmt::format("{}/{}", pointer, unknown[0]), "is no name that Firecracker knows");
  }
  std::string Needed(const std::string& pointer) {
    std::string value = json_.String(pointer);
    if (value.empty()) json_.Fail(pointer, "is missing");
    return value;
  }
  void ReadBoot() {
    if (!json_.Object("/boot-source")) return json_.Fail("/boot-source", "is missing");
    Known("/boot-source", {"kernel_image_path", "initrd_path", "boot_args"});
    AddFile("kernel", "/boot-source/kernel_image_path", true);
    AddFile("initrd", "/boot-source/initrd_path", false);
    machine_.boot_arguments = json_.String("/boot-source/boot_args");
    machine_.boot_place =
        json_.At(json_.Has("/boot-source/boot_args") ? "/boot-source/boot_args" : "/boot-source");
  }
  void ReadDrives() {
    for (const std::string& entry : json_.Objects("/drives")) {
      Known(entry, {"drive_id", "path_on_host", "is_root_device", "partuuid", "is_read_only",
                    "cache_type", "rate_limiter", "io_engine", "socket"});
      Drive drive;
      drive.id = Needed(entry + "/drive_id");
      drive.path = json_.String(entry + "/path_on_host");
      // A vhost-user drive has a socket instead of a file.
      if (drive.path.empty()) drive.path = Needed(entry + "/socket");
      drive.read_only = json_.Boolean(entry + "/is_read_only").value_or(false);
      drive.is_root = json_.Boolean(entry + "/is_root_device").value_or(false);
      drive.has_rate_limiter = json_.Object(entry + "/rate_limiter");
      drive.place = json_.At(entry);
      machine_.drives.push_back(std::move(drive));
    }
  }
  void ReadInterfaces() {
    for (const std::string& entry : json_.Objects("/network-interfaces")) {
      Known(entry, {"iface_id", "host_dev_name", "guest_mac", "rx_rate_limiter", "tx_rate_limiter",
                    "mtu"});
      NetworkInterface one;
      one.id = Needed(entry + "/iface_id");
      one.host_device = Needed(entry + "/host_dev_name");
      const bool receives = json_.Object(entry + "/rx_rate_limiter");
      one.has_rate_limiter = json_.Object(entry + "/tx_rate_limiter") && receives;
      one.place = json_.At(entry);
      machine_.interfaces.push_back(std::move(one));
    }
  }
  void ReadSettings() {
    if (json_.Object("/machine-config")) {
      Known("/machine-config", {"vcpu_count", "mem_size_mib", "smt", "track_dirty_pages",
                                "cpu_template", "huge_pages"});
      machine_.smt = json_.Boolean("/machine-config/smt").value_or(false);
      machine_.smt_place =
          json_.At(json_.Has("/machine-config/smt") ? "/machine-config/smt" : "/machine-config");
      for (const char* const name : {"/machine-config/vcpu_count", "/machine-config/mem_size_mib"})
        if (json_.Integer(name).value_or(1) < 1) json_.Fail(name, "is not above 0");
    }
    if (json_.Object("/mmds-config")) {
      Known("/mmds-config", {"version", "network_interfaces", "ipv4_address", "imds_compat"});
      machine_.has_metadata_service = true;
      const std::string version = json_.String("/mmds-config/version");
      if (!version.empty() && version != "V1" && version != "V2")
        json_.Fail("/mmds-config/version", "is neither V1 nor V2");
      machine_.metadata_version_2 = version == "V2";
      machine_.metadata_place = json_.At("/mmds-config");
    }
  }
  void ReadFiles() {
    if (json_.Object("/logger")) {
      Known("/logger", {"log_path", "level", "show_level", "show_log_origin", "module"});
      AddFile("log", "/logger/log_path", false);
    }
    if (json_.Object("/metrics")) {
      Known("/metrics", {"metrics_path"});
      AddFile("metrics", "/metrics/metrics_path", true);
    }
    if (json_.Object("/serial")) {
      Known("/serial", {"serial_out_path", "rate_limiter"});
      AddFile("serial", "/serial/serial_out_path", false);
    }
    if (json_.Object("/vsock")) {
      Known("/vsock", {"guest_cid", "uds_path", "vsock_id"});
      if (json_.Integer("/vsock/guest_cid").value_or(0) < 3)
        json_.Fail("/vsock/guest_cid", "is not 3 or above");
      AddFile("vsock", "/vsock/uds_path", true);
    }
  }
  void AddFile(std::string what, const std::string& pointer, bool needed) {
    const std::string path = needed ? Needed(pointer) : json_.String(pointer);
    if (!path.empty()) machine_.files.push_back({std::move(what), path, json_.At(pointer)});
  }

  JsonReader json_;
  const LocatedJson& text_;
  std::string file_;
  Machine machine_;
};

struct Flag {
  std::string_view name;
  bool has_value;
  std::string_view file;  // what the value is the path of
};

constexpr Flag kFirecracker[] = {
    {"--id", true, ""},
    {"--no-seccomp", false, ""},
    {"--seccomp-filter", true, ""},
    {"--api-sock", true, "API socket"},
    {"--no-api", false, ""},
    {"--config-file", true, ""},
    {"--log-path", true, "log"},
    {"--metrics-path", true, "metrics"},
    {"--level", true, ""},
    {"--module", true, ""},
    {"--show-level", false, ""},
    {"--show-log-origin", false, ""},
    {"--boot-timer", false, ""},
    {"--start-time-us", true, ""},
    {"--start-time-cpu-us", true, ""},
    {"--parent-cpu-time-us", true, ""},
    {"--metadata", true, ""},
    {"--http-api-max-payload-size", true, ""},
    {"--mmds-size-limit", true, ""},
    {"--enable-pci", false, ""},
};
constexpr Flag kJailer[] = {
    {"--id", true, ""},
    {"--exec-file", true, ""},
    {"--uid", true, ""},
    {"--gid", true, ""},
    {"--chroot-base-dir", true, ""},
    {"--netns", true, ""},
    {"--daemonize", false, ""},
    {"--new-pid-ns", false, ""},
    {"--cgroup", true, ""},
    {"--cgroup-version", true, ""},
    {"--parent-cgroup", true, ""},
    {"--resource-limit", true, ""},
};

base::Error Wrong(std::size_t position, std::string_view cause) {
  return base::InvalidInput(fmt::format("read machine argument {}: {}", position, cause));
}

bool IsNamed(std::string_view path, std::string_view name) {
  return path == name || path.ends_with("/" + std::string(name));
}

}  // namespace

base::Status ReadMachineArguments(std::span<const std::string> arguments, Machine& machine) {
  if (arguments.empty() ||
      (!IsNamed(arguments[0], "jailer") && !IsNamed(arguments[0], "firecracker")))
    return Wrong(1, "it is neither firecracker nor jailer");
  machine.has_arguments = true;
  machine.is_jailed = IsNamed(arguments[0], "jailer");
  bool in_jailer = machine.is_jailed;
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    const Place place = {"machine arguments", static_cast<int>(i) + 1, 0, {}};
    if (in_jailer && arguments[i] == "--") {
      in_jailer = false;
      continue;
    }
    const auto flags = in_jailer ? std::span<const Flag>(kJailer) : kFirecracker;
    const auto flag = std::ranges::find(flags, arguments[i], &Flag::name);
    if (flag == flags.end())
      return Wrong(i + 1, fmt::format("unknown option {}", base::Escape(arguments[i])));
    if (flag->name == "--no-seccomp") machine.seccomp = false;
    if (!flag->has_value) continue;
    if (i + 1 == arguments.size()) return Wrong(i + 1, fmt::format("{} takes a value", flag->name));
    const std::string& value = arguments[++i];
    if (flag->name == "--id") machine.id = value;
    if (!flag->file.empty()) machine.files.push_back({std::string(flag->file), value, place});
  }
  return {};
}

base::Result<Subject> ReadFirecracker(const std::string& text, const std::string& file) {
  const auto json = LocatedJson::Parse(text, file);
  if (!json) return json.error();
  auto machine = Reader(*json, file).Read();
  if (!machine) return machine.error();
  Subject subject;
  subject.title = "machine " + file;
  subject.file = file;
  subject.machine = *std::move(machine);
  return subject;
}

}  // namespace bailey::review
