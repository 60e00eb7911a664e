// What `bailey run` becomes for a moment: it links the library of systemd's bus, which no launch
// should pay for.
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/libexec.h"
#include "scope/enter.h"

namespace {

int EnterAndGoOn(int count, char** argv) {
  using namespace bailey;
  if (const auto entered = scope::EnterScope(); !entered)
    fmt::print(stderr, "bailey run: {}; limits are kept without one, where they can be\n",
               base::ToString(entered.error()));
  const auto launcher = cli::FindBailey();
  if (!launcher) {
    (void)cli::Fail("run", launcher.error());
    return cli::kNoSandbox;
  }
  std::string name = "bailey";
  std::string command = "run";
  std::vector<char*> words = {name.data(), command.data()};
  words.insert(words.end(), argv + 1, argv + count + 1);
  if (::setenv("BAILEY_SCOPE", "tried", 1) == 0) ::execv(launcher->c_str(), words.data());
  (void)cli::Fail("run", base::SystemError("start " + *launcher, errno));
  return cli::kNoSandbox;
}

}  // namespace

int main(int argc, char** argv) { return bailey::cli::MainOfLibexec(argc, argv, EnterAndGoOn); }
