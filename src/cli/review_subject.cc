// Which kind of subject a name or a file is: by what it is called, and by what is in it.
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "cli/arguments.h"
#include "cli/caller.h"
#include "cli/input.h"
#include "cli/review.h"
#include "cli/review_before.h"
#include "policy/load.h"
#include "review/read.h"

namespace bailey::cli {
namespace {

using review::Subject;

// More than any of these files has; reading it all says that it is too much.
constexpr std::size_t kMaxFileBytes = 4u << 20;

constexpr std::array<std::string_view, 9> kSourceEndings = {".c",  ".cc",  ".cpp", ".cxx", ".h",
                                                            ".hh", ".hpp", ".hxx", ".rs"};

bool IsSource(std::string_view name) {
  return std::ranges::any_of(kSourceEndings,
                             [&](std::string_view ending) { return name.ends_with(ending); });
}

bool IsPreset(std::string_view name) {
  return std::ranges::any_of(policy::Presets(),
                             [&](const policy::Preset& preset) { return preset.name == name; });
}

bool IsFile(const std::string& name) {
  struct stat status = {};
  return stat(name.c_str(), &status) == 0;
}

bool IsPolicyName(const std::string& name) {
  if (name == "-") return false;
  if (name.ends_with(".toml") || IsPreset(name)) return true;
  return name.find('/') == std::string::npos && !IsFile(name);
}

base::Result<std::string> ReadFile(const std::string& name) {
  auto text = ReadInput(name, kMaxFileBytes + 1);
  if (text && text->size() > kMaxFileBytes) {
    return base::InvalidInput(
        fmt::format("read {}: it is larger than {} bytes", base::Escape(name), kMaxFileBytes));
  }
  return text;
}

bool IsJson(std::string_view text) { return base::Trim(text).starts_with('{'); }

base::Result<Subject> ReadJson(const std::string& text, const std::string& name) {
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (json.is_discarded())
    return base::InvalidInput(fmt::format("read {}: it is no valid JSON", base::Escape(name)));
  const auto has = [&](const char* key) { return json.contains(key); };
  if (has("ociVersion") || (has("process") && has("root"))) return review::ReadOci(text, name);
  if (has("boot-source") || has("machine-config") || has("drives") || has("network-interfaces"))
    return review::ReadFirecracker(text, name);
  return base::InvalidInput(
      fmt::format("read {}: it is neither an OCI configuration (ociVersion) nor Firecracker's "
                  "(boot-source)",
                  base::Escape(name)));
}

template <class T>
base::Status Take(std::optional<T>& into, std::optional<T>& part, const char* what,
                  const std::string& name) {
  if (!part) return {};
  if (into) {
    return base::InvalidInput(
        fmt::format("read {}: there is {} on trial already", base::Escape(name), what));
  }
  into = std::move(part);
  return {};
}

base::Status Join(Subject& whole, Subject part) {
  const std::string name = part.file;
  if (auto taken = Take(whole.filter, part.filter, "a filter", name); !taken) return taken;
  if (auto taken = Take(whole.policy, part.policy, "a policy", name); !taken) return taken;
  if (auto taken = Take(whole.confinement, part.confinement, "a sandbox", name); !taken)
    return taken;
  if (auto taken = Take(whole.machine, part.machine, "a machine", name); !taken) return taken;
  for (review::SourceFile& source : part.sources) whole.sources.push_back(std::move(source));
  whole.title += (whole.title.empty() ? "" : " and ") + part.title;
  if (whole.file.empty()) whole.file = part.file;
  return {};
}

// The files that hold no other kind of subject are a stack of filters.
class Reader {
 public:
  explicit Reader(const ReviewNames& names) : names_(names) {}

  base::Result<Subject> Read() {
    for (const std::string& name : names_.subjects) Add(name);
    return Finish();
  }

  base::Result<Subject> ReadText(const std::string& name, const std::string& text) {
    AddText(name, text);
    return Finish();
  }

 private:
  base::Result<Subject> Finish() {
    if (!stack_.empty()) Add(review::ReadFilters(stack_, names_.archs));
    if (names_.pid != 0) Add(review::ReadProcess(names_.pid));
    if (names_.has_bwrap) Add(review::ReadBwrap(names_.bwrap));
    AddFile(names_.oci, review::ReadOci);
    AddFile(names_.firecracker, review::ReadFirecracker);
    if (!error_.text.empty()) return error_;
    if (whole_.title.empty()) {
      return base::InvalidInput(
          "read subject: none is named (a policy, a preset, a file, --pid or --bwrap)");
    }
    return std::move(whole_);
  }

  void Add(base::Result<Subject> part) {
    if (!error_.text.empty()) return;
    if (!part) {
      error_ = part.error();
    } else if (auto joined = Join(whole_, *std::move(part)); !joined) {
      error_ = joined.error();
    }
  }

  void AddFile(const std::string& name,
               base::Result<Subject> (*read)(const std::string&, const std::string&)) {
    if (name.empty()) return;
    const auto text = ReadFile(name);
    Add(text ? read(*text, name) : base::Result<Subject>(text.error()));
  }

  void Add(const std::string& name) {
    if (IsPolicyName(name)) {
      const auto context = CallerContext();
      return Add(context ? review::ReadPolicy(name, *context, names_.archs)
                         : base::Result<Subject>(context.error()));
    }
    const auto text = ReadFile(name);
    if (!text) return Add(base::Result<Subject>(text.error()));
    AddText(name, *text);
  }

  void AddText(const std::string& name, const std::string& text) {
    if (IsSource(name)) return Add(review::ReadSource(text, name));
    if (IsJson(text)) return Add(ReadJson(text, name));
    stack_.push_back({name, text});
  }

  const ReviewNames& names_;
  Subject whole_;
  std::vector<review::FilterFile> stack_;
  base::Error error_;
};

}  // namespace

base::Result<review::Subject> ReadReviewed(const ReviewNames& names) {
  return Reader(names).Read();
}

base::Result<review::Subject> ReadBefore(const ReviewNames& names, const std::string& before) {
  ReviewNames old = names;
  if (IsFile(before) || IsPreset(before)) {
    old.subjects = {before};
    return Reader(old).Read();
  }
  if (names.subjects.size() != 1 || !IsFile(names.subjects[0])) {
    return base::InvalidInput(
        fmt::format("read --against {}: it is no file, and a revision is for a subject that is one "
                    "file",
                    base::Escape(before)));
  }
  const std::string& name = names.subjects[0];
  const auto text = TextAt(before, name);
  if (!text) return text.error();
  if (!name.ends_with(".toml")) {
    old.subjects.clear();
    return Reader(old).ReadText(name, *text);
  }
  auto context = CallerContext();
  if (!context) return context.error();
  // What the policy extends is found beside it.
  return review::ReadPolicyText(*text, name, *context, names.archs);
}

}  // namespace bailey::cli
