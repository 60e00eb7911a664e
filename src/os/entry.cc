// Where the kernel enters the executable, before glibc's own start relocates it. Relocating writes
// to some 50 pages, one fault each: had at once, they cost a third. What cannot be had is faulted
// in as ever.
#include <elf.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <cstdint>

extern "C" {

extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

// Nothing is relocated yet, and there is no thread: only what lies at a distance from the code that
// runs can be touched, and no stack protector has its canary.
[[gnu::used, gnu::visibility("hidden"), gnu::no_stack_protector]] void BaileyTakePages() {
  constexpr std::uint64_t kPage = 4096;
  const char* const image = reinterpret_cast<const char*>(&__ehdr_start);
  const auto* const headers = reinterpret_cast<const ElfW(Phdr)*>(image + __ehdr_start.e_phoff);
  for (unsigned i = 0; i < __ehdr_start.e_phnum; ++i) {
    const ElfW(Phdr)& header = headers[i];
    if (header.p_type != PT_LOAD || !(header.p_flags & PF_W)) continue;
    const std::uint64_t first = header.p_vaddr & ~(kPage - 1);
    const std::uint64_t end = (header.p_vaddr + header.p_filesz + kPage - 1) & ~(kPage - 1);
    long answer = SYS_madvise;
    asm volatile("syscall"
                 : "+a"(answer)
                 : "D"(image + first), "S"(end - first), "d"(MADV_POPULATE_WRITE)
                 : "rcx", "r11", "memory");
  }
}

// The kernel leaves the arguments at the stack's top, aligned to 16, and a function to be called at
// the end in rdx, for _start.
asm(".text\n"
    ".globl bailey_entry\n"
    ".hidden bailey_entry\n"
    ".type bailey_entry, @function\n"
    "bailey_entry:\n"
    "  xor %ebp, %ebp\n"
    "  mov %rdx, %rbx\n"
    "  call BaileyTakePages\n"
    "  mov %rbx, %rdx\n"
    "  jmp _start\n"
    ".size bailey_entry, .-bailey_entry\n");
}
