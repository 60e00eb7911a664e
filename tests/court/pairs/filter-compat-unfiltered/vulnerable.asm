; A container of a hosting company: 64-bit by a list, and old 32-bit tools of its customers.
start:  ld   arch
        jeq  #0xc000003e, native, next
        jeq  #0x40000003, compat, next       ; i386
        ret  KILL
native: ld   nr
        jge  #0x40000000, deny, next
        jin  #read #write #readv #writev #close #fstat #lseek #mmap #mprotect #munmap #brk #mremap #madvise, allow
        jin  #rt_sigaction #rt_sigprocmask #rt_sigreturn #sigaltstack #futex #set_robust_list #rseq, allow
        jin  #getpid #gettid #getuid #geteuid #getgid #getegid #getrandom #clock_gettime #nanosleep #clock_nanosleep, allow
        jin  #openat #newfstatat #readlinkat #getdents64 #fcntl #dup #dup3 #pipe2 #poll #ppoll #epoll_create1 #epoll_ctl #epoll_pwait, allow
        jin  #exit #exit_group #wait4 #execve #tgkill #set_tid_address #sched_yield #getcwd, allow
deny:   ret  ERRNO(38)               ; libraries try something older
compat: ld   nr
        jin  #i386:kexec_load #i386:init_module #i386:delete_module #i386:reboot, deny386
        ret  ALLOW                           ; the rest of the list is the native one's
allow:  ret  ALLOW
deny386: ret ERRNO(1)
