#include "output_layer.h"

#include <algorithm>
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
// Fewer where scores are kept, so that those of a thread stay near this many (32 MB).
constexpr Index FEWEST_ROWS = 64, MOST_KEPT = 8 << 20;

// Rows in chunks of nearly equal size, as many for each thread.
struct Chunks {
    Chunks(Index rows, Index most, int threads)
        : rows(rows),
          most(most),
          count(threads * ((rows + threads * most - 1) / (threads * most))) {}

    Index first(Index chunk) const { return rows * chunk / count; }

    const Index rows, most, count;
};

// The weights by vectors of outputs, and the scratch of each thread.
struct Workspace {
    Workspace(OutputLayer& job, const OutputTiles& tiles, int threads, Index rows, Index kept)
        : scratch_of_one(output_scratch_floats(rows, job.outputs, tiles.width)), kept_of_one(kept) {
        const Index vectors = (job.outputs + tiles.width - 1) / tiles.width;
        const Index padded = vectors * tiles.width;
        Pieces pieces(
            scratch(padded * (job.size + 1) + 64 + threads * (scratch_of_one + kept_of_one)));
        float *weight = pieces.take(padded * job.size), *bias = pieces.take(padded);
        scratches = pieces.take(threads * scratch_of_one);
        all_kept = pieces.take(threads * kept_of_one);
        job.packed_weight = weight, job.packed_bias = bias;
        parallel(threads, [&](int rank, int size) {
            tiles.pack(job, vectors * rank / size, vectors * (rank + 1) / size, weight, bias);
        });
    }

    float* scratch_of(int rank) const { return scratches + rank * scratch_of_one; }
    float* kept_of(int rank) const { return kept_of_one ? all_kept + rank * kept_of_one : nullptr; }

  private:
    const Index scratch_of_one, kept_of_one;
    float *scratches, *all_kept;
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

// Where the scores of a chunk stand among those of all rows, if they are kept.
template <typename T>
T* kept_of(T* kept, const Chunks& chunks, Index chunk, Index outputs) {
    return kept ? kept + output_kept_floats(chunks.first(chunk), outputs) : nullptr;
}

// The gradients of a chunk, one tile of outputs after the other, each in the chunk's turn.
void chunk_back(const OutputTiles& tiles, const OutputBackward& job, const Chunks& chunks,
                Index chunk, float* own, const float* kept, Progress& progress) {
    for (Index block = 0; block * OUTPUTS_OF_TILE < job.outputs; ++block) {
        progress.wait_for_turn(chunk, block);
        tiles.backward(job, chunks.first(chunk), chunks.first(chunk + 1), block * OUTPUTS_OF_TILE,
                       own, kept);
        progress.finish(chunk, block);
    }
}

}  // namespace

void run_output_forward(OutputForward job, int threads, float* kept) {
    const OutputTiles& tiles = output_tiles_in_use();
    const Chunks chunks(job.rows, ROWS_OF_CHUNK, threads);
    const Workspace workspace(job, tiles, threads, chunks.most, 0);
    parallel(threads, [&](int rank, int size) {
        for (Index chunk = rank; chunk < chunks.count; chunk += size)
            tiles.forward(job, chunks.first(chunk), chunks.first(chunk + 1),
                          workspace.scratch_of(rank), kept_of(kept, chunks, chunk, job.outputs));
    });
}

void run_output_backward(OutputBackward job, int threads, const float* kept) {
    const OutputTiles& tiles = output_tiles_in_use();
    const Chunks chunks(job.rows, ROWS_OF_CHUNK, threads);
    const Workspace workspace(job, tiles, threads, chunks.most, 0);
    Progress progress(chunks.count);
    parallel(threads, [&](int rank, int size) {
        for (Index chunk = rank; chunk < chunks.count; chunk += size)
            chunk_back(tiles, job, chunks, chunk, workspace.scratch_of(rank),
                       kept_of(kept, chunks, chunk, job.outputs), progress);
    });
}

void run_output_both(OutputForward read, OutputBackward back, int threads) {
    const OutputTiles& tiles = output_tiles_in_use();
    const Index most = std::clamp(MOST_KEPT / read.outputs, FEWEST_ROWS, ROWS_OF_CHUNK);
    const Chunks chunks(read.rows, most, threads);
    const Workspace workspace(read, tiles, threads, most, output_kept_floats(most, read.outputs));
    Progress progress(chunks.count);
    parallel(threads, [&](int rank, int size) {
        float *own = workspace.scratch_of(rank), *kept = workspace.kept_of(rank);
        for (Index chunk = rank; chunk < chunks.count; chunk += size) {
            tiles.forward(read, chunks.first(chunk), chunks.first(chunk + 1), own, kept);
            chunk_back(tiles, back, chunks, chunk, own, kept, progress);
        }
    });
}

}  // namespace duree
