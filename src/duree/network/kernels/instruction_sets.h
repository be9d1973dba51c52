// The code of each instruction set, of which the best is used that this processor has.
#pragma once

#include <string>
#include <vector>

#include "output_layer.h"
#include "recurrence.h"

namespace duree {

const Scans& scans_in_use();
const OutputTiles& output_tiles_in_use();

// The instruction sets that this processor has, best first; the one in use; another one.
std::vector<std::string> instruction_sets();
std::string instruction_set();
bool use_instruction_set(const std::string& name);

}  // namespace duree
