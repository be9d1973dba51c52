#include "output_layer.h"

#include <atomic>
#include <thread>
#include <vector>

#include "instruction_sets.h"
#include "memory.h"
#include "parallel.h"

namespace duree {

namespace {

// Rows that a thread takes at a time: few enough for the second-level cache, and as many as make
// the reading of all weights cheap.
constexpr Index ROWS_OF_CHUNK = 256;

// Rows in chunks of nearly equal size, as many for each thread.
struct Chunks {
    Chunks(Index rows, int threads)
        : rows(rows),
          count(threads * ((rows + threads * ROWS_OF_CHUNK - 1) / (threads * ROWS_OF_CHUNK))) {}

    Index first(Index chunk) const { return rows * chunk / count; }

    const Index rows, count;
};

// The weights by vectors of outputs, and the scratch of each thread.
struct Workspace {
    Workspace(OutputLayer& job, const OutputTiles& tiles, int threads)
        : own(output_scratch_floats(ROWS_OF_CHUNK, tiles.width)) {
        const Index vectors = (job.outputs + tiles.width - 1) / tiles.width;
        const Index padded = vectors * tiles.width;
        Pieces pieces(scratch(padded * (job.size + 1) + 32 + threads * own));
        float *weight = pieces.take(padded * job.size), *bias = pieces.take(padded);
        rest = pieces.take(0);
        job.packed_weight = weight, job.packed_bias = bias;
        parallel(threads, [&](int rank, int size) {
            tiles.pack(job, vectors * rank / size, vectors * (rank + 1) / size, weight, bias);
        });
    }

    float* of(int rank) const { return rest + rank * own; }

    const Index own;
    float* rest;
};

// How many blocks of outputs each chunk has been through. A chunk follows the one before it, so
// that weight gradients are summed in the order of the rows whatever the number of threads.
class Progress {
  public:
    explicit Progress(Index chunks) : done(chunks) {}

    void wait_for_turn(Index chunk, Index block) const {
        if (chunk == 0) return;
        for (int spins = 0; done[chunk - 1].load(std::memory_order_acquire) <= block; ++spins)
            if (spins > PATIENCE) std::this_thread::yield();
    }

    void finish(Index chunk, Index block) {
        done[chunk].store(block + 1, std::memory_order_release);
    }

  private:
    static constexpr int PATIENCE = 10000;
    std::vector<std::atomic<Index>> done;
};

}  // namespace

void run_output_forward(OutputForward job, int threads) {
    const OutputTiles& tiles = output_tiles_in_use();
    const Workspace workspace(job, tiles, threads);
    const Chunks chunks(job.rows, threads);
    parallel(threads, [&](int rank, int size) {
        for (Index chunk = rank; chunk < chunks.count; chunk += size)
            tiles.forward(job, chunks.first(chunk), chunks.first(chunk + 1), workspace.of(rank));
    });
}

void run_output_backward(OutputBackward job, int threads) {
    const OutputTiles& tiles = output_tiles_in_use();
    const Workspace workspace(job, tiles, threads);
    const Chunks chunks(job.rows, threads);
    Progress progress(chunks.count);
    parallel(threads, [&](int rank, int size) {
        for (Index chunk = rank; chunk < chunks.count; chunk += size)
            for (Index block = 0; block * OUTPUTS_OF_TILE < job.outputs; ++block) {
                progress.wait_for_turn(chunk, block);
                tiles.backward(job, chunks.first(chunk), chunks.first(chunk + 1),
                               block * OUTPUTS_OF_TILE, workspace.of(rank));
                progress.finish(chunk, block);
            }
    });
}

}  // namespace duree
