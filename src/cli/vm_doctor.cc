// bailey vm doctor: what machines this host can run, and why not.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/text.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/vm.h"
#include "image/kernel.h"
#include "microvm/firecracker_filter.h"
#include "microvm/firecracker_jail.h"
#include "os/file.h"
#include "os/host.h"
#include "os/process.h"
#include "prove/prover.h"

namespace bailey::cli {
namespace {

constexpr std::chrono::seconds kFilterPatience{10};

struct Finding {
  std::string subject, state, detail;  // state: "yes", "no" or "note"
};

std::string Cause(os::Errno error) { return base::SystemError("", error.value).text.substr(2); }

// The first of the usual places that has it.
std::string FindTool(const std::string& name) {
  for (const char* const place : {"/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"}) {
    const std::string path = fmt::format("{}/{}", place, name);
    if (::access(path.c_str(), X_OK) == 0) return path;
  }
  return "";
}

Finding Tool(const std::string& name, std::string_view what, bool needed) {
  const std::string path = FindTool(name);
  if (!path.empty()) return {name, "yes", path};
  return {name, needed ? "no" : "note", fmt::format("not installed: {}", what)};
}

Finding Device(const char* path, std::string_view subject, std::string_view what) {
  const auto device = os::Open(AT_FDCWD, path, O_RDWR);
  if (device) return {std::string(subject), "yes", fmt::format("{} opens; {}", path, what)};
  return {std::string(subject), "note",
          fmt::format("{}: {}; {}", path, Cause(device.error()), what)};
}

Finding Kvm() {
  const auto version = os::KvmApiVersion();
  if (!version) return {"kvm", "no", "/dev/kvm: " + Cause(version.error())};
  return {"kvm", "note",
          fmt::format("/dev/kvm opens (API {}); whether a guest runs is known only by running one, "
                      "which --vmm firecracker takes for usable when the guest answers",
                      *version)};
}

Finding Kernel() {
  const std::string place = image::InstalledKernel();
  const auto directory = os::Open(AT_FDCWD, place.c_str(), O_RDONLY | O_DIRECTORY);
  const auto release =
      directory ? os::ReadFile(directory->Get(), "release", 256) : os::SysResult<std::string>("");
  if (!directory || !release || !os::Stat(directory->Get(), "vmlinux", true))
    return {"kernel", "no", fmt::format("none in {} (tools/install-dependencies)", place)};
  const bool vsock = os::Stat(directory->Get(), "vsock", true).has_value();
  return {"kernel", "yes",
          fmt::format("{} in {}, {} modules for vsock", base::Escape(base::Trim(*release)), place,
                      vsock ? "with" : "without")};
}

// What its filter promises, of all that untrusted code needs: proved, and not proved.
std::string Promises(std::vector<bpf::Program> filters) {
  prove::Subject subject;
  subject.stack = std::move(filters);
  subject.archs = prove::MachineArchs({{abi::NativeArch()}});
  subject.listed = subject.archs;
  prove::Prover prover(subject);
  std::size_t proved = 0, all = 0;
  std::string others;
  for (const prove::Guarantee& one : prove::BuiltinGuarantees()) {
    if (!one.untrusted) continue;
    ++all;
    if (prover.Prove(one).verdict == prove::Verdict::kProved)
      ++proved;
    else
      others += fmt::format("{}{}", others.empty() ? "; not " : ", ", one.name);
  }
  return fmt::format("{} of {} guarantees for untrusted code proved{}", proved, all, others);
}

std::vector<Finding> Firecracker(const std::string& directory) {
  const auto host = microvm::FindFirecracker(directory);
  if (!host) return {{"firecracker", "no", host.error().text}};
  std::vector<Finding> findings = {
      {"firecracker", "yes", fmt::format("{}, {}", host->firecracker, host->jailer)}};
  const auto filters = microvm::ApiFilters(*host, kFilterPatience);
  const std::string subject = "firecracker filter";
  if (!filters) {
    findings.push_back({subject, "note", filters.error().text});
    return findings;
  }
  findings.push_back(
      {subject, "note",
       fmt::format("of the thread that answers its API: {} (others are there when a machine runs: "
                   "`bailey prove --pid`)",
                   Promises(*filters))});
  return findings;
}

std::vector<Finding> Examine(const std::string& directory) {
  std::vector<Finding> findings = {
      Kvm(),
      Tool("qemu-system-x86_64", "machines run in it unless --vmm firecracker is said", true),
      Tool("mksquashfs", "makes images, and what is carried into a machine", true),
      Tool("sqfstar", "makes images of tars", true),
      Tool("mmdebstrap", "vm image build --debootstrap needs it", false),
      Kernel()};
  for (Finding& finding : Firecracker(directory)) findings.push_back(std::move(finding));
  findings.push_back(Device("/dev/net/tun", "tun", "machines have no network yet, and need none"));
  findings.push_back(
      Device("/dev/vhost-vsock", "vhost-vsock", "not needed: Firecracker's vsock is its own"));
  std::string lacks;
  bool firecracker = false;
  for (const Finding& finding : findings) {
    if (finding.subject == "firecracker") firecracker = finding.state == "yes";
    const bool needed = finding.subject != "kvm" && finding.subject != "firecracker";
    if (needed && finding.state == "no") lacks += (lacks.empty() ? "" : ", ") + finding.subject;
  }
  findings.push_back({"microvm qemu", lacks.empty() ? "yes" : "no",
                      lacks.empty() ? "under TCG, whoever calls" : "lacks " + lacks});
  findings.push_back({"microvm firecracker", firecracker ? "note" : "no",
                      firecracker ? "everything is there; it was developed without KVM (limits.md)"
                                  : "see above"});
  return findings;
}

}  // namespace

int RunVmDoctor(int argc, char** argv) {
  bool json = false;
  std::string directory;
  Arguments arguments("vm doctor",
                      "Says what machines this host can run, and why not.\n"
                      "Exits with 0 when one can be run at all, otherwise with 3.");
  arguments.Flag("--json", json, "print JSON (docs/schemas/doctor.schema.json)");
  arguments.Value("--vmm-directory", directory,
                  "where firecracker and jailer lie (/usr/local/bin, /usr/bin)");
  if (const auto code = arguments.Read({argv + 1, argv + argc}, kUsage)) return *code;
  if (const auto done = os::ExpectChildren(); !done)
    return Fail("vm doctor", base::SystemError("expect children", done.error().value));
  bool available = false;
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const Finding& finding : Examine(directory)) {
    if (finding.subject == "microvm qemu") available = finding.state == "yes";
    list.push_back(
        {{"subject", finding.subject}, {"state", finding.state}, {"detail", finding.detail}});
    if (!json) fmt::print("{:<20} {:<5} {}\n", finding.subject, finding.state, finding.detail);
  }
  if (json) fmt::print("{}\n", nlohmann::ordered_json{{"version", 1}, {"findings", list}}.dump(2));
  return available ? kYes : kUnknown;
}

}  // namespace bailey::cli
