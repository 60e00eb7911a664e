// The words of the form, as arXiv 2505.10961 spells them.
#include "review/report.h"

namespace bailey::review {

std::string_view Name(Decision decision) {
  switch (decision) {
    case Decision::kValid:
      return "valid";
    case Decision::kPartiallyValid:
      return "partially valid";
    case Decision::kInvalid:
      return "invalid";
  }
  return {};
}

std::string_view Name(Action action) {
  switch (action) {
    case Action::kFixImmediately:
      return "fix immediately";
    case Action::kMonitor:
      return "monitor";
    case Action::kNoAction:
      return "no action needed";
  }
  return {};
}

std::string_view Name(Severity severity) {
  switch (severity) {
    case Severity::kNone:
      return "none";
    case Severity::kLow:
      return "low";
    case Severity::kMedium:
      return "medium";
    case Severity::kHigh:
      return "high";
    case Severity::kCritical:
      return "critical";
  }
  return {};
}

std::string_view Name(Response response) {
  return response == Response::kRefutation ? "refutation" : "mitigation";
}

std::string_view Name(EvidenceKind kind) {
  switch (kind) {
    case EvidenceKind::kProof:
      return "proof";
    case EvidenceKind::kLiveProbe:
      return "live-probe";
    case EvidenceKind::kSourceRule:
      return "source-rule";
    case EvidenceKind::kModelOpinion:
      return "model-opinion";
  }
  return {};
}

}  // namespace bailey::review
