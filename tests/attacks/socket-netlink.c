// Asks the kernel for the host's network interfaces.
#include <ifaddrs.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

#include "attack.h"

void Attack(void) {
  if (socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE) < 0) {
    Refused("socket AF_NETLINK");
    AllRefused();
  }
  struct if_nameindex* interfaces = if_nameindex();
  if (interfaces == NULL) {
    Refused("list interfaces");
    AllRefused();
  }
  bool alone = true;
  for (struct if_nameindex* each = interfaces; each->if_name != NULL; ++each) {
    // Tunnel devices that the kernel makes in every network namespace lead nowhere.
    const char* const everywhere[] = {"lo",      "sit0",    "tunl0",    "gre0",    "gretap0",
                                      "erspan0", "ip_vti0", "ip6_vti0", "ip6tnl0", "ip6gre0"};
    bool known = false;
    for (size_t i = 0; i < sizeof(everywhere) / sizeof(everywhere[0]); ++i) {
      known |= strcmp(each->if_name, everywhere[i]) == 0;
    }
    if (!known) Escaped("sees the interface %s", each->if_name);
    alone &= known;
  }
  if (IsControl() && alone) CannotBeTried("this host has no interface beside the loopback");
  errno = 0;
  Refused("list interfaces: only the loopback is there");
  AllRefused();
}
