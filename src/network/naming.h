// Names of the inside: which of them exist, the addresses that they get, and what the name service
// is to answer. Decides on questions that the worker has read.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/address.h"
#include "egress/host.h"
#include "network/decision.h"
#include "network/names.h"
#include "network/plan.h"
#include "network/wire.h"

namespace bailey::network {

class Naming {
 public:
  using Tell = std::function<void(const Decision&)>;

  // `netfilter`: a socket made inside, by which the sets of its rules are changed.
  Naming(const Plan& plan, int netfilter, Tell tell)
      : plan_(plan), netfilter_(netfilter), tell_(std::move(tell)) {}

  // The answer to a question of the name service.
  Wire Answer(const Wire& question);
  // The name that an address was given to; null: none.
  const egress::Host* Find(const base::Address& address) const { return names_.Find(address); }

 private:
  bool Exists(const egress::Host& host);
  // A question that is not about a name which an entry could allow.
  void TellRefused(std::string why, std::optional<base::Address> address);
  std::optional<NameTable::Addresses> Give(const egress::Host& host);

  const Plan& plan_;
  int netfilter_;
  Tell tell_;
  NameTable names_;
};

}  // namespace bailey::network
