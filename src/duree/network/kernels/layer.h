// One layer in one direction over a batch: divides rows into groups, packs weights, runs threads.
#pragma once

#include "recurrence.h"

namespace duree {

// The parameters as torch.nn lays them out, gates in its order; or their gradients.
template <typename T>
struct Parameters {
    T *w_ih, *w_hh;        // [gates * hidden, input or hidden]
    T *bias_ih, *bias_hh;  // [gates * hidden]
};

struct Batch {
    Index rows;
    const std::int64_t* lengths;
    int threads;
};

// `job` comes with cell, sizes, vectors and room for the result.
void run_project(Projection job, Index words, int threads,
                 const Parameters<const float>& parameters);

// Floats that a forward pass keeps for the backward pass.
Index saved_floats(Cell cell, Index hidden, const Batch& batch);

// `job` comes with everything but what depends on the instruction set: blocks, weights.
void run_forward(Forward job, const Batch& batch, const Parameters<const float>& parameters,
                 float* saved);
void run_backward(Backward job, const Batch& batch, const Parameters<const float>& parameters,
                  float* saved, const Parameters<float>& gradients);

}  // namespace duree
