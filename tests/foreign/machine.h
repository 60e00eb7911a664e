// What differs between the machines that the victim runs on: how a call is made, and how a tracer
// takes one back. The victim has no C library: nothing but itself makes calls under the filter.
#pragma once

#include <asm/ptrace.h>
#include <asm/unistd.h>
#include <linux/elf.h>
#include <linux/ptrace.h>

// A register, as the kernel takes it.
typedef unsigned long word;
struct io_vector {
  void* base;
  word size;
};

#if defined(__aarch64__)

#define ENTRY "mov x0, sp\n b start\n"
static long call(word number, word a, word b, word c, word d, word e, word f) {
  register word x8 asm("x8") = number;
  register word x0 asm("x0") = a;
  register word x1 asm("x1") = b;
  register word x2 asm("x2") = c;
  register word x3 asm("x3") = d;
  register word x4 asm("x4") = e;
  register word x5 asm("x5") = f;
  asm volatile("svc #0"
               : "+r"(x0)
               : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
               : "memory");
  return (long)x0;
}

static long take_back(long pid) {
  int none = -1;
  struct io_vector registers = {&none, sizeof none};
  return call(__NR_ptrace, PTRACE_SETREGSET, (word)pid, NT_ARM_SYSTEM_CALL, (word)&registers, 0, 0);
}

#elif defined(__arm__)

#define ENTRY "mov r0, sp\n b start\n"
static long call(word number, word a, word b, word c, word d, word e, word f) {
  register word r7 asm("r7") = number;
  register word r0 asm("r0") = a;
  register word r1 asm("r1") = b;
  register word r2 asm("r2") = c;
  register word r3 asm("r3") = d;
  register word r4 asm("r4") = e;
  register word r5 asm("r5") = f;
  asm volatile("svc #0"
               : "+r"(r0)
               : "r"(r7), "r"(r1), "r"(r2), "r"(r3), "r"(r4), "r"(r5)
               : "memory");
  return (long)r0;
}

static long take_back(long pid) {
  return call(__NR_ptrace, PTRACE_SET_SYSCALL, (word)pid, 0, (word)-1, 0, 0);
}

#elif defined(__riscv)

#define ENTRY "mv a0, sp\n tail start\n"
static long call(word number, word a, word b, word c, word d, word e, word f) {
  register word a7 asm("a7") = number;
  register word a0 asm("a0") = a;
  register word a1 asm("a1") = b;
  register word a2 asm("a2") = c;
  register word a3 asm("a3") = d;
  register word a4 asm("a4") = e;
  register word a5 asm("a5") = f;
  asm volatile("ecall"
               : "+r"(a0)
               : "r"(a7), "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a5)
               : "memory");
  return (long)a0;
}

static long take_back(long pid) {
  struct user_regs_struct user;
  struct io_vector registers = {&user, sizeof user};
  const long read =
      call(__NR_ptrace, PTRACE_GETREGSET, (word)pid, NT_PRSTATUS, (word)&registers, 0, 0);
  if (read != 0) return read;
  user.a7 = (word)-1;
  return call(__NR_ptrace, PTRACE_SETREGSET, (word)pid, NT_PRSTATUS, (word)&registers, 0, 0);
}

#elif defined(__s390x__)

#define ENTRY "lgr %r2, %r15\n aghi %r15, -160\n jg start\n"
static long call(word number, word a, word b, word c, word d, word e, word f) {
  register word r1 asm("r1") = number;
  register word r2 asm("r2") = a;
  register word r3 asm("r3") = b;
  register word r4 asm("r4") = c;
  register word r5 asm("r5") = d;
  register word r6 asm("r6") = e;
  register word r7 asm("r7") = f;
  asm volatile("svc 0"
               : "+d"(r2)
               : "d"(r1), "d"(r3), "d"(r4), "d"(r5), "d"(r6), "d"(r7)
               : "memory");
  return (long)r2;
}

// At the stop, what is written to register 2 becomes the number, cut to 16 bits
// (arch/s390/kernel/ptrace.c, __poke_user): 0xffff is no call, but the filters are asked about it.
static long take_back(long pid) {
  return call(__NR_ptrace, PTRACE_POKEUSR, (word)pid, PT_GPR2, (word)-1, 0, 0);
}

#endif
