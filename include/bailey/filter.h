// Seccomp filters from policies, for programs that start others.
//
//   #include <bailey/filter.h>
//
//   auto filter = bailey::CompilePolicy("agent");             // a preset, or a file's path
//   if (!filter) return Complain(filter.error());             // "x.toml:3:9: read [syscalls]: ..."
//   auto memfd = filter->SealedMemfd();                       // nobody can change it any more
//   if (!memfd) return Complain(memfd.error());
//   const std::string number = std::to_string(memfd->Number());
//   fcntl(memfd->Number(), F_SETFD, 0);                       // the next program inherits it
//   execlp("bwrap", "bwrap", "--ro-bind", "/", "/", "--seccomp", number.c_str(), "sh", nullptr);
//
// A policy is the TOML of docs/policy.md; only its system call part is used here. What cannot be
// said, or has no meaning on an architecture in play, is an error: there is no best effort. Nothing
// here throws, keeps state or starts threads; values may be used from any thread.
#pragma once

#include <bailey/descriptor.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bailey {

// A filter that the kernel will accept, for machines of one byte order.
class Filter {
 public:
  // struct sock_filter records in the byte order of the machines that the filter is for: what
  // seccomp(2) takes as sock_fprog.filter, and `bwrap --seccomp` from a descriptor.
  std::span<const std::uint8_t> Bytes() const { return bytes_; }
  // From 1 to 4096.
  std::size_t InstructionCount() const { return bytes_.size() / 8; }
  // What the compiler found odd: rules that never decide, conditions that a multiplexer voids.
  const std::vector<std::string>& Warnings() const { return warnings_; }
  // A memfd with the bytes, at offset 0, sealed against every change; closed on exec.
  Expected<Descriptor> SealedMemfd() const;

 private:
  friend struct FilterMaker;
  Filter() = default;
  std::vector<std::uint8_t> bytes_;
  std::vector<std::string> warnings_;
};

struct CompileOptions {
  // Instead of the policy's: "x86_64", "i386", "native", "compat"...
  std::vector<std::string> architectures;
  std::string file = "policy";  // what errors call a text
};

// A preset's name ("untrusted", "agent", "flatpak"...), or the path of a file: with a '/' or ending
// in ".toml". A policy that stacks other filters below its own is not one filter: an error.
Expected<Filter> CompilePolicy(std::string_view name_or_path, const CompileOptions& options = {});
// With the filters that the policy stacks: to be attached in this order, its own at the end.
Expected<std::vector<Filter>> CompilePolicyStack(std::string_view name_or_path,
                                                 const CompileOptions& options = {});
// The text of a policy.
Expected<Filter> CompilePolicyText(std::string_view text, const CompileOptions& options = {});
// A container engine's seccomp profile (OCI, or Docker's and Podman's superset), for a container
// with `capabilities` ("CAP_CHOWN"). "native" and "compat" are not names here.
Expected<Filter> CompileContainerProfile(std::string_view json,
                                         const std::vector<std::string>& capabilities,
                                         const CompileOptions& options = {});

}  // namespace bailey
