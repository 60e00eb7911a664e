// JSON Lines in a file that is rotated, so that the space of all of them is bounded.
#pragma once

#include <memory>
#include <string>

#include "audit/sink.h"

namespace bailey::audit {

base::Result<std::unique_ptr<Sink>> OpenFileSink(const std::string& path,
                                                 const SinkOptions& options);

}  // namespace bailey::audit
