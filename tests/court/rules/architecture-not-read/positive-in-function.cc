#include <linux/filter.h>
#include <linux/seccomp.h>

int Install() {
  /* arch is not among what is loaded */
  const sock_filter code[] = {
      BPF_STMT(BPF_LD + BPF_W + BPF_ABS, __builtin_offsetof(seccomp_data, nr)), /* found */
      BPF_JUMP(BPF_JMP + BPF_JEQ + BPF_K, __NR_ptrace, 1, 0),
      BPF_STMT(BPF_RET + BPF_K, SECCOMP_RET_ALLOW),
      BPF_STMT(BPF_RET + BPF_K, SECCOMP_RET_ERRNO | 1),
  };
  return Load(code);
}
