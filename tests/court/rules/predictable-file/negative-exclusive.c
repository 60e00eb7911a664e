#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

int Unnamed(void) { return open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600); }

int Memory(void) { return memfd_create("/tmp/box", MFD_CLOEXEC); }

int Exclusive(void) { return open("/tmp/box.lock", O_CREAT | O_EXCL | O_CLOEXEC, 0600); }

int Made(void) {
  char path[] = "/tmp/box-XXXXXX";
  return mkostemp(path, O_CLOEXEC);
}

int Read(void) { return open("/tmp/box.state", O_RDONLY | O_CLOEXEC); }

FILE* Elsewhere(void) { return fopen("/run/box/box.log", "a"); }

/* open("/tmp/box", O_CREAT) was here. */
const char* Help(void) { return "open(\"/tmp/box\", O_CREAT)"; }
