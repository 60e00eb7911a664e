// libexec/bailey/bailey-image: what `bailey vm image build` becomes, as it links what reads
// archives, and `bailey vm kernel build`.
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <thread>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/libexec.h"
#include "image/build.h"
#include "image/kernel_build.h"
#include "image/oci_build.h"

namespace bailey::cli {
namespace {

constexpr const char* kCommand = "vm image build";

struct Sources {
  std::string directory, tar, oci, tag, suite, format = "squashfs";
};

base::Result<image::Image> BuildFrom(const Sources& from, const std::string& name) {
  int named = 0;
  for (const std::string* source : {&from.directory, &from.tar, &from.oci, &from.suite})
    named += source->empty() ? 0 : 1;
  if (named != 1)
    return base::InvalidInput(
        "build an image: name what it is made of (--from-dir, --from-tar, --from-oci or "
        "--debootstrap)");
  if (!from.tag.empty() && from.oci.empty())
    return base::InvalidInput("build an image: a tag is one of an OCI layout's (--from-oci)");
  const auto format = from.format == "erofs" ? image::Format::kErofs : image::Format::kSquashfs;
  if (!from.directory.empty()) return image::BuildFromDirectory(name, from.directory, format);
  if (!from.tar.empty()) return image::BuildFromTar(name, from.tar, format);
  if (!from.suite.empty()) return image::BuildFromSuite(name, from.suite, format);
  auto built = image::BuildFromOci(name, {from.oci, from.tag, format});
  if (!built) return built.error();
  if (built->left_out > 0)
    fmt::print(stderr, "bailey {}: left out {} devices\n", kCommand, built->left_out);
  return std::move(built->image);
}

int Build(int argc, char** argv) {
  std::string name;
  Sources from;
  Arguments arguments(kCommand,
                      "Makes an image of what there is. The same input gives the same bytes.\n"
                      "One of the same name is replaced when the new one is complete.");
  arguments.Value("--from-dir", from.directory, "a directory, which becomes the root");
  arguments.Value("--from-tar", from.tar, "a tar of a root directory, not packed");
  arguments.Value("--from-oci", from.oci, "an OCI image layout: a directory with index.json");
  arguments.Value("--tag", from.tag, "which image of the layout, where it has several");
  arguments.Value("--debootstrap", from.suite,
                  "a suite of Debian's (bookworm), which mmdebstrap downloads");
  arguments.Value("--format", from.format, "the file system: squashfs (default) or erofs")
      .OneOf({"squashfs", "erofs"});
  arguments.Value("NAME", name, "lower-case letters, digits and dashes").Required();
  if (const auto code = arguments.Read({argv + 1, argv + argc}, kUsage)) return *code;
  const auto image = BuildFrom(from, name);
  if (!image) return Fail(kCommand, image.error());
  fmt::print("{} {} bytes sha256:{}\n", image->name, image->bytes, image->hash);
  return kYes;
}

int BuildKernel(int argc, char** argv) {
  constexpr const char* kName = "vm kernel build";
  image::KernelSource source;
  source.jobs = std::max(1u, std::thread::hardware_concurrency());
  bool configure = false;
  Arguments arguments(kName,
                      "Builds a small kernel for machines, of Debian's linux-source and what a\n"
                      "machine needs. Takes ten minutes of two processors, and two gigabytes.");
  arguments.Value("--source", source.archive,
                  "a kernel's source, as tar packed with xz (the newest in /usr/src)");
  arguments.Value("--jobs", source.jobs, "how much at once (all processors)").Between(1, 1024);
  arguments.Flag("--configure", configure, "print the configuration, and build nothing");
  arguments.Value("DIRECTORY", source.directory, "where it goes, for `bailey run --kernel`")
      .Required();
  if (const auto code = arguments.Read({argv + 1, argv + argc}, kUsage)) return *code;
  const auto made = configure ? image::ConfigureKernel(source) : image::BuildKernel(source);
  if (!made) return Fail(kName, made.error());
  fmt::print("{}{}", *made, configure ? "" : "\n");
  return kYes;
}

// argv: vm image build ..., or vm kernel build ...
int Run(int argc, char** argv) {
  if (argc < 3) return kUsage;
  return std::string_view(argv[1]) == "kernel" ? BuildKernel(argc - 2, argv + 2)
                                               : Build(argc - 2, argv + 2);
}

}  // namespace
}  // namespace bailey::cli

int main(int argc, char** argv) { return bailey::cli::MainOfLibexec(argc, argv, bailey::cli::Run); }
