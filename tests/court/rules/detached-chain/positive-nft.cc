#include <string>

int Install(const std::string& id) {
  Run({"nft", "add", "table", "inet", "box"});
  Run({"nft", "add", "chain", "inet", "box", "vm"}); /* found */
  Run({"nft", "add", "rule", "inet", "box", "vm", "ip", "daddr", "10.0.0.0/8", "drop"});
  return 0;
}
