#include "bpf/constant.h"

namespace bailey::bpf {

bool IsConstantAllow(const Program& program, std::uint32_t arch_token, std::uint32_t nr) {
  constexpr std::uint32_t kPlainAllow = 0x7fff0000;
  std::uint32_t a = 0;
  for (std::size_t pc = 0;; ++pc) {
    const auto [code, jt, jf, k] = program.Instructions()[pc];
    switch (code) {
      case kLoadAbs:
        if (k != kOffsetNr && k != kOffsetArch) return false;
        a = k == kOffsetNr ? nr : arch_token;
        break;
      case kReturn:
        return k == kPlainAllow;
      case kJump:
        pc += k;
        break;
      case kJeq:
        pc += a == k ? jt : jf;
        break;
      case kJge:
        pc += a >= k ? jt : jf;
        break;
      case kJgt:
        pc += a > k ? jt : jf;
        break;
      case kJset:
        pc += (a & k) != 0 ? jt : jf;
        break;
      case kAnd:
        a &= k;
        break;
      default:
        return false;
    }
  }
}

}  // namespace bailey::bpf
