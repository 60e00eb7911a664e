// Keeps machines of a pool: each steward has one ready, hands it to the first caller that comes,
// and ends it when that caller has gone.
#pragma once

#include <signal.h>

#include <string>
#include <utility>
#include <vector>

#include "microvm/original.h"
#include "pool/maker.h"

namespace bailey::microvm {

class MachineMaker : public pool::Maker {
 public:
  // `contents`: what a caller must ask for (ready.h).
  MachineMaker(const Original& original, std::string contents, Prover prover)
      : original_(original), contents_(std::move(contents)), prover_(std::move(prover)) {}
  base::Status Prepare() override { return {}; }
  // Making one takes all of a processor for a third of a second.
  std::chrono::milliseconds Pause() const override { return std::chrono::seconds(1); }
  // It takes down what was made for its machine: control groups, among others.
  int EndSignal() const override { return SIGTERM; }
  std::vector<int> Needs() const override { return original_.Descriptors(); }
  void BeSteward(base::UniqueFd listener, base::UniqueFd owner) override;

 private:
  const Original& original_;
  const std::string contents_;
  const Prover prover_;
};

}  // namespace bailey::microvm
