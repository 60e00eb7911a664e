// The public face of policy and compile: only translates.
#include "bailey/filter.h"

#include <fmt/format.h>

#include <filesystem>
#include <system_error>
#include <utility>

#include "abi/arch.h"
#include "base/result.h"
#include "base/text.h"
#include "base/unique_fd.h"
#include "compile/compile.h"
#include "os/file.h"
#include "policy/import_oci.h"
#include "policy/load.h"

namespace bailey {

struct FilterMaker {
  static Expected<Filter> Make(const base::Result<policy::Syscalls>& syscalls) {
    if (syscalls && !syscalls->stack.empty()) {
      base::Error error = base::Unsupported(
          fmt::format("compile policy: it stacks {} below its own filter, and one filter is asked "
                      "for",
                      base::Escape(syscalls->stack[0].path)));
      error.location = syscalls->stack[0].location;
      return std::unexpected(base::ToString(error));
    }
    return MakeOwn(syscalls);
  }

  static Expected<std::vector<Filter>> MakeStack(const base::Result<policy::Syscalls>& syscalls) {
    auto own = MakeOwn(syscalls);
    if (!own) return std::unexpected(own.error());
    const bool big_endian = IsBigEndian(*syscalls);
    std::vector<Filter> filters;
    for (const policy::StackedFilter& stacked : syscalls->stack) {
      Filter filter;
      filter.bytes_ = bpf::BytesAs(stacked.program, big_endian);
      filters.push_back(std::move(filter));
    }
    filters.push_back(*std::move(own));
    return filters;
  }

 private:
  static bool IsBigEndian(const policy::Syscalls& syscalls) {
    return abi::Info(syscalls.architectures.empty() ? abi::NativeArch() : syscalls.architectures[0])
        .big_endian;
  }

  static Expected<Filter> MakeOwn(const base::Result<policy::Syscalls>& syscalls) {
    if (!syscalls) return std::unexpected(base::ToString(syscalls.error()));
    const auto program = compile::Compile(*syscalls);
    if (!program) return std::unexpected(base::ToString(program.error()));
    if (const auto fits = compile::CheckStack(*syscalls, *program); !fits)
      return std::unexpected(base::ToString(fits.error()));
    const auto report = compile::Describe(*syscalls, *program);
    if (!report) return std::unexpected(base::ToString(report.error()));
    Filter filter;
    filter.bytes_ = bpf::BytesAs(*program, IsBigEndian(*syscalls));
    for (const compile::Warning& warning : report->warnings) {
      const std::string where = base::ToString(warning.location);
      filter.warnings_.push_back(where + (where.empty() ? "" : ": ") + warning.text);
    }
    return filter;
  }
};

namespace {

// Paths of a policy are of no use here: any absolute directory does where there is none.
policy::Context CallerContext() {
  std::error_code error;
  const auto directory = std::filesystem::current_path(error);
  return {.home = "/", .current_directory = error ? "/" : directory.string()};
}

base::Result<policy::Syscalls> SyscallsOf(base::Result<policy::Policy> policy) {
  if (!policy) return policy.error();
  return std::move(policy->syscalls);
}

}  // namespace

Expected<Descriptor> Filter::SealedMemfd() const {
  auto file = os::SealedMemfd("bailey-filter", bytes_);
  if (!file) {
    return std::unexpected(
        base::ToString(base::SystemError("make memfd of the filter", file.error().value)));
  }
  return Descriptor(file->Release());
}

Expected<Filter> CompilePolicy(std::string_view name_or_path, const CompileOptions& options) {
  return FilterMaker::Make(SyscallsOf(
      policy::Load(name_or_path, CallerContext(), {.architectures = options.architectures})));
}

Expected<std::vector<Filter>> CompilePolicyStack(std::string_view name_or_path,
                                                 const CompileOptions& options) {
  return FilterMaker::MakeStack(SyscallsOf(
      policy::Load(name_or_path, CallerContext(), {.architectures = options.architectures})));
}

Expected<Filter> CompilePolicyText(std::string_view text, const CompileOptions& options) {
  return FilterMaker::Make(SyscallsOf(policy::Parse(text, options.file, CallerContext(),
                                                    {.architectures = options.architectures})));
}

Expected<Filter> CompileContainerProfile(std::string_view json,
                                         const std::vector<std::string>& capabilities,
                                         const CompileOptions& options) {
  policy::OciOptions import = {.capabilities = capabilities};
  for (const std::string& name : options.architectures) {
    const auto arch = abi::FindArch(name);
    if (!arch) return std::unexpected(fmt::format("read architecture {}: it is unknown", name));
    import.architectures.push_back(*arch);
  }
  return FilterMaker::Make(policy::ImportOci(json, options.file, import));
}

}  // namespace bailey
