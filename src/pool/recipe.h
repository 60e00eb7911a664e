// What the sandboxes of a pool are made of, and how to make it anew. The pool decides nothing about
// policies: who starts it does.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "bpf/program.h"
#include "network/decision.h"
#include "policy/policy.h"
#include "sandbox/launch.h"
#include "sandbox/plan.h"

namespace bailey::pool {

struct Batch {
  policy::Policy policy;
  sandbox::Plan plan;
  std::vector<bpf::Program> filters;  // proved
};

// One launch as it is told of afterwards.
class Account {
 public:
  struct Told {
    std::string said, report;  // lines for a person; a report, where one is wanted
  };
  virtual ~Account() = default;
  // Of the calls that the batch's filter hands over; null where it hands over none.
  virtual sandbox::CallObserver* Observer() = 0;
  // What the gateway of the batch's network decides.
  virtual void Decided(const network::Decision& decision) = 0;
  // The batch's plan has the program's own words now.
  virtual void Begin() = 0;
  // Once.
  virtual Told End(const sandbox::Outcome& outcome, bool report) = 0;
};

struct Recipe {
  std::string key;  // what a Request must ask for, if it says
  std::function<base::Result<Batch>()> make;
  // Whether `make` would make the same now: the policy's text may have changed, and the host's
  // tree, of which a plan knows names and what kind of file they are.
  std::function<base::Result<bool>(const Batch&)> is_policy_current, is_plan_current;
  // For one launch of a batch, which outlives the account.
  std::function<base::Result<std::unique_ptr<Account>>(const Batch&)> account;
};

}  // namespace bailey::pool
