// A program outside the tree: starts itself under a filter, and looks at what it may still do.
#include <bailey/filter.h>
#include <linux/filter.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

int main(int argc, char** argv) {
  const auto filter = bailey::CompilePolicy(argc > 1 ? argv[1] : "untrusted");
  if (!filter) {
    std::fprintf(stderr, "%s\n", filter.error().c_str());
    return 2;
  }
  const auto memfd = filter->SealedMemfd();
  if (!memfd) {
    std::fprintf(stderr, "%s\n", memfd.error().c_str());
    return 2;
  }
  if (pwrite(memfd->Number(), "x", 1, 0) != -1) return 3;

  sock_filter instructions[4096];
  std::memcpy(instructions, filter->Bytes().data(), filter->Bytes().size());
  sock_fprog program = {static_cast<unsigned short>(filter->InstructionCount()), instructions};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      prctl(PR_SET_SECCOMP, 2 /* SECCOMP_MODE_FILTER */, &program) != 0) {
    std::perror("attach the filter");
    return 4;
  }
  const long keyring = syscall(SYS_keyctl, 0, 0, 0, 0, 0);
  std::printf("keyctl: %s\n", keyring == -1 && errno == EPERM ? "EPERM" : "open");
  return 0;
}
