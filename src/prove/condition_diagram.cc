#include "prove/condition_diagram.h"

#include "abi/arguments.h"
#include "verify/predicate.h"

namespace bailey::prove {
namespace {

using policy::Comparison;
using verify::Diagram;
using verify::Ref;
using verify::Relation;

verify::Field FieldOf(const abi::Argument& argument, abi::Arch arch, bool is_masked) {
  verify::Field field = {verify::ArgLow(argument.low_slot), std::nullopt,
                         abi::Bits(argument.type, arch),
                         !is_masked && abi::IsSigned(argument.type)};
  if (argument.high_slot != argument.low_slot) {
    field.high = verify::ArgLow(argument.high_slot);
  } else if (field.bits > 32) {
    field.high = verify::ArgHigh(argument.low_slot);
  }
  return field;
}

Ref CompareWith(Diagram& diagram, const verify::Field& field, Comparison comparison,
                std::uint64_t operand, std::uint64_t mask) {
  const auto compare = [&](Relation relation) {
    return verify::Compare(diagram, field, relation, operand, mask);
  };
  switch (comparison) {
    case Comparison::kEqual:
    case Comparison::kIn:
      return compare(Relation::kEqual);
    case Comparison::kNotEqual:
      return diagram.Not(compare(Relation::kEqual));
    case Comparison::kLess:
      return compare(Relation::kLess);
    case Comparison::kLessEqual:
      return compare(Relation::kLessEqual);
    case Comparison::kGreater:
      return compare(Relation::kGreater);
    case Comparison::kGreaterEqual:
      return compare(Relation::kGreaterEqual);
    case Comparison::kAnyBit:
      return verify::Compare(diagram, field, Relation::kAnyBit, mask);
  }
  return Diagram::kLost;
}

std::optional<Ref> TestDiagram(Diagram& diagram, const policy::Test& test, abi::Arch arch,
                               std::string_view syscall) {
  const auto argument = abi::FindArgument(arch, syscall, test.argument);
  if (!argument) return std::nullopt;
  std::uint64_t mask = ~std::uint64_t{0};
  if (test.mask) {
    const auto value = policy::Resolve(*test.mask, arch);
    if (!value) return std::nullopt;
    mask = *value;
  }
  const verify::Field field = FieldOf(*argument, arch, test.mask.has_value());
  if (test.comparison == Comparison::kAnyBit)
    return CompareWith(diagram, field, test.comparison, 0, mask);
  Ref any = Diagram::kFalse;
  for (const policy::Value& operand : test.operands) {
    const auto value = policy::Resolve(operand, arch);
    if (!value) return std::nullopt;
    any = diagram.Or(any, CompareWith(diagram, field, test.comparison, *value, mask));
  }
  return any;
}

}  // namespace

std::optional<Ref> ConditionDiagram(Diagram& diagram, const policy::Condition& condition,
                                    abi::Arch arch, std::string_view syscall) {
  using Kind = policy::Condition::Kind;
  if (condition.kind == Kind::kTest) return TestDiagram(diagram, condition.test, arch, syscall);
  Ref all = Diagram::kTrue;
  Ref any = Diagram::kFalse;
  for (const policy::Condition& child : condition.children) {
    const auto holds = ConditionDiagram(diagram, child, arch, syscall);
    if (!holds) return std::nullopt;
    if (condition.kind == Kind::kAnd) {
      all = diagram.And(all, *holds);
    } else {
      any = diagram.Or(any, *holds);
    }
  }
  if (condition.kind == Kind::kAnd) return all;
  return condition.kind == Kind::kOr ? any : diagram.Not(any);
}

}  // namespace bailey::prove
