#include "network/worker_filter.h"

#include "bpf/allow_only.h"

namespace bailey::network {

base::Result<bpf::Program> WorkerFilter() { return bpf::AllowOnly(kWorkerCalls); }

}  // namespace bailey::network
