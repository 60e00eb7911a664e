#include "mcp/line_merger.h"

namespace bailey::mcp {

void LineMerger::Add(Source source, std::string_view piece) {
  if (writer_ == source) {
    out_ += piece;
    return;
  }
  std::string& held = held_[source];
  held += piece;
  if (held.size() <= kWindow || writer_ != 0) return;
  writer_ = source;
  out_ += held;
  held_.erase(source);
}

void LineMerger::End(Source source) {
  if (writer_ == source) {
    out_ += '\n';
    return Release();
  }
  const auto found = held_.find(source);
  if (found == held_.end()) return;
  const std::string line = found->second + "\n";
  held_.erase(found);
  AddLine(line);
}

void LineMerger::Cut(Source source) {
  held_.erase(source);
  if (writer_ != source) return;
  out_ += '\n';
  Release();
}

void LineMerger::AddLine(std::string_view line) { (writer_ == 0 ? out_ : later_) += line; }

void LineMerger::Release() {
  writer_ = 0;
  out_ += later_;
  later_.clear();
}

bool LineMerger::IsFull(Source source) const {
  if (out_.size() > kFull) return true;
  if (writer_ == 0 || writer_ == source) return false;
  const auto held = held_.find(source);
  return later_.size() > kFull || (held != held_.end() && held->second.size() > kWindow);
}

}  // namespace bailey::mcp
