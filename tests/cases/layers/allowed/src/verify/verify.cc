#include <string>

#include "base/result.h"
#include "bpf/program.h"
#include "verify/verify.h"
