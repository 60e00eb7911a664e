#include "image/oci.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>

#include "base/text.h"

namespace bailey::image {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kIndexTypes[] = {
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json"};
constexpr std::string_view kManifestTypes[] = {
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json"};
constexpr std::string_view kLayerTypes[] = {
    "application/vnd.oci.image.layer.v1.tar",
    "application/vnd.oci.image.layer.v1.tar+gzip",
    "application/vnd.oci.image.layer.v1.tar+zstd",
    "application/vnd.oci.image.layer.nondistributable.v1.tar",
    "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
    "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
    "application/vnd.docker.image.rootfs.diff.tar",
    "application/vnd.docker.image.rootfs.diff.tar.gzip"};
constexpr std::size_t kMostListed = 1000;
constexpr std::size_t kMostShown = 200;

base::Error Wrong(std::string_view document, const std::string& why) {
  return base::InvalidInput(fmt::format("read {}: {}", document, why));
}

std::string Show(std::string_view text) {
  return base::Escape(text.substr(0, kMostShown)) + (text.size() > kMostShown ? "..." : "");
}

base::Result<Json> Parse(std::string_view document, std::string_view text) {
  if (text.size() > kMostDocument)
    return Wrong(document, fmt::format("it is longer than {} bytes", kMostDocument));
  Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded()) return Wrong(document, "it is no JSON");
  if (!json.is_object()) return Wrong(document, "it is no object");
  return json;
}

// A text; empty where there is none.
std::string Text(const Json& object, const char* name) {
  const auto found = object.is_object() ? object.find(name) : object.end();
  return object.is_object() && found != object.end() && found->is_string()
             ? found->get<std::string>()
             : std::string();
}

bool IsOne(std::string_view text, std::span<const std::string_view> of) {
  return std::ranges::find(of, text) != of.end();
}

base::Result<Blob> ReadBlob(std::string_view document, std::string_view what, const Json& json) {
  const std::string digest = Text(json, "digest");
  constexpr std::string_view kPrefix = "sha256:";
  const std::string_view hex =
      std::string_view(digest).substr(digest.starts_with(kPrefix) ? kPrefix.size() : digest.size());
  if (hex.size() != 64 || hex.find_first_not_of("0123456789abcdef") != hex.npos)
    return Wrong(document, fmt::format("{} has digest \"{}\" (expected sha256: and 64 digits)",
                                       what, Show(digest)));
  const auto size = json.find("size");
  if (size == json.end() || !size->is_number_unsigned())
    return Wrong(document, fmt::format("{} has no size", what));
  return Blob{std::string(hex), size->get<std::uint64_t>()};
}

}  // namespace

base::Status CheckLayout(std::string_view text) {
  const auto json = Parse("oci-layout", text);
  if (!json) return json.error();
  const std::string version = Text(*json, "imageLayoutVersion");
  if (version != "1.0.0")
    return Wrong("oci-layout", fmt::format("its version is \"{}\", and not 1.0.0", Show(version)));
  return {};
}

base::Result<std::vector<Listed>> ParseIndex(std::string_view text) {
  const auto json = Parse("the image index", text);
  if (!json) return json.error();
  const auto manifests = json->find("manifests");
  if (manifests == json->end() || !manifests->is_array())
    return Wrong("the image index", "it has no list of manifests");
  if (manifests->size() > kMostListed)
    return Wrong("the image index", fmt::format("it lists more than {}", kMostListed));
  std::vector<Listed> all;
  for (const Json& entry : *manifests) {
    const std::string type = Text(entry, "mediaType");
    const bool is_index = IsOne(type, kIndexTypes);
    // What is kept beside images: signatures, attestations, other artifacts.
    if (!is_index && !IsOne(type, kManifestTypes)) continue;
    auto blob = ReadBlob("the image index", fmt::format("manifest {}", all.size() + 1), entry);
    if (!blob) return blob.error();
    Listed listed{*std::move(blob), is_index};
    if (const auto notes = entry.find("annotations"); notes != entry.end())
      listed.tag = Text(*notes, "org.opencontainers.image.ref.name");
    if (const auto platform = entry.find("platform"); platform != entry.end()) {
      listed.system = Text(*platform, "os");
      listed.architecture = Text(*platform, "architecture");
    }
    all.push_back(std::move(listed));
  }
  return all;
}

base::Result<Manifest> ParseManifest(std::string_view text) {
  constexpr std::string_view kDocument = "the image manifest";
  const auto json = Parse(kDocument, text);
  if (!json) return json.error();
  Manifest manifest;
  const auto config = json->find("config");
  if (config == json->end() || !config->is_object())
    return Wrong(kDocument, "it has no configuration");
  auto blob = ReadBlob(kDocument, "its configuration", *config);
  if (!blob) return blob.error();
  manifest.config = *std::move(blob);
  const auto layers = json->find("layers");
  if (layers == json->end() || !layers->is_array()) return Wrong(kDocument, "it has no layers");
  if (layers->size() > kMostLayers)
    return Wrong(kDocument, fmt::format("it has more than {} layers", kMostLayers));
  for (const Json& layer : *layers) {
    const std::string what = fmt::format("layer {}", manifest.layers.size() + 1);
    const std::string type = Text(layer, "mediaType");
    if (!IsOne(type, kLayerTypes))
      return base::Unsupported(fmt::format("read {}: {} is of type \"{}\", which is none of tar's",
                                           kDocument, what, Show(type)));
    auto found = ReadBlob(kDocument, what, layer);
    if (!found) return found.error();
    manifest.layers.push_back(*std::move(found));
  }
  return manifest;
}

base::Result<Listed> Choose(const std::vector<Listed>& listed, const std::string& tag,
                            std::string_view architecture) {
  std::optional<Listed> chosen;
  std::string tags;
  std::size_t fitting = 0;
  for (const Listed& one : listed) {
    if (!one.system.empty() && one.system != "linux") continue;
    if (!one.architecture.empty() && one.architecture != architecture) continue;
    if (!one.tag.empty() && tags.size() < kMostShown)
      tags += (tags.empty() ? "" : ", ") + Show(one.tag);
    if (!tag.empty() && one.tag != tag) continue;
    ++fitting;
    chosen = one;
  }
  const std::string known = tags.empty() ? "" : fmt::format(" (tags: {})", tags);
  if (fitting == 0)
    return Wrong("the image index",
                 tag.empty() ? fmt::format("it has nothing for linux on {}", architecture)
                             : fmt::format("it has no tag \"{}\" for linux on {}{}", Show(tag),
                                           architecture, known));
  if (fitting > 1)
    return Wrong("the image index",
                 fmt::format("it has {} images for linux on {}: name one with --tag{}", fitting,
                             architecture, known));
  return *chosen;
}

}  // namespace bailey::image
