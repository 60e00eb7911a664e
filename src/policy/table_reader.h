// Typed access to one table of a document. The first fault is kept, later reads give defaults, so
// that a section is read straight through and looked at once:
//
//   TableReader table(document, section, "[limits]", {"pids", "wall"});
//   layer.processes = table.Positive("pids");
//   if (auto error = table.TakeError()) return *error;
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "policy/document.h"
#include "policy/layer.h"

namespace bailey::policy {

// "an integer", "a string".
std::string_view Describe(NodeKind kind);
// Quoted, escaped, and cut to what fits on a line.
std::string Quote(std::string_view text);
// ", did you mean "allow"?", or nothing when no candidate is near.
std::string Suggestion(std::string_view text, std::span<const std::string_view> candidates);

class TableReader {
 public:
  // A key that is not in `keys` is the first fault.
  TableReader(const Document& document, std::uint32_t table, std::string where,
              std::span<const std::string_view> keys);

  std::optional<std::uint32_t> Find(std::string_view key) const;
  // nullopt when the key is absent or has another type, which is a fault.
  std::optional<std::uint32_t> Get(std::string_view key, NodeKind kind);
  std::optional<Text> String(std::string_view key);
  std::optional<bool> Boolean(std::string_view key);
  std::optional<std::uint64_t> Integer(std::string_view key, std::uint64_t low, std::uint64_t high);
  // A number with or without a fraction, from 0.001 to `high`, in thousandths.
  std::optional<std::uint64_t> Thousandths(std::string_view key, std::uint64_t high);
  std::optional<std::vector<Text>> Strings(std::string_view key);
  // The same, each one of `words`; `what` is what they are called in the error.
  std::optional<std::vector<Text>> Words(std::string_view key, std::string_view what,
                                         std::span<const std::string_view> words);

  const Document& document() const { return document_; }
  const Node& node(std::uint32_t index) const { return document_.nodes()[index]; }
  const std::string& where() const { return where_; }
  Text TextOf(std::uint32_t index) const;

  void Fail(Place place, std::string text);
  void Fail(Place place, base::Error error);
  // An error that has its place already.
  void Fail(base::Error error);
  bool HasFailed() const { return error_.has_value(); }
  std::optional<base::Error> TakeError() { return std::move(error_); }

 private:
  const Document& document_;
  std::uint32_t table_;
  std::string where_;
  std::optional<base::Error> error_;
};

}  // namespace bailey::policy
