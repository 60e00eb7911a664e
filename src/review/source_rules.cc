#include "review/source_rules.h"

#include <array>

#include "review/source_rule.h"

namespace bailey::review {
namespace {

constexpr std::array kRules = {
    SourceRule{"source/ignored-result",
               "A call that builds or applies the sandbox, whose result nobody looks at.",
               CheckIgnoredResult},
    SourceRule{"source/exact-rule-dropped",
               "A rule that must be had exactly as written, and whose failure is dropped.",
               CheckExactRuleDropped},
    SourceRule{"source/rare-error-only",
               "A condition that stops for a rare error and lets the usual ones pass.",
               CheckRareError},
    SourceRule{"source/filter-not-loaded", "A filter that is built and never put in force.",
               CheckFilterNotLoaded},
    SourceRule{"source/never-called",
               "A function that would confine the program, and that nothing calls.",
               CheckNeverCalled},
    SourceRule{"source/unmasked-compare",
               "A denial that compares bits which the kernel does not read.", CheckUnmaskedCompare},
    SourceRule{"source/architecture-not-read",
               "A filter as instructions that reads the call's number and not its architecture.",
               CheckArchitectureNotRead},
    SourceRule{"source/no-new-privs-missing", "A filter without no_new_privs.",
               CheckNoNewPrivsMissing},
    SourceRule{"source/privilege-order", "Groups that are given up after the user, or not at all.",
               CheckPrivilegeOrder},
    SourceRule{"source/chroot-without-chdir", "A chroot that leaves the working directory outside.",
               CheckChrootWithoutChdir},
    SourceRule{"source/inherited-descriptor",
               "A descriptor that goes along into the program that is started.",
               CheckInheritedDescriptor},
    SourceRule{"source/id-in-path", "An id from outside that goes into a path unchecked.",
               CheckIdInPath},
    SourceRule{"source/prefix-of-path", "A directory told by the first characters of a path.",
               CheckPrefixOfPath},
    SourceRule{"source/check-then-open", "A look at a path, and then a call on the same path.",
               CheckThenOpen},
    SourceRule{"source/predictable-file",
               "A file with a name that others can guess, where others can write.",
               CheckPredictableFile},
    SourceRule{"source/shell-command", "A value in the command line of a shell.",
               CheckShellCommand},
    SourceRule{"source/option-injection",
               "A command that can be an option of the program that confines it.",
               CheckOptionInjection},
    SourceRule{"source/string-built-json", "JSON put together from strings.", CheckStringBuiltJson},
    SourceRule{"source/unbounded-log", "A list of events that only grows.", CheckUnboundedLog},
    SourceRule{"source/detached-chain", "A firewall chain that nothing leads to.",
               CheckDetachedChain},
    SourceRule{"source/lost-bytes",
               "A buffered reader made for one message of a stream that goes on.", CheckLostBytes},
    SourceRule{"source/comment", "A comment on the filter that is not what the filter does.",
               CheckStaleComment},
};

}  // namespace

std::span<const SourceRule> SourceRules() { return kRules; }

}  // namespace bailey::review
