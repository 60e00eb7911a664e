#include <linux/filter.h>
#include <linux/seccomp.h>

#define LOAD_ARCH BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch))

static struct sock_filter filter[] = {
    LOAD_ARCH,
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
};
