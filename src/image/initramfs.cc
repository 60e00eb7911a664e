#include "image/initramfs.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/text.h"

namespace bailey::image {
namespace {

class Writer {
 public:
  void Add(std::string_view name, unsigned mode, std::string_view bytes, unsigned major = 0,
           unsigned minor = 0) {
    text_ += fmt::format(
        "070701{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}",
        ++inode_, mode, 0, 0, 1, 0, bytes.size(), 0, 0, major, minor, name.size() + 1, 0);
    text_ += name;
    text_ += '\0';
    Pad();
    text_ += bytes;
    Pad();
  }
  std::string Take() { return std::move(text_); }

 private:
  void Pad() { text_.resize((text_.size() + 3) / 4 * 4); }
  std::string text_;
  unsigned inode_ = 0;
};

// The name that others need it by: files and .modinfo do not agree on dashes.
std::string Plain(std::string name) {
  std::ranges::replace(name, '-', '_');
  return name;
}

class Order {
 public:
  explicit Order(std::vector<Module>& modules) {
    for (Module& module : modules) by_name_[Plain(module.name)] = &module;
  }

  base::Status Add(const std::string& name) {
    const auto found = by_name_.find(Plain(name));
    if (found == by_name_.end() || done_.contains(found->first)) return {};
    if (!on_the_way_.insert(found->first).second)
      return base::InvalidInput(fmt::format("order module {}: it needs itself", name));
    for (const std::string& needed : ModuleNeeds(found->second->bytes))
      if (const auto added = Add(needed); !added) return added;
    done_.insert(found->first);
    ordered_.push_back(found->second);
    return {};
  }
  const std::vector<Module*>& Ordered() const { return ordered_; }

 private:
  std::map<std::string, Module*, std::less<>> by_name_;
  std::set<std::string, std::less<>> on_the_way_, done_;
  std::vector<Module*> ordered_;
};

}  // namespace

std::string MakeInitramfs(const std::vector<ArchiveFile>& files) {
  Writer writer;
  std::set<std::string, std::less<>> directories;
  for (const ArchiveFile& file : files)
    for (std::size_t at = file.name.find('/'); at != std::string::npos;
         at = file.name.find('/', at + 1))
      directories.insert(file.name.substr(0, at));
  constexpr unsigned kDirectory = 0040755, kFile = 0100755, kCharacters = 0020600;
  directories.insert("dev");
  for (const std::string& directory : directories) writer.Add(directory, kDirectory, "");
  // What the kernel opens as the first process's standard streams.
  writer.Add("dev/console", kCharacters, "", 5, 1);
  for (const ArchiveFile& file : files) writer.Add(file.name, kFile, file.bytes);
  writer.Add("TRAILER!!!", 0, "");
  return writer.Take();
}

std::vector<std::string> ModuleNeeds(std::string_view bytes) {
  // Entries of .modinfo are "key=value" between null bytes, and this is the only section with such.
  static constexpr std::string_view kKey("\0depends=", 9);
  std::vector<std::string> needs;
  const std::size_t at = bytes.find(kKey);
  if (at == std::string_view::npos) return needs;
  const std::string_view rest = bytes.substr(at + kKey.size());
  const std::string_view value = rest.substr(0, rest.find('\0'));
  for (const std::string_view name : base::Split(value, ','))
    if (!name.empty()) needs.emplace_back(name);
  return needs;
}

base::Result<std::vector<Module>> OrderModules(std::vector<Module> modules) {
  Order order(modules);
  for (const Module& module : modules)
    if (const auto added = order.Add(module.name); !added) return added.error();
  std::vector<Module> ordered;
  for (Module* const module : order.Ordered()) ordered.push_back(std::move(*module));
  return ordered;
}

}  // namespace bailey::image
