#include "verify/verify.h"

#include "bpf/program.h"
#include "compile/compile.h"
#include "policy/policy.h"
