#include "image/layers.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>

namespace bailey::image {
namespace {

using Kind = LayerEntry::Kind;

LayerEntry Directory(const std::string& path, std::uint32_t mode = 0755) {
  return {Kind::kDirectory, path, "", mode};
}
LayerEntry File(const std::string& path) { return {Kind::kFile, path, "", 0644}; }
LayerEntry Symlink(const std::string& path, const std::string& to) {
  return {Kind::kSymlink, path, to, 0777};
}
LayerEntry Link(const std::string& path, const std::string& to) {
  return {Kind::kHardLink, path, to, 0644};
}

// "etc/ a=0.1 link->x", or the error.
std::string Merge(const std::vector<std::vector<LayerEntry>>& layers) {
  LayeredTree tree;
  for (const auto& layer : layers)
    if (const auto added = tree.Add(layer); !added) return added.error().text;
  std::vector<std::string> words;
  for (const NamedEntry& one : tree.Directories())
    if (!one.path.empty()) words.push_back(one.path + "/");
  for (const NamedEntry& one : tree.Others()) words.push_back(one.path + "->" + one.entry.link);
  for (const auto& [place, names] : tree.Files())
    for (const std::string& name : names)
      words.push_back(name + "=" + std::to_string(place.layer) + "." + std::to_string(place.entry));
  std::ranges::sort(words);
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

TEST(Layers, OneOverTheOther) {
  const std::tuple<const char*, std::vector<std::vector<LayerEntry>>, std::string> rows[] = {
      {"names are the same however they are written",
       {{Directory("./"), Directory("./etc/"), File("etc//./passwd")}},
       "etc/ etc/passwd=0.2"},
      {"a directory that nobody describes is there all the same",
       {{File("a/b/c")}},
       "a/ a/b/ a/b/c=0.0"},
      {"a file replaces a file", {{File("a")}, {File("a")}}, "a=1.0"},
      {"a directory keeps what lower layers have in it",
       {{Directory("d"), File("d/a")}, {Directory("d", 0700), File("d/b")}},
       "d/ d/a=0.1 d/b=1.1"},
      {"a file replaces a directory, and all that is in it", {{File("d/a")}, {File("d")}}, "d=1.0"},
      {"a directory replaces a symlink",
       {{Symlink("d", "x")}, {Directory("d"), File("d/a")}},
       "d/ d/a=1.1"},
      {"a whiteout takes a name away", {{File("a"), File("b")}, {File(".wh.a")}}, "b=0.1"},
      {"and a directory with it", {{File("d/a"), File("b")}, {File(".wh.d")}}, "b=0.1"},
      {"but nothing of its own layer, before or after it",
       {{File("d/a")}, {File("d/b"), File(".wh.d"), File("d/c")}},
       "d/ d/b=1.0 d/c=1.2"},
      {"an opaque directory hides what is below",
       {{Directory("d", 0700), File("d/a"), File("e")}, {File("d/b"), File("d/.wh..wh..opq")}},
       "d/ d/b=1.0 e=0.2"},
      {"a whiteout of nothing is nothing", {{File("a")}, {File("x/y/.wh.z")}}, "a=0.0"},
      {"names that other file systems keep for themselves are passed over",
       {{File("a"), File(".wh..wh.aufs"), File(".wh..wh.plnk/x")}},
       "a=0.0"},
      {"a hard link is another name, also when the first one is gone",
       {{File("a"), Link("b", "a")}, {File(".wh.a"), Link("c", "b")}},
       "b=0.0 c=0.0"},
      {"and stays with the old bytes when that one is replaced",
       {{File("a"), Link("b", "./a")}, {File("a")}},
       "a=1.0 b=0.0"},
      {"a link to a symlink is one", {{Symlink("a", "/x"), Link("b", "a")}}, "a->/x b->/x"},
      {"a device is left out", {{{Kind::kDevice, "dev/sda", "", 0666}, File("a")}}, "a=0.1"},
  };
  for (const auto& [what, layers, want] : rows) EXPECT_EQ(Merge(layers), want) << what;
}

TEST(Layers, WhatLeadsElsewhereIsRefused) {
  const std::pair<std::vector<LayerEntry>, std::string> rows[] = {
      {{File("../etc/passwd")}, "../etc/passwd leads out of its directory"},
      {{File("a/../../b")}, "a/../../b leads out of its directory"},
      {{File("/etc/passwd")}, "/etc/passwd begins at the root"},
      {{Symlink("d", "/etc"), File("d/passwd")}, "d/passwd lies below d, which is a symlink"},
      {{Symlink("d", ".."), Directory("d/x")}, "d/x lies below d, which is a symlink"},
      {{File("f"), File("f/x")}, "f/x lies below f, which is no directory"},
      {{Link("a", "../../etc/passwd")}, "../../etc/passwd leads out of its directory"},
      {{Link("a", "/etc/passwd")}, "/etc/passwd begins at the root"},
      {{Link("a", "b")}, "a is a link to b, which is not there"},
      {{Directory("b"), Link("a", "b")}, "a is a link to b, which is a directory"},
      {{Link("a", ".")}, "a is a link to ., which is not there"},
      {{File(".wh...")}, ".wh... hides what is no name"},
      {{File("d/.wh.")}, "d/.wh. hides what is no name"},
      {{File("./")}, "./ is the root, and no directory"},
      {{File(std::string("a\0b", 3))}, "a\\x00b has a null in it"},
      {{File(std::string(300, 'n'))}, std::string(200, 'n') + "... has a name that is too long"},
      {{File(std::string(5000, '/') + "n")}, std::string(200, '/') + "... begins at the root"},
      {{File("a" + std::string(5000, '/'))}, "a" + std::string(199, '/') + "... is too long"},
  };
  for (const auto& [layer, want] : rows) EXPECT_EQ(Merge({layer}), "read a layer: " + want);
  // Of a lower layer, too.
  EXPECT_EQ(Merge({{Symlink("lib", "usr/lib")}, {File("lib/x")}}),
            "read a layer: lib/x lies below lib, which is a symlink");
  EXPECT_EQ(Merge({{Symlink("lib", "/")}, {File("lib/.wh.etc")}}),
            "read a layer: lib/.wh.etc lies below lib, which is a symlink");
}

TEST(Layers, WhateverTheyHoldATreeIsATree) {
  const bool held = rc::check("each name lies in a directory, once", [] {
    const auto path =
        rc::gen::map(rc::gen::container<std::vector<std::string>>(rc::gen::element<std::string>(
                         "a", "b", ".", "..", "", ".wh.a", ".wh..wh..opq", "c")),
                     [](const std::vector<std::string>& names) {
                       std::string text;
                       for (const std::string& name : names)
                         text += (text.empty() ? "" : "/") + name;
                       return text;
                     });
    LayeredTree tree;
    for (int layer = *rc::gen::inRange(1, 4); layer > 0; --layer) {
      std::vector<LayerEntry> entries;
      for (int i = *rc::gen::inRange(0, 12); i > 0; --i) {
        const auto kind = static_cast<Kind>(*rc::gen::inRange(0, 6));
        entries.push_back({kind, *path, *path, 0644});
      }
      if (!tree.Add(entries)) break;
    }
    std::vector<std::string> directories, all;
    for (const NamedEntry& one : tree.Directories()) directories.push_back(one.path);
    for (const NamedEntry& one : tree.Others()) all.push_back(one.path);
    for (const auto& [place, names] : tree.Files())
      all.insert(all.end(), names.begin(), names.end());
    all.insert(all.end(), directories.begin(), directories.end());
    for (const std::string& one : all) {
      RC_ASSERT(!one.starts_with('/'));
      RC_ASSERT(one.find("..") == std::string::npos && one.find(".wh.") == std::string::npos);
      const std::size_t slash = one.rfind('/');
      const std::string above = one.substr(0, slash == std::string::npos ? 0 : slash);
      RC_ASSERT(std::ranges::count(directories, above) == 1);
      RC_ASSERT(std::ranges::count(all, one) == 1);
    }
  });
  EXPECT_TRUE(held);
}

}  // namespace
}  // namespace bailey::image
