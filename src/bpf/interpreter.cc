#include "bpf/interpreter.h"

namespace bailey::bpf {

Run Interpret(const Program& program, const SeccompData& data, bool big_endian) {
  return Execute(program.Instructions(), data, big_endian, [](std::uint32_t) {});
}

std::vector<std::uint32_t> Path(const Program& program, const SeccompData& data, bool big_endian) {
  std::vector<std::uint32_t> path;
  Execute(program.Instructions(), data, big_endian,
          [&path](std::uint32_t pc) { path.push_back(pc); });
  return path;
}

std::uint32_t StricterValue(std::uint32_t newer, std::uint32_t older) {
  const auto action = [](std::uint32_t value) {
    return static_cast<std::int32_t>(value & 0xffff0000);
  };
  return action(older) < action(newer) ? older : newer;
}

std::uint32_t InterpretStack(std::span<const Program> stack, const SeccompData& data,
                             bool big_endian) {
  std::uint32_t value = kNoFilterValue;
  for (auto filter = stack.rbegin(); filter != stack.rend(); ++filter) {
    value = StricterValue(value, Interpret(*filter, data, big_endian).value);
  }
  return value;
}

}  // namespace bailey::bpf
