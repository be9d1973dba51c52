#include "memory.h"

#include <memory>
#include <new>

namespace duree {

float* scratch(Index floats) {
    struct Free {
        void operator()(float* memory) const { ::operator delete[](memory, std::align_val_t{64}); }
    };
    thread_local std::unique_ptr<float[], Free> memory;
    thread_local Index size = 0;
    if (size < floats) {
        memory.reset();
        memory.reset(
            static_cast<float*>(::operator new[](floats * sizeof(float), std::align_val_t{64})));
        size = floats;
    }
    return memory.get();
}

}  // namespace duree
