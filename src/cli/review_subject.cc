// Which kind of subject a name or a file is: by what it is called, and by what is in it.
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>

#include "base/text.h"
#include "cli/arguments.h"
#include "cli/input.h"
#include "cli/review.h"
#include "policy/load.h"
#include "review/read.h"

namespace bailey::cli {
namespace {

using review::Subject;

// More than any of these files has; reading it all says that it is too much.
constexpr std::size_t kMaxFileBytes = 4u << 20;

bool IsPolicyName(const std::string& name) {
  if (name == "-") return false;
  if (name.ends_with(".toml")) return true;
  for (const policy::Preset& preset : policy::Presets()) {
    if (preset.name == name) return true;
  }
  struct stat status = {};
  return name.find('/') == std::string::npos && stat(name.c_str(), &status) != 0;
}

base::Result<std::string> ReadFile(const std::string& name) {
  auto text = ReadInput(name, kMaxFileBytes + 1);
  if (text && text->size() > kMaxFileBytes) {
    return base::InvalidInput(
        fmt::format("read {}: it is larger than {} bytes", base::Escape(name), kMaxFileBytes));
  }
  return text;
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
    if (!stack_.empty()) Add(review::ReadFilters(stack_, names_.archs));
    if (!error_.text.empty()) return error_;
    if (whole_.title.empty()) {
      return base::InvalidInput("read subject: none is named (a policy, a preset, or filters)");
    }
    return std::move(whole_);
  }

 private:
  void Add(base::Result<Subject> part) {
    if (!error_.text.empty()) return;
    if (!part) {
      error_ = part.error();
    } else if (auto joined = Join(whole_, *std::move(part)); !joined) {
      error_ = joined.error();
    }
  }

  void Add(const std::string& name) {
    if (IsPolicyName(name)) {
      const auto context = CallerContext();
      return Add(context ? review::ReadPolicy(name, *context, names_.archs)
                         : base::Result<Subject>(context.error()));
    }
    const auto text = ReadFile(name);
    if (!text) return Add(base::Result<Subject>(text.error()));
    stack_.push_back({name, *text});
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

}  // namespace bailey::cli
