// Commands of libexec/bailey/bailey-vm, which links what only machines need.
#pragma once

namespace bailey::cli {

int RunVm(int argc, char** argv);  // argv[0] is the command's name
int RunPs(int argc, char** argv);
int RunStop(int argc, char** argv);
// `bailey run --isolation microvm`
int RunInVm(int argc, char** argv);

}  // namespace bailey::cli
