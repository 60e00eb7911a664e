// What a thread looks up by name, written down for as long as a Looks lives, so that it can be
// watched: where nothing of it changes, looking again finds the same.
#pragma once

#include <set>
#include <string>

namespace bailey::os {

class Looks {
 public:
  // One at a time in a thread.
  Looks();
  Looks(const Looks&) = delete;
  Looks& operator=(const Looks&) = delete;
  ~Looks();

  // As they were given, made absolute.
  const std::set<std::string>& Names() const { return names_; }
  // Those whose entries were read.
  const std::set<std::string>& Directories() const { return directories_; }

  // For the functions of os/file.h, which look: nothing where nobody writes it down.
  static void Note(int directory, const char* path);
  static void NoteEntries(int directory);

 private:
  std::set<std::string> names_, directories_;
};

}  // namespace bailey::os
