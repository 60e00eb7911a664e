// JSON Lines on standard output.
#pragma once

#include <memory>

#include "audit/sink.h"

namespace bailey::audit {

std::unique_ptr<Sink> MakeStandardOutputSink();

}  // namespace bailey::audit
