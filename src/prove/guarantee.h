// Guarantees as data: which calls a filter must close, and what that rests on. The catalogue is
// policies/guarantees/*.toml, made into a table by the build; a user's file has the same format:
//
//   guarantees = 1
//   [no-reboot]
//   sentence = "The machine is not restarted."
//   calls = ["reboot", { call = "kexec_load" }, { call = "prctl", when = "option == PR_SET_MM" }]
//   rests-on = ["architectures-closed"]
//   references = ["kernel/reboot.c"]
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace bailey::prove {

// Calls by name, with a condition in the language of policies, or by a set of numbers.
struct CallSet {
  std::string_view call;
  std::string_view when;     // empty: always. "$families" stands for the policy's list
  std::string_view pointer;  // what lies behind a pointer and decides: open is then undecided
  // "unknown", "negative", "x32", "foreign" or "all", instead of a call.
  std::string_view numbers;
  std::span<const std::string_view> archs;  // only there; empty: everywhere
};

enum class Wants : std::uint8_t {
  kClosed,         // every answer kills, traps or is an errno that is not 0
  kErrno,          // where it is denied, by this errno
  kNoFakeSuccess,  // no errno 0
  kWellFormed,     // only answers that the kernel knows
};

struct Guarantee {
  std::string_view name;
  std::string_view sentence;
  Wants wants = Wants::kClosed;
  std::string_view errno_name;
  bool untrusted = false;  // one of those that untrusted code needs
  std::span<const CallSet> calls;
  std::span<const std::string_view> rests_on;
  std::span<const std::string_view> references;
};

// The catalogue, in the order of names.
std::span<const Guarantee> BuiltinGuarantees();

// A user's file; owns what its guarantees point to.
class GuaranteeFile {
 public:
  // Errors have file, line and column.
  static base::Result<GuaranteeFile> Parse(std::string text, std::string file);
  ~GuaranteeFile();
  GuaranteeFile(GuaranteeFile&&) noexcept;
  GuaranteeFile& operator=(GuaranteeFile&&) noexcept;

  std::span<const Guarantee> Guarantees() const;

 private:
  struct Contents;
  explicit GuaranteeFile(std::unique_ptr<Contents> contents);
  std::unique_ptr<Contents> contents_;
};

}  // namespace bailey::prove
