#include "mcp/http_worker_filter.h"

#include "bpf/allow_only.h"

namespace bailey::mcp {

base::Result<bpf::Program> HttpWorkerFilter() { return bpf::AllowOnly(kHttpWorkerCalls); }

}  // namespace bailey::mcp
