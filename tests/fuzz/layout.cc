// An OCI layout's documents, and layers laid over one another: names of all kinds, read from the
// input.
#include <string>
#include <vector>

#include "image/layers.h"
#include "image/oci.h"
#include "input.h"

using namespace bailey;

namespace {

void ReadDocuments(const std::string& text) {
  if (const auto index = image::ParseIndex(text)) {
    for (const image::Listed& one : *index)
      Demand(one.blob.digest.size() == 64, "a digest is fit for a name");
    if (const auto chosen = image::Choose(*index, "", "amd64"))
      Demand(chosen->blob.digest.find('/') == std::string::npos, "a digest is no path");
  } else {
    Demand(!index.error().text.empty(), "an error says something");
  }
  if (const auto manifest = image::ParseManifest(text))
    Demand(manifest->layers.size() <= image::kMostLayers, "layers are bounded");
}

// A line an entry: a letter that is its kind, its path, and after a "|" where it leads. An empty
// line begins another layer.
void LayOver(const std::string& text) {
  image::LayeredTree tree;
  std::vector<image::LayerEntry> layer;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string line = text.substr(at, end - at);
    at = end + 1;
    if (line.empty()) {
      if (!tree.Add(layer)) return;
      layer.clear();
      continue;
    }
    const std::size_t bar = line.find('|');
    image::LayerEntry entry;
    entry.kind = static_cast<image::LayerEntry::Kind>(static_cast<unsigned char>(line[0]) % 6);
    entry.path = line.substr(1, bar == std::string::npos ? bar : bar - (bar > 0 ? 1 : 0));
    if (bar != std::string::npos) entry.link = line.substr(bar + 1);
    layer.push_back(entry);
  }
  if (!tree.Add(layer)) return;
  for (const image::NamedEntry& one : tree.Directories())
    Demand(!one.path.starts_with('/') && !one.path.starts_with("../"), "a name stays in the tree");
  for (const auto& [place, names] : tree.Files())
    for (const std::string& name : names)
      Demand(!name.starts_with('/') && name.find("/../") == std::string::npos,
             "a name stays in the tree");
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(Text(data, size));
  ReadDocuments(text);
  LayOver(text);
  return 0;
}
