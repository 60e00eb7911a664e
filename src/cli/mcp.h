// bailey mcp: one file a subcommand.
#pragma once

namespace bailey::cli {

// argv[0] is the subcommand's name.
int RunMcpWrap(int argc, char** argv);
int RunMcpConfig(int argc, char** argv);  // wrap --config
int RunMcpServe(int argc, char** argv);
int RunApprovalsItself(int argc, char** argv);  // bailey approvals
int RunMcpPins(int argc, char** argv);

}  // namespace bailey::cli
