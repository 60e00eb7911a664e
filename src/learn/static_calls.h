// The system calls that a program's file and its libraries can make at all (elf/reach.h), with the
// libraries found where the dynamic loader would find them.
//
//   learn::StaticCalls calls;
//   const auto bound = calls.Of("/usr/bin/git");
//   bound->calls.calls.size()                       // 106
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "elf/reach.h"

namespace bailey::learn {

struct StaticBound {
  elf::Bound calls;
  std::vector<std::string> files;  // the program, then its libraries
};

class StaticCalls {
 public:
  StaticCalls();
  // Of a script the program that its first line names. Errors: no ELF file, or of another machine
  // than x86. A library that is not found leaves the bound open.
  base::Result<StaticBound> Of(const std::string& path);
  // Of the file alone; 0 where there is none.
  static std::uint64_t SizeOf(const std::string& path);

 private:
  base::Result<elf::Object*> Load(const std::string& path);
  // nullptr: nowhere.
  elf::Object* Find(const std::string& name, const elf::Object& by, const std::string& by_path,
                    std::string& path);

  std::vector<std::string> directories_;
  std::map<std::string, std::unique_ptr<elf::Object>> objects_;  // by path
};

}  // namespace bailey::learn
