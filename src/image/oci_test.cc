#include "image/oci.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <nlohmann/json.hpp>

namespace bailey::image {
namespace {

const std::string kDigest(64, 'a');

std::string Entry(const std::string& more = "",
                  const std::string& type = "application/vnd.oci.image.manifest.v1+json") {
  return R"({"mediaType":")" + type + R"(","digest":"sha256:)" + kDigest + R"(","size":7)" + more +
         "}";
}
std::string Index(const std::string& entries) {
  return R"({"schemaVersion":2,"manifests":[)" + entries + "]}";
}
std::string Layer(const std::string& type) { return Entry("", "application/vnd." + type); }
std::string ManifestOf(const std::string& layers) {
  return R"({"schemaVersion":2,"config":)" + Entry("", "application/vnd.oci.image.config.v1+json") +
         R"(,"layers":[)" + layers + "]}";
}

TEST(Oci, AnIndexAsItIsListed) {
  const auto listed = ParseIndex(Index(
      Entry(
          R"(,"annotations":{"org.opencontainers.image.ref.name":"v1"},"platform":{"os":"linux","architecture":"amd64"})") +
      "," + Entry("", "application/vnd.example.signature") + "," +
      Entry("", "application/vnd.oci.image.index.v1+json")));
  ASSERT_TRUE(listed) << listed.error().text;
  EXPECT_EQ(*listed, (std::vector<Listed>{{{kDigest, 7}, false, "v1", "linux", "amd64"},
                                          {{kDigest, 7}, true, "", "", ""}}));
}

TEST(Oci, AManifestsLayersInOrder) {
  const auto manifest = ParseManifest(ManifestOf(Layer("oci.image.layer.v1.tar") + "," +
                                                 Layer("oci.image.layer.v1.tar+zstd") + "," +
                                                 Layer("docker.image.rootfs.diff.tar.gzip")));
  ASSERT_TRUE(manifest) << manifest.error().text;
  EXPECT_EQ(manifest->layers, std::vector<Blob>(3, Blob{kDigest, 7}));
  EXPECT_EQ(manifest->config, (Blob{kDigest, 7}));
}

TEST(Oci, WhatIsWrongIsSaid) {
  const std::pair<std::string, std::string> indexes[] = {
      {"", "it is no JSON"},
      {"[]", "it is no object"},
      {"{}", "it has no list of manifests"},
      {R"({"manifests":{}})", "it has no list of manifests"},
      {Index(R"({"mediaType":"application/vnd.oci.image.manifest.v1+json","size":1})"),
       "manifest 1 has digest \"\" (expected sha256: and 64 digits)"},
      {Index(
           R"({"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:../../x","size":1})"),
       "manifest 1 has digest \"sha256:../../x\" (expected sha256: and 64 digits)"},
      {Index(
           R"({"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha512:aa","size":1})"),
       "manifest 1 has digest \"sha512:aa\" (expected sha256: and 64 digits)"},
      {Index(R"({"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:)" +
             kDigest + R"(","size":-1})"),
       "manifest 1 has no size"}};
  for (const auto& [text, error] : indexes) {
    const auto parsed = ParseIndex(text);
    EXPECT_EQ(parsed ? "" : parsed.error().text, "read the image index: " + error);
  }
  const std::pair<std::string, std::string> manifests[] = {
      {"{}", "it has no configuration"},
      {R"({"config":{}})", "its configuration has digest \"\" (expected sha256: and 64 digits)"},
      {ManifestOf(Layer("example.encrypted")),
       "layer 1 is of type \"application/vnd.example.encrypted\", which is none of tar's"},
      {ManifestOf("7"), "layer 1 is of type \"\", which is none of tar's"}};
  for (const auto& [text, error] : manifests) {
    const auto parsed = ParseManifest(text);
    EXPECT_EQ(parsed ? "" : parsed.error().text, "read the image manifest: " + error);
  }
  EXPECT_EQ(CheckLayout(R"({"imageLayoutVersion":"2"})").error().text,
            "read oci-layout: its version is \"2\", and not 1.0.0");
  EXPECT_TRUE(CheckLayout(R"({"imageLayoutVersion":"1.0.0"})"));
}

TEST(Oci, TheOneForThisMachineIsChosen) {
  const Listed amd{{kDigest, 1}, false, "v1", "linux", "amd64"};
  const Listed arm{{kDigest, 2}, false, "v1", "linux", "arm64"};
  const Listed windows{{kDigest, 3}, false, "v1", "windows", "amd64"};
  const Listed second{{kDigest, 4}, false, "v2", "linux", "amd64"};
  const Listed silent{{kDigest, 5}, false, "", "", ""};
  const auto choose = [](const std::vector<Listed>& listed, const std::string& tag) {
    const auto chosen = Choose(listed, tag, "amd64");
    return chosen ? std::to_string(chosen->blob.size) : chosen.error().text;
  };
  EXPECT_EQ(choose({windows, arm, amd}, ""), "1");
  EXPECT_EQ(choose({silent}, ""), "5");
  EXPECT_EQ(choose({amd, second}, "v2"), "4");
  EXPECT_EQ(choose({amd, second}, ""),
            "read the image index: it has 2 images for linux on amd64: name one with --tag (tags: "
            "v1, v2)");
  EXPECT_EQ(choose({amd, second}, "v3"),
            "read the image index: it has no tag \"v3\" for linux on amd64 (tags: v1, v2)");
  EXPECT_EQ(choose({arm, windows}, ""), "read the image index: it has nothing for linux on amd64");
}

// Documents that are nearly right: pieces of right ones, put together at random.
TEST(Oci, WhateverIsReadIsRightOrAnErrorOfOneLine) {
  using Json = nlohmann::json;
  const auto any = rc::gen::element<std::string>(
      "sha256:" + kDigest, "sha256:" + std::string(64, 'A'), "", "..", "v1", "linux", "amd64",
      "application/vnd.oci.image.manifest.v1+json", "application/vnd.oci.image.layer.v1.tar+gzip");
  const bool held = rc::check("a digest is one, however the document is made", [&any] {
    Json entry;
    for (const char* name : {"mediaType", "digest", "size", "platform", "annotations"}) {
      if (*rc::gen::inRange(0, 6) == 0) continue;
      switch (*rc::gen::inRange(0, 4)) {
        case 0:
          entry[name] = *any;
          break;
        case 1:
          entry[name] = *rc::gen::arbitrary<std::int64_t>();
          break;
        case 2:
          entry[name] = Json{{*any, *any}, {"os", *any}};
          break;
        default:
          entry[name] = Json::array({*any, nullptr});
      }
    }
    if (*rc::gen::arbitrary<bool>()) entry["digest"] = *any;
    if (*rc::gen::arbitrary<bool>()) entry["mediaType"] = *any;
    if (*rc::gen::arbitrary<bool>()) entry["size"] = 7;
    const auto index = ParseIndex(Json{{"manifests", {entry, entry}}}.dump());
    if (index) {
      for (const Listed& listed : *index) RC_ASSERT(listed.blob.digest == kDigest);
    } else {
      RC_ASSERT(index.error().text.find('\n') == std::string::npos);
    }
    const auto manifest = ParseManifest(Json{{"config", entry}, {"layers", {entry}}}.dump());
    if (manifest) RC_ASSERT(manifest->layers[0].digest == kDigest);
  });
  EXPECT_TRUE(held);
}

}  // namespace
}  // namespace bailey::image
