// The forward pass of a group of rows, from its first step to its last.
#pragma once

#include "chunk.h"
#include "gates.h"
#include "product.h"

namespace duree::DUREE_ISA {

template <Cell C>
class ForwardPass {
  public:
    ForwardPass(const Forward& job, const Group& group, float* scratch, const Team& team)
        : job(job), group(group), team(team), mine(team, job) {
        xs = scratch;
        a = xs + MAX_SAMPLES * input;
        u = a + MAX_SAMPLES * gates;
        h = u + MAX_ROWS * gates;
        seen = job.mask ? h + 2 * MAX_ROWS * hidden : h;
        c = seen + 2 * MAX_ROWS * hidden;
        mask = job.mask ? c + MAX_ROWS * hidden : nullptr;
    }

    void run() {
        begin();
        float* saved = group.saved;
        for (Index first = 0; first < group.length[0];) {
            const Chunk chunk = chunk_from(group, first);
            if (job.projected)
                look_up(chunk);
            else
                project(chunk);
            for (Index s = 0; s < chunk.steps; ++s) {
                read_step(chunk, s, saved);
                wait(team);
            }
            if (saved) saved += chunk.samples * blocks * S * W;
            first += chunk.steps;
        }
    }

  private:
    static constexpr int G = gates_of(C), S = saved_of(C);

    void begin() {
        begin_state(job.h0, job, group, mine, h, hidden);
        if (C == Cell::lstm) begin_state(job.c0, job, group, mine, c, hidden);
        if (mask) {
            begin_state(job.mask, job, group, mine, mask, hidden);
            for (Index r = 0; r < group.rows; ++r)
                for (Index at = r * hidden + mine.from; at < r * hidden + mine.filled; ++at)
                    seen[at] = h[at] * mask[at];
        }
        for (Index r = active_at(group, 0); r < group.rows; ++r) end_row(r, h + r * hidden);
        wait(team);
    }

    // The inputs' part of a chunk's gates, from the inputs.
    void project(const Chunk& chunk) {
        gather_inputs(job, group, chunk, team, xs, input);
        wait(team);
        multiply<false>(chunk.samples, xs, input, job.input,
                        {job.w_ih + mine.first * G * job.input * W, W, job.input * W},
                        mine.blocks() * G, {a + mine.first * G * W, gates, W}, Start::bias,
                        job.bias_ih + mine.first * G * W);
    }

    // The same of words that are projected already.
    void look_up(const Chunk& chunk) {
        for (Index r = 0; r < chunk.active(0); ++r)
            for (Index s = 0; s < chunk.steps && r < chunk.active(s); ++s) {
                const Index time = time_of(job, group, r, chunk.first + s);
                const std::int64_t word = job.tokens[group.row[r] * job.steps + time];
                const float* from = job.projected + word * G * H;
                float* to = a + (chunk.at[s] + r) * gates;
                for (Index b = mine.first; b < mine.last; ++b)
                    for (int g = 0; g < G; ++g)
                        store(to + (b * G + g) * W, load_part(from + g * H + b * W, H - b * W));
            }
    }

    void read_step(const Chunk& chunk, Index s, float* saved) {
        const Index step = chunk.first + s, rows = chunk.active(s);
        const Index old = (step & 1) * MAX_ROWS * hidden, now = (~step & 1) * MAX_ROWS * hidden;
        multiply<false>(rows, seen + old, hidden, H, {job.w_hh + mine.first * G * H * W, W, H * W},
                        mine.blocks() * G, {u + mine.first * G * W, gates, W}, Start::bias,
                        job.bias_hh + mine.first * G * W);
        for (Index r = 0; r < rows; ++r) {
            const Index row = group.row[r];
            const float *a_r = a + (chunk.at[s] + r) * gates, *u_r = u + r * gates;
            const float* h_old = h + old + r * hidden;
            float *h_new = h + now + r * hidden, *c_r = c + r * hidden;
            float* out = job.out + row * job.out_row + time_of(job, group, r, step) * job.out_step;
            float* kept = saved ? saved + (chunk.at[s] + r) * blocks * S * W : nullptr;
            for (Index b = mine.first; b < mine.last; ++b) {
                States before{load(h_old + b * W), Vec{}};
                if (C == Cell::lstm) before.c = load(c_r + b * W);
                const States after = cell_step<C>(a_r + b * G * W, u_r + b * G * W, before,
                                                  kept ? kept + b * S * W : nullptr);
                store(h_new + b * W, after.h);
                store_part(out + b * W, after.h, H - b * W);
                if (mask)
                    store(seen + now + r * hidden + b * W,
                          after.h * load(mask + r * hidden + b * W));
                if (C == Cell::lstm) store(c_r + b * W, after.c);
            }
            if (step + 1 == group.length[r]) end_row(r, h_new);
        }
    }

    void end_row(Index r, const float* h_r) {
        end_state(job.h_final, job, group.row[r], mine, h_r);
        if (C == Cell::lstm) end_state(job.c_final, job, group.row[r], mine, c + r * hidden);
    }

    const Forward& job;
    const Group& group;
    const Team& team;
    const Units mine;
    const Index H = job.hidden, blocks = job.blocks;
    // Row strides of the scratch.
    const Index gates = spread(blocks * G * W), hidden = spread(blocks * W);
    const Index input = spread(job.input);
    float* xs;    // [sample][input]
    float* a;     // [sample][unit block][gate][W]: the inputs' part of the gates
    float* u;     // [row][unit block][gate][W]: the state's part
    float* h;     // [2][row][unit]: new, and old, which others still read
    float* seen;  // the same, under the mask
    float* c;     // [row][unit]
    float* mask;  // [row][unit], or null
};

}  // namespace duree::DUREE_ISA
