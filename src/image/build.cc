#include "image/build.h"

#include <fcntl.h>
#include <fmt/format.h>

#include "base/text.h"
#include "image/erofs.h"
#include "image/tool.h"
#include "os/file.h"
#include "os/vmm.h"

namespace bailey::image {
namespace {

const std::vector<std::string> kQuiet = {"-quiet", "-no-progress", "-noappend", "-no-xattrs"};

std::vector<std::string> Words(std::vector<std::string> words,
                               const std::vector<std::string>& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

}  // namespace

base::Result<Image> BuildFromDirectory(const std::string& name, const std::string& directory,
                                       Format format) {
  const auto found = os::Stat(AT_FDCWD, directory.c_str(), true);
  if (!found) return base::SystemError("read " + base::Escape(directory), found.error().value);
  if (!S_ISDIR(found->st_mode))
    return base::InvalidInput(fmt::format("read {}: it is no directory", base::Escape(directory)));
  auto image = NewImage::Begin(name, format);
  if (!image) return image.error();
  Tool tool;
  tool.what = "make an image of " + base::Escape(directory);
  // A name that begins with a dash would be an option.
  const std::string source = directory.starts_with('/') ? directory : "./" + directory;
  tool.argv = Words({"mksquashfs", source, image->Path(), "-all-root", "-mkfs-time", "0",
                     "-root-time", "0", "-comp", "zstd"},
                    kQuiet);
  const auto made = format == Format::kErofs
                        ? PackDirectoryAsErofs(source, tool.what, image->Path())
                        : RunTool(tool);
  if (!made) return made.error();
  return image->Finish();
}

base::Result<Image> BuildFromTar(const std::string& name, const std::string& tar, Format format) {
  const auto input = os::Open(AT_FDCWD, tar.c_str(), O_RDONLY);
  if (!input) return base::SystemError("open " + base::Escape(tar), input.error().value);
  auto image = NewImage::Begin(name, format);
  if (!image) return image.error();
  const auto made = PackTar(input->Get(), "make an image of " + base::Escape(tar), *image);
  if (!made) return made.error();
  return image->Finish();
}

base::Result<Image> BuildFromSuite(const std::string& name, const std::string& suite,
                                   Format format) {
  // A word of theirs and never an option, a path or several: suites are named so.
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz0123456789-";
  if (suite.find_first_not_of(kLetters) != suite.npos || suite.starts_with('-') ||
      suite.size() > 63)
    return base::InvalidInput(
        fmt::format("use suite \"{}\": expected lower-case letters, digits and dashes",
                    base::Escape(suite.substr(0, 80))));
  auto image = NewImage::Begin(name, format);
  if (!image) return image.error();
  const auto scratch = image->Scratch();
  if (!scratch) return scratch.error();
  Tool tool;
  tool.what = "make an image of " + suite;
  tool.output = scratch->Get();
  tool.variable = kEpoch;
  tool.argv = {"mmdebstrap", "--quiet", "--variant=minbase", "--format=tar", suite, "-"};
  if (const auto made = RunTool(tool); !made) return made.error();
  const auto tar = os::OpenForReading(scratch->Get());
  if (!tar) return base::SystemError(tool.what, tar.error().value);
  if (const auto made = PackTar(tar->Get(), tool.what, *image); !made) return made.error();
  return image->Finish();
}

base::Status PackTar(int tar, const std::string& what, const NewImage& image) {
  if (image.GetFormat() == Format::kErofs) return PackTarAsErofs(tar, what, image);
  Tool tool;
  tool.what = what;
  tool.input = tar;
  // It gives the root directory to who runs it.
  tool.argv = Words({"fakeroot", "--", "sqfstar", "-quiet", "-no-progress", "-no-xattrs",
                     "-mkfs-time", "0", "-all-time", "0", "-root-mode", "0755", "-comp", "zstd"},
                    {fmt::format("/proc/self/fd/{}/{}", image.Directory(), image.FileName())});
  tool.descriptors = {image.Directory()};
  tool.is_alone = true;
  tool.runs = "sqfstar";
  tool.variable = kFakeOwners;
  return RunTool(tool);
}

base::Result<std::uint64_t> CarryInto(const Carried& carried, int file) {
  Tool tool;
  tool.what = "carry " + base::Escape(carried.path);
  tool.descriptors = {file};
  // Looking for files that are alike costs twenty times the rest, where many are of one size.
  tool.argv =
      Words({"mksquashfs", carried.path, fmt::format("/proc/self/fd/{}", file), "-force-uid",
             std::to_string(carried.uid), "-force-gid", std::to_string(carried.gid), "-noI",
             "-noId", "-noD", "-noF", "-noX", "-no-duplicates"},
            kQuiet);
  if (!carried.excluded.empty()) {
    tool.argv.push_back("-e");
    tool.argv.insert(tool.argv.end(), carried.excluded.begin(), carried.excluded.end());
  }
  if (const auto made = RunTool(tool); !made) return made.error();
  const auto found = os::StatFd(file);
  if (!found) return base::SystemError("make a drive", found.error().value);
  return static_cast<std::uint64_t>(found->st_size);
}

base::Result<base::UniqueFd> Carry(const Carried& carried) {
  auto file = os::MakeMemoryFile("carried", 0);
  if (!file) return base::SystemError("make a drive", file.error().value);
  if (const auto made = CarryInto(carried, file->Get()); !made) return made.error();
  auto opened = os::OpenForReading(file->Get());
  if (!opened) return base::SystemError("make a drive", opened.error().value);
  return *std::move(opened);
}

}  // namespace bailey::image
