// libexec/bailey/bailey-agent: what `bailey agent` becomes.
#include "cli/agent.h"
#include "cli/libexec.h"

int main(int argc, char** argv) {
  return bailey::cli::MainOfLibexec(argc, argv, bailey::cli::RunAgentItself);
}
