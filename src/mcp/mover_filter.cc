#include "mcp/mover_filter.h"

#include "bpf/allow_only.h"

namespace bailey::mcp {

base::Result<bpf::Program> MoverFilter() { return bpf::AllowOnly(kMoverCalls); }

}  // namespace bailey::mcp
