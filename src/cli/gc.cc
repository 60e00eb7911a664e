// bailey gc: removes what killed launches left.
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/text.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "mcp/sessions.h"
#include "microvm/leftovers.h"
#include "pool/control.h"
#include "pool/directory.h"
#include "sandbox/limits.h"
#include "sandbox/stubs.h"

namespace bailey::cli {
namespace {

struct Collection {
  const char* kind;
  base::Result<std::vector<std::string>> removed;
};

// Of this user's; there may be no place for pools at all.
base::Result<std::vector<std::string>> CollectPools() {
  std::vector<std::string> all;
  for (const char* const kind : {pool::kSandboxes, pool::kMachines}) {
    const auto directory = pool::OpenDirectory(false, kind);
    if (!directory) continue;
    const auto removed = pool::RemoveLeftovers(*directory);
    if (!removed) return removed.error();
    all.insert(all.end(), removed->begin(), removed->end());
  }
  return all;
}

}  // namespace

int RunGc(int argc, char** argv) {
  Arguments arguments(
      "gc",
      "Removes what launches left that were killed outright: control groups, the empty files that\n"
      "held hidden names, sockets of pools, directories of machines and of the sessions of "
      "`bailey\n"
      "mcp serve`. What belongs to a sandbox or a server that runs is let alone.\n"
      "Prints what was removed. Exits with 0, also where there was nothing.");
  bool json = false;
  arguments.Flag("--json", json, "print JSON (docs/schemas/gc.schema.json)");
  if (const auto code = arguments.Read({argv + 1, argv + argc}, kUsage)) return *code;
  const Collection collections[] = {{"stub", sandbox::CollectStubs()},
                                    {"control group", sandbox::CollectGroups()},
                                    {"pool", CollectPools()},
                                    {"machine", microvm::CollectMachines()},
                                    {"session", mcp::CollectSessions()}};
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const auto& [kind, removed] : collections) {
    if (!removed) return Fail("gc", removed.error());
    for (const std::string& path : *removed) {
      list.push_back({{"kind", kind}, {"path", path}});
      if (!json) fmt::print("removed {} {}\n", kind, base::Escape(path));
    }
  }
  if (json) {
    const nlohmann::ordered_json report = {{"version", 1}, {"removed", list}};
    fmt::print("{}\n",
               report.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
  }
  return kYes;
}

}  // namespace bailey::cli
