// bailey audit, which links more than a launch should pay for.
#pragma once

namespace bailey::cli {

int RunAuditItself(int argc, char** argv);

}  // namespace bailey::cli
