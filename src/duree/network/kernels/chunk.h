// A group's steps in chunks that stay in the second-level cache, and what is read into them.
#pragma once

#include "recurrence.h"
#include "vector.h"

namespace duree::DUREE_ISA {

// Some steps of a group; sample `at[s] + r` is row r at step `first + s`.
struct Chunk {
    Index first, steps, samples;
    Index at[MAX_SAMPLES + 1];

    Index active(Index s) const { return at[s + 1] - at[s]; }
};

inline Index active_at(const Group& group, Index step) {
    Index rows = group.rows;
    while (rows > 0 && group.length[rows - 1] <= step) --rows;
    return rows;
}

// The longest chunk that begins at `first`.
inline Chunk chunk_from(const Group& group, Index first) {
    Chunk chunk{first, 0, 0, {}};
    for (Index rows; (rows = active_at(group, first + chunk.steps)) > 0; ++chunk.steps) {
        if (chunk.samples + rows > MAX_SAMPLES) break;
        chunk.samples += rows;
        chunk.at[chunk.steps + 1] = chunk.samples;
    }
    return chunk;
}

// The longest chunk that ends before `end`.
inline Chunk chunk_to(const Group& group, Index end) {
    Index first = end, samples = 0;
    while (first > 0 && samples + active_at(group, first - 1) <= MAX_SAMPLES)
        samples += active_at(group, --first);
    Chunk chunk{first, end - first, samples, {}};
    for (Index s = 0; s < chunk.steps; ++s)
        chunk.at[s + 1] = chunk.at[s] + active_at(group, first + s);
    return chunk;
}

// Where a row's step stands in the batch's time.
inline Index time_of(const Layer& layer, const Group& group, Index r, Index step) {
    return layer.reverse ? group.length[r] - 1 - step : step;
}

inline void copy(float* to, const float* from, Index count) {
    Index i = 0;
    for (; i + W <= count; i += W) store(to + i, load(from + i));
    for (; i < count; ++i) to[i] = from[i];
}

// Adds so many lines, `stride` apart, to one.
inline void add_lines(Index lines, const float* from, Index stride, Index count, float* to) {
    for (Index i = 0; i < count; i += W) {
        Vec sum = load(to + i);
        for (Index line = 0; line < lines; ++line) sum += load(from + line * stride + i);
        store(to + i, sum);
    }
}

inline void clear(float* to, Index count) {
    for (Index i = 0; i < count; ++i) to[i] = 0.0f;
}

// The inputs of this thread's share of a chunk, one line for each sample.
inline void gather_inputs(const Layer& layer, const Group& group, const Chunk& chunk,
                          const Team& team, float* xs, Index stride) {
    for (Index r = 0; r < chunk.active(0); ++r)
        for (Index s = first_of(team, chunk.steps);
             s < last_of(team, chunk.steps) && r < chunk.active(s); ++s)
            copy(xs + (chunk.at[s] + r) * stride,
                 layer.x + group.row[r] * layer.x_row +
                     time_of(layer, group, r, chunk.first + s) * layer.x_step,
                 layer.input);
}

// This thread's unit blocks, [first, last), and their units in memory: up to `filled` with those
// that only fill the last block, up to `to` without.
struct Units {
    Units(const Team& team, const Layer& layer)
        : first(first_of(team, layer.blocks)),
          last(last_of(team, layer.blocks)),
          from(first * W),
          filled(last * W),
          to(filled < layer.hidden ? filled : layer.hidden) {}

    Index blocks() const { return last - first; }

    const Index first, last, from, filled, to;
};

// A state at the beginning, in this thread's units; zero in those that only fill.
inline void begin_state(const float* given, const Layer& layer, const Group& group,
                        const Units& units, float* state, Index stride) {
    for (Index r = 0; r < group.rows; ++r)
        for (Index j = units.from; j < units.filled; ++j)
            state[r * stride + j] =
                given && j < layer.hidden ? given[group.row[r] * layer.hidden + j] : 0.0f;
}

inline void end_state(float* wanted, const Layer& layer, Index row, const Units& units,
                      const float* state) {
    if (wanted)
        copy(wanted + row * layer.hidden + units.from, state + units.from, units.to - units.from);
}

}  // namespace duree::DUREE_ISA
