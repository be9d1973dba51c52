#include "instruction_sets.h"

#include <atomic>

namespace duree {

#define DUREE_DECLARE(isa)                 \
    namespace isa {                        \
    extern const Scans scans;              \
    extern const OutputTiles output_tiles; \
    }
#ifdef DUREE_HAS_AVX512
DUREE_DECLARE(avx512)
#endif
#ifdef DUREE_HAS_AVX2
DUREE_DECLARE(avx2)
#endif
DUREE_DECLARE(baseline)

namespace {

struct InstructionSet {
    const Scans& scans;
    const OutputTiles& output_tiles;
};

std::vector<InstructionSet> find_available() {
    std::vector<InstructionSet> found;
#ifdef DUREE_HAS_AVX512
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl"))
        found.push_back({avx512::scans, avx512::output_tiles});
#endif
#ifdef DUREE_HAS_AVX2
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        found.push_back({avx2::scans, avx2::output_tiles});
#endif
    found.push_back({baseline::scans, baseline::output_tiles});
    return found;
}

const std::vector<InstructionSet> available = find_available();
std::atomic<const InstructionSet*> in_use{&available.front()};

}  // namespace

const Scans& scans_in_use() { return in_use.load()->scans; }

const OutputTiles& output_tiles_in_use() { return in_use.load()->output_tiles; }

std::vector<std::string> instruction_sets() {
    std::vector<std::string> names;
    for (const InstructionSet& set : available) names.push_back(set.scans.name);
    return names;
}

std::string instruction_set() { return scans_in_use().name; }

bool use_instruction_set(const std::string& name) {
    for (const InstructionSet& set : available)
        if (set.scans.name == name) return in_use.store(&set), true;
    return false;
}

}  // namespace duree
