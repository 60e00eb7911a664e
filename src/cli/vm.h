// Commands of libexec/bailey/bailey-vm, which links what only machines need.
#pragma once

#include <optional>

namespace bailey::cli {

int RunVm(int argc, char** argv);  // argv[0] is the command's name
// argv[0] is "doctor", and so on.
int RunVmDoctor(int argc, char** argv);
int RunPs(int argc, char** argv);
int RunStop(int argc, char** argv);
// Nothing where there is no such command. argv[0] is "pool".
std::optional<int> RunVmPool(int argc, char** argv);
// `bailey run --isolation microvm`
int RunInVm(int argc, char** argv);

}  // namespace bailey::cli
