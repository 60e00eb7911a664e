// A drawing of a filter's blocks with the way of a call lit: SVG for a page that has the classes of
// data/reports/page.css.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "bpf/program.h"

namespace bailey::review {

// `pcs`: the way, empty for none. `lines`: an instruction's line of the disassembler. The blocks
// stand below each other in the order of the program, so that it can be read on a narrow screen;
// where there are many, those off the way are drawn as gaps, and so is the middle of a long way.
std::string DrawWay(const bpf::Program& program, std::span<const std::uint32_t> pcs,
                    const std::vector<std::string>& lines);

}  // namespace bailey::review
