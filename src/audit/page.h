// Events as one HTML page that needs nothing else: a timeline, a summary, the latest events.
#pragma once

#include <span>
#include <string>

#include "audit/database.h"
#include "audit/event.h"

namespace bailey::audit {

// `events` in the order of time. Text of programs is escaped: it can add nothing to the page, which
// has no script and loads nothing.
std::string Page(std::span<const Event> events, std::span<const SummaryRow> summary);

}  // namespace bailey::audit
