// Loads a BPF program, and makes a map.
#include <linux/bpf.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "attack.h"

void Attack(void) {
  // r0 = 0; exit
  struct bpf_insn code[] = {{.code = 0xb7}, {.code = 0x95}};
  union bpf_attr program;
  memset(&program, 0, sizeof(program));
  program.prog_type = BPF_PROG_TYPE_SOCKET_FILTER;
  program.insn_cnt = 2;
  program.insns = (unsigned long)code;
  program.license = (unsigned long)"GPL";
  if (syscall(SYS_bpf, BPF_PROG_LOAD, &program, sizeof(program)) >= 0) {
    Escaped("loaded a BPF program");
  }
  Refused("bpf prog_load");
  union bpf_attr map;
  memset(&map, 0, sizeof(map));
  map.map_type = BPF_MAP_TYPE_ARRAY;
  map.key_size = 4;
  map.value_size = 4;
  map.max_entries = 1;
  if (syscall(SYS_bpf, BPF_MAP_CREATE, &map, sizeof(map)) >= 0) Escaped("made a BPF map");
  Refused("bpf map_create");
  AllRefused();
}
