; Families above AF_UNIX (1) are not for this service: deny "family > 1".
start:  ld   arch
        jeq  #0xc000003e, native, next
        ret  KILL
native: ld   nr
        jge  #0x40000000, deny, next
        jin  #read #write #readv #writev #close #fstat #lseek #mmap #mprotect #munmap #brk #mremap #madvise, allow
        jin  #rt_sigaction #rt_sigprocmask #rt_sigreturn #sigaltstack #futex #set_robust_list #rseq, allow
        jin  #getpid #gettid #getuid #geteuid #getgid #getegid #getrandom #clock_gettime #nanosleep #clock_nanosleep, allow
        jin  #openat #newfstatat #readlinkat #getdents64 #fcntl #dup #dup3 #pipe2 #poll #ppoll #epoll_create1 #epoll_ctl #epoll_pwait, allow
        jin  #exit #exit_group #wait4 #execve #tgkill #set_tid_address #sched_yield #getcwd, allow
        jin  #connect #sendto #recvfrom #sendmsg #recvmsg #shutdown, allow
        jeq  #socket, family, next
        jeq  #socketpair, family, deny
; A 64-bit value in two words: greater when the upper word is greater and the lower one is.
family: ld   args[0].high
        jgt  #0, low, allow
low:    ld   args[0].low
        jgt  #1, refuse, allow
allow:  ret  ALLOW
deny:   ret  ERRNO(38)               ; libraries try something older
refuse: ret  ERRNO(97)               ; EAFNOSUPPORT
