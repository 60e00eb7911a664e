// bailey prove: guarantees about a filter, each proved, refuted with a call, or undecided.
#include "cli/prove.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <optional>
#include <string>

#include "base/text.h"
#include "cli/arguments.h"
#include "cli/certificate.h"
#include "cli/commands.h"
#include "cli/input.h"
#include "cli/prove_report.h"
#include "os/filters.h"
#include "os/process.h"
#include "policy/load.h"
#include "prove/keep.h"
#include "prove/replay.h"

namespace bailey::cli {
namespace {

struct ProveOptions {
  std::vector<std::string> subjects;
  std::vector<std::string> guarantees;
  std::vector<std::string> architectures;
  std::string file;
  int pid = 0;
  bool all = false;
  bool json = false;
  bool replay = false;
  std::string certificate;
};

constexpr char kDescription[] =
    "Decides guarantees about a filter, for every value of the 64 bytes that it sees: proved,\n"
    "refuted with a call that shows it, or undecided and why. Exit status: 0 all proved, 1 one\n"
    "is refuted, 3 none is refuted and one is undecided.\n"
    "Without --guarantee: what the policy promises to keep; for a filter or a process, what\n"
    "untrusted code needs.\n"
    "With --replay the kernel is asked for each call found, which is never made; an answer\n"
    "that contradicts is a bug, and exit status 70.";

void Describe(Arguments& arguments, ProveOptions& options) {
  arguments.Values("SUBJECT", options.subjects,
                   "a policy file, a preset, or files of filter bytes (- for standard input): "
                   "several are a stack, oldest first");
  arguments.Values("--guarantee", options.guarantees, "decide this one; may be repeated");
  arguments.Flag("--all", options.all, "decide all that there are");
  arguments.Values("--arch", options.architectures, "for this architecture only; may be repeated");
  arguments.Value("--guarantee-file", options.file, "guarantees of your own, decided too");
  arguments.Value("--pid", options.pid, "the filters of a running process");
  arguments.Value("--certificate", options.certificate,
                  "write here what tools/check-certificate checks the verdicts by");
  arguments.Flag("--replay", options.replay, "ask this kernel too, for each call that was found");
  arguments.Flag("--json", options.json, "print JSON");
}

base::Result<Judged> ReadProcess(const ProveOptions& options) {
  const auto archs = ReadArchs(options.architectures);
  if (!archs) return archs.error();
  const auto filters = os::FiltersOf(options.pid);
  if (!filters) return filters.error();
  Judged judged;
  judged.title = fmt::format("process {}", options.pid);
  judged.subject.archs = prove::MachineArchs({{abi::NativeArch()}});
  judged.subject.listed = judged.subject.archs;
  if (!archs->empty()) judged.subject.archs = judged.subject.listed = *archs;
  for (const std::vector<std::uint8_t>& bytes : *filters) {
    auto program = bpf::Read(bytes);
    if (!program) return program.error();
    judged.subject.stack.push_back(*std::move(program));
  }
  return judged;
}

base::Result<std::vector<const prove::Guarantee*>> Choose(const ProveOptions& options,
                                                          const Judged& judged,
                                                          const prove::Prover& prover,
                                                          std::span<const prove::Guarantee> own) {
  std::vector<const prove::Guarantee*> chosen;
  const auto add = [&](std::string_view name,
                       const base::Location& location) -> std::optional<base::Error> {
    const prove::Guarantee* const found = prover.Find(name);
    if (found != nullptr) {
      if (std::ranges::find(chosen, found) == chosen.end()) chosen.push_back(found);
      return std::nullopt;
    }
    return prove::NoSuchGuarantee(name, location);
  };
  for (const std::string& name : options.guarantees) {
    if (auto error = add(name, {})) return *std::move(error);
  }
  for (const prove::Guarantee& one : own) chosen.push_back(&one);
  if (options.all) {
    for (const prove::Guarantee& one : prove::BuiltinGuarantees()) chosen.push_back(&one);
  }
  if (options.all || !options.guarantees.empty() || !own.empty()) return chosen;
  for (const policy::Guarantee& kept : judged.keeps) {
    if (auto error = add(kept.name, kept.location)) return *std::move(error);
  }
  if (judged.is_policy) return chosen;
  for (const prove::Guarantee& one : prove::BuiltinGuarantees()) {
    if (one.untrusted) chosen.push_back(&one);
  }
  return chosen;
}

base::Status WriteOutput(const std::string& path, const std::string& text) {
  std::FILE* const file = std::fopen(path.c_str(), "wbe");
  const bool is_written =
      file != nullptr && std::fwrite(text.data(), 1, text.size(), file) == text.size();
  const int error = errno;
  const bool is_closed = file != nullptr && std::fclose(file) == 0;
  if (is_written && is_closed) return {};
  return base::SystemError(fmt::format("write {}", base::Escape(path)), is_written ? errno : error);
}

base::Status ReplayRows(const prove::Subject& subject, std::vector<Row>& rows) {
  if (const auto done = os::ExpectChildren(); !done)
    return base::SystemError("expect children", done.error().value);
  for (Row& row : rows) {
    if (row.finding.witness && row.finding.answer)
      row.replay = prove::Replay(subject, *row.finding.witness, *row.finding.answer);
  }
  return {};
}

base::Result<int> Prove(const ProveOptions& options) {
  if ((options.pid != 0) == !options.subjects.empty())
    return base::InvalidInput("read subject: name a policy or filters, or a process with --pid");
  auto judged = options.pid != 0 ? ReadProcess(options)
                                 : ReadSubject(options.subjects, options.architectures);
  if (!judged) return judged.error();
  std::optional<prove::GuaranteeFile> file;
  if (!options.file.empty()) {
    auto text = ReadInput(options.file, policy::kMaxPolicyBytes);
    if (!text) return text.error();
    auto parsed = prove::GuaranteeFile::Parse(*std::move(text), options.file);
    if (!parsed) return parsed.error();
    file = *std::move(parsed);
  }
  const auto own = file ? file->Guarantees() : std::span<const prove::Guarantee>();
  prove::Prover prover(judged->subject, own);
  const auto chosen = Choose(options, *judged, prover, own);
  if (!chosen) return chosen.error();
  std::vector<Row> rows;
  for (const prove::Guarantee* guarantee : *chosen)
    rows.push_back({guarantee, prover.Prove(*guarantee), std::nullopt});
  if (options.replay) {
    if (auto asked = ReplayRows(judged->subject, rows); !asked) return asked.error();
  }
  if (!options.certificate.empty()) {
    const auto certificate = CertificateOf(*judged, rows, prover);
    if (!certificate) return certificate.error();
    if (auto written = WriteOutput(options.certificate, *certificate); !written)
      return written.error();
  }
  fmt::print("{}", options.json ? JsonOf(*judged, rows) : TableOf(*judged, rows));
  if (HasContradiction(rows)) return kBug;
  if (Count(rows, prove::Verdict::kRefuted) > 0) return kNo;
  return Count(rows, prove::Verdict::kUndecided) > 0 ? kUnknown : kYes;
}

}  // namespace

int RunProve(int argc, char** argv) {
  ProveOptions options;
  Arguments arguments("prove", kDescription);
  Describe(arguments, options);
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (const auto code = arguments.Read(words, kUsage)) return *code;
  const auto code = Prove(options);
  return code ? *code : Fail("prove", code.error());
}

}  // namespace bailey::cli
