// bailey learn, which links more than a launch should pay for.
#pragma once

namespace bailey::cli {

int RunLearnItself(int argc, char** argv);

}  // namespace bailey::cli
