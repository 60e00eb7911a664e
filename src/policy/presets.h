// The presets of policies/ as trees, made at build by embed_presets.cc.
#pragma once

#include <span>
#include <string_view>

#include "policy/document.h"

namespace bailey::policy {

struct EmbeddedPreset {
  std::string_view name;  // "agent"
  std::string_view file;  // "agent.toml"
  std::string_view text;
  std::span<const Node> nodes;
};

// In the order of their names.
std::span<const EmbeddedPreset> EmbeddedPresets();

}  // namespace bailey::policy
