#include "sandbox/launch_error.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>

#include "network/probe.h"
#include "os/process.h"

namespace bailey::sandbox {
namespace {

// fs/namespace.c, mount_too_revealing: a user namespace gets a new /proc only where it can already
// see all of one.
bool IsProcRefused(const Plan& plan, const Message& message) {
  return message.stage == Stage::kMount && message.error == EPERM &&
         message.index < plan.root.steps.size() &&
         std::holds_alternative<ProcMount>(plan.root.steps[message.index]);
}

}  // namespace

base::Error At(Stage stage, os::Errno error) {
  return base::SystemError(std::string(ToString(stage)), error.value);
}

base::Error Describe(const Plan& plan, const Message& message) {
  std::string text(ToString(message.stage));
  if (message.stage == Stage::kMount && message.index < plan.root.steps.size())
    text = fmt::format("build root: {}", ToString(plan.root.steps[message.index]));
  if (IsProcRefused(plan, message))
    text +=
        " (parts of the /proc around us are covered, as container engines do; the kernel then "
        "gives no new one)";
  if (message.stage == Stage::kLimits && message.index < plan.limits.resources.size())
    text += " " + plan.limits.resources[message.index].name;
  if (message.stage == Stage::kLandlockRules && message.index < plan.landlock.rules.size())
    text += " for " + plan.landlock.rules[message.index].path;
  if (message.stage == Stage::kProbe)
    text = fmt::format("probe the network: {}", network::ProbeName(message.index));
  if (message.stage == Stage::kLoopback && plan.network)
    text = "make the network inside (nf_tables with tproxy is needed)";
  if (message.stage == Stage::kWorkdir) text += " " + plan.workdir;
  if (message.stage == Stage::kCommand && message.error != EPIPE)
    text += " (the policy denies recvmsg, by which a prepared sandbox gets its program's streams)";
  if (message.stage == Stage::kHandshake && message.error == EPERM)
    text += " (the policy denies read or write, which every program needs)";
  return base::SystemError(text, message.error);
}

base::Error EndedEarly(int wait_status) {
  std::string text = "start program: its task ended before it could execute";
  if (WIFSIGNALED(wait_status)) text += fmt::format(", by signal {}", WTERMSIG(wait_status));
  if (WIFSIGNALED(wait_status) && WTERMSIG(wait_status) == SIGSYS)
    text +=
        " (the policy kills read or write, which every program needs, or a filter that it "
        "stacks does, or kills seccomp)";
  return base::InvalidInput(text);
}

base::Error CannotAttach(const Message& message, std::size_t filters) {
  std::string text(ToString(message.stage));
  if (filters > 1) text += fmt::format(" {} of {}", message.index + 1, filters);
  if (message.error == ENOMEM) {
    text +=
        " (all filters of a task, those of its callers too, have 32768 translated "
        "instructions)";
  } else if (message.index > 0) {
    text += " (those below it must allow seccomp)";
  }
  return base::SystemError(text, message.error);
}

base::Error CannotFork(const Plan& plan, int number) {
  base::Error error = base::SystemError("make namespaces", number);
  if (number == EPERM || number == EACCES || number == ENOSPC || number == EUSERS)
    error.text += "; `bailey doctor` says what this host allows";
  if (plan.namespaces & os::kNetworkNamespace && number == EINVAL)
    error.text += " (this kernel lacks one of them)";
  return error;
}

}  // namespace bailey::sandbox
