// The supervisor's ear: answers the calls that a sandbox's newest filter hands to it
// (abi/notification.h), counts them, and records what the trail admits.
//
//   Listener listener({.trail = &trail, .explain = RuleOf});
//   auto outcome = sandbox::Launch(plan, filters, &listener);
//   for (const HeardCall& one : listener.Heard()) ...
//
// From the first such call on it runs on a thread of its own, so that a program that is denied
// often waits for nothing but its answers, and one that is denied nothing costs nothing. What it
// answers comes from the filter and the registers alone. A path or an address is read of the
// program's memory for the record, and decides nothing.
//
// When this thread or this process ends, the kernel answers the calls with ENOSYS: they fail.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "audit/decode.h"
#include "audit/denials.h"
#include "audit/event.h"
#include "audit/trail.h"
#include "base/unique_fd.h"
#include "bpf/program.h"
#include "os/notify.h"
#include "sandbox/launch.h"

namespace bailey::sandbox {

// One row: a call that was answered so, how often, and by which rule.
struct HeardCall {
  bpf::SeccompData example;
  std::uint32_t returned = 0;  // by the filter; abi::PlainAnswer says what it was answered
  bool is_rest = false;        // of many that differ: the example is one of them
  std::uint64_t count = 0;
  audit::Rule rule;
  bool operator==(const HeardCall&) const = default;
};

class Listener : public CallObserver {
 public:
  using Witness = std::function<std::optional<audit::Event>(const bpf::SeccompData&, pid_t task,
                                                            const audit::Memory&)>;
  struct Options {
    audit::Trail* trail = nullptr;  // none: it only counts
    // Which rule of the policy decided; asked once for each row, on the listener's thread.
    std::function<audit::Rule(const bpf::SeccompData&)> explain;
    // What to record of a call that goes on; nullopt: nothing. On the listener's thread, while the
    // caller waits. It cannot keep the call from going on.
    Witness witness;
  };
  explicit Listener(Options options) : options_(std::move(options)) {}
  ~Listener() override { End(); }

  base::Status Begin(base::UniqueFd listener, const bpf::Program& filter) override;
  int Line() const override { return is_waiting_ ? listener_.Get() : -1; }
  base::Status Hear() override;
  void CannotListen() override { is_deaf_ = true; }
  void End() override;
  // The same, when the last process under the filter has ended.
  void EndWithLast();

  // Answers from now on. Hear does this when there is something to answer.
  base::Status Start();

  // After End.
  std::vector<HeardCall> Heard() const;
  // Calls whose task was killed before it had its answer: they were not made, and are in no row.
  std::uint64_t Unanswered() const { return unanswered_; }
  // Another supervisor, of a sandbox around this one, listens already: denials were plain errnos.
  bool IsDeaf() const { return is_deaf_; }

 private:
  void Listen();
  void Answer(const os::Notification& call);
  std::int64_t RuleFor(const audit::Denial& row);
  std::optional<audit::Event> Describe(const os::Notification& call, const bpf::SeccompData& data,
                                       std::uint32_t returned) const;
  audit::Memory MemoryOf(pid_t task) const;

  Options options_;
  base::UniqueFd listener_, stop_, stopped_;
  std::optional<bpf::Program> filter_;
  std::thread thread_;
  // Of the thread, until it has ended:
  audit::Denials denials_;
  std::vector<audit::Rule> rules_;
  std::uint64_t unanswered_ = 0;
  bool is_deaf_ = false;
  bool is_waiting_ = false;  // for the first call
};

// Who takes a listener needs the right to trace the program. Yama (kernel.yama.ptrace_scope, whose
// text this is) takes that from users at 2, and from everybody at 3.
bool YamaLetsListen(std::string_view ptrace_scope, bool is_root);

// Who made a call: the process of this thread, as the host and as its sandbox number it.
audit::Task TaskOf(pid_t thread);

}  // namespace bailey::sandbox
