// Builds the command line of bubblewrap for an application and the command it was asked to run.
#include <sys/types.h>
#include <unistd.h>

#include <expected>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace launcher {

struct Application {
  std::string name;
  std::string runtime;                 // a directory that the package system made
  std::vector<std::string> read_only;  // from the permissions, resolved
  std::map<std::string, std::string> environment;
};

struct Request {
  std::string command;  // from a .desktop file of the application's author
  std::vector<std::string> arguments;
};

std::vector<std::string> SandboxArguments(const Application& application) {
  std::vector<std::string> words = {"--unshare-all", "--die-with-parent",
                                    "--new-session", "--clearenv",
                                    "--ro-bind",     application.runtime,
                                    "/usr",          "--symlink",
                                    "usr/bin",       "/bin",
                                    "--symlink",     "usr/lib",
                                    "/lib",          "--proc",
                                    "/proc",         "--dev",
                                    "/dev",          "--tmpfs",
                                    "/tmp"};
  for (const std::string& path : application.read_only) {
    words.insert(words.end(), {"--ro-bind", path, path});
  }
  for (const auto& [name, value] : application.environment) {
    words.insert(words.end(), {"--setenv", name, value});
  }
  return words;
}

std::expected<std::vector<std::string>, std::string> CommandLine(const Application& application,
                                                                 const Request& request) {
  if (request.command.empty()) return std::unexpected("run " + application.name + ": no command");
  std::vector<std::string> words = {"bwrap"};
  const std::vector<std::string> sandbox = SandboxArguments(application);
  words.insert(words.end(), sandbox.begin(), sandbox.end());
  words.push_back("--");  // options of the sandbox end here, whatever the command is called
  words.push_back(request.command);
  words.insert(words.end(), request.arguments.begin(), request.arguments.end());
  return words;
}

int Execute(const std::vector<std::string>& words) {
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  execv("/usr/bin/bwrap", arguments.data());
  return 126;
}

}  // namespace launcher
