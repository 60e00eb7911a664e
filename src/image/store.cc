#include "image/store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdlib.h>
#include <unistd.h>

#include <array>
#include <filesystem>

#include "base/text.h"
#include "image/hash.h"
#include "os/file.h"
#include "os/tree.h"
#include "os/vmm.h"

namespace bailey::image {
namespace {

constexpr const char* FileOf(Format format) {
  return format == Format::kErofs ? "root.erofs" : "root.squashfs";
}
constexpr const char* kHash = "sha256";

base::Result<std::string> StorePlace() {
  const char* const data = ::secure_getenv("XDG_DATA_HOME");
  if (data && *data == '/') return std::string(data) + "/bailey/images";
  if (::geteuid() == 0) return std::string("/var/lib/bailey/images");
  const char* const home = ::secure_getenv("HOME");
  if (home && *home == '/') return std::string(home) + "/.local/share/bailey/images";
  return base::InvalidInput("find the images: neither XDG_DATA_HOME nor HOME is set");
}

base::Result<base::UniqueFd> OpenStore(bool make) {
  const auto place = StorePlace();
  if (!place) return place.error();
  if (make) {
    std::error_code error;
    std::filesystem::create_directories(std::filesystem::path(*place).parent_path(), error);
    if (error) return base::SystemError("make " + *place, error.value());
    const auto made = os::MakeDirectory(AT_FDCWD, place->c_str(), 0700);
    if (!made && made.error().value != EEXIST)
      return base::SystemError("make " + *place, made.error().value);
  }
  auto store = os::Open(AT_FDCWD, place->c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (!store) {
    base::Error error = base::SystemError("open " + *place, store.error().value);
    return error;
  }
  const auto found = os::StatFd(store->Get());
  if (!found) return base::SystemError("look at " + *place, found.error().value);
  if (found->st_uid != ::geteuid() || (found->st_mode & 077) != 0) {
    return base::InvalidInput(
        fmt::format("use {}: it is somebody else's, or others may look into it", *place));
  }
  return *std::move(store);
}

base::Error NoImage(const std::string& name) {
  return base::InvalidInput(
      fmt::format("open image {}: there is none of this name (see `bailey vm image`)", name));
}

base::Result<Image> Describe(int store, const std::string& name) {
  const auto directory = os::Open(store, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (!directory && directory.error().value == ENOENT) return NoImage(name);
  if (!directory) return base::SystemError("open image " + name, directory.error().value);
  Image image;
  image.name = name;
  const auto hash = os::ReadFile(directory->Get(), kHash, 256);
  if (!hash) return base::SystemError("read the hash of image " + name, hash.error().value);
  image.hash = base::Trim(*hash);
  if (os::Stat(directory->Get(), FileOf(Format::kErofs), false)) image.format = Format::kErofs;
  auto file = os::Open(directory->Get(), FileOf(image.format), O_RDONLY | O_NOFOLLOW);
  if (!file) return base::SystemError("open image " + name, file.error().value);
  const auto found = os::StatFd(file->Get());
  if (!found) return base::SystemError("look at image " + name, found.error().value);
  image.bytes = static_cast<std::uint64_t>(found->st_size);
  image.file = *std::move(file);
  return image;
}

constexpr std::string_view kDraft = ".new-";

// What builders have left that were killed: nobody holds the lock any more. What cannot be removed
// stays as it is.
void RemoveAbandoned(int store) {
  const auto names = os::Names(store);
  if (!names) return;
  for (const std::string& name : *names) {
    if (!name.starts_with(kDraft)) continue;
    const auto draft = os::Open(store, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (!draft) continue;
    const auto free = os::TryLock(draft->Get(), os::Lock::kExclusive);
    if (free && *free) (void)os::RemoveTree(store, name);
  }
}

std::string RandomName() {
  std::array<std::uint8_t, 8> bytes = {};
  (void)os::FillRandom(bytes);  // a name that is taken is an error where it is made
  std::string name(kDraft);
  for (const std::uint8_t byte : bytes) name += fmt::format("{:02x}", byte);
  return name;
}

}  // namespace

base::Status CheckName(std::string_view what, std::string_view name) {
  constexpr std::string_view kFirst = "abcdefghijklmnopqrstuvwxyz0123456789";
  constexpr std::string_view kAll = "abcdefghijklmnopqrstuvwxyz0123456789-";
  const bool good = !name.empty() && name.size() <= 63 && kFirst.find(name[0]) != kFirst.npos &&
                    name.find_first_not_of(kAll) == name.npos;
  if (good) return {};
  const std::string shown = base::Escape(name.substr(0, 80)) + (name.size() > 80 ? "..." : "");
  return base::InvalidInput(
      fmt::format("use {} \"{}\": expected lower-case letters, digits and dashes, at most 63, and "
                  "no dash first",
                  what, shown));
}

base::Result<std::vector<Image>> ListImages() {
  std::vector<Image> images;
  const auto store = OpenStore(false);
  if (!store && store.error().system_errno == ENOENT) return images;
  if (!store) return store.error();
  const auto names = os::Names(store->Get());
  if (!names) return base::SystemError("look into the images", names.error().value);
  for (const std::string& name : *names) {
    if (!CheckName("image", name)) continue;  // on its way in
    auto image = Describe(store->Get(), name);
    if (!image) return image.error();
    image->file.Reset();
    images.push_back(*std::move(image));
  }
  return images;
}

base::Result<Image> FindImage(const std::string& name) {
  if (const auto checked = CheckName("image", name); !checked) return checked.error();
  const auto store = OpenStore(false);
  if (!store && store.error().system_errno == ENOENT) return NoImage(name);
  if (!store) return store.error();
  return Describe(store->Get(), name);
}

base::Result<Image> OpenImage(const std::string& name) {
  auto image = FindImage(name);
  if (!image) return image.error();
  const auto hash = HashFile(image->file.Get());
  if (!hash) return hash.error();
  if (*hash != image->hash) {
    return base::Violation(fmt::format(
        "open image {}: its bytes are not those that were built (SHA-256 {})", name, *hash));
  }
  return image;
}

base::Status RemoveImage(const std::string& name) {
  if (const auto checked = CheckName("image", name); !checked) return checked.error();
  const auto store = OpenStore(false);
  if (!store && store.error().system_errno == ENOENT) return NoImage(name);
  if (!store) return store.error();
  if (!os::Stat(store->Get(), name.c_str(), false)) return NoImage(name);
  const auto gone = os::RemoveTree(store->Get(), name);
  if (!gone) return base::SystemError("remove image " + name, gone.error().value);
  return {};
}

base::Result<NewImage> NewImage::Begin(const std::string& name, Format format) {
  if (const auto checked = CheckName("image", name); !checked) return checked.error();
  auto store = OpenStore(true);
  if (!store) return store.error();
  NewImage image;
  image.name_ = name;
  image.format_ = format;
  image.place_ = *std::move(store);
  // Between making a draft and holding it nobody looks for abandoned ones.
  const auto alone = os::Open(image.place_.Get(), ".", O_RDONLY | O_DIRECTORY);
  if (!alone) return base::SystemError("make image " + name, alone.error().value);
  if (const auto locked = os::WaitForLock(alone->Get(), os::Lock::kExclusive); !locked)
    return base::SystemError("make image " + name, locked.error().value);
  RemoveAbandoned(image.place_.Get());
  const std::string draft = RandomName();
  const auto made = os::MakeDirectory(image.place_.Get(), draft.c_str(), 0700);
  if (!made) return base::SystemError("make image " + name, made.error().value);
  image.draft_ = draft;
  auto directory = os::Open(image.place_.Get(), draft.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (!directory) return base::SystemError("make image " + name, directory.error().value);
  image.directory_ = *std::move(directory);
  if (const auto held = os::TryLock(image.directory_.Get(), os::Lock::kExclusive); !held || !*held)
    return base::SystemError("make image " + name, held ? EBUSY : held.error().value);
  return image;
}

NewImage::~NewImage() {
  if (place_.IsOpen() && !draft_.empty()) (void)os::RemoveTree(place_.Get(), draft_);
}

std::string NewImage::Path() const {
  return fmt::format("/proc/{}/fd/{}/{}", ::getpid(), directory_.Get(), FileOf(format_));
}

base::Result<base::UniqueFd> NewImage::Scratch() const {
  constexpr const char* kName = "scratch";
  auto file = os::Open(directory_.Get(), kName, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
  if (!file) return base::SystemError("make image " + name_, file.error().value);
  const auto gone = os::RemoveFile(directory_.Get(), kName);
  if (!gone) return base::SystemError("make image " + name_, gone.error().value);
  return *std::move(file);
}

const char* NewImage::FileName() const { return FileOf(format_); }

base::Status NewImage::MakeScratch(const char* name) const {
  const auto made = os::MakeDirectory(directory_.Get(), name, 0755);
  if (!made) return base::SystemError("make image " + name_, made.error().value);
  return {};
}

base::Status NewImage::DropScratch(const char* name) const {
  const auto gone = os::RemoveTree(directory_.Get(), name);
  if (!gone) return base::SystemError("make image " + name_, gone.error().value);
  return {};
}

base::Result<Image> NewImage::Finish() {
  const auto failed = [this](os::Errno error) {
    return base::SystemError("make image " + name_, error.value);
  };
  const auto file = os::Open(directory_.Get(), FileOf(format_), O_RDONLY | O_NOFOLLOW);
  if (!file) return failed(file.error());
  const auto hash = HashFile(file->Get());
  if (!hash) return hash.error();
  {
    const auto text =
        os::Open(directory_.Get(), kHash, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
    if (!text) return failed(text.error());
    if (const auto done = os::WriteAll(text->Get(), *hash + "\n"); !done)
      return failed(done.error());
  }
  if (os::Stat(place_.Get(), name_.c_str(), false)) {
    if (const auto gone = os::RemoveTree(place_.Get(), name_); !gone) return failed(gone.error());
  }
  const auto moved = os::RenameAt(place_.Get(), draft_.c_str(), place_.Get(), name_.c_str());
  if (!moved) return failed(moved.error());
  draft_.clear();
  return Describe(place_.Get(), name_);
}

}  // namespace bailey::image
