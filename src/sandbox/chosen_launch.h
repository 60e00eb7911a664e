// Runs a ChosenPlan. The caller's process stays outside as its monitor; it prints nothing.
#pragma once

#include <expected>

#include "sandbox/chosen_plan.h"
#include "sandbox/launch.h"

namespace bailey::sandbox {

// What could not be done. The order is roughly that of the launch.
enum class Part : std::uint32_t {
  kNone,
  kSystem,  // on our side: a pipe, memory, a message
  kJoinUserNamespace,
  kJoinPidNamespace,
  kMakeNamespaces,
  kInformation,
  kFilterSource,  // `error` of the failure holds it
  kGroups,
  kIds,
  kLoopback,
  kHostname,
  kSecondUserNamespace,
  kForbidUserNamespaces,
  kStillAllowed,
  kPropagation,
  kRootTmpfs,
  // Of a step of the root; `index` says which.
  kParents,
  kTargetDirectory,
  kTargetFile,
  kSource,   // it cannot be cloned
  kChanged,  // it is not what the descriptor said
  kMount,
  kFlags,
  kData,
  kSymlink,
  kOtherSymlink,  // there is another one in its place
  kNoSymlink,     // there is something else in its place
  kCoverProc,
  kDevice,
  kMode,
  kPivot,
  kReaper,
  kCapabilities,
  kBlock,
  kReadFilter,
  kFilterSize,
  kWorkdir,
  kSession,
  kOpenLock,  // `index`: of the lock files
  kLock,
  kLandlock,
  kLimits,
  kFilter,
  kExecute,
};

struct ChosenFailure {
  Part part = Part::kNone;
  std::uint32_t index = 0;
  int number = 0;                    // an errno
  std::optional<base::Error> error;  // of kFilterSource and kGroups
};

struct ChosenOutcome {
  int status = 0;  // as a shell has it: 128+n for signal n
  bool time_limit = false;
};

// `filters`: of the plan's restrictions; called while the root is being built.
std::expected<ChosenOutcome, ChosenFailure> RunChosen(const ChosenPlan& plan,
                                                      const FilterSource& filters);

}  // namespace bailey::sandbox
