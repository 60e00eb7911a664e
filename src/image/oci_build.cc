#include "image/oci_build.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <locale.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/text.h"
#include "image/build.h"
#include "image/hash.h"
#include "image/layers.h"
#include "image/oci.h"
#include "os/file.h"

namespace bailey::image {
namespace {

constexpr std::size_t kPiece = 1 << 18;
constexpr std::size_t kMostEntries = 1'000'000;                // of one layer
constexpr std::uint64_t kMostBytes = std::uint64_t{64} << 30;  // of all layers, unpacked
constexpr std::size_t kMostSaid = 200;
#if defined(__aarch64__)
constexpr std::string_view kArchitecture = "arm64";
#else
constexpr std::string_view kArchitecture = "amd64";
#endif

struct FreeReader {
  void operator()(archive* reader) const { ::archive_read_free(reader); }
};
struct FreeWriter {
  void operator()(archive* writer) const { ::archive_write_free(writer); }
};
struct FreeEntry {
  void operator()(archive_entry* entry) const { ::archive_entry_free(entry); }
};
using Writer = std::unique_ptr<archive, FreeWriter>;
using Entry = std::unique_ptr<archive_entry, FreeEntry>;

base::Error Cannot(std::string_view verb, std::string_view object, os::Errno error) {
  return base::SystemError(fmt::format("{} {}", verb, object), error.value);
}

std::string Said(archive* by) {
  const char* const text = ::archive_error_string(by);
  return text ? base::Escape(std::string_view(text).substr(0, kMostSaid)) : "it is broken";
}

// Opened only where it is what it must be.
base::Result<base::UniqueFd> OpenBlob(int layout, const Blob& blob) {
  const std::string path = "blobs/sha256/" + blob.digest;
  auto file = os::OpenWithoutLinks(layout, path.c_str(), O_RDONLY);
  if (!file) return Cannot("open", path, file.error());
  const auto found = os::StatFd(file->Get());
  if (!found) return Cannot("look at", path, found.error());
  if (!S_ISREG(found->st_mode))
    return base::InvalidInput(fmt::format("open {}: it is no file", path));
  if (static_cast<std::uint64_t>(found->st_size) != blob.size)
    return base::Violation(
        fmt::format("open {}: it has {} bytes, and not {}", path, found->st_size, blob.size));
  const auto hash = HashFile(file->Get());
  if (!hash) return hash.error();
  if (*hash != blob.digest)
    return base::Violation(fmt::format("open {}: its SHA-256 is {}", path, *hash));
  return *std::move(file);
}

base::Result<std::string> ReadDocument(int layout, const Blob& blob) {
  if (blob.size > kMostDocument)
    return base::InvalidInput(fmt::format("open blobs/sha256/{}: it is longer than {} bytes",
                                          blob.digest, kMostDocument));
  const auto file = OpenBlob(layout, blob);
  if (!file) return file.error();
  if (::lseek(file->Get(), 0, SEEK_SET) != 0)
    return base::SystemError("read blobs/sha256/" + blob.digest, errno);
  auto text = os::ReadAll(file->Get(), kMostDocument);
  if (!text) return Cannot("read", "blobs/sha256/" + blob.digest, text.error());
  return *std::move(text);
}

base::Result<Manifest> ReadManifest(int layout, const OciSource& source) {
  const auto version = os::ReadFile(layout, "oci-layout", kMostDocument);
  if (!version) return Cannot("read", "oci-layout", version.error());
  if (const auto checked = CheckLayout(*version); !checked) return checked.error();
  auto text = os::ReadFile(layout, "index.json", kMostDocument);
  if (!text) return Cannot("read", "index.json", text.error());
  // An index may list an index of platforms, and that is all.
  std::string tag = source.tag;
  for (int depth = 0; depth < 2; ++depth) {
    const auto listed = ParseIndex(*text);
    if (!listed) return listed.error();
    const auto chosen = Choose(*listed, tag, kArchitecture);
    if (!chosen) return chosen.error();
    auto document = ReadDocument(layout, chosen->blob);
    if (!document) return document.error();
    if (!chosen->is_index) return ParseManifest(*document);
    text = *std::move(document);
    tag.clear();
  }
  return base::InvalidInput("read the image index: it lists an index in an index");
}

// Names are bytes here, whatever the caller's locale is: in this one all that a tar can hold is
// kept.
class BytesAsTheyAre {
 public:
  BytesAsTheyAre()
      : own_(::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr)),
        before_(own_ ? ::uselocale(own_) : nullptr) {}
  BytesAsTheyAre(const BytesAsTheyAre&) = delete;
  BytesAsTheyAre& operator=(const BytesAsTheyAre&) = delete;
  ~BytesAsTheyAre() {
    if (!own_) return;
    ::uselocale(before_);
    ::freelocale(own_);
  }

 private:
  locale_t own_, before_;
};

LayerEntry Describe(archive_entry* entry) {
  const auto text = [](const char* from) { return std::string(from ? from : ""); };
  LayerEntry described;
  described.path = text(::archive_entry_pathname(entry));
  described.mode = static_cast<std::uint32_t>(::archive_entry_perm(entry)) & 07777;
  described.uid = static_cast<std::uint64_t>(::archive_entry_uid(entry));
  described.gid = static_cast<std::uint64_t>(::archive_entry_gid(entry));
  if (const char* const other = ::archive_entry_hardlink(entry)) {
    described.kind = LayerEntry::Kind::kHardLink;
    described.link = other;
    return described;
  }
  switch (::archive_entry_filetype(entry)) {
    case AE_IFDIR:
      described.kind = LayerEntry::Kind::kDirectory;
      break;
    case AE_IFLNK:
      described.kind = LayerEntry::Kind::kSymlink;
      described.link = text(::archive_entry_symlink(entry));
      break;
    case AE_IFIFO:
      described.kind = LayerEntry::Kind::kFifo;
      break;
    case AE_IFREG:
      described.size = static_cast<std::uint64_t>(::archive_entry_size(entry));
      break;
    default:
      described.kind = LayerEntry::Kind::kDevice;
  }
  return described;
}

// What is read of one layer, each time from its beginning.
class Layer {
 public:
  Layer(base::UniqueFd file, std::string name) : file_(std::move(file)), name_(std::move(name)) {}

  // Visits each entry, whose bytes can be read meanwhile.
  base::Status Read(const std::function<base::Status(std::size_t, const LayerEntry&)>& visit) {
    if (::lseek(file_.Get(), 0, SEEK_SET) != 0) return base::SystemError("read " + name_, errno);
    reader_.reset(::archive_read_new());
    if (!reader_) return base::SystemError("read " + name_, ENOMEM);
    archive* const reader = reader_.get();
    const bool ready = ::archive_read_support_format_tar(reader) == ARCHIVE_OK &&
                       ::archive_read_support_format_empty(reader) == ARCHIVE_OK &&
                       ::archive_read_support_filter_gzip(reader) == ARCHIVE_OK &&
                       ::archive_read_support_filter_zstd(reader) == ARCHIVE_OK &&
                       ::archive_read_open_fd(reader, file_.Get(), kPiece) == ARCHIVE_OK;
    if (!ready) return Broken();
    for (std::size_t i = 0;; ++i) {
      archive_entry* entry = nullptr;
      const int state = ::archive_read_next_header(reader, &entry);
      if (state == ARCHIVE_EOF) return {};
      // A warning is about what cannot be said in this process's character set: bytes stay bytes.
      if (state != ARCHIVE_OK && state != ARCHIVE_WARN) return Broken();
      if (i == kMostEntries)
        return base::InvalidInput(
            fmt::format("read {}: it has more than {} entries", name_, kMostEntries));
      if (!::archive_entry_pathname(entry))
        return base::InvalidInput(fmt::format("read {}: it has a name that is no text", name_));
      if (const auto visited = visit(i, Describe(entry)); !visited) return visited;
    }
  }
  // The next bytes of the entry that is visited; 0 at its end.
  base::Result<std::size_t> ReadBytes(std::span<std::uint8_t> into) {
    const auto count = ::archive_read_data(reader_.get(), into.data(), into.size());
    if (count < 0) return Broken();
    return static_cast<std::size_t>(count);
  }
  const std::string& Name() const { return name_; }

 private:
  base::Error Broken() const {
    return base::InvalidInput(fmt::format("read {}: {}", name_, Said(reader_.get())));
  }
  base::UniqueFd file_;
  std::string name_;
  std::unique_ptr<archive, FreeReader> reader_;
};

// The tree as a tar: directories first, then what has no bytes, then files as their layers have
// them, each under its first name and followed by its other ones.
class TarWriter {
 public:
  base::Status Open(int file) {
    writer_.reset(::archive_write_new());
    if (!writer_) return base::SystemError("write a tar", ENOMEM);
    return Check(::archive_write_set_format_gnutar(writer_.get()) == ARCHIVE_OK &&
                 ::archive_write_open_fd(writer_.get(), file) == ARCHIVE_OK);
  }
  base::Status Put(const std::string& path, const LayerEntry& entry, const std::string& link = "") {
    const Entry header(::archive_entry_new());
    if (!header) return base::SystemError("write a tar", ENOMEM);
    ::archive_entry_set_pathname(header.get(), path.empty() ? "./" : path.c_str());
    ::archive_entry_set_perm(header.get(), static_cast<mode_t>(entry.mode));
    ::archive_entry_set_uid(header.get(), static_cast<la_int64_t>(entry.uid));
    ::archive_entry_set_gid(header.get(), static_cast<la_int64_t>(entry.gid));
    ::archive_entry_set_mtime(header.get(), 0, 0);
    ::archive_entry_set_size(header.get(), 0);
    switch (entry.kind) {
      case LayerEntry::Kind::kDirectory:
        ::archive_entry_set_filetype(header.get(), AE_IFDIR);
        break;
      case LayerEntry::Kind::kSymlink:
        ::archive_entry_set_filetype(header.get(), AE_IFLNK);
        ::archive_entry_set_symlink(header.get(), entry.link.c_str());
        break;
      case LayerEntry::Kind::kFifo:
        ::archive_entry_set_filetype(header.get(), AE_IFIFO);
        break;
      default:
        ::archive_entry_set_filetype(header.get(), AE_IFREG);
        if (link.empty())
          ::archive_entry_set_size(header.get(), static_cast<la_int64_t>(entry.size));
        else
          ::archive_entry_set_hardlink(header.get(), link.c_str());
    }
    const int state = ::archive_write_header(writer_.get(), header.get());
    return Check(state == ARCHIVE_OK || state == ARCHIVE_WARN);
  }
  base::Status PutBytes(std::span<const std::uint8_t> bytes) {
    return Check(::archive_write_data(writer_.get(), bytes.data(), bytes.size()) ==
                 static_cast<la_ssize_t>(bytes.size()));
  }
  base::Status Close() { return Check(::archive_write_close(writer_.get()) == ARCHIVE_OK); }

 private:
  base::Status Check(bool good) {
    if (good) return {};
    return base::InvalidInput("write a tar: " + Said(writer_.get()));
  }
  Writer writer_;
};

base::Result<LayeredTree> MergeLayers(std::vector<Layer>& layers) {
  LayeredTree tree;
  std::uint64_t bytes = 0;
  for (Layer& layer : layers) {
    std::vector<LayerEntry> entries;
    const auto read = layer.Read([&](std::size_t, const LayerEntry& entry) -> base::Status {
      if (entry.size > kMostBytes || (bytes += entry.size) > kMostBytes)
        return base::InvalidInput(fmt::format("read {}: the image unpacks to more than {} bytes",
                                              layer.Name(), kMostBytes));
      entries.push_back(entry);
      return {};
    });
    if (!read) return read.error();
    if (const auto added = tree.Add(entries); !added)
      return base::InvalidInput(fmt::format("{} ({})", added.error().text, layer.Name()));
  }
  return tree;
}

base::Status CopyFile(Layer& layer, const LayerEntry& entry, const std::vector<std::string>& names,
                      TarWriter& tar) {
  if (const auto put = tar.Put(names[0], entry); !put) return put;
  std::vector<std::uint8_t> piece(kPiece);
  std::uint64_t left = entry.size;
  while (left > 0) {
    const auto count =
        layer.ReadBytes(std::span(piece).first(std::min<std::uint64_t>(left, piece.size())));
    if (!count) return count.error();
    if (*count == 0)
      return base::InvalidInput(fmt::format("read {}: a file ends too early", layer.Name()));
    if (const auto put = tar.PutBytes(std::span(piece).first(*count)); !put) return put;
    left -= *count;
  }
  for (std::size_t i = 1; i < names.size(); ++i)
    if (const auto put = tar.Put(names[i], entry, names[0]); !put) return put;
  return {};
}

base::Status WriteTree(std::vector<Layer>& layers, const LayeredTree& tree, int file) {
  TarWriter tar;
  if (const auto opened = tar.Open(file); !opened) return opened;
  for (const auto& [path, entry] : tree.Directories())
    if (const auto put = tar.Put(path, entry); !put) return put;
  for (const auto& [path, entry] : tree.Others())
    if (const auto put = tar.Put(path, entry); !put) return put;
  const auto files = tree.Files();
  std::size_t written = 0;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const auto read = layers[i].Read([&](std::size_t j, const LayerEntry& entry) -> base::Status {
      const auto names = files.find({i, j});
      if (names == files.end()) return {};
      ++written;
      return CopyFile(layers[i], entry, names->second, tar);
    });
    if (!read) return read;
  }
  // Its bytes were checked, and read once more since.
  if (written != files.size())
    return base::Violation("read the layers: they have changed meanwhile");
  return tar.Close();
}

}  // namespace

base::Result<OciImage> BuildFromOci(const std::string& name, const OciSource& source) {
  const BytesAsTheyAre names;
  const auto layout = os::Open(AT_FDCWD, source.directory.c_str(), O_RDONLY | O_DIRECTORY);
  if (!layout) return Cannot("open", base::Escape(source.directory), layout.error());
  const auto manifest = ReadManifest(layout->Get(), source);
  if (!manifest) return manifest.error();
  if (const auto config = ReadDocument(layout->Get(), manifest->config); !config)
    return config.error();
  std::vector<Layer> layers;
  for (const Blob& blob : manifest->layers) {
    auto file = OpenBlob(layout->Get(), blob);
    if (!file) return file.error();
    layers.emplace_back(*std::move(file), fmt::format("layer {}", layers.size() + 1));
  }
  const auto tree = MergeLayers(layers);
  if (!tree) return tree.error();
  auto draft = NewImage::Begin(name, source.format);
  if (!draft) return draft.error();
  auto scratch = draft->Scratch();
  if (!scratch) return scratch.error();
  if (const auto written = WriteTree(layers, *tree, scratch->Get()); !written)
    return written.error();
  if (::lseek(scratch->Get(), 0, SEEK_SET) != 0) return base::SystemError("write a tar", errno);
  if (const auto packed =
          PackTar(scratch->Get(), "make an image of " + base::Escape(source.directory), *draft);
      !packed)
    return packed.error();
  auto image = draft->Finish();
  if (!image) return image.error();
  return OciImage{*std::move(image), tree->LeftOut()};
}

}  // namespace bailey::image
