// ".." is taken away by name only where that is what the kernel would do: at the front of a path,
// against the current directory, which has no symbolic links in it.
#include "policy/paths.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "policy/table_reader.h"

namespace bailey::policy {
namespace {

constexpr std::size_t kMaxPath = 4095;  // PATH_MAX without the zero

bool TakeHome(std::string_view& rest) {
  if (rest != "~" && !rest.starts_with("~/")) return false;
  rest.remove_prefix(1);
  return true;
}

}  // namespace

base::Result<Path> ResolvePath(std::string_view written, PathKind kind, const Context& context,
                               std::string_view section, std::string_view key) {
  const auto refuse = [&](std::string_view cause) {
    return base::InvalidInput(
        fmt::format("resolve {} {} {}: {}", section, key, Quote(written), cause));
  };
  Path path;
  std::string_view rest = written;
  if (kind == PathKind::kOptional && rest.ends_with('?')) {
    path.optional = true;
    rest.remove_suffix(1);
  }
  if (rest.empty()) return refuse("it is empty");
  if (kind != PathKind::kPattern && rest.find_first_of("*?") != std::string_view::npos)
    return refuse("patterns are for hide only");
  if (TakeHome(rest)) {
    if (context.home.empty()) return refuse("the home directory is not known");
    path.text = context.home;
  } else if (rest.front() != '/') {
    if (context.current_directory.empty()) return refuse("the current directory is not known");
    path.text = context.current_directory;
  }
  while (path.text.ends_with('/')) path.text.pop_back();

  bool named = written.starts_with('~');
  while (!rest.empty()) {
    const std::size_t slash = std::min(rest.find('/'), rest.size());
    const std::string_view part = rest.substr(0, slash);
    rest.remove_prefix(std::min(slash + 1, rest.size()));
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      named = true;
      path.text += '/';
      path.text += part;
      continue;
    }
    if (named) return refuse("\"..\" behind a name could lead through a symbolic link");
    path.text.resize(path.text.empty() ? 0 : path.text.rfind('/'));
  }
  if (path.text.empty()) path.text.push_back('/');
  if (path.text.size() > kMaxPath) return refuse("it is longer than 4095 bytes");
  return path;
}

std::optional<int> DescriptorIn(std::string_view from) {
  constexpr std::string_view kPrefix = "fd:";
  if (!from.starts_with(kPrefix)) return std::nullopt;
  from.remove_prefix(kPrefix.size());
  int descriptor = -1;
  const auto [end, error] = std::from_chars(from.data(), from.data() + from.size(), descriptor);
  if (error != std::errc() || end != from.data() + from.size() || descriptor < 0)
    return std::nullopt;
  return descriptor;
}

}  // namespace bailey::policy
