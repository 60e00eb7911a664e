; Snap-like confinement of a command line program that runs in somebody's terminal.
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
        jeq  #ioctl, ioctl, deny
; cmd is the second argument. TIOCSTI, TIOCLINUX, TIOCCONS and TIOCSETD are what types into a terminal,
; pastes into a console, takes it, or changes its line discipline.
ioctl:  ld   args[1].high
        jeq  #0, words, allow
words:  ld   args[1].low
        jin  #0x5412 #0x541c #0x541d #0x5423, refuse
allow:  ret  ALLOW
deny:   ret  ERRNO(38)               ; libraries try something older
refuse: ret  ERRNO(1)
