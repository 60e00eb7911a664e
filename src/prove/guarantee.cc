#include "prove/guarantee.h"

namespace bailey::prove {
namespace {

#include "prove/guarantees.inc"

}  // namespace

std::span<const Guarantee> BuiltinGuarantees() { return kGuarantees; }

}  // namespace bailey::prove
