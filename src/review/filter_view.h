// A filter as the finders and the author ask about it: which calls of a guarantee are open, on
// which architectures, where the way to the answer leads, how far an attacker is from it.
//
//   FilterView view(subject);
//   for (const OpenCall& open : view.OpenCalls(*view.Find("no-mount"))) Print(open.name);
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "prove/prover.h"
#include "review/record.h"
#include "review/subject.h"
#include "review/topics.h"
#include "verify/diagram.h"

namespace bailey::review {

// One set of a guarantee's calls that is open by itself.
struct OpenCall {
  const prove::CallSet* set = nullptr;
  std::string name;              // of the call, "socketcall" where that leads to it
  std::vector<abi::Arch> archs;  // where it is open
  prove::Finding finding;        // the first of them
};

// The filter of a subject as judged here: AF_UNSPEC is no family, no kernel makes a socket of it.
prove::Subject Judged(const prove::Subject& filter);

class FilterView {
 public:
  // `subject` has a filter, and outlives the view.
  explicit FilterView(const Subject& subject);
  FilterView(const FilterView&) = delete;

  const Subject& Of() const { return subject_; }
  const prove::Guarantee* Find(std::string_view name) const { return prover_.Find(name); }
  prove::Finding Prove(std::string_view guarantee);
  // In the order of the guarantee's sets. Those of guarantees that it rests on are not among them.
  std::vector<OpenCall> OpenCalls(const prove::Guarantee& guarantee);

  // A call's answer by the filters one after the other, as the kernel runs them.
  abi::Action AnswerTo(const bpf::SeccompData& call) const;
  // "allow", "EPERM", by the errnos of the call's own architecture.
  std::string AnswerText(const bpf::SeccompData& call) const;
  // The instructions of the newest filter that `call` passes.
  std::vector<Step> PathOf(const bpf::SeccompData& call) const;
  // Where that path ends.
  Place PlaceOf(const bpf::SeccompData& call) const;
  // How far a program is from what an open call of `topic` gives; `layer` says what is before it.
  Reach ReachOf(const Topic& topic, const bpf::SeccompData& call, std::string& layer);

  // "bailey prove flatpak --guarantee no-mount"
  std::string Command(std::string_view guarantee) const;
  // "proved on x86_64, x32, i386", or what WitnessText says.
  std::string Said(const prove::Finding& finding) const;
  std::string ArchNames() const;

 private:
  prove::Finding ProveSet(prove::Prover& prover, const prove::Guarantee& guarantee,
                          const prove::CallSet& set);
  // One architecture alone, so that a call open on several is named for each.
  prove::Prover& On(abi::Arch arch);
  bool CanGainCapabilities();
  bool IsEnterable(const bpf::SeccompData& call) const;

  const Subject& subject_;
  verify::Diagram diagram_;
  verify::Ref meaning_;
  prove::Prover prover_;
  std::map<abi::Arch, prove::Prover> alone_;
  std::deque<std::string> names_;  // of guarantees made here: the prover keeps views of them
};

// "x86_64, i386"
std::string Join(const std::vector<abi::Arch>& archs);
std::string Join(const std::vector<std::string>& words);
// "chroot", "socketcall", "number 471"
std::string CallName(const bpf::SeccompData& call);

}  // namespace bailey::review
