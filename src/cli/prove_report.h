// What `bailey prove` prints: a table, or version 1 of docs/schemas/prove.schema.json.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "cli/prove.h"
#include "prove/guarantee.h"
#include "prove/prover.h"
#include "prove/replay.h"

namespace bailey::cli {

struct Row {
  const prove::Guarantee* guarantee;
  prove::Finding finding;
  std::optional<prove::ReplayAnswer> replay;  // with --replay, where there is a call
};

std::string_view Name(prove::Verdict verdict);
std::string_view Name(prove::ReplayStatus status);
std::size_t Count(std::span<const Row> rows, prove::Verdict verdict);
bool HasContradiction(std::span<const Row> rows);

std::string TableOf(const Judged& judged, std::span<const Row> rows);
std::string JsonOf(const Judged& judged, std::span<const Row> rows);

}  // namespace bailey::cli
