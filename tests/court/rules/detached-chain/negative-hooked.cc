#include <string>

int Install(const std::string& id) {
  Run({"nft", "add", "chain", "inet", "box", "vm",
       "{ type filter hook forward priority 0; policy drop; }"});
  Run({"nft", "add", "chain", "inet", "box", "per_vm"});
  Run({"nft", "add", "rule", "inet", "box", "vm", "jump", "per_vm"});
  Run({"iptables", "-N", "BOX"});
  return Run({"iptables", "-I", "FORWARD", "-j", "BOX"});
}
