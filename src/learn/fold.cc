#include "learn/fold.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string_view>

#include "base/text.h"
#include "sandbox/host_path.h"

namespace bailey::learn {
namespace {

constexpr std::size_t kMany = 4;

// The paths that were used, as a tree of names.
struct Node {
  std::map<std::string, std::unique_ptr<Node>, std::less<>> children;
  bool is_used = false;
};

void Insert(Node& root, const std::string& path) {
  Node* node = &root;
  for (const std::string_view name : base::Split(path, '/')) {
    if (name.empty()) continue;
    auto& child = node->children[std::string(name)];
    if (!child) child = std::make_unique<Node>();
    node = child.get();
  }
  node->is_used = true;
}

void Collect(const Node& node, const std::string& path, std::vector<std::string>& out) {
  const bool is_whole = node.is_used && node.children.empty();
  const bool has_many = node.children.size() >= kMany;
  if (is_whole || (!IsBroad(path) && (has_many || node.is_used))) {
    // A directory of everybody's that was only looked at needs no grant.
    if (!IsBroad(path) || is_whole) out.push_back(path);
    return;
  }
  for (const auto& [name, child] : node.children) Collect(*child, sandbox::Join(path, name), out);
}

std::vector<std::string> FoldAll(const std::vector<std::string>& paths) {
  Node root;
  for (const std::string& path : paths) Insert(root, path);
  std::vector<std::string> folded;
  Collect(root, "/", folded);
  std::erase_if(folded, [](const std::string& path) { return path == "/"; });
  std::ranges::sort(folded);
  return folded;
}

bool IsBelowAny(const std::vector<std::string>& directories, const std::string& path) {
  return std::ranges::any_of(directories,
                             [&](const std::string& one) { return sandbox::IsWithin(path, one); });
}

}  // namespace

bool IsBroad(std::string_view path) {
  const auto slashes = std::ranges::count(path, '/');
  if (path == "/" || slashes == 1) return true;
  return slashes == 2 && (path.starts_with("/home/") || path.starts_with("/var/"));
}

Grants Fold(const Profile& profile, const std::string& workspace,
            const std::function<bool(const std::string& path, bool write)>& is_shown) {
  std::vector<std::string> read, write;
  std::set<std::string> named;
  bool uses_workspace = false, changes_workspace = false;
  for (const auto& [path, use] : profile.paths) {
    const bool writes = use.write || use.change_entries;
    if (!writes && !use.read && !use.execute && !sandbox::IsWithin(path, workspace)) continue;
    if (sandbox::IsWithin(path, workspace)) {
      uses_workspace = true;
      changes_workspace |= writes;
      continue;
    }
    if (writes) {
      const std::string changed = use.change_entries ? std::string(sandbox::Parent(path)) : path;
      // To make an entry right below "/" or "/home/me" asks for too much: the path alone is named.
      const std::string& granted = IsBroad(changed) ? path : changed;
      if (!is_shown(path, true)) write.push_back(granted);
    } else if (const auto around = std::ranges::find_if(
                   profile.named,
                   [&](const std::string& one) { return sandbox::IsWithin(path, one); });
               around != profile.named.end()) {
      named.insert(*around);
    } else if (!is_shown(path, false)) {
      read.push_back(path);
    }
  }
  Grants grants = {FoldAll(read), FoldAll(write), {named.begin(), named.end()}};
  if (uses_workspace) (changes_workspace ? grants.write : grants.read).push_back(workspace);
  std::erase_if(grants.read,
                [&](const std::string& path) { return IsBelowAny(grants.write, path); });
  std::ranges::sort(grants.read);
  std::ranges::sort(grants.write);
  return grants;
}

}  // namespace bailey::learn
