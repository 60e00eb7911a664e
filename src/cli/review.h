// bailey review, in an executable of its own (review_main.cc).
#pragma once

#include <string>
#include <vector>

#include "abi/arch.h"
#include "base/result.h"
#include "review/subject.h"

namespace bailey::cli {

// What is put on trial, as the command line names it.
struct ReviewNames {
  std::vector<std::string> subjects;  // recognised by name and content
  int pid = 0;
  bool has_bwrap = false;
  std::vector<std::string> bwrap;  // bubblewrap's arguments
  std::string oci, firecracker;    // files of these kinds
  std::vector<abi::Arch> archs;
};

// One subject of everything that is named. Two parts of one kind are an error, but for sources and
// for filters, which make a stack.
base::Result<review::Subject> ReadReviewed(const ReviewNames& names);
// What `names` was before: another file, policy or preset, or the subject's own file in a revision
// of its git tree.
base::Result<review::Subject> ReadBefore(const ReviewNames& names, const std::string& before);

int RunReviewItself(int argc, char** argv);

}  // namespace bailey::cli
