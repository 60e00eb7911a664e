// Profiles of others: read by every importer, compiled where one takes them.
#include "compile/compile.h"
#include "input.h"
#include "policy/import_firecracker.h"
#include "policy/import_oci.h"
#include "policy/import_systemd.h"

using namespace bailey;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = Text(data, size);
  const auto use = [](const policy::Syscalls& syscalls) {
    const auto program = compile::Compile(syscalls);
    Demand(program || !program.error().text.empty(), "an error says something");
  };
  if (const auto oci = policy::ImportOci(text, "fuzz.json")) use(*oci);
  if (const auto unit = policy::ImportSystemd(text, "fuzz.service")) use(*unit);
  if (const auto threads = policy::ImportFirecracker(text, "fuzz.json", abi::Arch::kX86_64)) {
    for (const auto& [thread, syscalls] : *threads) use(syscalls);
  }
  return 0;
}
