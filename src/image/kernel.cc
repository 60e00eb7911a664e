#include "image/kernel.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "image/initramfs.h"
#include "os/file.h"

namespace bailey::image {
namespace {

constexpr std::array<const char*, 2> kPlaces = {"/usr/local/lib/bailey/kernel",
                                                "/usr/lib/bailey/kernel"};
constexpr std::size_t kMostInit = 4u << 20, kMostModule = 16u << 20;

base::Error Cannot(std::string_view verb, const std::string& path, os::Errno error) {
  return base::SystemError(fmt::format("{} {}", verb, base::Escape(path)), error.value);
}

// Of one folder. A kernel with everything built in has none.
base::Status ReadModules(const std::string& path, int directory, const char* place,
                         std::vector<Module>& modules) {
  const auto folder = os::Open(directory, place, O_RDONLY | O_DIRECTORY);
  if (!folder && folder.error().value == ENOENT) return {};
  const std::string shown = fmt::format("{}/{}", path, place);
  if (!folder) return Cannot("open", shown, folder.error());
  const auto names = os::Names(folder->Get());
  if (!names) return Cannot("look into", shown, names.error());
  for (const std::string& name : *names) {
    if (!name.ends_with(".ko")) continue;
    auto bytes = os::ReadFile(folder->Get(), name.c_str(), kMostModule);
    if (!bytes) return Cannot("read", shown + "/" + name, bytes.error());
    modules.push_back({name.substr(0, name.size() - 3), *std::move(bytes)});
  }
  return {};
}

base::Result<base::UniqueFd> MakeFirstFiles(std::vector<Module> modules, const std::string& init) {
  auto executable = os::ReadFile(AT_FDCWD, init.c_str(), kMostInit);
  if (!executable) return Cannot("read", init, executable.error());
  const auto ordered = OrderModules(std::move(modules));
  if (!ordered) return ordered.error();
  std::string order;
  std::vector<ArchiveFile> files = {{"init", *executable}};
  for (const Module& module : *ordered) {
    files.push_back({fmt::format("modules/{}.ko", module.name), module.bytes});
    order += module.name + ".ko\n";
  }
  files.push_back({"modules/order", order});
  const std::string archive = MakeInitramfs(files);
  auto file = os::SealedMemfd(
      "initramfs", {reinterpret_cast<const std::uint8_t*>(archive.data()), archive.size()});
  if (!file) return base::SystemError("make the initramfs", file.error().value);
  return *std::move(file);
}

}  // namespace

std::string InstalledKernel() {
  for (const char* const place : kPlaces)
    if (os::Stat(AT_FDCWD, place, true)) return place;
  return kPlaces[0];
}

base::Result<Kernel> OpenKernel(const std::string& directory, const std::string& init,
                                const Extras& extras) {
  Kernel kernel;
  kernel.directory = directory.empty() ? InstalledKernel() : directory;
  const auto top = os::Open(AT_FDCWD, kernel.directory.c_str(), O_RDONLY | O_DIRECTORY);
  if (!top && top.error().value == ENOENT && directory.empty()) {
    return base::Unsupported(fmt::format(
        "open {}: no kernel for virtual machines is installed (tools/install-dependencies does it)",
        kernel.directory));
  }
  if (!top) return Cannot("open", kernel.directory, top.error());
  auto vmlinux = os::Open(top->Get(), "vmlinux", O_RDONLY);
  if (!vmlinux) return Cannot("open", kernel.directory + "/vmlinux", vmlinux.error());
  kernel.vmlinux = *std::move(vmlinux);
  const auto release = os::ReadFile(top->Get(), "release", 256);
  if (!release) return Cannot("read", kernel.directory + "/release", release.error());
  kernel.release = base::Trim(*release);
  std::vector<Module> modules;
  const std::pair<const char*, bool> places[] = {{"modules", true},
                                                 {"vsock", extras.vsock},
                                                 {"network", extras.network},
                                                 {"erofs", extras.erofs}};
  for (const auto& [place, is_wanted] : places) {
    if (!is_wanted) continue;
    const std::size_t before = modules.size();
    const auto read = ReadModules(kernel.directory, top->Get(), place, modules);
    if (!read) return read.error();
    // One that has modules at all has these as modules, too.
    if (before > 0 && modules.size() == before)
      return base::Unsupported(
          fmt::format("open {}/{}: there are no modules (tools/"
                      "install-guest-kernel unpacks them anew)",
                      base::Escape(kernel.directory), place));
  }
  auto initramfs = MakeFirstFiles(std::move(modules), init);
  if (!initramfs) return initramfs.error();
  kernel.initramfs = *std::move(initramfs);
  return kernel;
}

}  // namespace bailey::image
