// libexec/bailey/bailey-learn: what `bailey learn` becomes.
#include "cli/learn.h"
#include "cli/libexec.h"

int main(int argc, char** argv) {
  return bailey::cli::MainOfLibexec(argc, argv, bailey::cli::RunLearnItself);
}
