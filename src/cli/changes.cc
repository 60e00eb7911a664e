// bailey changes: what a sandbox has changed and was kept aside; to look at, apply or throw away.
#include "sandbox/changes.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/text.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "os/process.h"

namespace bailey::cli {
namespace {

using sandbox::Change;

struct ChangesOptions {
  std::string name;
  bool diff = false, apply = false, drop = false, force = false, json = false;
};

const char* Word(Change::Kind kind) {
  switch (kind) {
    case Change::Kind::kAdded:
      return "added";
    case Change::Kind::kChanged:
      return "changed";
    case Change::Kind::kDeleted:
      return "deleted";
  }
  return "";
}

std::string SourcePath(const sandbox::KeptChanges& kept, const Change& change) {
  return kept.layers.at(change.layer).source + "/" + change.path;
}

void PrintList(const sandbox::KeptChanges& kept, const std::vector<Change>& changes) {
  for (const Change& change : changes) {
    const bool directory = change.type == Change::Type::kDirectory;
    fmt::print("{:<8} {}{}{}\n", Word(change.kind), base::Escape(SourcePath(kept, change)),
               directory ? "/" : "", change.conflict ? "  (changed outside meanwhile)" : "");
  }
}

std::string ToJson(const sandbox::KeptChanges& kept, const std::vector<Change>& changes) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  constexpr const char* kTypes[] = {"file", "directory", "symlink", "other"};
  for (const Change& change : changes) {
    list.push_back({{"kind", Word(change.kind)},
                    {"type", kTypes[static_cast<std::size_t>(change.type)]},
                    {"path", SourcePath(kept, change)},
                    {"conflict", change.conflict}});
  }
  const nlohmann::ordered_json report = {{"version", 1}, {"changes", list}};
  return report.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

// By diff(1), which says what a binary file is, and where a last line does not end.
base::Status PrintDiff(const sandbox::KeptChanges& kept, const Change& change) {
  const std::string source = SourcePath(kept, change);
  const std::string changed = kept.layers.at(change.layer).upper + "/" + change.path;
  const bool added = change.kind == Change::Kind::kAdded;
  const bool deleted = change.kind == Change::Kind::kDeleted;
  const std::string old_label = added ? "/dev/null" : "a" + source;
  const std::string new_label = deleted ? "/dev/null" : "b" + source;
  std::vector<std::string> words = {"diff",
                                    "-u",
                                    "--no-dereference",
                                    "--label",
                                    old_label,
                                    "--label",
                                    new_label,
                                    "--",
                                    added ? "/dev/null" : source,
                                    deleted ? "/dev/null" : changed};
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  if (std::fflush(stdout) != 0) return base::SystemError("write standard output", errno);
  const auto child = os::Fork(0);
  if (!child) return base::SystemError("start diff", child.error().value);
  if (child->pid == 0) {
    (void)os::Execute("/usr/bin/diff", arguments.data(), environ);
    os::Exit(127);
  }
  const auto ended = os::WaitFor(child->pid);
  if (!ended) return base::SystemError("wait for diff", ended.error().value);
  // 0 and 1 are its answers.
  const int status = ended->wait_status;
  if (status == 0 || status == 1 << 8) return {};
  return base::Unsupported(fmt::format("compare {}: /usr/bin/diff did not", base::Escape(source)));
}

int Settle(sandbox::KeptChanges kept, const std::vector<Change>& changes,
           const ChangesOptions& options) {
  if (options.apply) {
    const auto conflict = std::ranges::find(changes, true, &Change::conflict);
    if (conflict != changes.end() && !options.force) {
      (void)Fail("changes", base::InvalidInput(fmt::format(
                                "apply {}: it was changed outside meanwhile (--force applies)",
                                base::Escape(SourcePath(kept, *conflict)))));
      return kNo;
    }
    if (const auto done = sandbox::ApplyChanges(kept, changes); !done)
      return Fail("changes", done.error());
  }
  if (const auto done = sandbox::DropKept(std::move(kept)); !done)
    return Fail("changes", done.error());
  return kYes;
}

int ListAll() {
  const auto names = sandbox::ListKept();
  if (!names) return Fail("changes", names.error());
  for (const std::string& name : *names) fmt::print("{}\n", base::Escape(name));
  return kYes;
}

}  // namespace

int RunChanges(int argc, char** argv) {
  Arguments arguments(
      "changes",
      "Shows what a sandbox of `bailey run --overlay` has changed, applies it, or throws it away.\n"
      "Without a name: the names of all that is kept.");
  ChangesOptions options;
  arguments.Value("name", options.name, "as `bailey run --overlay` said");
  arguments.Flag("--diff", options.diff, "the contents of files, by diff(1)");
  const auto apply = arguments.Flag("--apply", options.apply, "apply the changes, and forget them");
  arguments.Flag("--force", options.force,
                 "with --apply: also over what was changed outside meanwhile");
  arguments.Flag("--drop", options.drop, "throw the changes away").Excludes(apply);
  arguments.Flag("--json", options.json, "print JSON (docs/schemas/changes.schema.json)");
  if (const auto code = arguments.Read({argv + 1, argv + argc}, kUsage)) return *code;
  if (options.name.empty()) return ListAll();
  if (const auto done = os::ExpectChildren(); !done)
    return Fail("changes", base::SystemError("expect children", done.error().value));
  auto kept = sandbox::OpenKept(options.name);
  if (!kept) return Fail("changes", kept.error());
  if (options.drop) return Settle(*std::move(kept), {}, options);
  const auto changes = sandbox::ListChanges(*kept);
  if (!changes) return Fail("changes", changes.error());
  if (options.apply) return Settle(*std::move(kept), *changes, options);
  if (options.json) {
    fmt::print("{}\n", ToJson(*kept, *changes));
  } else if (!options.diff) {
    PrintList(*kept, *changes);
  } else {
    for (const Change& change : *changes) {
      if (change.type != Change::Type::kFile) continue;
      if (const auto printed = PrintDiff(*kept, change); !printed)
        return Fail("changes", printed.error());
    }
  }
  return kYes;
}

}  // namespace bailey::cli
