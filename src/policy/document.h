// A policy text as a flat tree with places, independent of the library that parsed it: the presets
// compiled into the binary are such trees already, and cost nothing to parse at start.
//
//   auto document = ParseToml("bailey = 1\n", "x.toml");
//   const Node& root = (*document)->nodes()[0];
//   for (auto i = 1u; i < root.end; i = nodes[i].end) ...        // the children of the root
//   return document->ErrorAt(node.place, "read [limits] pids: it is zero");
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace bailey::policy {

// Lines and columns count from 1, columns in bytes.
struct Place {
  std::uint32_t line = 0;
  std::uint32_t column = 0;
  bool operator==(const Place&) const = default;
};

enum class NodeKind : std::uint8_t {
  kTable,
  kArray,
  kString,
  kInteger,
  kFloat,
  kBoolean,
  kTime,  // TOML's dates and times, of which policies have none
};

// Nodes stand in preorder: what is in a table or an array follows it, up to `end`.
struct Node {
  NodeKind kind = NodeKind::kTable;
  bool literal = false;     // a string written so that its bytes stand at place.column + 1 and on
  std::uint32_t end = 0;    // index of the first node that is not within this one
  Place key_place, place;   // of the key (in a table) and of the value
  std::string_view key;     // empty in an array
  std::string_view text;    // of a string
  std::int64_t number = 0;  // of an integer; 0 or 1 of a boolean
};

class Document {
 public:
  // Takes the text; the nodes are filled in by the parser.
  Document(std::string file, std::string text);
  // `text`, and what the nodes name, outlive the document.
  Document(std::string file, std::string_view text, std::vector<Node> nodes);
  Document(const Document&) = delete;
  Document& operator=(const Document&) = delete;

  const std::string& file() const { return file_; }
  std::string_view text() const { return text_; }
  std::span<const Node> nodes() const { return nodes_; }

  base::Location At(Place place) const { return {file_, place.line, place.column}; }
  // kInvalidInput with the location, the line and a caret.
  base::Error ErrorAt(Place place, std::string text) const;

  void SetNodes(std::vector<Node> nodes) { nodes_ = std::move(nodes); }
  // A copy that lives as long as the document.
  std::string_view Keep(std::string_view text) { return kept_.emplace_back(text); }

 private:
  std::string file_;
  std::string own_text_;
  std::string_view text_;
  std::vector<Node> nodes_;
  std::deque<std::string> kept_;
};

// Of the UTF-8 sequence that `text` begins with; 0 when it begins with none. `text` is not empty.
std::size_t Utf8Length(std::string_view text);

// The line around a column (long lines are cut, control characters blanked), a newline, a caret.
std::string Excerpt(std::string_view text, Place place);

}  // namespace bailey::policy
