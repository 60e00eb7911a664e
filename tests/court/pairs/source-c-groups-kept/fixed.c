// Takes a service's worker from root to its own user before it touches what clients send.
#define _GNU_SOURCE
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/types.h>
#include <unistd.h>

struct account {
  uid_t uid;
  gid_t gid;
};

static bool find_account(const char* name, struct account* account) {
  errno = 0;
  const struct passwd* entry = getpwnam(name);
  if (entry == NULL) {
    fprintf(stderr, "worker: find user %s: %s\n", name, errno ? strerror(errno) : "no such user");
    return false;
  }
  if (entry->pw_uid == 0) {
    fprintf(stderr, "worker: user %s is root\n", name);
    return false;
  }
  account->uid = entry->pw_uid;
  account->gid = entry->pw_gid;
  return true;
}

// Groups first: without root they could not be changed any more.
static bool drop_privileges(const struct account* account) {
  if (setgroups(0, NULL) != 0) {
    fprintf(stderr, "worker: drop groups: %s\n", strerror(errno));
    return false;
  }
  if (setresgid(account->gid, account->gid, account->gid) != 0) {
    fprintf(stderr, "worker: set group: %s\n", strerror(errno));
    return false;
  }
  if (setresuid(account->uid, account->uid, account->uid) != 0) {
    fprintf(stderr, "worker: set user: %s\n", strerror(errno));
    return false;
  }
  // Nobody comes back.
  if (setuid(0) == 0) {
    fprintf(stderr, "worker: still root\n");
    return false;
  }
  return true;
}

int start_worker(const char* user, const char* program, char* const arguments[]) {
  struct account account;
  if (!find_account(user, &account)) return 125;
  if (chdir("/") != 0) {
    fprintf(stderr, "worker: change directory: %s\n", strerror(errno));
    return 125;
  }
  if (!drop_privileges(&account)) return 125;
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    fprintf(stderr, "worker: set no_new_privs: %s\n", strerror(errno));
    return 125;
  }
  execv(program, arguments);
  fprintf(stderr, "worker: execute %s: %s\n", program, strerror(errno));
  return 126;
}
