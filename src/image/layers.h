// An image's layers as one tree: what hides what, decided before anything is written. A name is a
// list of names in directories here and never a path on the host. Pure.
//
//   LayeredTree tree;
//   for (const auto& layer : layers) tree.Add(layer);    // the lowest first
//   tree.Directories(), tree.Others(), tree.Names({layer, entry})
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace bailey::image {

struct LayerEntry {
  enum class Kind : std::uint8_t { kDirectory, kFile, kSymlink, kHardLink, kFifo, kDevice };
  Kind kind = Kind::kFile;
  std::string path,
      link;  // as the tar has them; `link`: a symlink's text, a hard link's other name
  std::uint32_t mode = 0;
  std::uint64_t uid = 0, gid = 0;
  std::uint64_t size = 0;
  bool operator==(const LayerEntry&) const = default;
};

// An entry of a layer, both counted from 0.
struct Place {
  std::size_t layer = 0, entry = 0;
  auto operator<=>(const Place&) const = default;
};

struct NamedEntry {
  std::string path;  // "usr/bin/env"; empty for the root
  LayerEntry entry;
  bool operator==(const NamedEntry&) const = default;
};

class LayeredTree {
 public:
  LayeredTree();
  LayeredTree(LayeredTree&&) noexcept;
  LayeredTree& operator=(LayeredTree&&) noexcept;
  ~LayeredTree();

  // kInvalidInput for a name that leads elsewhere (absolute, "..", below a symlink), for a hard
  // link to nothing, and for more than can be kept. Devices are left out.
  base::Status Add(const std::vector<LayerEntry>& layer);

  // Each after the one that it lies in, else by name; those that no layer describes are root's.
  std::vector<NamedEntry> Directories() const;
  // Symlinks and FIFOs, likewise.
  std::vector<NamedEntry> Others() const;
  // The names of each regular file that is left, sorted.
  std::map<Place, std::vector<std::string>> Files() const;
  std::uint64_t LeftOut() const { return left_out_; }

 private:
  struct Node;
  struct Found;
  // The directory that a path lies in; `make`: also where it is not there yet.
  base::Result<Found> Find(const std::vector<std::string>& names, const std::string& shown,
                           bool make);
  base::Status Hide(const LayerEntry& entry);
  base::Status Put(const LayerEntry& entry, Place place);

  std::unique_ptr<Node> root_;
  std::size_t layer_ = 0, nodes_ = 0;
  std::uint64_t left_out_ = 0;
};

}  // namespace bailey::image
