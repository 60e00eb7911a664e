// Opens raw sockets: every frame on the wire, and forged ones.
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "attack.h"

void Attack(void) {
  if (socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL)) >= 0) {
    Escaped("opened a packet socket");
  }
  Refused("socket AF_PACKET");
  if (socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP) >= 0) Escaped("opened a raw socket");
  Refused("socket AF_INET raw");
  AllRefused();
}
