#include "image/erofs.h"

#include <fmt/format.h>

#include <vector>

#include "image/tool.h"

namespace bailey::image {
namespace {

// An identity that is made up would be another each time, and so would times.
const std::vector<std::string> kMake = {
    "mkfs.erofs", "--quiet", "-zlz4hc", "-T0", "-U00000000-0000-0000-0000-000000000000", "-x-1"};
// With names in its arguments alone. Modes are noted: the real ones let everything be read.
constexpr const char* kUnpackAndMake =
    "tar --extract --file=- --directory=\"$1\" --same-owner --same-permissions --numeric-owner "
    "--delay-directory-restore && LD_PRELOAD= chmod --recursive u+rwX \"$1\" && "
    "image=$2 tree=$1 && shift 2 && exec \"$@\" \"$image\" \"$tree\"";

}  // namespace

base::Status PackDirectoryAsErofs(const std::string& directory, const std::string& what,
                                  const std::string& path) {
  Tool tool;
  tool.argv = kMake;
  tool.argv.insert(tool.argv.end(), {"--all-root", path, directory});
  tool.what = what;
  return RunTool(tool);
}

base::Status PackTarAsErofs(int tar, const std::string& what, const NewImage& image) {
  constexpr const char* kTree = "tree";
  if (const auto made = image.MakeScratch(kTree); !made) return made;
  // By the descriptor: processes of a namespace of their own do not get at those of others.
  const std::string place = fmt::format("/proc/self/fd/{}/", image.Directory());
  Tool tool;
  tool.argv = {"fakeroot",     "--", "sh",          "-c",
               kUnpackAndMake, "sh", place + kTree, place + image.FileName()};
  tool.argv.insert(tool.argv.end(), kMake.begin(), kMake.end());
  tool.what = what;
  tool.input = tar;
  tool.descriptors = {image.Directory()};
  tool.is_alone = true;
  tool.runs = "tar or mkfs.erofs";
  tool.variable = kFakeOwners;
  if (const auto made = RunTool(tool); !made) return made;
  return image.DropScratch(kTree);
}

}  // namespace bailey::image
