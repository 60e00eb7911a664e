// bailey diff: what two filters answer differently.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <string>

#include "base/text.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/prove.h"
#include "cli/replay_json.h"
#include "os/process.h"
#include "prove/call_text.h"
#include "prove/difference.h"
#include "verify/meaning.h"

namespace bailey::cli {
namespace {

using prove::Change;
using prove::ChangeKind;

struct DiffOptions {
  std::string before, after;
  std::vector<std::string> architectures;
  bool json = false;
  bool allow_tightening = false;
  bool replay = false;
};

// What the kernel answers to a change's witness, under the old filter and under the new.
struct Replayed {
  prove::ReplayAnswer before, after;
};
using Replays = std::vector<Replayed>;  // of each change, or of none

constexpr char kDescription[] =
    "Decides whether two filters answer every call alike, and lists what they do not: per\n"
    "architecture, from which answer to which, when, and a call that shows it. Exit status: 0\n"
    "equal, 1 different, 3 undecided, 70 when --replay shows that this kernel contradicts.";

void Describe(Arguments& arguments, DiffOptions& options) {
  arguments.Value("OLD", options.before, "a policy file, a preset, or a file of filter bytes")
      .Required();
  arguments.Value("NEW", options.after, "the same").Required();
  arguments.Values("--arch", options.architectures,
                   "what files of bytes are for (default: this machine)");
  arguments.Flag("--replay", options.replay,
                 "ask this kernel too, for each call shown, which is never made");
  arguments.Flag("--json", options.json, "print JSON");
  arguments.Flag("--allow-tightening", options.allow_tightening,
                 "exit with 1 only when something is newly allowed");
}

std::string_view Name(ChangeKind kind) {
  switch (kind) {
    case ChangeKind::kNewlyAllowed:
      return "newly allowed";
    case ChangeKind::kNewlyDenied:
      return "newly denied";
    case ChangeKind::kOther:
      return "answered otherwise";
  }
  return "";
}

std::string ArchName(const Change& change) {
  return change.arch ? std::string(abi::Info(*change.arch).name) : "other architectures";
}

std::string Answers(const Change& change) {
  return fmt::format("{} -> {}", prove::OutcomeText(change.from, change.witness.arch),
                     prove::OutcomeText(change.to, change.witness.arch));
}

std::string Text(std::span<const Change> changes, const Replays& replays) {
  if (changes.empty()) return "equal\n";
  std::vector<std::string> archs;
  for (const Change& change : changes) {
    if (std::ranges::find(archs, ArchName(change)) == archs.end())
      archs.push_back(ArchName(change));
  }
  std::string text;
  for (const std::string& arch : archs) {
    for (const ChangeKind kind :
         {ChangeKind::kNewlyAllowed, ChangeKind::kNewlyDenied, ChangeKind::kOther}) {
      bool is_first = true;
      for (std::size_t i = 0; i < changes.size(); ++i) {
        const Change& change = changes[i];
        if (ArchName(change) != arch || change.kind != kind) continue;
        if (is_first) text += fmt::format("{}, {}\n", arch, Name(kind));
        is_first = false;
        text += fmt::format("  {}: {}{}\n", change.what, Answers(change),
                            change.when.empty() ? "" : ", when " + change.when);
        text += fmt::format("      {}\n", prove::CallText(change.witness));
        if (replays.empty()) continue;
        text += fmt::format("      old {}\n", prove::ReplayText(replays[i].before));
        text += fmt::format("      new {}\n", prove::ReplayText(replays[i].after));
      }
    }
  }
  return text;
}

std::string Json(std::span<const Change> changes, const Replays& replays) {
  nlohmann::ordered_json json;
  json["version"] = 1;
  json["equal"] = changes.empty();
  json["changes"] = nlohmann::ordered_json::array();
  for (std::size_t i = 0; i < changes.size(); ++i) {
    const Change& change = changes[i];
    nlohmann::ordered_json one;
    one["kind"] = Name(change.kind);
    one["architecture"] = ArchName(change);
    one["calls"] = change.what;
    if (!change.when.empty()) one["when"] = change.when;
    one["from"] = prove::OutcomeText(change.from, change.witness.arch);
    one["to"] = prove::OutcomeText(change.to, change.witness.arch);
    one["witness"] = {{"text", prove::CallText(change.witness)},
                      {"arch", change.witness.arch},
                      {"nr", change.witness.nr},
                      {"args", change.witness.args},
                      {"instruction_pointer", change.witness.instruction_pointer}};
    if (!replays.empty()) {
      one["replay"]["old"] = ReplayJson(replays[i].before);
      one["replay"]["new"] = ReplayJson(replays[i].after);
    }
    json["changes"].push_back(std::move(one));
  }
  return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

base::Result<Replays> Replay(const prove::Subject& before, const prove::Subject& after,
                             std::span<const Change> changes) {
  if (const auto done = os::ExpectChildren(); !done)
    return base::SystemError("expect children", done.error().value);
  Replays replays;
  for (const Change& change : changes) {
    replays.push_back({prove::Replay(before, change.witness, change.from),
                       prove::Replay(after, change.witness, change.to)});
  }
  return replays;
}

bool HasContradiction(const Replays& replays) {
  return std::ranges::any_of(replays, [](const Replayed& one) {
    return one.before.status == prove::ReplayStatus::kContradicts ||
           one.after.status == prove::ReplayStatus::kContradicts;
  });
}

base::Result<int> Diff(const DiffOptions& options) {
  const auto before = ReadSubject({options.before}, options.architectures);
  if (!before) return before.error();
  const auto after = ReadSubject({options.after}, options.architectures);
  if (!after) return after.error();
  if (before->subject.big_endian != after->subject.big_endian) {
    return base::InvalidInput(fmt::format("compare {} with {}: they are for different byte orders",
                                          base::Escape(options.before),
                                          base::Escape(options.after)));
  }
  std::vector<bpf::Program> both = before->subject.stack;
  both.insert(both.end(), after->subject.stack.begin(), after->subject.stack.end());
  verify::Diagram diagram(verify::ChooseOrder(both));
  const verify::Ref was =
      verify::MeaningOf(diagram, before->subject.stack, before->subject.big_endian);
  const verify::Ref is =
      verify::MeaningOf(diagram, after->subject.stack, after->subject.big_endian);
  const auto changes = prove::ListChanges(diagram, was, is);
  if (!changes) {
    return base::Unsupported(
        fmt::format("compare {} with {}: undecided, the limit of nodes or steps was reached",
                    base::Escape(options.before), base::Escape(options.after)));
  }
  base::Result<Replays> replays;
  if (options.replay) replays = Replay(before->subject, after->subject, *changes);
  if (!replays) return replays.error();
  fmt::print("{}", options.json ? Json(*changes, *replays) : Text(*changes, *replays));
  if (HasContradiction(*replays)) return kBug;
  if (changes->empty()) return kYes;
  const bool is_loosened = std::ranges::any_of(
      *changes, [](const Change& change) { return change.kind == ChangeKind::kNewlyAllowed; });
  return options.allow_tightening && !is_loosened ? kYes : kNo;
}

}  // namespace

int RunDiff(int argc, char** argv) {
  DiffOptions options;
  Arguments arguments("diff", kDescription);
  Describe(arguments, options);
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (const auto code = arguments.Read(words, kUsage)) return *code;
  const auto code = Diff(options);
  return code ? *code : Fail("diff", code.error());
}

}  // namespace bailey::cli
