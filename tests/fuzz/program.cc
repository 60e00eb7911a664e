// A filter's bytes: what is accepted runs, ends, and is written as it was.
#include <algorithm>

#include "bpf/constant.h"
#include "bpf/disassembler.h"
#include "bpf/interpreter.h"
#include "input.h"

using namespace bailey;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto program = bpf::Read({data, size});
  if (!program) return 0;
  Demand(std::ranges::equal(program->Bytes(), std::span(data, size)), "bytes come back");
  for (const bool big_endian : {false, true}) {
    Demand(!bpf::Disassemble(*program, {.big_endian = big_endian}).empty(), "it can be shown");
    const auto run = bpf::Interpret(
        *program, {.nr = 16, .arch = 0xc000003e, .args = {1, 0x5412, ~0ull, 0, 0, 0}}, big_endian);
    Demand(run.instructions <= program->Size(), "no instruction runs twice");
  }
  (void)bpf::IsConstantAllow(*program, 0xc000003e, 16);  // only that it ends
  return 0;
}
