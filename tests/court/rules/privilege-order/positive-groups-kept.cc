#include <unistd.h>

bool BecomeGuest(const Account& account) {
  if (::setresgid(account.gid, account.gid, account.gid) != 0) return false; /* found */
  if (::setresuid(account.uid, account.uid, account.uid) != 0) return false;
  return true;
}
