// bailey disasm: a filter's bytes as readable instructions.
#include <fmt/format.h>

#include <bit>
#include <string>

#include "bpf/disassembler.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/filter_bytes.h"
#include "cli/input.h"

namespace bailey::cli {
int RunDisasm(int argc, char** argv) {
  std::string path;
  bool big_endian = std::endian::native == std::endian::big;
  Arguments arguments(
      "disasm", "Prints a seccomp filter (struct sock_filter records) as readable instructions.");
  arguments.Value("FILE", path, "the filter's bytes, or - for standard input").Required();
  arguments.Flag("--big-endian,!--little-endian", big_endian,
                 "the byte order of the machine that the filter is for (default: this one's)");
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (const auto code = arguments.Read(words, kUsage)) return *code;
  // One record more than the longest filter: reading it says that it is too long.
  const auto bytes = ReadInput(path, (bpf::kMaxInstructions + 1) * sizeof(bpf::Instruction));
  if (!bytes) return Fail("disasm", bytes.error());
  const auto program = ReadFilter(*bytes, big_endian);
  if (!program) return Fail("disasm", program.error());
  fmt::print("{}", bpf::Disassemble(*program, {.big_endian = big_endian}));
  return kYes;
}

}  // namespace bailey::cli
