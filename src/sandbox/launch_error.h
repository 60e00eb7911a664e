// What a launch that failed says about it.
#pragma once

#include <cstddef>

#include "base/result.h"
#include "os/errno.h"
#include "sandbox/message.h"
#include "sandbox/plan.h"

namespace bailey::sandbox {

base::Error At(Stage stage, os::Errno error);
// The failure of a task inside, with the object that it was about.
base::Error Describe(const Plan& plan, const Message& message);
// Of the payload's task: a filter kills what starting needs, seccomp below another filter, read or
// write.
base::Error EndedEarly(int wait_status);
base::Error CannotAttach(const Message& message, std::size_t filters);
base::Error CannotFork(const Plan& plan, int number);

}  // namespace bailey::sandbox
