// The records of a trial: four roles, a fixed form, and evidence behind every ruling.
//
//   security_researcher  [{ vulnerability, reason, impact }]
//   code_author          [{ vulnerability, response_type, reason }]
//   moderator            { researcher_summary, author_summary }
//   review_board         [{ vulnerability, decision, severity, recommended_action, justification,
//                           evidence: [{ kind, ran, result }] }]
//
// The form is VulTrial's (arXiv 2505.10961); `critical` and `evidence` are ours. `vulnerability`
// joins the four lists and is unique within one of them. The fields that are not in the form serve
// the rulings and the reports.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bpf/instruction.h"

namespace bailey::review {

enum class EvidenceKind : std::uint8_t { kProof, kLiveProbe, kSourceRule, kModelOpinion };

struct Evidence {
  EvidenceKind kind = EvidenceKind::kProof;
  std::string ran;     // what was run, as a person could run it again
  std::string result;  // what it said
  friend bool operator==(const Evidence&, const Evidence&) = default;
};

// Ordered: a later one is worse.
enum class Severity : std::uint8_t { kNone, kLow, kMedium, kHigh, kCritical };
enum class Decision : std::uint8_t { kValid, kPartiallyValid, kInvalid };
enum class Action : std::uint8_t { kFixImmediately, kMonitor, kNoAction };
enum class Response : std::uint8_t { kRefutation, kMitigation };

// Where: a line of a file (from 1), or an instruction of a filter, or only the file's name.
struct Place {
  std::string file;
  int line = 0;
  int column = 0;
  std::optional<unsigned> pc;
  friend bool operator==(const Place&, const Place&) = default;
};

// One step of a path: through the filter to the answer, or through a source to the fault.
struct Step {
  Place place;
  std::string text;
  friend bool operator==(const Step&, const Step&) = default;
};

// From where an attacker can use it: what the board's severity starts from.
enum class Reach : std::uint8_t {
  kAnyProgram,    // what runs in the sandbox can do it as it is
  kOtherLayer,    // only where a layer that the subject also has is passed first
  kPrivilege,     // only with a capability or id that the subject does not give
  kNotEnterable,  // on an architecture that this machine, or the filter, does not enter
};

// What a live probe tries inside the subject, to see whether a finding holds. It changes nothing:
// sockets are connected to and closed, files opened and closed.
struct Attempt {
  enum class Kind : std::uint8_t {
    kConnect,     // to the unix socket `path`
    kRead,        // opens `path` for reading
    kWrite,       // opens `path` for writing; a directory: asks whether it may be written
    kSeeProcess,  // finds a process of the host by its number, in the proc at `path` if it is set
    kReachLoopback,  // connects to a port that the prober listens on, on the host's 127.0.0.1
    kMakeUserNamespace,
  };
  Kind kind = Kind::kRead;
  std::string path;  // inside the subject
  friend bool operator==(const Attempt&, const Attempt&) = default;
};

// What the researcher files.
struct Finding {
  std::string rule;           // stable: "filter/chroot", "source/ignored-result"
  std::string vulnerability;  // one line, the key
  std::string reason;
  std::string impact;
  Severity effect = Severity::kNone;  // were it reached by any program
  Reach reach = Reach::kAnyProgram;
  Place place;
  std::vector<Step> flow;
  std::vector<Evidence> evidence;           // empty: a question that the author must answer
  std::optional<bpf::SeccompData> witness;  // a call that shows it
  std::string guarantee;                    // the one that it refutes, where there is one
  std::vector<Attempt> attempts;            // for --probe; any that succeeds shows it
  bool undecided = false;         // the evidence says that it could be neither shown nor refuted
  std::vector<Evidence> against;  // what refutes it: "the line that already handles it"
  std::string bounded_by;         // for kOtherLayer: the layer, as a sentence
  std::string fix;                // the change that closes it, where the finder knows one
  friend bool operator==(const Finding&, const Finding&) = default;
};

// What the author answers, one to a finding.
struct Answer {
  std::string vulnerability;
  Response response = Response::kMitigation;
  std::string reason;
  std::string fix;  // the smallest change that closes it, as lines to write; empty: none known
  std::vector<Evidence> evidence;
  bool undecided = false;  // it was tried, and the evidence could neither show nor refute it
  friend bool operator==(const Answer&, const Answer&) = default;
};

struct Summary {
  std::string researcher;
  std::string author;
  friend bool operator==(const Summary&, const Summary&) = default;
};

// What the board rules, one to a finding, by the table in docs/court.md.
struct Ruling {
  std::string vulnerability;
  Decision decision = Decision::kInvalid;
  Severity severity = Severity::kNone;
  Action action = Action::kNoAction;
  std::string justification;
  std::vector<Evidence> evidence;
  friend bool operator==(const Ruling&, const Ruling&) = default;
};

// All three lists have the same length and order.
struct Trial {
  std::string subject;  // "policy flatpak", "process 4711", "launch.c"
  std::vector<Finding> findings;
  std::vector<Answer> answers;
  Summary summary;
  std::vector<Ruling> rulings;
  friend bool operator==(const Trial&, const Trial&) = default;
};

}  // namespace bailey::review
