// What the sandboxes of a pool are made of, and how to make it anew. The pool decides nothing about
// policies: who starts it does.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "bpf/program.h"
#include "policy/policy.h"
#include "sandbox/launch.h"
#include "sandbox/plan.h"

namespace bailey::pool {

struct Batch {
  policy::Policy policy;
  sandbox::Plan plan;
  std::vector<bpf::Program> filters;  // proved
};

struct Recipe {
  std::string key;  // what a Request must ask for, if it says
  std::function<base::Result<Batch>()> make;
  // Whether `make` would make the same now: the policy's text, and the files that it is about, may
  // have changed.
  std::function<base::Result<bool>(const Batch&)> is_current;
  // Of a batch whose plan has the program's own words: lines for a person, and a report.
  std::function<std::string(const Batch&, const sandbox::Outcome&)> say, report;
};

}  // namespace bailey::pool
