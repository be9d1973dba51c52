// What the scans of all instruction sets share: one layer, in one direction, over one batch.
//
// Rows are divided into groups. A group goes through all its steps by itself, its rows sorted by
// falling length, so that those which still run at a step are always the first ones. One thread
// reads a group, or, where rows are few, a team of threads that share out the units.
//
// "Unit blocks" are the hidden units in blocks of the vector's width, the last one filled up with
// units that stay zero. Gates are stored side by side, [unit block][gate][width].
#pragma once

#include <cstddef>
#include <cstdint>

// Functions here are static: a copy that was made for one instruction set must not serve another.
namespace duree {

using Index = std::ptrdiff_t;

enum class Cell { rnn_tanh, rnn_relu, gru, lstm };

static constexpr int gates_of(Cell cell) {
    return cell == Cell::lstm ? 4 : cell == Cell::gru ? 3 : 1;
}

// Vectors kept for the backward pass, per unit: r, z, n, U_n h; i, f, g, o, c; h.
static constexpr int saved_of(Cell cell) {
    return cell == Cell::lstm ? 5 : cell == Cell::gru ? 4 : 1;
}

constexpr Index MAX_ROWS = 32;  // of a group
// Rows x steps of a chunk, which stays in the second-level cache.
constexpr Index MAX_SAMPLES = 128;

// Row strides of scratch are odd numbers of cache lines, so that columns spread over all sets.
static constexpr Index spread(Index floats) {
    return (floats + 15) / 16 * 16 + ((floats + 15) / 16 % 2 ? 0 : 16);
}

// Threads that work on one group meet at the barrier after every step.
class Barrier;

struct Team {
    int rank, size;
    Barrier* barrier;
};

// This thread's part of so many things.
static inline Index first_of(const Team& team, Index count) {
    return count * team.rank / team.size;
}
static inline Index last_of(const Team& team, Index count) {
    return count * (team.rank + 1) / team.size;
}
void wait(const Team& team);

// Shapes in floats. Every pointer that may be null says so.
struct Layer {
    Cell cell;
    Index steps, input, hidden, blocks;  // blocks: of units
    bool reverse;
    const float* x;  // [batch, steps, input], or null where words stand in its place:
    Index x_row, x_step;
    const float* projected;      // [words, gates * hidden], W x + b of every word
    const std::int64_t* tokens;  // [batch, steps], which word stands where
    const float* h0;             // [batch, hidden], or null for zeros
    const float* c0;             // the same
    const float* mask;           // [batch, hidden], multiplies what the gates see of h, or null
    float* out;                  // [batch, steps, hidden]
    Index out_row, out_step;
};

struct Group {
    Index rows, samples;
    const std::int64_t* row;     // where each row stands in the batch
    const std::int64_t* length;  // falling
    float* saved;                // [samples][unit block][saved vector][width], or null
};

struct Forward : Layer {
    const float *w_ih, *w_hh;        // [unit block][gate][input or hidden][width]
    const float *bias_ih, *bias_hh;  // [unit block][gate][width]
    float *h_final, *c_final;        // [batch, hidden], or null
};

struct Backward : Layer {
    const float *w_ih, *w_hh;  // [block of input or hidden][gates in da's order][width]
    const float* d_out;        // [batch, steps, hidden], or null
    Index d_out_row, d_out_step;
    const float *dh_final, *dc_final;  // [batch, hidden], or null
    float* dx;  // [batch, steps, input], or null; of projected words [batch, steps, gates * hidden]
    Index dx_row, dx_step;
    bool add_to_dx;
    float *dh0, *dc0;  // [batch, hidden], or null
};

// The sums of one group's weight gradients, in the forward weights' layout.
struct Gradients {
    float *w_ih, *w_hh, *bias_ih, *bias_hh;
};

// W x + b of words, to be looked up where they stand.
struct Projection : Layer {
    const float *w_ih, *bias_ih;  // as forward's
    const float* vectors;         // [words, input]
    float* to;                    // [words, gates * hidden]
};

// What one instruction set offers.
struct Scans {
    const char* name;
    Index width;
    void (*project)(const Projection&, Index first, Index last, float* scratch);
    void (*forward)(const Forward&, const Group&, float* scratch, const Team&);
    void (*backward)(const Backward&, const Group&, const Gradients&, float* scratch, const Team&);
};

// Floats of scratch that one group needs, for either pass.
static inline Index scratch_floats(const Layer& layer, Index width) {
    const Index gates = spread(layer.blocks * gates_of(layer.cell) * width);
    const Index hidden = spread(layer.blocks * width);
    const Index input = spread((layer.input + width - 1) / width * width);
    return MAX_SAMPLES * (2 * gates + 2 * input + hidden) + MAX_ROWS * (gates + 6 * hidden);
}

}  // namespace duree
