#include "abi/sends.h"

#include <algorithm>

namespace bailey::abi {
namespace {

struct Send {
  std::string_view call;
  SendForm form;
};
// By the kernel's SYSCALL_DEFINE signatures; sorted by call.
constexpr Send kSends[] = {
    {"send", SendForm::kBytes},
    {"sendmmsg", SendForm::kMessages},
    {"sendmsg", SendForm::kMessage},
    {"sendto", SendForm::kBytes},
    {"socketcall", SendForm::kMultiplexed},
};
static_assert(std::ranges::is_sorted(kSends, {}, &Send::call));

}  // namespace

std::optional<SendForm> SendFormOf(std::string_view call) {
  const auto* const found = std::ranges::lower_bound(kSends, call, {}, &Send::call);
  if (found == std::end(kSends) || found->call != call) return std::nullopt;
  return found->form;
}

// x32 has long registers and short pointers.
unsigned PointerBytes(Arch arch) {
  return arch == Arch::kX32 ? 4 : static_cast<unsigned>(Info(arch).word_bits) / 8;
}

}  // namespace bailey::abi
