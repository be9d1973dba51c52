// Scratch memory of the calling thread.
#pragma once

#include "recurrence.h"

namespace duree {

// Memory that only grows: allocating it anew would cost a page fault for every page. The next call
// of the same thread gets the same memory.
float* scratch(Index floats);

// Memory allocated in pieces, each aligned to a cache line.
class Pieces {
  public:
    explicit Pieces(float* memory) : memory(memory) {}
    float* take(Index floats) {
        float* piece = memory;
        memory += (floats + 15) / 16 * 16;
        return piece;
    }

  private:
    float* memory;
};

}  // namespace duree
