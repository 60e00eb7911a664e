// The presets of policies/ as trees, made at build by embed_presets.cc.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/texts.h"
#include "policy/document.h"

namespace bailey::policy {

// A node whose texts are named by their places in a list: with pointers, the start of every
// command, one that reads no preset too, would have these 60 KiB to copy.
struct StoredNode {
  NodeKind kind;
  bool literal;
  std::uint16_t key, text;  // in PresetTexts()
  std::uint32_t end;
  Place key_place, place;
  std::int64_t number;
};

struct EmbeddedPreset {
  std::string_view name;  // "agent"
  std::string_view file;  // "agent.toml"
  std::string_view text;
  std::span<const StoredNode> nodes;
};

// In the order of their names.
std::span<const EmbeddedPreset> EmbeddedPresets();
// What the nodes of all of them name.
base::Texts PresetTexts();

}  // namespace bailey::policy
