#include "learn/static_calls.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <system_error>

#include "base/text.h"
#include "os/file.h"

namespace bailey::learn {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostObjects = 256;
constexpr std::size_t kMostConfiguration = 64u << 10;
constexpr unsigned kMostIncludes = 8;

// What the loader of Debian has built in, for both architectures.
constexpr std::string_view kDefaultDirectories[] = {"/lib/x86_64-linux-gnu",
                                                    "/usr/lib/x86_64-linux-gnu",
                                                    "/lib/i386-linux-gnu",
                                                    "/usr/lib/i386-linux-gnu",
                                                    "/lib64",
                                                    "/usr/lib64",
                                                    "/lib32",
                                                    "/usr/lib32",
                                                    "/lib",
                                                    "/usr/lib"};

std::string Trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  const std::size_t last = text.find_last_not_of(" \t\r");
  return first == std::string_view::npos ? "" : std::string(text.substr(first, last - first + 1));
}

// Files that "include /etc/ld.so.conf.d/*.conf" names.
std::vector<std::string> Included(const std::string& pattern) {
  const fs::path path(pattern);
  const std::string name = path.filename().string();
  if (!name.starts_with('*')) return {pattern};
  std::vector<std::string> found;
  std::error_code error;
  for (fs::directory_iterator at(path.parent_path(), error), end; !error && at != end;
       at.increment(error))
    if (at->path().string().ends_with(name.substr(1))) found.push_back(at->path().string());
  std::ranges::sort(found);
  return found;
}

void ReadConfiguration(const std::string& path, unsigned depth,
                       std::vector<std::string>& directories) {
  const auto text = os::ReadFile(AT_FDCWD, path.c_str(), kMostConfiguration);
  if (!text || depth > kMostIncludes) return;
  for (const std::string_view line : base::Split(*text, '\n')) {
    const std::string entry = Trimmed(line.substr(0, line.find('#')));
    constexpr std::string_view kInclude = "include ";
    if (entry.starts_with(kInclude)) {
      for (const std::string& file : Included(Trimmed(entry.substr(kInclude.size()))))
        ReadConfiguration(file, depth + 1, directories);
    } else if (entry.starts_with('/')) {
      directories.push_back(entry);
    }
  }
}

// "#!/bin/sh -e": the program; empty where it is no script.
std::string InterpreterOf(const std::string& path) {
  const auto file = os::Open(AT_FDCWD, path.c_str(), O_RDONLY | O_NONBLOCK);
  std::array<std::uint8_t, 256> head{};
  const auto size = file ? os::ReadSome(file->Get(), head) : 0;
  if (!size || *size < 2 || head[0] != '#' || head[1] != '!') return {};
  const std::string_view text(reinterpret_cast<const char*>(head.data()), *size);
  const std::string line = Trimmed(text.substr(2, text.find('\n') - 2));
  return line.substr(0, line.find_first_of(" \t"));
}

}  // namespace

StaticCalls::StaticCalls() {
  ReadConfiguration("/etc/ld.so.conf", 0, directories_);
  directories_.insert(directories_.end(), std::begin(kDefaultDirectories),
                      std::end(kDefaultDirectories));
}

base::Result<elf::Object*> StaticCalls::Load(const std::string& path) {
  const auto known = objects_.find(path);
  if (known != objects_.end()) return known->second.get();
  const auto about = os::Stat(AT_FDCWD, path.c_str(), true);
  if (!about) return base::SystemError("read " + path, about.error().value);
  if (!S_ISREG(about->st_mode)) return base::InvalidInput("read ELF file " + path + ": it is none");
  const auto bytes = os::ReadFile(AT_FDCWD, path.c_str(), elf::kMostBytes);
  if (!bytes) return base::SystemError("read " + path, bytes.error().value);
  auto image = elf::Image::Parse(fs::path(path).filename().string(),
                                 std::vector<std::uint8_t>(bytes->begin(), bytes->end()));
  if (!image) return image.error();
  return objects_.emplace(path, std::make_unique<elf::Object>(*std::move(image)))
      .first->second.get();
}

elf::Object* StaticCalls::Find(const std::string& name, const elf::Object& by,
                               const std::string& by_path, std::string& path) {
  std::vector<std::string> candidates;
  if (name.contains('/')) {
    candidates.push_back(name);
  } else {
    const std::string origin = fs::path(by_path).parent_path().string();
    for (const std::string_view entry : base::Split(by.TheImage().run_path, ':')) {
      std::string directory(entry);
      for (const std::string_view variable : {"${ORIGIN}", "$ORIGIN"})
        if (const auto at = directory.find(variable); at != std::string::npos)
          directory.replace(at, variable.size(), origin);
      if (directory.starts_with('/')) candidates.push_back(directory + "/" + name);
    }
    for (const std::string& directory : directories_) candidates.push_back(directory + "/" + name);
  }
  for (const std::string& candidate : candidates) {
    if (!os::Stat(AT_FDCWD, candidate.c_str(), true)) continue;
    const auto loaded = Load(candidate);
    if (!loaded || (*loaded)->TheImage().arch != by.TheImage().arch) continue;
    path = candidate;
    return *loaded;
  }
  return nullptr;
}

base::Result<StaticBound> StaticCalls::Of(const std::string& path) {
  const std::string interpreter = InterpreterOf(path);
  const std::string& program = interpreter.empty() ? path : interpreter;
  const auto first = Load(program);
  if (!first) return first.error();
  StaticBound bound = {.calls = {}, .files = {program}};
  std::vector<elf::Object*> objects = {*first};
  std::vector<elf::Opening> missing;
  const auto add = [&](const std::string& name, std::size_t by) {
    std::string found;
    elf::Object* const object = Find(name, *objects[by], bound.files[by], found);
    if (object == nullptr)
      return missing.push_back({base::Escape(name), "this library was not found"});
    if (std::ranges::find(objects, object) != objects.end() || objects.size() == kMostObjects)
      return;
    objects.push_back(object);
    bound.files.push_back(found);
  };
  for (std::size_t i = 0; i < objects.size(); ++i)
    for (const std::string& name : objects[i]->TheImage().needed) add(name, i);
  if (const std::string& loader = objects[0]->TheImage().interpreter; !loader.empty()) {
    const std::string name = fs::path(loader).filename().string();
    const bool is_there = std::ranges::any_of(
        objects, [&](elf::Object* one) { return one->TheImage().name == name; });
    if (!is_there) add(loader, 0);
  }
  bound.calls = elf::FindCalls(objects);
  bound.calls.open.insert(bound.calls.open.end(), missing.begin(), missing.end());
  return bound;
}

std::uint64_t StaticCalls::SizeOf(const std::string& path) {
  const auto about = os::Stat(AT_FDCWD, path.c_str(), true);
  return about && S_ISREG(about->st_mode) ? static_cast<std::uint64_t>(about->st_size) : 0;
}

}  // namespace bailey::learn
