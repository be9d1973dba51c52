// The output layer's tiles. Compiled once for each instruction set, as scan.cpp is.

#include "output_layer.h"
#include "product.h"
#include "vector.h"

namespace duree::DUREE_ISA {
namespace {

// The score of what only fills the last vector. Finite, as the difference of two must be a number.
constexpr float NEVER = -1e30f;

void pack(const OutputLayer& job, Index first, Index last, float* weight, float* bias) {
    for (Index v = first; v < last; ++v)
        for (Index j = 0; j < W; ++j) {
            const Index output = v * W + j;
            const bool real = output < job.outputs;
            bias[output] = real ? job.bias[output] : NEVER;
            for (Index k = 0; k < job.size; ++k)
                weight[(v * job.size + k) * W + j] =
                    real ? job.weight[output * job.size + k] : 0.0f;
        }
}

// Some rows at some outputs.
struct Tile {
    Index row, rows, output, outputs;

    Index vectors() const { return (outputs + W - 1) / W; }
};

Tile tile_at(const OutputLayer& job, Index row, Index last, Index output) {
    const Index rows = last - row, outputs = job.outputs - output;
    return {row, rows < ROWS_OF_TILE ? rows : ROWS_OF_TILE, output,
            outputs < OUTPUTS_OF_TILE ? outputs : OUTPUTS_OF_TILE};
}

// The scores of a tile, [row][stride].
void score(const OutputLayer& job, const Tile& tile, float* scores) {
    multiply<false>(tile.rows, job.x + tile.row * job.size, job.size, job.size,
                    {job.packed_weight + tile.output * job.size, W, job.size * W}, tile.vectors(),
                    {scores, output_stride(job.outputs), W}, Start::bias,
                    job.packed_bias + tile.output);
}

// Where a row's target stands in the tile, or -1.
Index target_in(const OutputLayer& job, const Tile& tile, Index r) {
    const Index place = job.targets[tile.row + r] - tile.output;
    return 0 <= place && place < tile.outputs ? place : -1;
}

// Largest score and sum so far, one for each lane, so that nothing is added across a vector before
// the end (Milakov & Gimelshein 2018, "Online normalizer calculation for softmax").
void add_to_sums(const float* scores, Index vectors, float* most, float* sum) {
    const Vec before = load(most);
    Vec now = before;
    for (Index v = 0; v < vectors; ++v) now = larger(load(scores + v * W), now);
    Vec total = load(sum) * exp(before - now);
    for (Index v = 0; v < vectors; ++v) total += exp(load(scores + v * W) - now);
    store(most, now);
    store(sum, total);
}

// Where a tile's scores stand among those that are kept, [tile of outputs][row][stride].
Index place_of(const Tile& tile, Index first, Index last, Index stride) {
    return (tile.output / OUTPUTS_OF_TILE * (last - first) + tile.row - first) * stride;
}

void forward(const OutputForward& job, Index first, Index last, float* scratch, float* kept) {
    const Index stride = output_stride(job.outputs);
    float* most = scratch + ROWS_OF_TILE * stride;  // [row][W]
    float* sum = most + (last - first) * W;         // the same
    float* at_target = sum + (last - first) * W;    // [row]
    for (Index i = 0; i < (last - first) * W; ++i) most[i] = NEVER, sum[i] = 0.0f;
    for (Index output = 0; output < job.outputs; output += OUTPUTS_OF_TILE)
        for (Index row = first; row < last; row += ROWS_OF_TILE) {
            const Tile tile = tile_at(job, row, last, output);
            float* scores = kept ? kept + place_of(tile, first, last, stride) : scratch;
            score(job, tile, scores);
            for (Index r = 0; r < tile.rows; ++r) {
                const Index at = row - first + r, place = target_in(job, tile, r);
                add_to_sums(scores + r * stride, tile.vectors(), most + at * W, sum + at * W);
                if (place >= 0) at_target[at] = scores[r * stride + place];
            }
        }
    for (Index row = first; row < last; ++row) {
        const Index at = row - first;
        float largest = NEVER, total = 0.0f;
        for (int j = 0; j < W; ++j)
            largest = most[at * W + j] > largest ? most[at * W + j] : largest;
        store(sum + at * W, load(sum + at * W) * exp(load(most + at * W) - largest));
        for (int j = 0; j < W; ++j) total += sum[at * W + j];
        const float logarithm = __builtin_logf(total);
        const bool known = 0 <= job.targets[row] && job.targets[row] < job.outputs;
        job.most[row] = largest, job.total[row] = total;
        job.normaliser[row] = largest + logarithm;
        // The difference first: it is exact where the target is likely.
        job.of_target[row] = known ? at_target[at] - largest - logarithm : 0.0f;
    }
}

// From the scores of a tile to their gradients.
void scores_back(const OutputBackward& job, const Tile& tile, const float* scores,
                 float* d_scores) {
    const Index stride = output_stride(job.outputs);
    for (Index r = 0; r < tile.rows; ++r) {
        const Index row = tile.row + r, place = target_in(job, tile, r);
        const bool known = 0 <= job.targets[row] && job.targets[row] < job.outputs;
        const float d_target = known ? job.d_target[row] : 0.0f;
        const float factor = (job.d_normaliser[row] - d_target) / job.total[row];
        const float most = job.most[row];
        const float* from = scores + r * stride;
        float* to = d_scores + r * stride;
        for (Index v = 0; v < tile.vectors(); ++v)
            store(to + v * W, factor * exp(load(from + v * W) - most));
        if (place >= 0) to[place] += d_target;
    }
}

void add_bias_gradient(const OutputBackward& job, const Tile& tile, const float* d_scores) {
    const Index stride = output_stride(job.outputs);
    for (Index v = 0; v < tile.vectors(); ++v) {
        float* to = job.d_bias + tile.output + v * W;
        const Index count = tile.outputs - v * W;
        Vec sum = load_part(to, count);
        for (Index r = 0; r < tile.rows; ++r) sum += load(d_scores + r * stride + v * W);
        store_part(to, sum, count);
    }
}

void backward(const OutputBackward& job, Index first, Index last, Index output, float* scratch,
              const float* kept) {
    const Index vectors = job.size / W, stride = output_stride(job.outputs);
    for (Index row = first; row < last; row += ROWS_OF_TILE) {
        const Tile tile = tile_at(job, row, last, output);
        if (!kept) score(job, tile, scratch);
        scores_back(job, tile, kept ? kept + place_of(tile, first, last, stride) : scratch,
                    scratch);
        multiply<false>(tile.rows, scratch, stride, tile.outputs,
                        {job.weight + output * job.size, job.size, W}, vectors,
                        {job.dx + row * job.size, job.size, W}, Start::add);
        multiply<true>(tile.outputs, scratch, stride, tile.rows,
                       {job.x + row * job.size, job.size, W}, vectors,
                       {job.d_weight + output * job.size, job.size, W}, Start::add);
        add_bias_gradient(job, tile, scratch);
    }
}

}  // namespace

extern const OutputTiles output_tiles;
const OutputTiles output_tiles = {W, pack, forward, backward};

}  // namespace duree::DUREE_ISA
