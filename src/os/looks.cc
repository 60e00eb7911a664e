#include "os/looks.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstdio>

namespace bailey::os {
namespace {

thread_local Looks* current = nullptr;

// Of a directory that is open, or of the current one.
std::string PathOf(int directory) {
  std::array<char, 32> link;
  const char* path = "/proc/self/cwd";
  if (directory != AT_FDCWD) {
    (void)std::snprintf(link.data(), link.size(), "/proc/self/fd/%d", directory);
    path = link.data();
  }
  std::array<char, 4096> text;
  const ssize_t size = ::readlink(path, text.data(), text.size());
  return size < 0 ? std::string() : std::string(text.data(), static_cast<std::size_t>(size));
}

}  // namespace

Looks::Looks() { current = this; }
Looks::~Looks() { current = nullptr; }

void Looks::Note(int directory, const char* path) {
  if (!current) return;
  current->names_.insert(path[0] == '/' ? path : PathOf(directory) + '/' + path);
}

void Looks::NoteEntries(int directory) {
  if (current) current->directories_.insert(PathOf(directory));
}

}  // namespace bailey::os
