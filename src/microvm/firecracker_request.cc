#include "microvm/firecracker_request.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "base/text.h"

namespace bailey::microvm {
namespace {

using Json = nlohmann::ordered_json;

// Firecracker's own bounds: of a body (http-api-max-payload-size), of a kernel's command line with
// the null behind it (x86_64), of processors; and the kernel's of a socket's name.
constexpr std::size_t kMostBody = 51200;
constexpr std::size_t kMostBoot = 2047;
constexpr std::uint32_t kMostProcessors = 32;
constexpr std::uint64_t kMostMemoryMib = std::uint64_t{1} << 32;
constexpr std::size_t kMostSocketName = 107;
constexpr std::uint32_t kFirstGuestCid = 3;  // those below are the host's, and nobody's

base::Error Refused(std::string_view object, std::string_view cause) {
  return base::InvalidInput(fmt::format("plan a machine of Firecracker: {} {}", object, cause));
}

// Requests, until one cannot be said.
class Requests {
 public:
  void Add(const char* method, std::string path, const Json& body) {
    if (!done_) return;
    std::string text;
    try {
      text = body.dump();
    } catch (const Json::exception&) {
      done_ = Refused(path, "would say what is not UTF-8");
      return;
    }
    if (text.size() > kMostBody) {
      done_ = Refused(path, fmt::format("would say more than {} bytes", kMostBody));
      return;
    }
    requests_.push_back({method, std::move(path), std::move(text)});
  }
  void Put(std::string path, const Json& body) { Add("PUT", std::move(path), body); }
  void Watch(const std::string& log, const std::string& metrics) {
    Put("/logger", {{"log_path", log},
                    {"level", "Warning"},
                    {"show_level", false},
                    {"show_log_origin", false}});
    Put("/metrics", {{"metrics_path", metrics}});
  }
  base::Result<std::vector<ApiRequest>> Take() && {
    if (!done_) return done_.error();
    return std::move(requests_);
  }

 private:
  base::Status done_;
  std::vector<ApiRequest> requests_;
};

bool IsId(std::string_view id) {
  constexpr std::string_view kLetters =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
  return !id.empty() && id.size() <= 64 && id.find_first_not_of(kLetters) == id.npos;
}

// Six pairs of digits, which are all that Firecracker reads as one.
bool IsLinkAddress(std::string_view text) {
  if (text.size() != 17) return false;
  for (std::size_t i = 0; i < text.size(); ++i)
    if (i % 3 == 2 ? text[i] != ':'
                   : std::string_view("0123456789abcdef").find(text[i]) == text.npos)
      return false;
  return true;
}

base::Status CheckInterface(const ApiInterface& network) {
  constexpr std::size_t kMostDevice = 15;  // IFNAMSIZ
  if (!IsId(network.id)) return Refused("network", "has an id of more than letters and digits");
  if (network.device.size() > kMostDevice || !IsId(network.device))
    return Refused("network", "has a device of more than 15 letters and digits");
  if (!IsLinkAddress(network.link)) return Refused("network", "has no link address");
  return {};
}

// A null would end a name before its time.
base::Status CheckFile(std::string_view what, const std::string& file) {
  if (file.empty()) return Refused(what, "has no file");
  if (file.find('\0') != file.npos) return Refused(what, "has a name with a null in it");
  return {};
}

base::Status CheckSocket(const std::string& vsock) {
  if (const auto checked = CheckFile("vsock", vsock); !checked) return checked;
  if (vsock.size() > kMostSocketName)
    return Refused("vsock", fmt::format("has a name longer than {} bytes", kMostSocketName));
  return {};
}

base::Status CheckBoot(const std::string& boot) {
  if (boot.size() > kMostBoot)
    return Refused("the kernel's command line", fmt::format("is longer than {} bytes", kMostBoot));
  if (std::ranges::any_of(boot, [](char c) { return c < ' ' || c > '~'; }))
    return Refused("the kernel's command line", "has a character that is not printable ASCII");
  return {};
}

base::Status Check(const FirecrackerPlan& plan) {
  for (const auto& [what, file] : {std::pair<const char*, const std::string&>{"log", plan.log},
                                   {"metrics", plan.metrics},
                                   {"kernel", plan.kernel},
                                   {"initramfs", plan.initramfs}})
    if (const auto checked = CheckFile(what, file); !checked) return checked;
  if (plan.processors < 1 || plan.processors > kMostProcessors)
    return Refused("processors", fmt::format("must be 1 to {}", kMostProcessors));
  if (plan.memory_mib < 1 || plan.memory_mib > kMostMemoryMib)
    return Refused("memory", fmt::format("must be 1 to {} MiB", kMostMemoryMib));
  if (plan.guest_cid < kFirstGuestCid || plan.guest_cid == UINT32_MAX)
    return Refused("guest_cid", fmt::format("must be {} to {}", kFirstGuestCid, UINT32_MAX - 1));
  if (const auto checked = CheckBoot(plan.boot); !checked) return checked;
  if (const auto checked = CheckSocket(plan.vsock); !checked) return checked;
  if (plan.network)
    if (const auto checked = CheckInterface(*plan.network); !checked) return checked;
  std::set<std::string> ids;
  for (const ApiDrive& drive : plan.drives) {
    if (!IsId(drive.id))
      return Refused(fmt::format("drive \"{}\"", base::Escape(drive.id.substr(0, 64))),
                     "has an id of more than letters, digits and underscores, at most 64");
    if (!ids.insert(drive.id).second) return Refused("drive " + drive.id, "is there twice");
    if (const auto checked = CheckFile("drive " + drive.id, drive.file); !checked) return checked;
  }
  return {};
}

}  // namespace

base::Result<std::vector<ApiRequest>> BootRequests(const FirecrackerPlan& plan) {
  if (const auto checked = Check(plan); !checked) return checked.error();
  Requests requests;
  requests.Watch(plan.log, plan.metrics);
  requests.Put("/machine-config", {{"vcpu_count", plan.processors},
                                   {"mem_size_mib", plan.memory_mib},
                                   {"smt", false},
                                   {"track_dirty_pages", false}});
  requests.Put("/boot-source", {{"kernel_image_path", plan.kernel},
                                {"initrd_path", plan.initramfs},
                                {"boot_args", plan.boot}});
  // None is the root device, for which Firecracker would add words to the kernel's command line:
  // the first process finds the root itself.
  for (const ApiDrive& drive : plan.drives)
    requests.Put("/drives/" + drive.id, {{"drive_id", drive.id},
                                         {"path_on_host", drive.file},
                                         {"is_root_device", false},
                                         {"is_read_only", !drive.write},
                                         {"cache_type", "Unsafe"},
                                         {"io_engine", "Sync"}});
  if (plan.network)
    requests.Put("/network-interfaces/" + plan.network->id,
                 {{"iface_id", plan.network->id},
                  {"guest_mac", plan.network->link},
                  {"host_dev_name", plan.network->device}});
  requests.Put("/vsock", {{"guest_cid", plan.guest_cid}, {"uds_path", plan.vsock}});
  requests.Put("/entropy", Json::object());
  requests.Put("/actions", {{"action_type", "InstanceStart"}});
  return std::move(requests).Take();
}

base::Result<std::vector<ApiRequest>> SnapshotRequests(const SnapshotFiles& files) {
  if (const auto checked = CheckFile("snapshot", files.state); !checked) return checked.error();
  if (const auto checked = CheckFile("memory", files.memory); !checked) return checked.error();
  Requests requests;
  requests.Add("PATCH", "/vm", {{"state", "Paused"}});
  requests.Put(
      "/snapshot/create",
      {{"snapshot_type", "Full"}, {"snapshot_path", files.state}, {"mem_file_path", files.memory}});
  requests.Add("PATCH", "/vm", {{"state", "Resumed"}});
  return std::move(requests).Take();
}

base::Result<std::vector<ApiRequest>> RestoreRequests(const RestorePlan& plan) {
  for (const auto& [what, file] : {std::pair<const char*, const std::string&>{"log", plan.log},
                                   {"metrics", plan.metrics},
                                   {"snapshot", plan.files.state},
                                   {"memory", plan.files.memory}})
    if (const auto checked = CheckFile(what, file); !checked) return checked.error();
  if (const auto checked = CheckSocket(plan.vsock); !checked) return checked.error();
  Requests requests;
  requests.Watch(plan.log, plan.metrics);
  requests.Put("/snapshot/load",
               {{"snapshot_path", plan.files.state},
                {"mem_backend", {{"backend_type", "File"}, {"backend_path", plan.files.memory}}},
                {"resume_vm", true},
                {"vsock_override", {{"uds_path", plan.vsock}}}});
  return std::move(requests).Take();
}

std::string ToString(const std::vector<ApiRequest>& requests) {
  std::string text;
  for (const ApiRequest& request : requests)
    text += fmt::format("{} {} {}\n", request.method, request.path, request.body);
  return text;
}

}  // namespace bailey::microvm
