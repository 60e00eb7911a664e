#include <stdlib.h>

int install_firewall(void) {
  if (system("iptables -N BOX") != 0) return -1; /* found */
  if (system("iptables -A BOX -d 169.254.169.254 -j DROP") != 0) return -1;
  return 0;
}
