#include "microvm/monitor.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/text.h"
#include "os/events.h"
#include "os/file.h"
#include "os/process.h"

namespace bailey::microvm {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kMostLine = 64 << 10;
constexpr std::chrono::milliseconds kLookAgain{2};

nlohmann::json Parse(const std::string& line) {
  return nlohmann::json::parse(line, nullptr, false);
}

std::string TextAt(const nlohmann::json& value, const char* key) {
  if (!value.is_object() || !value.contains(key) || !value[key].is_string()) return "";
  return value[key].get<std::string>();
}

}  // namespace

base::Result<Monitor> Monitor::Make(base::UniqueFd fd, std::chrono::milliseconds patience) {
  Monitor monitor(std::move(fd), patience);
  const auto greeting = monitor.Hear(Clock::now() + patience);
  if (!greeting) return greeting.error();
  const auto parsed = Parse(*greeting);
  if (!parsed.is_object() || !parsed.contains("QMP"))
    return base::Violation("talk to the machine monitor: it greets with something else");
  if (const auto begun = monitor.Ask(R"({"execute":"qmp_capabilities"})"); !begun)
    return begun.error();
  return monitor;
}

base::Result<std::string> Monitor::Hear(Clock::time_point deadline) {
  for (;;) {
    const std::size_t end = heard_.find('\n');
    if (end != std::string::npos) {
      std::string line = heard_.substr(0, end);
      heard_.erase(0, end + 1);
      return line;
    }
    if (heard_.size() > kMostLine)
      return base::Violation("talk to the machine monitor: a line is longer than 64 KiB");
    const os::Interest reads[] = {{fd_.Get()}};
    const auto ready = os::WaitReady(reads, deadline);
    if (!ready) return base::SystemError("talk to the machine monitor", ready.error().value);
    if (!*ready)
      return base::Unsupported(
          fmt::format("talk to the machine monitor: no answer within {} ms", patience_.count()));
    std::array<std::uint8_t, 4096> piece;
    const auto count = os::ReadSome(fd_.Get(), piece);
    if (!count || *count == 0)
      return base::Unsupported("talk to the machine monitor: it has closed the line");
    heard_.append(reinterpret_cast<const char*>(piece.data()), *count);
  }
}

base::Result<std::string> Monitor::Ask(const std::string& command, int descriptor) {
  const auto sent = descriptor < 0 ? os::WriteAll(fd_.Get(), command)
                                   : os::SendDescriptor(fd_.Get(), descriptor, command);
  // One that is gone has perhaps said why.
  if (!sent && sent.error().value != EPIPE)
    return base::SystemError("talk to the machine monitor", sent.error().value);
  const auto deadline = Clock::now() + patience_;
  for (;;) {
    const auto line = Hear(deadline);
    if (!line) return line.error();
    const auto answer = Parse(*line);
    if (!answer.is_object())
      return base::Violation("talk to the machine monitor: its answer is no object");
    if (answer.contains("return")) return answer["return"].dump();
    if (answer.contains("error"))
      return base::Unsupported(
          fmt::format("talk to the machine monitor: {}",
                      base::Escape(TextAt(answer["error"], "desc").substr(0, 1024))));
    // An event that nobody has asked for.
  }
}

// Memory is in a file that both know, and does not go through the state.
base::Status Monitor::ShareMemory() {
  const auto set = Ask(R"({"execute":"migrate-set-capabilities","arguments":{"capabilities":)"
                       R"([{"capability":"x-ignore-shared","state":true}]}})");
  if (!set) return set.error();
  return {};
}

base::Status Monitor::AwaitMigration() {
  const auto deadline = Clock::now() + patience_;
  for (;;) {
    const auto answer = Ask(R"({"execute":"query-migrate"})");
    if (!answer) return answer.error();
    const auto parsed = Parse(*answer);
    const std::string status = TextAt(parsed, "status");
    if (status == "completed") return {};
    if (status == "failed" || status == "cancelled")
      return base::Unsupported(
          fmt::format("copy the machine's state: {}: {}", status,
                      base::Escape(TextAt(parsed, "error-desc").substr(0, 1024))));
    if (Clock::now() >= deadline)
      return base::Unsupported(
          fmt::format("copy the machine's state: not done within {} ms", patience_.count()));
    std::this_thread::sleep_for(kLookAgain);
  }
}

base::Status Monitor::Save(int state) {
  if (const auto shared = ShareMemory(); !shared) return shared;
  const auto given = Ask(R"({"execute":"getfd","arguments":{"fdname":"state"}})", state);
  if (!given) return given.error();
  const auto begun = Ask(R"({"execute":"migrate","arguments":{"uri":"fd:state"}})");
  if (!begun) return begun.error();
  return AwaitMigration();
}

base::Status Monitor::Load(int state) {
  if (const auto shared = ShareMemory(); !shared) return shared;
  const auto begun =
      Ask(fmt::format(R"({{"execute":"migrate-incoming","arguments":{{"uri":"fd:{}"}}}})", state));
  if (!begun) return begun.error();
  return AwaitMigration();
}

}  // namespace bailey::microvm
