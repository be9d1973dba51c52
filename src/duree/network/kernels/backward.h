// The backward pass of a group of rows, from its last step to its first.
#pragma once

#include "chunk.h"
#include "gates.h"
#include "product.h"

namespace duree::DUREE_ISA {

template <Cell C>
class BackwardPass {
  public:
    BackwardPass(const Backward& job, const Group& group, const Gradients& sums, float* scratch,
                 const Team& team)
        : job(job), group(group), sums(sums), team(team), mine(team, job) {
        xs = scratch;
        dxs = xs + MAX_SAMPLES * input;
        hs = dxs + MAX_SAMPLES * input;
        da_x = hs + MAX_SAMPLES * hidden;
        da_h = da_x + (C == Cell::gru ? MAX_SAMPLES * gates : 0);
        by_gates = da_h + MAX_SAMPLES * gates;
        dh = by_gates + MAX_ROWS * hidden;
        dc = dh + MAX_ROWS * hidden;
        mask = job.mask ? dc + MAX_ROWS * hidden : nullptr;
    }

    void run() {
        begin();
        Index sample = group.samples;  // where the chunk under way begins
        for (Index end = group.length[0]; end > 0;) {
            const Chunk chunk = chunk_to(group, end);
            end = chunk.first;
            sample -= chunk.samples;
            if (!job.projected) gather_inputs(job, group, chunk, team, xs, input);
            gather_states(chunk);
            wait(team);
            for (Index s = chunk.steps - 1; s >= 0; --s) {
                gates_back(chunk, s, group.saved + sample * blocks * S * W);
                wait(team);
                state_back(chunk, s);
            }
            if (job.dx && job.projected) words_back(chunk);
            if (job.dx && !job.projected) inputs_back(chunk);
            add_weight_gradients(chunk);
            wait(team);
        }
        end();
    }

  private:
    static constexpr int G = gates_of(C), S = saved_of(C);

    void begin() {
        begin_state(job.dh_final, job, group, mine, dh, hidden);
        begin_state(job.dc_final, job, group, mine, dc, hidden);
        begin_state(nullptr, job, group, mine, by_gates, hidden);
        if (mask) begin_state(job.mask, job, group, mine, mask, hidden);
    }

    // The states that each step of this thread's share of a chunk began with.
    void gather_states(const Chunk& chunk) {
        for (Index r = 0; r < chunk.active(0); ++r)
            for (Index s = first_of(team, chunk.steps);
                 s < last_of(team, chunk.steps) && r < chunk.active(s); ++s) {
                const Index row = group.row[r], step = chunk.first + s;
                float* to = hs + (chunk.at[s] + r) * hidden;
                if (step > 0)
                    copy(to,
                         job.out + row * job.out_row +
                             time_of(job, group, r, step - 1) * job.out_step,
                         H);
                else if (job.h0)
                    copy(to, job.h0 + row * H, H);
                else
                    clear(to, H);
                clear(to + H, blocks * W - H);
            }
    }

    // From the gradient of a step's states to that of its gates.
    void gates_back(const Chunk& chunk, Index s, const float* saved) {
        const Index step = chunk.first + s;
        // How far back a row's step before is among the saved samples.
        const Index back = step == 0 ? 0 : s > 0 ? chunk.active(s - 1) : active_at(group, step - 1);
        for (Index r = 0; r < chunk.active(s); ++r) {
            const Index row = group.row[r], at = chunk.at[s] + r;
            const float* kept = saved + at * blocks * S * W;
            const float* d_out =
                job.d_out + row * job.d_out_row + time_of(job, group, r, step) * job.d_out_step;
            float *dh_r = dh + r * hidden, *dc_r = dc + r * hidden;
            for (Index b = mine.first; b < mine.last; ++b) {
                const Index units = H - b * W;  // at least W but in the last block
                States d{load(dh_r + b * W) + state_gradient(r, b), load(dc_r + b * W)};
                if (job.d_out) d.h += load_part(d_out + b * W, units);
                States before{load(hs + at * hidden + b * W), Vec{}};
                if (C == Cell::lstm && step > 0)
                    before.c = load(kept - back * blocks * S * W + (b * S + 4) * W);
                else if (C == Cell::lstm && job.c0)
                    before.c = load_part(job.c0 + row * H + b * W, units);
                // The previous step is read next; hardware does not prefetch this backward order.
                if (step > 0) {
                    if (job.d_out)
                        __builtin_prefetch(d_out + (job.reverse ? 1 : -1) * job.d_out_step + b * W);
                    for (int v = 0; v < S; ++v)
                        __builtin_prefetch(kept + ((b - back * blocks) * S + v) * W);
                }
                float* da_x_b = da_x + at * gates + b * G * W;
                float* da_h_b = da_h + at * gates + b * G * W;
                d = cell_step_back<C>(d, before, kept + b * S * W, da_x_b, da_h_b);
                store(dh_r + b * W, d.h);
                if (C == Cell::lstm) store(dc_r + b * W, d.c);
                // From here on only what the gates saw of the state is asked for.
                if (mask)
                    store(hs + at * hidden + b * W, before.h * load(mask + r * hidden + b * W));
                // An infinite input makes the filling units NaN, which must stay among them.
                for (Index j = units; j < W; ++j) {
                    dh_r[b * W + j] = dc_r[b * W + j] = 0.0f;
                    for (int g = 0; g < G; ++g) da_x_b[g * W + j] = da_h_b[g * W + j] = 0.0f;
                }
            }
        }
    }

    // From the gradient of a step's gates to that of the state which they saw.
    void state_back(const Chunk& chunk, Index s) {
        multiply<false>(chunk.active(s), da_h + chunk.at[s] * gates, gates, blocks * G * W,
                        {job.w_hh + mine.first * blocks * G * W * W, W, blocks * G * W * W},
                        mine.blocks(), {by_gates + mine.from, hidden, W}, Start::zero);
    }

    // The gradient of this row's state by way of the gates at the following step, under the mask.
    Vec state_gradient(Index r, Index b) const {
        const Vec d = load(by_gates + r * hidden + b * W);
        return mask ? d * load(mask + r * hidden + b * W) : d;
    }

    void inputs_back(const Chunk& chunk) {
        const Index blocks_in = (job.input + W - 1) / W;
        const Index first = first_of(team, blocks_in), last = last_of(team, blocks_in);
        multiply<false>(chunk.samples, da_x, gates, blocks * G * W,
                        {job.w_ih + first * blocks * G * W * W, W, blocks * G * W * W},
                        last - first, {dxs + first * W, input, W}, Start::zero);
        const Index from = first * W, to = last * W < job.input ? last * W : job.input;
        for (Index r = 0; r < chunk.active(0); ++r)
            for (Index s = 0; s < chunk.steps && r < chunk.active(s); ++s) {
                float* dx = d_input(chunk, s, r) + from;
                const float* d = dxs + (chunk.at[s] + r) * input + from;
                if (!job.add_to_dx)
                    copy(dx, d, to - from);
                else
                    for (Index j = 0; j < to - from; ++j) dx[j] += d[j];
            }
    }

    void words_back(const Chunk& chunk) {
        for (Index r = 0; r < chunk.active(0); ++r)
            for (Index s = 0; s < chunk.steps && r < chunk.active(s); ++s) {
                float* dx = d_input(chunk, s, r);
                const float* da = da_x + (chunk.at[s] + r) * gates;
                for (Index b = mine.first; b < mine.last; ++b)
                    for (int g = 0; g < G; ++g)
                        store_part(dx + g * H + b * W, load(da + (b * G + g) * W), H - b * W);
            }
    }

    float* d_input(const Chunk& chunk, Index s, Index r) const {
        return job.dx + group.row[r] * job.dx_row +
               time_of(job, group, r, chunk.first + s) * job.dx_step;
    }

    void add_weight_gradients(const Chunk& chunk) {
        const Index lines = mine.blocks() * G, at = mine.first * G * W;
        if (!job.projected) {
            multiply<true>(job.input, xs, input, chunk.samples, {da_x + at, gates, W}, lines,
                           {sums.w_ih + at * job.input, W, job.input * W}, Start::add);
            add_lines(chunk.samples, da_x + at, gates, lines * W, sums.bias_ih + at);
        }
        add_lines(chunk.samples, da_h + at, gates, lines * W, sums.bias_hh + at);
        multiply<true>(H, hs, hidden, chunk.samples, {da_h + at, gates, W}, lines,
                       {sums.w_hh + at * H, W, H * W}, Start::add);
    }

    void end() {
        for (Index r = 0; r < group.rows; ++r) {
            float* dh_r = dh + r * hidden;
            for (Index b = mine.first; b < mine.last; ++b)
                store(dh_r + b * W, load(dh_r + b * W) + state_gradient(r, b));
            end_state(job.dh0, job, group.row[r], mine, dh_r);
            if (C == Cell::lstm) end_state(job.dc0, job, group.row[r], mine, dc + r * hidden);
        }
    }

    const Backward& job;
    const Group& group;
    const Gradients& sums;
    const Team& team;
    const Units mine;
    const Index H = job.hidden, blocks = job.blocks;
    // Row strides of the scratch.
    const Index gates = spread(blocks * G * W), hidden = spread(blocks * W);
    const Index input = spread((job.input + W - 1) / W * W);
    float *xs, *dxs;     // [sample][input]
    float* hs;           // [sample][unit]: the state that each step began with
    float *da_x, *da_h;  // [sample][unit block][gate][W]: at the input's part, at the state's
    float* by_gates;     // [row][unit]: dh that comes by the gates
    float *dh, *dc;      // [row][unit]: dh that comes past them
    float* mask;         // [row][unit], or null
};

}  // namespace duree::DUREE_ISA
