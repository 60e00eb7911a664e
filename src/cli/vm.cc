// bailey vm: images for machines; bailey ps and stop: the machines that run.
#include "cli/vm.h"

#include <fmt/format.h>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/libexec.h"
#include "image/store.h"
#include "microvm/registry.h"

namespace bailey::cli {
namespace {

constexpr std::string_view kUsageText =
    "Usage: bailey vm image build (--from-dir DIRECTORY | --from-tar FILE | --from-oci DIRECTORY "
    "|\n"
    "                              --debootstrap SUITE) NAME\n"
    "       bailey vm image list\n"
    "       bailey vm image rm NAME...\n"
    "       bailey vm kernel build [--source FILE] DIRECTORY\n"
    "       bailey vm doctor [--json]\n"
    "       bailey vm pool start [--size N] [--image NAME] [OPTIONS]\n"
    "       bailey vm pool status [--json]\n"
    "       bailey vm pool stop [--all | NAME | OPTIONS]\n"
    "\n"
    "Images are the file systems that `bailey run --isolation microvm` gives programs. The one\n"
    "named \"default\" is used where none is named.\n";

int List(int argc, char** argv) {
  Arguments arguments("vm image list", "Lists the images: name, size and hash.");
  if (const auto code = arguments.Read({argv + 1, argv + argc}, kUsage)) return *code;
  const auto images = image::ListImages();
  if (!images) return Fail("vm image list", images.error());
  for (const image::Image& image : *images)
    fmt::print("{} {} bytes sha256:{}\n", image.name, image.bytes, image.hash);
  return kYes;
}

int Remove(int argc, char** argv) {
  std::vector<std::string> names;
  Arguments arguments("vm image rm", "Removes images.");
  arguments.Values("NAME", names, "an image").Required();
  if (const auto code = arguments.Read({argv + 1, argv + argc}, kUsage)) return *code;
  for (const std::string& name : names)
    if (const auto removed = image::RemoveImage(name); !removed)
      return Fail("vm image rm", removed.error());
  return kYes;
}

}  // namespace

int RunVm(int argc, char** argv) {
  const auto word = [&](int i) { return std::string_view(i < argc ? argv[i] : ""); };
  if (word(1) == "--help" || word(1) == "-h") {
    fmt::print("{}", kUsageText);
    return kYes;
  }
  if (word(1) == "image") {
    if (word(2) == "build") return BecomeFor("image", "vm image build", argv, kUsage);
    if (word(2) == "list") return List(argc - 2, argv + 2);
    if (word(2) == "rm") return Remove(argc - 2, argv + 2);
  }
  if (word(1) == "kernel" && word(2) == "build")
    return BecomeFor("image", "vm kernel build", argv, kUsage);
  if (word(1) == "doctor") return RunVmDoctor(argc - 1, argv + 1);
  if (word(1) == "pool")
    if (const auto code = RunVmPool(argc - 1, argv + 1)) return *code;
  fmt::print(stderr, "bailey vm: {}\n{}",
             argc < 2 ? "no command given"
                      : fmt::format("no command \"{}\"", base::Escape(word(argc > 2 ? 2 : 1))),
             kUsageText);
  return kUsage;
}

int RunPs(int argc, char** argv) {
  Arguments arguments("ps", "Lists your machines that run: id, supervisor, program.");
  if (const auto code = arguments.Read({argv + 1, argv + argc}, kUsage)) return *code;
  const auto machines = microvm::ListMachines();
  if (!machines) return Fail("ps", machines.error());
  for (const microvm::RunningMachine& machine : *machines)
    fmt::print("{} {} {}\n", machine.id, machine.supervisor, machine.program);
  return kYes;
}

int RunStop(int argc, char** argv) {
  std::vector<std::string> ids;
  std::string patience = "10s";
  Arguments arguments(
      "stop", "Ends machines: their programs get SIGTERM, and after a while all is killed.");
  arguments.Values("ID", ids, "as `bailey ps` lists it").Required();
  arguments.Value("--after", patience, "how long a program has to end itself (10s)");
  if (const auto code = arguments.Read({argv + 1, argv + argc}, kUsage)) return *code;
  const auto after = base::ParseDuration(patience);
  if (!after) return Fail("stop", after.error());
  for (const std::string& id : ids)
    if (const auto stopped = microvm::StopMachine(id, *after); !stopped)
      return Fail("stop", stopped.error());
  return kYes;
}

}  // namespace bailey::cli
