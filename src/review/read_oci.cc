// An OCI runtime's configuration (the runtime specification's config.json) as a confinement, as
// runc and crun carry it out.
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "abi/capabilities.h"
#include "compile/compile.h"
#include "policy/import_oci.h"
#include "review/json_reader.h"
#include "review/read.h"
#include "review/sight.h"
#include "sandbox/host_path.h"

namespace bailey::review {
namespace {

struct NamespaceType {
  std::string_view type;
  Namespace name;
};
constexpr NamespaceType kTypes[] = {
    {"user", Namespace::kUser},       {"mount", Namespace::kMount}, {"pid", Namespace::kPid},
    {"network", Namespace::kNetwork}, {"ipc", Namespace::kIpc},     {"uts", Namespace::kUts},
    {"cgroup", Namespace::kCgroup},   {"time", Namespace::kTime},
};

// Nodes are what their numbers say, whatever they are called.
struct Node {
  std::int64_t major, minor;
  std::string_view path;
};
constexpr Node kNodes[] = {
    {1, 1, "/dev/mem"},
    {1, 2, "/dev/kmem"},
    {1, 4, "/dev/port"},
    {1, 11, "/dev/kmsg"},
    {8, 0, "/dev/sda"},
    {259, 0, "/dev/nvme0n1"},
    {254, 0, "/dev/vda"},
    {253, 0, "/dev/vda"},
    {10, 200, "/dev/net/tun"},
    {10, 223, "/dev/uinput"},
    {10, 229, "/dev/fuse"},
    {10, 232, "/dev/kvm"},
    {10, 237, "/dev/loop-control"},
};

bool Has(const std::vector<std::string>& list, std::string_view word) {
  return std::ranges::find(list, word) != list.end();
}

class Reader {
 public:
  Reader(const LocatedJson& text, const std::string& file)
      : json_(text), file_(file), text_(text) {}

  base::Result<Subject> Read();

 private:
  void ReadNamespaces();
  void ReadProcess();
  void ReadCapabilities();
  void ReadUser();
  void ReadMounts();
  void ReadPaths();
  void ReadDevices();
  void ReadLimits();
  base::Result<prove::Subject> ReadFilter();
  Known& Own(Namespace name) { return result_.own_namespace[static_cast<std::size_t>(name)]; }

  JsonReader json_;
  std::string file_;
  const LocatedJson& text_;
  Confinement result_;
  std::vector<std::string> capability_names_;
  std::int64_t uid_ = 0;
};

base::Result<Subject> Reader::Read() {
  if (!text_.Root().is_object()) return text_.ErrorAt("", "it is not a JSON object");
  if (json_.String("/ociVersion").empty()) json_.Fail("/ociVersion", "is missing");
  if (json_.Has("/windows") || json_.Has("/solaris") || json_.Has("/vm")) {
    if (!json_.Has("/linux")) json_.Fail("", "it is not a configuration for Linux");
  }
  result_.place = {file_, 0, 0, {}};
  for (const char* const part : {"/process", "/root", "/linux"}) json_.Object(part);
  ReadNamespaces();
  ReadProcess();
  ReadMounts();
  ReadPaths();
  ReadDevices();
  ReadLimits();
  if (json_.Failed()) return json_.Error();
  auto filter = ReadFilter();
  if (!filter) return filter.error();
  Subject subject;
  subject.title = "container " + file_;
  subject.file = file_;
  subject.filter = *std::move(filter);
  subject.confinement = std::move(result_);
  return subject;
}

void Reader::ReadNamespaces() {
  result_.own_namespace.fill(Known::kNo);
  for (const std::string& entry : json_.Objects("/linux/namespaces")) {
    const std::string type = json_.String(entry + "/type");
    const auto* const known = std::ranges::find(kTypes, type, &NamespaceType::type);
    if (known == std::end(kTypes)) return json_.Fail(entry + "/type", "names no namespace");
    const std::string path = json_.String(entry + "/path");
    // A path joins one that exists: process 1's is the host's, whose others are is not said.
    Own(known->name) = path.empty()                      ? Known::kYes
                       : path.starts_with("/proc/1/ns/") ? Known::kNo
                                                         : Known::kUnknown;
  }
  if (json_.Has("/linux/namespaces")) result_.place = json_.At("/linux/namespaces");
}

void Reader::ReadProcess() {
  // A runtime starts a session for the container, with a terminal of its own where it asks for one.
  result_.new_session = Known::kYes;
  result_.landlock = Known::kNo;
  result_.inherits_environment = Known::kNo;
  const auto no_new_privs = json_.Boolean("/process/noNewPrivileges");
  result_.no_new_privs = no_new_privs.value_or(false) ? Known::kYes : Known::kNo;
  result_.no_new_privs_place = json_.At(no_new_privs ? "/process/noNewPrivileges" : "/process");
  for (const std::string& variable : json_.Strings("/process/env"))
    result_.environment.push_back(variable.substr(0, variable.find('=')));
  result_.environment_place = json_.At("/process/env");
  result_.directory = json_.String("/process/cwd");
  result_.directory_place = json_.At("/process/cwd");
  ReadUser();
  ReadCapabilities();
  const std::string apparmor = json_.String("/process/apparmorProfile");
  const std::string selinux = json_.String("/process/selinuxLabel");
  if (apparmor == "unconfined" || selinux.find(":spc_t:") != std::string::npos) {
    result_.security_module = Known::kNo;
  } else if (!apparmor.empty() || !selinux.empty()) {
    result_.security_module = Known::kYes;
  }
}

void Reader::ReadUser() {
  uid_ = json_.Integer("/process/user/uid").value_or(0);
  result_.user_place = json_.At(json_.Has("/process/user") ? "/process/user" : "/process");
  if (Own(Namespace::kUser) == Known::kNo) {
    result_.runs_as_root = uid_ == 0 ? Known::kYes : Known::kNo;
    return;
  }
  result_.runs_as_root = Known::kUnknown;
  for (const std::string& range : json_.Objects("/linux/uidMappings")) {
    const auto inside = json_.Integer(range + "/containerID").value_or(0);
    const auto outside = json_.Integer(range + "/hostID").value_or(0);
    const auto size = json_.Integer(range + "/size").value_or(0);
    if (uid_ < inside || uid_ - inside >= size) continue;
    result_.runs_as_root = outside == 0 && uid_ == inside ? Known::kYes : Known::kNo;
  }
}

void Reader::ReadCapabilities() {
  if (!json_.Object("/process/capabilities")) return;
  std::uint64_t held = 0;
  for (const std::string_view set :
       {"bounding", "effective", "permitted", "inheritable", "ambient"}) {
    const std::string pointer = fmt::format("/process/capabilities/{}", set);
    // Root's programs have all of the bounding set, and others gain it where they may gain any.
    const bool counts = set == "effective" || set == "permitted" || set == "ambient" ||
                        (set == "bounding" && (uid_ == 0 || result_.no_new_privs != Known::kYes));
    for (const std::string& name : json_.Strings(pointer)) {
      const int number = abi::CapabilityNumber(name);
      if (number < 0 || !counts) continue;
      held |= std::uint64_t{1} << number;
      if (!Has(capability_names_, name)) capability_names_.push_back(name);
    }
  }
  result_.capabilities = held;
  result_.capabilities_place = json_.At("/process/capabilities");
}

void Reader::ReadMounts() {
  const std::string root = json_.String("/root/path");
  Mount image;
  image.to = "/";
  // The image is the container's own, unless it is the host's root itself.
  image.from = root == "/" ? "/" : "";
  image.type = root == "/" ? "bind" : "image";
  image.writable = !json_.Boolean("/root/readonly").value_or(false);
  image.place = json_.At("/root");
  result_.mounts.push_back(image);
  for (const std::string& entry : json_.Objects("/mounts")) {
    const std::vector<std::string> options = json_.Strings(entry + "/options");
    Mount mount;
    mount.to = json_.String(entry + "/destination");
    if (mount.to.empty()) return json_.Fail(entry, "has no destination");
    mount.to = PlainPath(mount.to);
    mount.type = json_.String(entry + "/type");
    mount.recursive = Has(options, "rbind");
    if (mount.recursive || Has(options, "bind") || mount.type == "bind") {
      mount.type = "bind";
      const std::string source = json_.String(entry + "/source");
      if (source.empty()) return json_.Fail(entry, "is a bind without a source");
      // Relative to the bundle: the container's own.
      if (source.starts_with('/')) mount.from = PlainPath(source);
    }
    mount.writable = !Has(options, "ro") && !Has(options, "rro");
    mount.nosuid = Has(options, "nosuid");
    mount.nodev = Has(options, "nodev");
    mount.noexec = Has(options, "noexec");
    mount.place = json_.At(entry);
    result_.mounts.push_back(std::move(mount));
  }
  const std::string propagation = json_.String("/linux/rootfsPropagation");
  result_.shared_propagation =
      propagation == "shared" || propagation == "rshared" ? Known::kYes : Known::kNo;
}

void Reader::ReadPaths() {
  for (const std::string& path : json_.Strings("/linux/readonlyPaths")) {
    const Mount* const below = MountAt(result_, path);
    if (below == nullptr) continue;
    Mount mount = *below;
    const std::string source = mount.type == "proc"    ? "/proc"
                               : mount.type == "sysfs" ? "/sys"
                                                       : mount.from;
    const std::string plain = PlainPath(path);
    if (!source.empty() && plain != mount.to)
      mount.from = sandbox::Join(source, plain.substr(mount.to == "/" ? 1 : mount.to.size() + 1));
    mount.to = plain;
    mount.writable = false;
    mount.place = json_.At("/linux/readonlyPaths");
    result_.mounts.push_back(std::move(mount));
  }
  for (const std::string& path : json_.Strings("/linux/maskedPaths")) {
    Mount mount;
    mount.to = PlainPath(path);
    mount.type = "mask";
    mount.place = json_.At("/linux/maskedPaths");
    result_.mounts.push_back(std::move(mount));
  }
}

void Reader::ReadDevices() {
  for (const std::string& entry : json_.Objects("/linux/devices")) {
    Mount mount;
    mount.to = json_.String(entry + "/path");
    if (mount.to.empty()) return json_.Fail(entry, "has no path");
    mount.from = mount.to;
    const auto major = json_.Integer(entry + "/major"), minor = json_.Integer(entry + "/minor");
    for (const Node& node : kNodes) {
      if (major == node.major && minor == node.minor) mount.from = node.path;
    }
    mount.type = "device";
    mount.writable = true;
    mount.place = json_.At(entry);
    result_.mounts.push_back(std::move(mount));
  }
  for (const std::string& entry : json_.Objects("/linux/resources/devices")) {
    const auto allow = json_.Boolean(entry + "/allow");
    if (!allow) return json_.Fail(entry, "has no \"allow\"");
    const std::string type = json_.String(entry + "/type");
    const auto any = [&](const char* number) {
      return json_.Integer(entry + number).value_or(-1) < 0;
    };
    if ((type.empty() || type == "a") && any("/major") && any("/minor"))
      result_.any_device = *allow ? Known::kYes : Known::kNo;
  }
}

void Reader::ReadLimits() {
  const auto limit = [&](const std::string& pointer) {
    return json_.Integer(pointer).value_or(0) > 0 ? Known::kYes : Known::kNo;
  };
  result_.memory_limit = limit("/linux/resources/memory/limit");
  result_.process_limit = limit("/linux/resources/pids/limit");
  for (const std::string& entry : json_.Objects("/process/rlimits")) {
    // RLIMIT_NPROC does not bind id 0.
    if (json_.String(entry + "/type") == "RLIMIT_NPROC" && uid_ != 0)
      result_.process_limit = Known::kYes;
  }
}

base::Result<prove::Subject> Reader::ReadFilter() {
  if (!json_.Object("/linux/seccomp")) {
    if (json_.Failed()) return json_.Error();
    result_.seccomp = Known::kNo;
    prove::Subject none;
    none.archs = prove::MachineArchs({{abi::NativeArch()}});
    none.listed = none.archs;
    return none;
  }
  result_.seccomp = Known::kYes;
  result_.seccomp_place = json_.At("/linux/seccomp");
  const auto located = [&](base::Error error) {
    error.location = {file_, static_cast<std::uint32_t>(result_.seccomp_place.line),
                      static_cast<std::uint32_t>(result_.seccomp_place.column)};
    return error;
  };
  const auto syscalls =
      policy::ImportOci(text_.Root()["linux"]["seccomp"].dump(
                            -1, ' ', false, nlohmann::json::error_handler_t::replace),
                        file_, {.capabilities = capability_names_});
  if (!syscalls) return located(syscalls.error());
  auto program = compile::Compile(*syscalls);
  if (!program) return located(program.error());
  return prove::SubjectOf(*syscalls, *std::move(program));
}

}  // namespace

base::Result<Subject> ReadOci(const std::string& text, const std::string& file) {
  const auto json = LocatedJson::Parse(text, file);
  if (!json) return json.error();
  return Reader(*json, file).Read();
}

}  // namespace bailey::review
