// bailey agent: a language model works towards a goal, by tools behind the wall.
#pragma once

namespace bailey::cli {

int RunAgentItself(int argc, char** argv);

}  // namespace bailey::cli
