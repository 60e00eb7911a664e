#include "cli/proved_filters.h"

#include "compile/compile.h"
#include "prove/keep.h"

namespace bailey::cli {

base::Result<std::vector<bpf::Program>> ProvedFilters(const policy::Policy& policy) {
  auto filter = compile::Compile(policy.syscalls);
  if (!filter) return filter.error();
  if (const auto fits = compile::CheckStack(policy.syscalls, *filter); !fits) return fits.error();
  if (const auto kept = prove::ValidateAndKeep(policy, *filter); !kept) return kept.error();
  std::vector<bpf::Program> filters;
  for (const policy::StackedFilter& stacked : policy.syscalls.stack)
    filters.push_back(stacked.program);
  filters.push_back(*std::move(filter));
  return filters;
}

}  // namespace bailey::cli
