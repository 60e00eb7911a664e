// libexec/bailey/bailey-review: what `bailey review` becomes.
#include "cli/libexec.h"
#include "cli/review.h"

int main(int argc, char** argv) {
  return bailey::cli::MainOfLibexec(argc, argv, bailey::cli::RunReviewItself);
}
