// The output layer of a language model: scores x W' + b of every output, read only as what a loss
// needs of them, a tile at a time, so that a matrix of rows x outputs never exists.
#pragma once

#include "recurrence.h"

namespace duree {

constexpr Index OUTPUTS_OF_TILE = 192, ROWS_OF_TILE = 128;

// `size` is a multiple of 16, which fills the vectors of every instruction set.
struct OutputLayer {
    Index rows, size, outputs;
    const float* x;               // [rows, size]
    const float* weight;          // [outputs, size]
    const float* bias;            // [outputs]
    const std::int64_t* targets;  // [rows]; one outside 0 ... outputs - 1 is none
    // By pack(), [vector of outputs][size][width] and [vector of outputs][width].
    const float *packed_weight, *packed_bias;
    // [rows]: the largest score of a row, and the sum of exp(score - largest).
    float *most, *total;
};

struct OutputForward : OutputLayer {
    float *of_target, *normaliser;  // [rows]: log softmax at the target, or 0; log sum exp
};

struct OutputBackward : OutputLayer {
    const float *d_target, *d_normaliser;  // [rows], the gradients of forward's
    float *dx, *d_weight, *d_bias;         // begun with zeros
};

// What one instruction set offers.
struct OutputTiles {
    Index width;
    // The outputs of vectors [first, last).
    void (*pack)(const OutputLayer&, Index first, Index last, float* weight, float* bias);
    // Rows [first, last), whose scores are kept for backward() unless `kept` is null.
    void (*forward)(const OutputForward&, Index first, Index last, float* scratch, float* kept);
    // Adds what rows [first, last) and the tile of outputs from `output` contribute; scores are
    // computed again where `kept` is null.
    void (*backward)(const OutputBackward&, Index first, Index last, Index output, float* scratch,
                     const float* kept);
};

// Floats from a row of a tile's scores to the next.
static inline Index output_stride(Index outputs) {
    return spread(outputs < OUTPUTS_OF_TILE ? outputs : OUTPUTS_OF_TILE);
}

// Floats of scratch that a thread needs for `rows` of a chunk, for either pass.
static inline Index output_scratch_floats(Index rows, Index outputs, Index width) {
    return ROWS_OF_TILE * output_stride(outputs) + rows * (2 * width + 16);
}

// Floats of scores that are kept of so many rows.
static inline Index output_kept_floats(Index rows, Index outputs) {
    return (outputs + OUTPUTS_OF_TILE - 1) / OUTPUTS_OF_TILE * rows * output_stride(outputs);
}

// Either pass. `kept`: the scores of all rows, from forward to backward with as many threads; null:
// backward computes them again.
void run_output_forward(OutputForward job, int threads, float* kept);
void run_output_backward(OutputBackward job, int threads, const float* kept);
// Both at once, for gradients that are known beforehand: scores of a chunk are kept.
void run_output_both(OutputForward read, OutputBackward back, int threads);

}  // namespace duree
