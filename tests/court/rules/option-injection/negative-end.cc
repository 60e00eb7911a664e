#include <string>
#include <vector>

std::vector<std::string> Words(const Request& request) {
  std::vector<std::string> words = {"bwrap", "--unshare-all", "--ro-bind", "/usr", "/usr"};
  words.push_back("--");
  words.push_back(request.command);
  return words;
}

std::vector<std::string> Plain(const Request& request) {
  std::vector<std::string> words = {"nice", "-n", "10"};
  words.push_back(request.command);
  return words;
}
