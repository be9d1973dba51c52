#include "layer.h"

#include <algorithm>
#include <atomic>
#include <numeric>
#include <thread>

#include "instruction_sets.h"
#include "memory.h"
#include "parallel.h"

namespace duree {

namespace {

struct Plan {
    std::vector<std::int64_t> row, length;  // group after group
    std::vector<Group> groups;
    bool teams;  // all threads work on one group, instead of one each
};

// Rows sorted by decreasing length and dealt out back and forth, so that groups are balanced.
Plan make_plan(const Batch& batch, Index blocks, Index saved_width, float* saved) {
    const Index rows = batch.rows, threads = batch.threads;
    const bool teams = rows < 4 * threads;
    const Index hands = teams ? 1 : threads;
    const Index count = hands * ((rows + hands * MAX_ROWS - 1) / (hands * MAX_ROWS));
    std::vector<std::int64_t> order(rows);
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](std::int64_t left, std::int64_t right) {
        return batch.lengths[left] > batch.lengths[right];
    });
    Plan plan{{}, {}, {}, teams};
    plan.row.reserve(rows);
    plan.length.reserve(rows);
    for (Index g = 0; g < count; ++g) {
        Group group{0, 0, plan.row.data() + plan.row.size(),
                    plan.length.data() + plan.length.size(), saved};
        for (Index round = 0; round * count < rows; ++round) {
            const Index dealt = round * count + (round % 2 ? count - 1 - g : g);
            if (dealt >= rows) continue;
            plan.row.push_back(order[dealt]);
            plan.length.push_back(batch.lengths[order[dealt]]);
            group.samples += plan.length.back();
            ++group.rows;
        }
        if (saved) saved += group.samples * blocks * saved_width;
        if (group.rows > 0) plan.groups.push_back(group);
    }
    return plan;
}

class Packing {
  public:
    Packing(const Layer& layer, Index width)
        : gates(gates_of(layer.cell)), hidden(layer.hidden), blocks(layer.blocks), width(width) {}

    // Floats of a packed weight with so many columns, and of a packed bias.
    Index forward_floats(Index columns) const { return blocks * columns * gates * width; }
    Index backward_floats(Index columns) const {
        return blocks * gates * width * ((columns + width - 1) / width) * width;
    }

    // [gates * hidden, columns] to [unit block][gate][column][width].
    void pack(const float* weight, Index columns, const Team& team, float* to) const {
        each(columns, team,
             [&](Index at, Index from, bool real) { to[at] = real ? weight[from] : 0.0f; });
    }

    // The inverse, summed over `parts` that are `stride` apart.
    void unpack(const float* parts, Index count, Index stride, Index columns, const Team& team,
                float* weight) const {
        each(columns, team, [&](Index at, Index to, bool real) {
            if (!real) return;
            float sum = 0.0f;
            for (Index part = 0; part < count; ++part) sum += parts[part * stride + at];
            weight[to] = sum;
        });
    }

    // [gates * hidden, columns] to [block of columns][unit block][gate][unit][width].
    void pack_transposed(const float* weight, Index columns, const Team& team, float* to) const {
        const Index lines = blocks * gates * width, column_blocks = (columns + width - 1) / width;
        for (Index b = first_of(team, column_blocks); b < last_of(team, column_blocks); ++b)
            for (Index line = 0; line < lines; ++line) {
                const Index unit = line / (gates * width) * width + line % width;
                const Index gate = line / width % gates;
                for (Index j = 0; j < width; ++j) {
                    const Index column = b * width + j;
                    to[(b * lines + line) * width + j] =
                        unit < hidden && column < columns
                            ? weight[(gate * hidden + unit) * columns + column]
                            : 0.0f;
                }
            }
    }

  private:
    template <typename Entry>
    void each(Index columns, const Team& team, const Entry& entry) const {
        for (Index b = first_of(team, blocks); b < last_of(team, blocks); ++b)
            for (Index gate = 0; gate < gates; ++gate)
                for (Index j = 0; j < width; ++j)
                    for (Index column = 0; column < columns; ++column) {
                        const Index unit = b * width + j;
                        entry(((b * gates + gate) * columns + column) * width + j,
                              (gate * hidden + unit) * columns + column, unit < hidden);
                    }
    }

    Index gates, hidden, blocks, width;
};

// Zeros past each row's length, in this thread's share of the rows.
void clear_padding(float* sequences, Index row, Index step, Index steps, Index columns,
                   const Batch& batch, const Team& team) {
    for (Index r = first_of(team, batch.rows); r < last_of(team, batch.rows); ++r)
        for (Index t = batch.lengths[r]; t < steps; ++t)
            std::fill_n(sequences + r * row + t * step, columns, 0.0f);
}

Index blocks_of(Index hidden, Index width) { return (hidden + width - 1) / width; }

// Runs the threads over the groups: body(group, place, team), where `place` is the index of the
// group among those in progress.
template <typename Body>
void each_group(const Plan& plan, int rank, int size, Barrier& barrier, const Body& body) {
    const Team team = plan.teams ? Team{rank, size, &barrier} : Team{0, 1, &barrier};
    const Index step = plan.teams ? 1 : size;
    const Index place = plan.teams ? 0 : rank;
    for (Index g = place; g < static_cast<Index>(plan.groups.size()); g += step)
        body(plan.groups[g], place, team);
}

}  // namespace

// Each thread has a counter on its own cache line and reads the others': one transfer of a line.
class Barrier {
  public:
    explicit Barrier(int size) : counts(size) {}

    void wait(int rank, int size) {
        const long round = counts[rank].meetings.load(std::memory_order_relaxed) + 1;
        counts[rank].meetings.store(round, std::memory_order_release);
        for (int other = 0; other < size; ++other)
            for (int spins = 0; counts[other].meetings.load(std::memory_order_acquire) < round;
                 ++spins)
                if (spins > PATIENCE) std::this_thread::yield();  // another program uses the core
    }

  private:
    struct alignas(64) Count {
        std::atomic<long> meetings{0};
    };

    static constexpr int PATIENCE = 10000;
    std::vector<Count> counts;
};

void wait(const Team& team) {
    if (team.size > 1) team.barrier->wait(team.rank, team.size);
}

Index saved_floats(Cell cell, Index hidden, const Batch& batch) {
    const Index width = scans_in_use().width;
    const Index samples =
        std::accumulate(batch.lengths, batch.lengths + batch.rows, std::int64_t{0});
    return samples * blocks_of(hidden, width) * saved_of(cell) * width;
}

void run_project(Projection job, Index words, int threads,
                 const Parameters<const float>& parameters) {
    const Scans& scans = scans_in_use();
    job.blocks = blocks_of(job.hidden, scans.width);
    const Packing packing(job, scans.width);
    const Index own = scratch_floats(job, scans.width);
    Pieces pieces(scratch(packing.forward_floats(job.input) + packing.forward_floats(1) + 48 +
                          threads * own));
    float *w_ih = pieces.take(packing.forward_floats(job.input)),
          *bias_ih = pieces.take(packing.forward_floats(1)), *rest = pieces.take(0);
    job.w_ih = w_ih, job.bias_ih = bias_ih;
    Barrier barrier(threads);
    parallel(threads, [&](int rank, int size) {
        const Team all{rank, size, &barrier};
        packing.pack(parameters.w_ih, job.input, all, w_ih);
        packing.pack(parameters.bias_ih, 1, all, bias_ih);
        wait(all);
        scans.project(job, first_of(all, words), last_of(all, words), rest + rank * own);
    });
}

void run_forward(Forward job, const Batch& batch, const Parameters<const float>& parameters,
                 float* saved) {
    const Scans& scans = scans_in_use();
    const Index width = scans.width, input = job.input, hidden = job.hidden;
    job.blocks = blocks_of(hidden, width);
    const Packing packing(job, width);
    const Plan plan = make_plan(batch, job.blocks, saved_of(job.cell) * width, saved);
    const Index own = scratch_floats(job, width);
    const Index places = plan.teams ? 1 : batch.threads;
    Pieces pieces(scratch(packing.forward_floats(input) + packing.forward_floats(hidden) +
                          2 * packing.forward_floats(1) + 64 + places * own));
    float *w_ih = pieces.take(packing.forward_floats(input)),
          *w_hh = pieces.take(packing.forward_floats(hidden)),
          *bias_ih = pieces.take(packing.forward_floats(1)),
          *bias_hh = pieces.take(packing.forward_floats(1)), *rest = pieces.take(0);
    job.w_ih = w_ih, job.w_hh = w_hh, job.bias_ih = bias_ih, job.bias_hh = bias_hh;
    Barrier barrier(batch.threads);
    parallel(batch.threads, [&](int rank, int size) {
        const Team all{rank, size, &barrier};
        if (!job.projected) {
            packing.pack(parameters.w_ih, input, all, w_ih);
            packing.pack(parameters.bias_ih, 1, all, bias_ih);
        }
        packing.pack(parameters.w_hh, hidden, all, w_hh);
        packing.pack(parameters.bias_hh, 1, all, bias_hh);
        wait(all);
        each_group(plan, rank, size, barrier,
                   [&](const Group& group, Index place, const Team& team) {
                       scans.forward(job, group, rest + place * own, team);
                   });
        clear_padding(job.out, job.out_row, job.out_step, job.steps, hidden, batch, all);
    });
}

void run_backward(Backward job, const Batch& batch, const Parameters<const float>& parameters,
                  float* saved, const Parameters<float>& gradients) {
    const Scans& scans = scans_in_use();
    const Index width = scans.width, input = job.input, hidden = job.hidden;
    job.blocks = blocks_of(hidden, width);
    const Packing packing(job, width);
    const Plan plan = make_plan(batch, job.blocks, saved_of(job.cell) * width, saved);
    const Index own = scratch_floats(job, width);
    const Index places = plan.teams ? 1 : batch.threads;
    const Index sum_ih = packing.forward_floats(input), sum_hh = packing.forward_floats(hidden),
                sum_bias = packing.forward_floats(1);
    const Index sum = (sum_ih + sum_hh + 2 * sum_bias + 15) / 16 * 16;
    Pieces pieces(scratch(packing.backward_floats(input) + packing.backward_floats(hidden) + 64 +
                          places * (own + sum)));
    float *w_ih = pieces.take(packing.backward_floats(input)),
          *w_hh = pieces.take(packing.backward_floats(hidden)), *sums = pieces.take(places * sum),
          *rest = pieces.take(0);
    job.w_ih = w_ih, job.w_hh = w_hh;
    Barrier barrier(batch.threads);
    parallel(batch.threads, [&](int rank, int size) {
        const Team all{rank, size, &barrier};
        if (!job.projected) packing.pack_transposed(parameters.w_ih, input, all, w_ih);
        packing.pack_transposed(parameters.w_hh, hidden, all, w_hh);
        std::fill(sums + first_of(all, places * sum), sums + last_of(all, places * sum), 0.0f);
        wait(all);
        each_group(plan, rank, size, barrier,
                   [&](const Group& group, Index place, const Team& team) {
                       float* to = sums + place * sum;
                       scans.backward(
                           job, group,
                           {to, to + sum_ih, to + sum_ih + sum_hh, to + sum_ih + sum_hh + sum_bias},
                           rest + place * own, team);
                   });
        wait(all);
        if (job.dx && !job.add_to_dx)
            clear_padding(job.dx, job.dx_row, job.dx_step, job.steps,
                          job.projected ? gates_of(job.cell) * hidden : input, batch, all);
        if (!job.projected) {
            packing.unpack(sums, places, sum, input, all, gradients.w_ih);
            packing.unpack(sums + sum_ih + sum_hh, places, sum, 1, all, gradients.bias_ih);
        }
        packing.unpack(sums + sum_ih, places, sum, hidden, all, gradients.w_hh);
        packing.unpack(sums + sum_ih + sum_hh + sum_bias, places, sum, 1, all, gradients.bias_hh);
    });
}

}  // namespace duree
