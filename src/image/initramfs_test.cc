#include "image/initramfs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bailey::image {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string Needing(const std::string& names) {
  return std::string("ELF") + '\0' + "license=GPL" + '\0' + "depends=" + names + '\0' + "name=x" +
         '\0';
}

TEST(Modules, WhatOneNeedsIsRead) {
  EXPECT_THAT(ModuleNeeds(Needing("virtio,virtio_ring")), ElementsAre("virtio", "virtio_ring"));
  EXPECT_THAT(ModuleNeeds(Needing("")), ElementsAre());
  EXPECT_THAT(ModuleNeeds("no module at all"), ElementsAre());
  EXPECT_THAT(ModuleNeeds(std::string("\0depends=cut", 12)), ElementsAre("cut"));
}

TEST(Modules, ComeAfterWhatTheyNeed) {
  const auto ordered = OrderModules({{"virtio-blk", Needing("virtio,virtio_ring,built_in")},
                                     {"virtio", Needing("virtio_ring")},
                                     {"overlay", Needing("")},
                                     {"virtio_ring", Needing("")}});
  ASSERT_TRUE(ordered.has_value());
  std::vector<std::string> names;
  for (const Module& module : *ordered) names.push_back(module.name);
  EXPECT_THAT(names, ElementsAre("virtio_ring", "virtio", "virtio-blk", "overlay"));
}

TEST(Modules, OneThatNeedsItselfIsAnError) {
  const auto ordered = OrderModules({{"a", Needing("b")}, {"b", Needing("a")}});
  ASSERT_FALSE(ordered.has_value());
  EXPECT_EQ(ordered.error().text, "order module a: it needs itself");
}

// As the kernel reads it (init/initramfs.c): a header of 110 bytes, the name, the contents, each
// padded to four bytes.
TEST(Initramfs, IsACpioArchive) {
  const std::string archive = MakeInitramfs({{"init", "hello"}, {"modules/a.ko", "x"}});
  std::vector<std::string> names;
  std::string contents;
  for (std::size_t at = 0; at < archive.size();) {
    ASSERT_EQ(archive.substr(at, 6), "070701");
    const auto field = [&](std::size_t i) {
      return std::stoul(archive.substr(at + 6 + 8 * i, 8), nullptr, 16);
    };
    const std::size_t size = field(6), name_size = field(11);
    names.push_back(archive.substr(at + 110, name_size - 1));
    const std::size_t body = (at + 110 + name_size + 3) / 4 * 4;
    if (names.back() == "init") contents = archive.substr(body, size);
    at = (body + size + 3) / 4 * 4;
  }
  EXPECT_THAT(names,
              ElementsAre("dev", "modules", "dev/console", "init", "modules/a.ko", "TRAILER!!!"));
  EXPECT_EQ(contents, "hello");
  EXPECT_EQ(archive, MakeInitramfs({{"init", "hello"}, {"modules/a.ko", "x"}}));
}

}  // namespace
}  // namespace bailey::image
