// What proofs leave behind for a checker that shares no code with them: tools/check-certificate.
// The format is version 1 of docs/schemas/certificate.schema.json, told in docs/proving.md.
#pragma once

#include <span>
#include <string>

#include "base/result.h"
#include "cli/prove.h"
#include "cli/prove_report.h"
#include "prove/prover.h"

namespace bailey::cli {

// The filters, what they answer to every call as a table, and each row's verdict with its call;
// also those of the guarantees that they rest on. kUnsupported where the table would be too long.
base::Result<std::string> CertificateOf(const Judged& judged, std::span<const Row> rows,
                                        prove::Prover& prover);

}  // namespace bailey::cli
