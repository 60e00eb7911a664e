// bailey review: a subject on trial, with evidence behind every ruling.
#include "cli/review.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/text.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/input.h"
#include "cli/prove.h"
#include "cli/review_model.h"
#include "os/process.h"
#include "policy/hot.h"
#include "review/against.h"
#include "review/report.h"
#include "review/trial.h"

namespace bailey::cli {
namespace {

constexpr std::size_t kMaxInputBytes = 4u << 20;

struct ReviewOptions {
  ReviewNames names;
  std::vector<std::string> architectures;
  std::string against, claims, profile;
  std::string format = "text";
  std::string fail_on = "high";
  bool probe = false;
  ModelOptions model;
};

constexpr char kDescription[] =
    "Puts a subject on trial: a researcher files what is wrong with it, its author answers from\n"
    "the subject itself, a moderator sums up, and a board rules by the evidence. Exit status: 0\n"
    "nothing at or above --fail-on, 1 something, 2 bad input, 3 it cannot be decided here.";

void Describe(Arguments& arguments, ReviewOptions& options) {
  arguments.Values("SUBJECT", options.names.subjects,
                   "a policy, a preset, a file of filter bytes (several are a stack), an OCI or "
                   "Firecracker configuration, a C, C++ or Rust source");
  arguments.Value("--pid", options.names.pid, "a running process");
  arguments.Flag("--bwrap", options.names.has_bwrap,
                 "what bubblewrap would make of all arguments after this");
  arguments.Value("--oci", options.names.oci, "an OCI runtime's config.json");
  arguments.Value("--firecracker", options.names.firecracker, "a Firecracker configuration");
  arguments.Values("--arch", options.architectures,
                   "judged for this architecture; may be repeated");
  arguments.Value(
      "--against", options.against,
      "judge the change from this: a file, a preset, or a revision of the subject's git "
      "tree");
  arguments.Value("--claims", options.claims,
                  "a review by somebody else (JSON), put to the same evidence");
  arguments.Flag("--probe", options.probe, "ask this machine's kernel about what was found");
  arguments.Value("--profile", options.profile,
                  "calls that a program was seen to make: no proposed change may deny them");
  arguments.Value("--format", options.format, "json, markdown, sarif, html or text");
  arguments.Value(
      "--fail-on", options.fail_on,
      "exit with 1 from this severity on: low, medium, high (default), critical, never");
  DescribeModel(arguments, options.model);
}

constexpr std::array<std::string_view, 5> kFormats = {"json", "markdown", "sarif", "html", "text"};

base::Result<std::optional<review::Severity>> ReadThreshold(const std::string& name) {
  using review::Severity;
  if (name == "never") return std::nullopt;
  for (const Severity one :
       {Severity::kLow, Severity::kMedium, Severity::kHigh, Severity::kCritical}) {
    if (review::Name(one) == name) return one;
  }
  return base::InvalidInput(fmt::format(
      "read --fail-on \"{}\": it is low, medium, high, critical or never", base::Escape(name)));
}

std::string Report(const std::string& format, const review::Trial& trial,
                   const review::Subject& subject) {
  if (format == "json") return review::Json(trial);
  if (format == "markdown") return review::Markdown(trial);
  if (format == "sarif") return review::Sarif(trial, subject);
  if (format == "html") return review::Html(trial, subject);
  return review::Text(trial);
}

base::Result<int> Review(ReviewOptions& options) {
  if (std::ranges::find(kFormats, options.format) == kFormats.end()) {
    return base::InvalidInput(
        fmt::format("read --format \"{}\": it is json, markdown, sarif, html or text",
                    base::Escape(options.format)));
  }
  if (!options.against.empty() && !options.model.server.model.empty()) {
    return base::InvalidInput("read --model: --against compares what rules and proofs find alone");
  }
  const auto threshold = ReadThreshold(options.fail_on);
  if (!threshold) return threshold.error();
  auto archs = ReadArchs(options.architectures);
  if (!archs) return archs.error();
  options.names.archs = *std::move(archs);
  review::TrialOptions trial_options;
  trial_options.author.probe = options.probe;
  if (!options.profile.empty()) {
    const auto text = ReadInput(options.profile, kMaxInputBytes);
    if (!text) return text.error();
    auto recorded = policy::ParseHot(*text, options.profile);
    if (!recorded) return recorded.error();
    trial_options.author.recorded = *std::move(recorded);
  }
  if (!options.claims.empty()) {
    const auto text = ReadInput(options.claims, kMaxInputBytes);
    if (!text) return text.error();
    auto claims = review::ParseClaims(*text, options.claims);
    if (!claims) return claims.error();
    trial_options.claims = *std::move(claims);
  }
  // Probes wait for the children in which the kernel is asked.
  if (const auto expected = os::ExpectChildren(); options.probe && !expected)
    return base::SystemError("expect children", expected.error().value);
  const auto subject = ReadReviewed(options.names);
  if (!subject) return subject.error();
  review::Trial trial;
  if (options.against.empty()) {
    auto tried = TryWithRoles(*subject, trial_options, options.model);
    if (!tried) return tried.error();
    trial = *std::move(tried);
  } else {
    const auto before = ReadBefore(options.names, options.against);
    if (!before) return before.error();
    trial = review::TryChange(*before, *subject, trial_options);
  }
  fmt::print("{}", Report(options.format, trial, *subject));
  return *threshold && review::WorstOf(trial) >= **threshold ? kNo : kYes;
}

// Everything after --bwrap is bubblewrap's, whose own options look like ours.
SplitWords SplitAtBwrap(int argc, char** argv) {
  SplitWords split;
  const std::vector<std::string> words(argv + 1, argv + argc);
  const auto bwrap = std::ranges::find(words, "--bwrap");
  split.options.assign(words.begin(), bwrap);
  if (bwrap == words.end()) return split;
  split.options.push_back(*bwrap);
  split.program.assign(bwrap + 1, words.end());
  // Where they are set apart, as programs are.
  if (!split.program.empty() && split.program[0] == "--")
    split.program.erase(split.program.begin());
  return split;
}

}  // namespace

int RunReviewItself(int argc, char** argv) {
  ReviewOptions options;
  Arguments arguments("review", kDescription);
  Describe(arguments, options);
  SplitWords words = SplitAtBwrap(argc, argv);
  if (const auto code = arguments.Read(words.options, kUsage)) return *code;
  options.names.bwrap = std::move(words.program);
  const auto code = Review(options);
  return code ? *code : Fail("review", code.error());
}

}  // namespace bailey::cli
