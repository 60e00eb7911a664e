#include "cli/prove_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "cli/replay_json.h"
#include "prove/call_text.h"

namespace bailey::cli {
namespace {

std::string ArchNames(const prove::Subject& subject) {
  std::string text;
  for (const abi::Arch arch : subject.archs)
    text += fmt::format("{}{}", text.empty() ? "" : ", ", abi::Info(arch).name);
  return text;
}

nlohmann::ordered_json WitnessJson(const prove::Finding& finding) {
  const bpf::SeccompData& witness = *finding.witness;
  nlohmann::ordered_json call;
  call["text"] = prove::CallText(witness);
  call["arch"] = witness.arch;
  call["nr"] = witness.nr;
  call["args"] = witness.args;
  call["instruction_pointer"] = witness.instruction_pointer;
  if (finding.answer) call["answer"] = prove::OutcomeText(*finding.answer, witness.arch);
  return call;
}

}  // namespace

std::string_view Name(prove::Verdict verdict) {
  switch (verdict) {
    case prove::Verdict::kProved:
      return "proved";
    case prove::Verdict::kRefuted:
      return "refuted";
    case prove::Verdict::kUndecided:
      return "undecided";
  }
  return "";
}

std::string_view Name(prove::ReplayStatus status) {
  switch (status) {
    case prove::ReplayStatus::kAgrees:
      return "agrees";
    case prove::ReplayStatus::kContradicts:
      return "contradicts";
    case prove::ReplayStatus::kNotReplayed:
      return "not replayed";
  }
  return "";
}

nlohmann::ordered_json ReplayJson(const prove::ReplayAnswer& answer) {
  nlohmann::ordered_json json;
  json["status"] = Name(answer.status);
  if (!answer.kernel.empty()) json["kernel"] = answer.kernel;
  if (!answer.reason.empty()) json["reason"] = answer.reason;
  return json;
}

std::size_t Count(std::span<const Row> rows, prove::Verdict verdict) {
  return static_cast<std::size_t>(
      std::ranges::count_if(rows, [&](const Row& row) { return row.finding.verdict == verdict; }));
}

bool HasContradiction(std::span<const Row> rows) {
  return std::ranges::any_of(rows, [](const Row& row) {
    return row.replay && row.replay->status == prove::ReplayStatus::kContradicts;
  });
}

std::string TableOf(const Judged& judged, std::span<const Row> rows) {
  std::string text;
  std::size_t width = 0;
  for (const Row& row : rows) width = std::max(width, row.guarantee->name.size());
  for (const Row& row : rows) {
    std::string line = fmt::format("{:<{}}  {:<9}  {}", row.guarantee->name, width,
                                   Name(row.finding.verdict), prove::WitnessText(row.finding));
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
    if (row.replay)
      text += fmt::format("{:<{}}             {}\n", "", width, prove::ReplayText(*row.replay));
  }
  text +=
      fmt::format("{} on {}: {} proved, {} refuted, {} undecided\n", base::Escape(judged.title),
                  ArchNames(judged.subject), Count(rows, prove::Verdict::kProved),
                  Count(rows, prove::Verdict::kRefuted), Count(rows, prove::Verdict::kUndecided));
  if (!judged.gives_up.empty())
    text += fmt::format("promises given up: {}\n", fmt::join(judged.gives_up, ", "));
  if (std::ranges::count(judged.subject.archs, abi::Arch::kX86_64) > 0) {
    text +=
        "x86_64 335 (uretprobe) and 336 (uprobe) pass any filter on recent kernels: nothing is "
        "promised about them\n";
  }
  return text;
}

std::string JsonOf(const Judged& judged, std::span<const Row> rows) {
  nlohmann::ordered_json json;
  json["version"] = 1;
  json["subject"] = judged.title;
  json["architectures"] = nlohmann::ordered_json::array();
  for (const abi::Arch arch : judged.subject.archs)
    json["architectures"].push_back(abi::Info(arch).name);
  if (!judged.gives_up.empty()) json["gives_up"] = judged.gives_up;
  json["guarantees"] = nlohmann::ordered_json::array();
  for (const Row& row : rows) {
    nlohmann::ordered_json one;
    one["name"] = row.guarantee->name;
    one["sentence"] = row.guarantee->sentence;
    one["verdict"] = Name(row.finding.verdict);
    if (!row.finding.reason.empty()) one["reason"] = row.finding.reason;
    if (row.finding.witness) one["witness"] = WitnessJson(row.finding);
    if (row.replay) one["replay"] = ReplayJson(*row.replay);
    json["guarantees"].push_back(std::move(one));
  }
  // Names come from the user; what is not UTF-8 in them must not throw.
  return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace bailey::cli
