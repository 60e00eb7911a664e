#include "cli/proved_filters.h"

#include "compile/compile.h"
#include "prove/keep.h"
#include "prove/notified.h"

namespace bailey::cli {

base::Result<std::vector<bpf::Program>> ProvedFilters(const policy::Policy& policy, bool notified) {
  auto filter = notified ? compile::CompileNotified(policy.syscalls, policy.audit)
                         : compile::Compile(policy.syscalls);
  if (!filter) return filter.error();
  const auto plain = notified ? prove::WithoutNotice(*filter) : *filter;
  if (!plain) return plain.error();
  if (const auto fits = compile::CheckStack(policy.syscalls, *plain); !fits) return fits.error();
  if (const auto kept = prove::ValidateAndKeep(policy, *plain); !kept) return kept.error();
  std::vector<bpf::Program> filters;
  for (const policy::StackedFilter& stacked : policy.syscalls.stack)
    filters.push_back(stacked.program);
  filters.push_back(*std::move(filter));
  return filters;
}

}  // namespace bailey::cli
