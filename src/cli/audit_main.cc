// libexec/bailey/bailey-audit: what `bailey audit` becomes.
#include "cli/audit.h"
#include "cli/libexec.h"

int main(int argc, char** argv) {
  return bailey::cli::MainOfLibexec(argc, argv, bailey::cli::RunAuditItself);
}
