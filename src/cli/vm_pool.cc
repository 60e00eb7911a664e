// bailey vm pool: machines that are ready before anybody asks.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"
#include "cli/arguments.h"
#include "cli/caller.h"
#include "cli/commands.h"
#include "cli/pool_serving.h"
#include "cli/proved_filters.h"
#include "cli/run_audit.h"
#include "cli/vm.h"
#include "cli/vm_start.h"
#include "image/kernel.h"
#include "image/store.h"
#include "microvm/maker.h"
#include "microvm/original.h"
#include "microvm/ready.h"
#include "os/process.h"
#include "os/vmm.h"
#include "pool/daemon.h"
#include "pool/directory.h"

namespace bailey::cli {
namespace {

constexpr const char* kCommand = "vm pool";
// Drives cost a machine nothing, and one that has none can carry nothing in.
constexpr std::size_t kLeastDrives = 2;

struct PoolOptions {
  SandboxOptions sandbox;
  std::size_t size = 2;
  std::string idle = "10m", image = "default", kernel, start_timeout;
  bool foreground = false;
};

struct StopOptions {
  PoolOptions pool;
  WhichPools which;
};

void DescribeMachines(Arguments& arguments, PoolOptions& options) {
  Describe(arguments, options.sandbox);
  arguments.Value("--image", options.image, "the machines' image (default)");
  arguments.Value("--kernel", options.kernel, "a directory with the guest's kernel");
}

// What the machines are to be, before any of it is started.
struct PoolStart {
  std::string contents;
  microvm::Shape shape;
  microvm::MachineFiles files;
  MachineStart start;
  std::string name;
};

base::Result<PoolStart> PlanPool(const PoolOptions& options, const policy::Context& context) {
  if (const auto checked = image::CheckName("image", options.image); !checked)
    return checked.error();
  auto start = PlanMachineStart(options.sandbox, {"true"}, options.start_timeout, context);
  if (!start) return start.error();
  if (start->plan.network)
    return base::Unsupported(
        "start pool: a machine with a network is started anew for each program");
  const auto init = FindInit();
  if (!init) return init.error();
  microvm::MachineFiles files = {options.image, options.kernel, *init, ""};
  auto contents = microvm::ContentsKey(files);
  if (!contents) return contents.error();
  const auto policy = MachinePolicyKey(options.sandbox, context);
  if (!policy) return policy.error();
  const microvm::Shape shape = {start->plan.memory_mib,
                                std::max(start->plan.carried.size(), kLeastDrives)};
  std::string name = microvm::PoolName(*contents, shape, *policy);
  return PoolStart{*std::move(contents), shape, std::move(files), *std::move(start),
                   std::move(name)};
}

base::Result<pool::Settings> MakeSettings(const PoolOptions& options, const PoolStart& plan) {
  pool::Settings settings;
  settings.name = plan.name;
  if (options.size < 1 || options.size > pool::kMostPrepared) {
    return base::InvalidInput(
        fmt::format("read --size: {} is not from 1 to {}", options.size, pool::kMostPrepared));
  }
  const std::uint64_t memory = os::HostMemory();
  if (options.size * plan.shape.memory_mib > memory) {
    return base::InvalidInput(
        fmt::format("read --size: {} machines of {} MiB are more than this host has ({} MiB); "
                    "--memory makes them smaller",
                    options.size, plan.shape.memory_mib, memory));
  }
  settings.size = options.size;
  const auto idle = base::ParseDuration(options.idle);
  if (!idle) return base::InvalidInput("read --idle: " + idle.error().text);
  settings.idle = *idle;
  settings.policy = plan.start.policy.name;
  settings.workspace = fmt::format("image {}, {} MiB, {} drives", options.image,
                                   plan.shape.memory_mib, plan.shape.drives);
  return settings;
}

base::Status ServeMachines(const PoolStart& plan, const pool::Directory& directory,
                           const pool::Settings& settings, const std::function<void()>& ready) {
  auto image = image::OpenImage(plan.files.image);
  if (!image) return image.error();
  auto kernel = image::OpenKernel(plan.files.kernel, plan.files.init,
                                  {.erofs = image->format == image::Format::kErofs});
  if (!kernel) return kernel.error();
  const bool is_heard = IsListenedToInMachine(plan.start.policy);
  const auto filters = ProvedFilters(plan.start.policy, is_heard);
  if (!filters) return filters.error();
  std::optional<bpf::Program> heard;
  if (is_heard) heard = filters->back();
  microvm::MachinePlan machine = plan.start.plan;
  for (const bpf::Program& filter : *filters) machine.command.filters.push_back(filter.Bytes());
  const auto original =
      microvm::Original::Make(machine, plan.shape, plan.start.sandbox, *std::move(image),
                              *std::move(kernel), std::move(heard), MonitorProver());
  if (!original) return original.error();
  // What was opened is what the name says.
  const auto contents = microvm::ContentsKey(plan.files);
  if (!contents) return contents.error();
  if (*contents != plan.contents)
    return base::Unsupported("start pool: its image, kernel or executables have just been changed");
  microvm::MachineMaker maker(*original, plan.contents, MonitorProver());
  return pool::Serve(directory, settings, maker, ready);
}

int Start(int argc, char** argv) {
  PoolOptions options;
  Arguments arguments(
      "vm pool start",
      "Starts a machine, and keeps copies of it ready for `bailey run --isolation microvm --pool`\n"
      "with the same image and kernel. Prints the path of its socket when they are.");
  DescribeMachines(arguments, options);
  arguments.Value("--size", options.size, "how many are ready (2)");
  arguments.Value("--idle", options.idle, "end when nobody has come for so long (10m)");
  arguments.Value("--start-timeout", options.start_timeout,
                  "how long a machine may take to start (120s)");
  arguments.Flag("--foreground", options.foreground, "serve in this process, until it is stopped");
  if (const auto code = arguments.Read({argv + 1, argv + argc}, kUsage)) return *code;
  if (const auto closed = os::CloseAllBut({}); !closed)
    return Fail(kCommand, base::SystemError("close descriptors", closed.error().value));
  const auto context = CallerContext();
  if (!context) return Fail(kCommand, context.error());
  const auto plan = PlanPool(options, *context);
  if (!plan) return Fail(kCommand, plan.error());
  const auto settings = MakeSettings(options, *plan);
  if (!settings) return Fail(kCommand, settings.error());
  const auto directory = pool::OpenDirectory(true, pool::kMachines);
  if (!directory) return Fail(kCommand, directory.error());
  return ServePool({kCommand, fmt::format("{}/{}", directory->path, settings->name),
                    [&](const std::function<void()>& ready) {
                      return ServeMachines(*plan, *directory, *settings, ready);
                    }},
                   options.foreground);
}

int Stop(int argc, char** argv) {
  StopOptions options;
  Arguments arguments("vm pool stop",
                      "Ends machines that are ready; those that somebody has go on to their end. "
                      "Of the pool\n"
                      "that was started with the same options here, or the one named.");
  DescribeMachines(arguments, options.pool);
  Describe(arguments, options.which, "bailey vm pool", "end those that somebody has as well");
  if (const auto code = arguments.Read({argv + 1, argv + argc}, kUsage)) return *code;
  return StopPools(kCommand, pool::kMachines, options.which, [&]() -> base::Result<std::string> {
    const auto context = CallerContext();
    if (!context) return context.error();
    auto plan = PlanPool(options.pool, *context);
    if (!plan) return plan.error();
    return std::move(plan->name);
  });
}

}  // namespace

std::optional<int> RunVmPool(int argc, char** argv) {
  const std::string_view verb = argc > 1 ? argv[1] : "";
  if (verb == "start") return Start(argc - 1, argv + 1);
  if (verb == "status") return ShowPools(kCommand, pool::kMachines, argc - 1, argv + 1);
  if (verb == "stop") return Stop(argc - 1, argv + 1);
  return std::nullopt;
}

}  // namespace bailey::cli
