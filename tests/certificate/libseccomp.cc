// The filter that libseccomp makes of a container engine's profile, as bytes on standard output.
//
//   bin/filter-of-libseccomp data/docker-default-seccomp.json > docker.bpf
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "bpf/program.h"
#include "peer.h"
#include "policy/import_oci.h"

namespace bailey {
namespace {

int Main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("Usage: filter-of-libseccomp PROFILE\n", stderr);
    return 2;
  }
  std::ifstream file(argv[1]);
  const std::string json{std::istreambuf_iterator<char>(file), {}};
  const auto profile =
      policy::ImportOci(json, argv[1],
                        {.capabilities = policy::DefaultContainerCapabilities(),
                         .architectures = {abi::Arch::kX86_64, abi::Arch::kI386, abi::Arch::kX32}});
  if (!profile) {
    std::fprintf(stderr, "filter-of-libseccomp: %s\n", ToString(profile.error()).c_str());
    return 2;
  }
  auto instructions = bench::BuildWithLibseccomp(*profile, false);
  if (!instructions) {
    std::fprintf(stderr, "filter-of-libseccomp: %s\n", ToString(instructions.error()).c_str());
    return 1;
  }
  const std::vector<std::uint8_t> bytes = bpf::Validate(*std::move(instructions))->Bytes();
  return std::fwrite(bytes.data(), 1, bytes.size(), stdout) == bytes.size() ? 0 : 1;
}

}  // namespace
}  // namespace bailey

int main(int argc, char** argv) { return bailey::Main(argc, argv); }
