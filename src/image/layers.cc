#include "image/layers.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <string_view>

#include "base/text.h"

namespace bailey::image {
namespace {

using Kind = LayerEntry::Kind;

// The image specification's names for what a layer hides of those below it.
constexpr std::string_view kMark = ".wh.", kMarkAll = ".wh..wh..opq", kReserved = ".wh..wh.";
constexpr std::size_t kMostNodes = 1'000'000;
constexpr std::size_t kMostPath = 4096, kMostName = 255;

std::string Show(std::string_view path) {
  return base::Escape(path.substr(0, 200)) + (path.size() > 200 ? "..." : "");
}

base::Error Refused(std::string_view path, std::string_view why) {
  return base::InvalidInput(fmt::format("read a layer: {} {}", Show(path), why));
}

// "./a//b/" as {"a", "b"}.
base::Result<std::vector<std::string>> Names(const std::string& path) {
  if (path.starts_with('/')) return Refused(path, "begins at the root");
  if (path.size() > kMostPath) return Refused(path, "is too long");
  std::vector<std::string> names;
  for (const std::string_view name : base::Split(path, '/')) {
    if (name.empty() || name == ".") continue;
    if (name == "..") return Refused(path, "leads out of its directory");
    if (name.size() > kMostName) return Refused(path, "has a name that is too long");
    if (name.find('\0') != name.npos) return Refused(path, "has a null in it");
    names.emplace_back(name);
  }
  return names;
}

// What names of a layer's mean.
enum class Meaning : std::uint8_t { kEntry, kHides, kHidesAll, kNothing };

base::Result<Meaning> MeaningOf(const std::vector<std::string>& names, const std::string& path) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::string_view name = names[i];
    if (!name.starts_with(kMark)) continue;
    const bool last = i + 1 == names.size();
    if (last && name == kMarkAll) return Meaning::kHidesAll;
    if (name.starts_with(kReserved)) return Meaning::kNothing;  // another file system's own
    if (!last) return Refused(path, "lies below a mark of what is hidden");
    const std::string_view hidden = name.substr(kMark.size());
    if (hidden.empty() || hidden == "." || hidden == "..")
      return Refused(path, "hides what is no name");
    return Meaning::kHides;
  }
  return Meaning::kEntry;
}

LayerEntry RootsDirectory() {
  LayerEntry entry;
  entry.kind = Kind::kDirectory;
  entry.mode = 0755;
  return entry;
}

}  // namespace

struct LayeredTree::Node {
  LayerEntry entry = RootsDirectory();
  Place place;                                            // of a file's bytes
  std::map<std::string, std::unique_ptr<Node>> children;  // of a directory
};

struct LayeredTree::Found {
  Node* directory = nullptr;
  std::string name;  // in it; empty for the root itself
};

LayeredTree::LayeredTree() : root_(std::make_unique<Node>()) {}
LayeredTree::LayeredTree(LayeredTree&&) noexcept = default;
LayeredTree& LayeredTree::operator=(LayeredTree&&) noexcept = default;
LayeredTree::~LayeredTree() = default;

base::Result<LayeredTree::Found> LayeredTree::Find(const std::vector<std::string>& names,
                                                   const std::string& shown, bool make) {
  Found found{root_.get(), ""};
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i + 1 == names.size()) {
      found.name = names[i];
      break;
    }
    const auto there = found.directory->children.find(names[i]);
    if (there == found.directory->children.end() && !make) return Found{};
    auto& child = there == found.directory->children.end() ? found.directory->children[names[i]]
                                                           : there->second;
    if (!child) {
      child = std::make_unique<Node>();
      ++nodes_;
    }
    if (child->entry.kind == Kind::kSymlink)
      return Refused(shown, fmt::format("lies below {}, which is a symlink", Show(names[i])));
    if (child->entry.kind != Kind::kDirectory)
      return Refused(shown, fmt::format("lies below {}, which is no directory", Show(names[i])));
    found.directory = child.get();
  }
  return found;
}

// Before a layer's own entries: only what is below it is hidden.
base::Status LayeredTree::Hide(const LayerEntry& entry) {
  auto names = Names(entry.path);
  if (!names) return names.error();
  const auto meaning = MeaningOf(*names, entry.path);
  if (!meaning) return meaning.error();
  if (*meaning != Meaning::kHides && *meaning != Meaning::kHidesAll) return {};
  names->back().erase(0, kMark.size());
  const auto found = Find(*names, entry.path, false);
  if (!found) return found.error();
  if (!found->directory) return {};
  if (*meaning == Meaning::kHidesAll)
    found->directory->children.clear();
  else
    found->directory->children.erase(found->name);
  return {};
}

base::Status LayeredTree::Put(const LayerEntry& entry, Place place) {
  const auto names = Names(entry.path);
  if (!names) return names.error();
  const auto meaning = MeaningOf(*names, entry.path);
  if (!meaning) return meaning.error();
  if (*meaning != Meaning::kEntry) return {};
  if (entry.kind == Kind::kDevice) {
    ++left_out_;
    return {};
  }
  const auto found = Find(*names, entry.path, true);
  if (!found) return found.error();
  if (found->name.empty()) {
    if (entry.kind != Kind::kDirectory) return Refused(entry.path, "is the root, and no directory");
    root_->entry = entry;
    return {};
  }
  auto made = std::make_unique<Node>();
  made->entry = entry;
  made->place = place;
  if (entry.kind == Kind::kHardLink) {
    const auto linked = Names(entry.link);
    if (!linked) return linked.error();
    const auto other = Find(*linked, entry.link, false);
    if (!other) return other.error();
    const base::Error gone =
        Refused(entry.path, fmt::format("is a link to {}, which is not there", Show(entry.link)));
    if (!other->directory || other->name.empty()) return gone;
    const auto target = other->directory->children.find(other->name);
    if (target == other->directory->children.end()) return gone;
    if (target->second->entry.kind == Kind::kDirectory)
      return Refused(entry.path,
                     fmt::format("is a link to {}, which is a directory", Show(entry.link)));
    made->entry = target->second->entry;
    made->place = target->second->place;
  }
  auto& node = found->directory->children[found->name];
  if (!node) ++nodes_;
  // A directory over a directory keeps what is in it.
  if (node && node->entry.kind == Kind::kDirectory && entry.kind == Kind::kDirectory)
    made->children = std::move(node->children);
  node = std::move(made);
  return {};
}

base::Status LayeredTree::Add(const std::vector<LayerEntry>& layer) {
  for (const LayerEntry& entry : layer)
    if (const auto hidden = Hide(entry); !hidden) return hidden;
  for (std::size_t i = 0; i < layer.size(); ++i) {
    if (const auto put = Put(layer[i], {layer_, i}); !put) return put;
    if (nodes_ > kMostNodes)
      return base::InvalidInput(
          fmt::format("read a layer: the image has more than {} names", kMostNodes));
  }
  ++layer_;
  return {};
}

namespace {

// Calls for each node, parents first.
template <class Node>
void Walk(const Node& node, const std::string& path,
          const std::function<void(const std::string&, const Node&)>& visit) {
  visit(path, node);
  for (const auto& [name, child] : node.children)
    Walk(*child, path.empty() ? name : path + "/" + name, visit);
}

}  // namespace

std::vector<NamedEntry> LayeredTree::Directories() const {
  std::vector<NamedEntry> all;
  Walk<Node>(*root_, "", [&](const std::string& path, const Node& node) {
    if (node.entry.kind == Kind::kDirectory) all.push_back({path, node.entry});
  });
  return all;
}

std::vector<NamedEntry> LayeredTree::Others() const {
  std::vector<NamedEntry> all;
  Walk<Node>(*root_, "", [&](const std::string& path, const Node& node) {
    if (node.entry.kind == Kind::kSymlink || node.entry.kind == Kind::kFifo)
      all.push_back({path, node.entry});
  });
  return all;
}

std::map<Place, std::vector<std::string>> LayeredTree::Files() const {
  std::map<Place, std::vector<std::string>> all;
  Walk<Node>(*root_, "", [&](const std::string& path, const Node& node) {
    if (node.entry.kind == Kind::kFile) all[node.place].push_back(path);
  });
  return all;
}

}  // namespace bailey::image
