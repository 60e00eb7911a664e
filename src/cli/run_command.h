// The command line of `bailey run`, whatever keeps the program in, and where its result goes.
#pragma once

#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/run_options.h"

namespace bailey::cli {

struct RunOptions {
  SandboxOptions sandbox;
  std::vector<std::string> program;
  bool dry_run = false;
  bool pool = false;
  bool json = false;
  std::string json_file;
  std::optional<std::uint64_t> json_descriptor;
  std::string isolation = "process";
  std::string image = "default", kernel, id, start_timeout;  // of a machine
  std::string vmm = "qemu", vmm_directory;
};

// nullopt when the command is to go on, otherwise its exit code.
std::optional<int> ReadRunOptions(int argc, char** argv, RunOptions& options);

// Where the result goes as JSON, if it was asked for.
class Report {
 public:
  // Opened first: a report that cannot be written is found out before the program runs.
  static base::Result<Report> Open(const RunOptions& options);

  bool IsWanted() const { return file_ != nullptr; }
  // False, and said, where it could not be written.
  bool Write(const std::string& text) const;

 private:
  std::FILE* file_ = nullptr;
};

}  // namespace bailey::cli
