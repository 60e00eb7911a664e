#include <string>
#include <vector>

std::vector<std::string> Words(const Request& request) {
  std::vector<std::string> words = {"bwrap", "--unshare-all", "--ro-bind", "/usr", "/usr"};
  words.push_back(request.command); /* found */
  return words;
}
