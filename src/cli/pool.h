// bailey pool
#pragma once

namespace bailey::cli {

int RunPool(int argc, char** argv);  // argv[0] is the command's name

}  // namespace bailey::cli
