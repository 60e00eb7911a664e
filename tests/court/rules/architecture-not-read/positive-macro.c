#include <linux/filter.h>
#include <linux/seccomp.h>

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))

static struct sock_filter filter[] = {
    LOAD(nr), /* found */
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
};

const unsigned kNative = AUDIT_ARCH_X86_64;
