#include "image/kernel_build.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace bailey::image {
namespace {

TEST(KernelBuild, OptionsThatASourceDoesNotHaveAreNamed) {
  const std::string made =
      "CONFIG_NET=y\n# CONFIG_VT is not set\nCONFIG_LSM=\"landlock\"\nCONFIG_MODULES=y\n";
  const std::pair<std::string, std::string> rows[] = {
      {"CONFIG_NET=y\n# CONFIG_VT is not set\nCONFIG_LSM=\"landlock\"\n", ""},
      {"# a comment\n\n# CONFIG_GONE is not set\n", ""},
      {"CONFIG_SECCOMP=y\nCONFIG_NET=m\n", "CONFIG_SECCOMP=y, CONFIG_NET=m"},
      {"# CONFIG_MODULES is not set\n", "# CONFIG_MODULES is not set"},
      {"CONFIG_NE=y\n", "CONFIG_NE=y"},
  };
  for (const auto& [wanted, missing] : rows) EXPECT_EQ(MissingOptions(wanted, made), missing);
}

TEST(KernelBuild, WhatAMachineNeedsIsAskedFor) {
  const std::string options(GuestKernelOptions());
  for (const char* needed : {"VIRTIO_MMIO", "VIRTIO_BLK", "VIRTIO_CONSOLE", "SQUASHFS_ZSTD",
                             "OVERLAY_FS", "SECURITY_LANDLOCK", "SECCOMP_FILTER", "CGROUP_PIDS",
                             "MEMCG", "VIRTIO_VSOCKETS", "PVH", "BLK_DEV_INITRD", "ACPI", "PCI",
                             "VIRTIO_NET", "CROSS_MEMORY_ATTACH", "IPV6", "EROFS_FS_ZIP"})
    EXPECT_NE(options.find("\nCONFIG_" + std::string(needed) + "=y\n"), std::string::npos)
        << needed;
}

TEST(KernelBuild, ASourceThatIsNoneLeavesNothing) {
  char name[] = "/tmp/bailey-kernel-XXXXXX";
  const std::filesystem::path place = ::mkdtemp(name);
  std::ofstream(place / "source.tar.xz") << "no archive";
  const std::string target = (place / "kernel").string();
  const auto broken = BuildKernel({(place / "source.tar.xz").string(), target});
  ASSERT_FALSE(broken);
  EXPECT_TRUE(broken.error().text.starts_with("unpack the kernel's source: tar failed: "))
      << broken.error().text;
  const auto none = BuildKernel({(place / "nothing").string(), target});
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().text,
            "open " + (place / "nothing").string() + ": No such file or directory");
  std::filesystem::create_directory(target);
  const auto there = BuildKernel({(place / "source.tar.xz").string(), target});
  ASSERT_FALSE(there);
  EXPECT_EQ(there.error().text, "make " + target + ": it is there already");
  std::filesystem::remove(target);
  std::filesystem::remove(place / "source.tar.xz");
  EXPECT_TRUE(std::filesystem::is_empty(place));
  std::filesystem::remove_all(place);
}

}  // namespace
}  // namespace bailey::image
