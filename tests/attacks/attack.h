// What an attack program is made of. Each file defines Attack(), which tries one way out and ends
// in one of three verdicts, printed as one line:
//
//   stopped: open /etc/shadow: ENOENT           exit status 0
//   ESCAPED: read 812 bytes of /etc/shadow      exit status 1
//   cannot be tried: this kernel has no x32     exit status 77
//
// An attack that is killed by SIGSYS counts as stopped; any other end is exit status 2.
#ifndef TESTS_ATTACKS_ATTACK_H_
#define TESTS_ATTACKS_ATTACK_H_

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

void Attack(void);

// The value of "name=value" on the command line: where the driver put its bait. Asking for one
// that is not there ends the program with exit status 2.
const char* Given(const char* name);
// True when the program runs without the wall, to show that the attack works there.
bool IsControl(void);
// The parent of the attack program.
pid_t OuterParent(void);

// Notes one refused attempt, with errno: "<call>: <errno name>".
__attribute__((format(printf, 1, 2))) void Refused(const char* format, ...);
// The verdict when every attempt was refused.
__attribute__((noreturn)) void AllRefused(void);
__attribute__((noreturn, format(printf, 1, 2))) void Escaped(const char* format, ...);
__attribute__((noreturn, format(printf, 1, 2))) void CannotBeTried(const char* format, ...);

// Opens `path` and reads from it; Escaped when there is something to read.
void TryRead(const char* path);
// Opens `path` for writing, changing nothing; Escaped when that works.
void TryOpenForWriting(const char* path);

#endif  // TESTS_ATTACKS_ATTACK_H_
