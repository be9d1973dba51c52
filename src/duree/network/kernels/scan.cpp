// A group of rows read from its first step to its last, and back. Compiled once for each
// instruction set, with DUREE_ISA (a name), DUREE_WIDTH (floats of a vector) and DUREE_REGISTERS
// (vectors).

#include "gates.h"
#include "product.h"
#include "recurrence.h"

namespace duree::DUREE_ISA {
namespace {

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

// The projections of a chunk's words, for the unit blocks [u0, u1).
template <int G>
inline void gather_projected(const Layer& layer, const Group& group, const Chunk& chunk, Index u0,
                             Index u1, float* a, Index stride) {
    const Index H = layer.hidden;
    for (Index r = 0; r < chunk.active(0); ++r)
        for (Index s = 0; s < chunk.steps && r < chunk.active(s); ++s) {
            const Index time = time_of(layer, group, r, chunk.first + s);
            const float* from =
                layer.projected + layer.tokens[group.row[r] * layer.steps + time] * G * H;
            float* to = a + (chunk.at[s] + r) * stride;
            for (Index b = u0; b < u1; ++b)
                for (int g = 0; g < G; ++g)
                    store(to + (b * G + g) * W, load_part(from + g * H + b * W, H - b * W));
        }
}

// Columns [from, to) of a state at the beginning, zero in the filling units.
inline void begin_state(const float* given, const Layer& layer, const Group& group, Index from,
                        Index to, float* state, Index stride) {
    for (Index r = 0; r < group.rows; ++r)
        for (Index j = from; j < to; ++j)
            state[r * stride + j] =
                given && j < layer.hidden ? given[group.row[r] * layer.hidden + j] : 0.0f;
}

inline void end_state(float* wanted, const Layer& layer, Index row, Index from, Index to,
                      const float* state) {
    if (wanted) copy(wanted + row * layer.hidden + from, state + from, to - from);
}

template <Cell C>
void forward_group(const Forward& job, const Group& group, float* scratch, const Team& team) {
    constexpr int G = gates_of(C), S = saved_of(C);
    const Index H = job.hidden, blocks = job.blocks;
    const Index gates = spread(blocks * G * W), hidden = spread(blocks * W),
                input = spread(job.input);
    float* xs = scratch;                  // [sample][input]
    float* a = xs + MAX_SAMPLES * input;  // [sample][unit block][gate][W]
    float* u = a + MAX_SAMPLES * gates;   // [row][unit block][gate][W]
    float* h = u + MAX_ROWS * gates;      // [2][row][unit]: old and new, which others still read
    float* seen = h + 2 * MAX_ROWS * hidden;  // the same, under the mask
    float* c = seen + (job.mask ? 2 * MAX_ROWS * hidden : 0);
    if (!job.mask) seen = h;
    // This thread's units, with and without those that only fill the last block.
    const Index u0 = first_of(team, blocks), u1 = last_of(team, blocks);
    const Index from = u0 * W, filled = u1 * W, to = filled < H ? filled : H;

    begin_state(job.h0, job, group, from, filled, h, hidden);
    if (C == Cell::lstm) begin_state(job.c0, job, group, from, filled, c, hidden);
    if (job.mask)
        for (Index r = 0; r < group.rows; ++r)
            for (Index j = from; j < to; ++j)
                seen[r * hidden + j] = h[r * hidden + j] * job.mask[group.row[r] * H + j];
    for (Index r = active_at(group, 0); r < group.rows; ++r) {  // rows without a step
        end_state(job.h_final, job, group.row[r], from, to, h + r * hidden);
        end_state(job.c_final, job, group.row[r], from, to, c + r * hidden);
    }

    wait(team);
    float* saved = group.saved;
    const Index steps = group.length[0];
    for (Index first = 0; first < steps;) {
        const Chunk chunk = chunk_from(group, first);
        if (job.projected) {
            gather_projected<G>(job, group, chunk, u0, u1, a, gates);
        } else {
            gather_inputs(job, group, chunk, team, xs, input);
            wait(team);
            multiply<false>(chunk.samples, xs, input, job.input,
                            {job.w_ih + u0 * G * job.input * W, W, job.input * W}, (u1 - u0) * G,
                            {a + u0 * G * W, gates, W}, Start::bias, job.bias_ih + u0 * G * W);
        }
        for (Index s = 0; s < chunk.steps; ++s) {
            const Index step = chunk.first + s, rows = chunk.active(s);
            const Index old = (step & 1) * MAX_ROWS * hidden, now = (~step & 1) * MAX_ROWS * hidden;
            multiply<false>(rows, seen + old, hidden, H, {job.w_hh + u0 * G * H * W, W, H * W},
                            (u1 - u0) * G, {u + u0 * G * W, gates, W}, Start::bias,
                            job.bias_hh + u0 * G * W);
            for (Index r = 0; r < rows; ++r) {
                const float* a_r = a + (chunk.at[s] + r) * gates;
                const float* u_r = u + r * gates;
                const Index row = group.row[r];
                float* out =
                    job.out + row * job.out_row + time_of(job, group, r, step) * job.out_step;
                float* kept = saved ? saved + (chunk.at[s] + r) * blocks * S * W : nullptr;
                float *h_old = h + old + r * hidden, *h_new = h + now + r * hidden;
                float* c_r = c + r * hidden;
                for (Index b = u0; b < u1; ++b) {
                    States before{load(h_old + b * W), Vec{}};
                    if (C == Cell::lstm) before.c = load(c_r + b * W);
                    const States after = cell_step<C>(a_r + b * G * W, u_r + b * G * W, before,
                                                      kept ? kept + b * S * W : nullptr);
                    store(h_new + b * W, after.h);
                    store_part(out + b * W, after.h, H - b * W);
                    if (job.mask)
                        store(seen + now + r * hidden + b * W,
                              after.h * load_part(job.mask + row * H + b * W, H - b * W));
                    if (C == Cell::lstm) store(c_r + b * W, after.c);
                }
                if (step + 1 == group.length[r]) {
                    end_state(job.h_final, job, row, from, to, h_new);
                    if (C == Cell::lstm) end_state(job.c_final, job, row, from, to, c_r);
                }
            }
            wait(team);
        }
        if (saved) saved += chunk.samples * blocks * S * W;
        first += chunk.steps;
    }
}

// The states that each step of a chunk began with, [sample][unit].
inline void gather_states(const Layer& layer, const Group& group, const Chunk& chunk,
                          const Team& team, float* hs, Index stride) {
    for (Index r = 0; r < chunk.active(0); ++r)
        for (Index s = first_of(team, chunk.steps);
             s < last_of(team, chunk.steps) && r < chunk.active(s); ++s) {
            const Index row = group.row[r], step = chunk.first + s;
            float* to = hs + (chunk.at[s] + r) * stride;
            if (step > 0)
                copy(to,
                     layer.out + row * layer.out_row +
                         time_of(layer, group, r, step - 1) * layer.out_step,
                     layer.hidden);
            else if (layer.h0)
                copy(to, layer.h0 + row * layer.hidden, layer.hidden);
            else
                clear(to, layer.hidden);
            clear(to + layer.hidden, layer.blocks * W - layer.hidden);
        }
}

template <Cell C>
void backward_group(const Backward& job, const Group& group, const Gradients& sums, float* scratch,
                    const Team& team) {
    constexpr int G = gates_of(C), S = saved_of(C);
    const Index H = job.hidden, blocks = job.blocks, inputs = (job.input + W - 1) / W;
    const Index gates = spread(blocks * G * W), hidden = spread(blocks * W),
                input = spread(inputs * W);
    float* xs = scratch;  // [sample][input]
    float* dxs = xs + MAX_SAMPLES * input;
    float* hs = dxs + MAX_SAMPLES * input;    // [sample][unit]
    float* da_x = hs + MAX_SAMPLES * hidden;  // [sample][unit block][gate][W]
    float* da_h = da_x + (C == Cell::gru ? MAX_SAMPLES * gates : 0);
    float* past = da_h + MAX_SAMPLES * gates;  // [row][unit]: dh that comes by the gates
    float* dh = past + MAX_ROWS * hidden;      // [row][unit]: dh that comes past them
    float* dc = dh + MAX_ROWS * hidden;
    const Index u0 = first_of(team, blocks), u1 = last_of(team, blocks);
    const Index from = u0 * W, filled = u1 * W, to = filled < H ? filled : H;

    begin_state(job.dh_final, job, group, from, filled, dh, hidden);
    begin_state(C == Cell::lstm ? job.dc_final : nullptr, job, group, from, filled, dc, hidden);
    for (Index r = 0; r < group.rows; ++r) clear(past + r * hidden + from, filled - from);

    Index sample = group.samples;  // where the chunk under way begins
    for (Index end = group.length[0]; end > 0;) {
        const Chunk chunk = chunk_to(group, end);
        end = chunk.first;
        sample -= chunk.samples;
        const float* saved = group.saved + sample * blocks * S * W;
        if (!job.projected) gather_inputs(job, group, chunk, team, xs, input);
        gather_states(job, group, chunk, team, hs, hidden);
        wait(team);
        for (Index s = chunk.steps - 1; s >= 0; --s) {
            const Index step = chunk.first + s, rows = chunk.active(s);
            // How far back a row's step before is among the saved samples.
            const Index back = step == 0 ? 0
                               : s > 0   ? chunk.active(s - 1)
                                         : active_at(group, step - 1);
            for (Index r = 0; r < rows; ++r) {
                const Index row = group.row[r], at = chunk.at[s] + r;
                const float* kept = saved + at * blocks * S * W;
                const float* d_out =
                    job.d_out + row * job.d_out_row + time_of(job, group, r, step) * job.d_out_step;
                float *dh_r = dh + r * hidden, *dc_r = dc + r * hidden, *past_r = past + r * hidden;
                for (Index b = u0; b < u1; ++b) {
                    const Index units = H - b * W;  // at least W but in the last block
                    Vec by_gates = load(past_r + b * W);
                    if (job.mask) by_gates *= load_part(job.mask + row * H + b * W, units);
                    States d{load(dh_r + b * W) + by_gates, Vec{}};
                    if (job.d_out) d.h += load_part(d_out + b * W, units);
                    States before{load(hs + at * hidden + b * W), Vec{}};
                    if (C == Cell::lstm) {
                        d.c = load(dc_r + b * W);
                        if (step > 0)
                            before.c = load(kept - back * blocks * S * W + (b * S + 4) * W);
                        else if (job.c0)
                            before.c = load_part(job.c0 + row * H + b * W, units);
                    }
                    float* da_x_b = da_x + at * gates + b * G * W;
                    float* da_h_b = da_h + at * gates + b * G * W;
                    // The step before is read next, backwards, which no processor foresees.
                    if (step > 0) {
                        if (job.d_out)
                            __builtin_prefetch(d_out + (job.reverse ? 1 : -1) * job.d_out_step +
                                               b * W);
                        for (int v = 0; v < S; ++v)
                            __builtin_prefetch(kept + ((b - back * blocks) * S + v) * W);
                    }
                    d = cell_step_back<C>(d, before, kept + b * S * W, da_x_b, da_h_b);
                    store(dh_r + b * W, d.h);
                    if (C == Cell::lstm) store(dc_r + b * W, d.c);
                    // An infinite input makes the filling units NaN, which must stay among them.
                    for (Index j = units; j < W; ++j) {
                        dh_r[b * W + j] = dc_r[b * W + j] = 0.0f;
                        for (int g = 0; g < G; ++g) da_x_b[g * W + j] = da_h_b[g * W + j] = 0.0f;
                    }
                }
            }
            wait(team);
            multiply<false>(rows, da_h + chunk.at[s] * gates, gates, blocks * G * W,
                            {job.w_hh + u0 * blocks * G * W * W, W, blocks * G * W * W}, u1 - u0,
                            {past + from, hidden, W}, Start::zero);
        }
        if (job.dx && job.projected) {
            for (Index r = 0; r < chunk.active(0); ++r)
                for (Index s = 0; s < chunk.steps && r < chunk.active(s); ++s) {
                    float* dx = job.dx + group.row[r] * job.dx_row +
                                time_of(job, group, r, chunk.first + s) * job.dx_step;
                    const float* da = da_x + (chunk.at[s] + r) * gates;
                    for (Index b = u0; b < u1; ++b)
                        for (int g = 0; g < G; ++g)
                            store_part(dx + g * H + b * W, load(da + (b * G + g) * W), H - b * W);
                }
        } else if (job.dx) {
            const Index first = first_of(team, inputs), last = last_of(team, inputs);
            multiply<false>(chunk.samples, da_x, gates, blocks * G * W,
                            {job.w_ih + first * blocks * G * W * W, W, blocks * G * W * W},
                            last - first, {dxs + first * W, input, W}, Start::zero);
            const Index column = first * W,
                        columns = (last * W < job.input ? last * W : job.input) - column;
            for (Index r = 0; r < chunk.active(0); ++r)
                for (Index s = 0; s < chunk.steps && r < chunk.active(s); ++s) {
                    float* dx = job.dx + group.row[r] * job.dx_row +
                                time_of(job, group, r, chunk.first + s) * job.dx_step + column;
                    const float* d = dxs + (chunk.at[s] + r) * input + column;
                    if (!job.add_to_dx)
                        copy(dx, d, columns);
                    else
                        for (Index j = 0; j < columns; ++j) dx[j] += d[j];
                }
        }
        if (!job.projected) {
            multiply<true>(job.input, xs, input, chunk.samples, {da_x + u0 * G * W, gates, W},
                           (u1 - u0) * G, {sums.w_ih + u0 * G * job.input * W, W, job.input * W},
                           Start::add);
            add_lines(chunk.samples, da_x + u0 * G * W, gates, (u1 - u0) * G * W,
                      sums.bias_ih + u0 * G * W);
        }
        add_lines(chunk.samples, da_h + u0 * G * W, gates, (u1 - u0) * G * W,
                  sums.bias_hh + u0 * G * W);
        if (job.mask) {
            for (Index s = first_of(team, chunk.steps); s < last_of(team, chunk.steps); ++s)
                for (Index r = 0; r < chunk.active(s); ++r)
                    for (Index j = 0; j < H; ++j)
                        hs[(chunk.at[s] + r) * hidden + j] *= job.mask[group.row[r] * H + j];
            wait(team);
        }
        multiply<true>(H, hs, hidden, chunk.samples, {da_h + u0 * G * W, gates, W}, (u1 - u0) * G,
                       {sums.w_hh + u0 * G * H * W, W, H * W}, Start::add);
        wait(team);
    }
    for (Index r = 0; r < group.rows; ++r) {
        const Index row = group.row[r];
        for (Index j = from; j < to; ++j)
            dh[r * hidden + j] +=
                job.mask ? past[r * hidden + j] * job.mask[row * H + j] : past[r * hidden + j];
        end_state(job.dh0, job, row, from, to, dh + r * hidden);
        if (C == Cell::lstm) end_state(job.dc0, job, row, from, to, dc + r * hidden);
    }
}

// The words from `first` to `last`.
void project(const Projection& job, Index first, Index last, float* scratch) {
    const Index H = job.hidden, G = gates_of(job.cell), gates = spread(job.blocks * G * W);
    for (; first < last; first += MAX_SAMPLES) {
        const Index words = last - first < MAX_SAMPLES ? last - first : MAX_SAMPLES;
        multiply<false>(words, job.vectors + first * job.input, job.input, job.input,
                        {job.w_ih, W, job.input * W}, job.blocks * G, {scratch, gates, W},
                        Start::bias, job.bias_ih);
        for (Index word = 0; word < words; ++word)
            for (Index b = 0; b < job.blocks; ++b)
                for (Index g = 0; g < G; ++g)
                    store_part(job.to + ((first + word) * G + g) * H + b * W,
                               load(scratch + word * gates + (b * G + g) * W), H - b * W);
    }
}

void forward(const Forward& job, const Group& group, float* scratch, const Team& team) {
    switch (job.cell) {
        case Cell::rnn_tanh: return forward_group<Cell::rnn_tanh>(job, group, scratch, team);
        case Cell::rnn_relu: return forward_group<Cell::rnn_relu>(job, group, scratch, team);
        case Cell::gru: return forward_group<Cell::gru>(job, group, scratch, team);
        case Cell::lstm: return forward_group<Cell::lstm>(job, group, scratch, team);
    }
}

void backward(const Backward& job, const Group& group, const Gradients& sums, float* scratch,
              const Team& team) {
    switch (job.cell) {
        case Cell::rnn_tanh: return backward_group<Cell::rnn_tanh>(job, group, sums, scratch, team);
        case Cell::rnn_relu: return backward_group<Cell::rnn_relu>(job, group, sums, scratch, team);
        case Cell::gru: return backward_group<Cell::gru>(job, group, sums, scratch, team);
        case Cell::lstm: return backward_group<Cell::lstm>(job, group, sums, scratch, team);
    }
}

}  // namespace

#define DUREE_TEXT_(name) #name
#define DUREE_TEXT(name) DUREE_TEXT_(name)
extern const Scans scans;
const Scans scans = {DUREE_TEXT(DUREE_ISA), W, project, forward, backward};

}  // namespace duree::DUREE_ISA
