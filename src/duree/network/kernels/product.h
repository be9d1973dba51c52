// Matrix products of the shapes that a recurrence needs, from one tile that stays in registers.
//
// An entry of the result is one chain of fused multiply-adds in the order of k, whatever tile it
// falls into: that is why a row's result depends neither on its batch nor on the threads.
#pragma once

#include "recurrence.h"
#include "vector.h"

namespace duree::DUREE_ISA {

// The right side, a panel of V vectors: vector v of line k is at data + k * line + v * vector.
struct Panel {
    const float* data;
    Index line, vector;
};

// The result: vector v of row r is at data + r * row + v * vector.
struct Result {
    float* data;
    Index row, vector;
};

enum class Start { zero, add, bias };

// A tile holds rows x vectors sums, and wants registers for a line of the panel and a broadcast.
// Few rows take many vectors at once, as every sum waits for its last addition.
constexpr bool MANY = DUREE_REGISTERS >= 32;

template <int V>
constexpr int tile_rows() {
    if (V > 4) return (V == 8 ? 1 : 2) * (MANY ? 2 : 1);
    if (MANY) return V == 4 ? 6 : 8;
    return V == 1 ? 8 : V == 2 ? 6 : V == 3 ? 4 : 2;
}

// How many of so many vectors are best taken at once.
inline Index panel_width(Index vectors, Index rows) {
    if (rows <= tile_rows<8>() && vectors >= 8) return 8;
    if (rows <= tile_rows<6>() && vectors >= 6) return 6;
    if (vectors < 3 || vectors % 3 == 0) return vectors < 3 ? vectors : 3;
    if (vectors % 4 == 0) return MANY ? 4 : 2;
    return 3;
}

// Rows of the left side are rows of `a`, `stride` apart; TRANSPOSED: its columns.
template <int R, int V, bool TRANSPOSED>
inline void tile(const float* a, Index stride, Index depth, Panel b, Result c, Start start,
                 const float* bias) {
    Vec sum[R][V];
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
        for (int v = 0; v < V; ++v)
            sum[r][v] = start == Start::zero  ? Vec{}
                        : start == Start::add ? load(c.data + r * c.row + v * c.vector)
                                              : load(bias + v * W);
    for (Index k = 0; k < depth; ++k) {
        Vec line[V];
#pragma GCC unroll 8
        for (int v = 0; v < V; ++v) line[v] = load(b.data + v * b.vector);
#pragma GCC unroll 8
        for (int r = 0; r < R; ++r) {
            const Vec left = all(TRANSPOSED ? a[r] : a[r * stride]);
#pragma GCC unroll 8
            for (int v = 0; v < V; ++v) sum[r][v] += left * line[v];
        }
        a += TRANSPOSED ? stride : 1;
        b.data += b.line;
    }
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
        for (int v = 0; v < V; ++v) store(c.data + r * c.row + v * c.vector, sum[r][v]);
}

template <int V, bool TRANSPOSED>
inline void some_rows(Index rows, const float* a, Index stride, Index depth, Panel b, Result c,
                      Start start, const float* bias) {
    constexpr int MOST = tile_rows<V>();
    switch (rows) {  // numbers above MOST do not occur and are not instantiated
        case 1: return tile<1, V, TRANSPOSED>(a, stride, depth, b, c, start, bias);
        case 2: return tile<(MOST < 2 ? 1 : 2), V, TRANSPOSED>(a, stride, depth, b, c, start, bias);
        case 3: return tile<(MOST < 3 ? 1 : 3), V, TRANSPOSED>(a, stride, depth, b, c, start, bias);
        case 4: return tile<(MOST < 4 ? 1 : 4), V, TRANSPOSED>(a, stride, depth, b, c, start, bias);
        case 5: return tile<(MOST < 5 ? 1 : 5), V, TRANSPOSED>(a, stride, depth, b, c, start, bias);
        case 6: return tile<(MOST < 6 ? 1 : 6), V, TRANSPOSED>(a, stride, depth, b, c, start, bias);
        case 7: return tile<(MOST < 7 ? 1 : 7), V, TRANSPOSED>(a, stride, depth, b, c, start, bias);
        case 8: return tile<(MOST < 8 ? 1 : 8), V, TRANSPOSED>(a, stride, depth, b, c, start, bias);
    }
}

// c[rows][V vectors] (+)= a[rows][depth] b[depth][V vectors], in tiles of nearly equal height.
template <int V, bool TRANSPOSED>
inline void multiply_panel(Index rows, const float* a, Index stride, Index depth, Panel b, Result c,
                           Start start, const float* bias) {
    const Index tiles = (rows + tile_rows<V>() - 1) / tile_rows<V>();
    for (Index t = 0, done = 0; t < tiles; ++t) {
        const Index end = rows * (t + 1) / tiles;
        some_rows<V, TRANSPOSED>(end - done, a + done * (TRANSPOSED ? 1 : stride), stride, depth, b,
                                 {c.data + done * c.row, c.row, c.vector}, start, bias);
        done = end;
    }
}

// The same for any number of vectors.
template <bool TRANSPOSED>
inline void multiply(Index rows, const float* a, Index stride, Index depth, Panel b, Index vectors,
                     Result c, Start start, const float* bias = nullptr) {
    while (vectors > 0) {
        const Index taken = panel_width(vectors, rows);
        switch (taken) {
            case 1: multiply_panel<1, TRANSPOSED>(rows, a, stride, depth, b, c, start, bias); break;
            case 2: multiply_panel<2, TRANSPOSED>(rows, a, stride, depth, b, c, start, bias); break;
            case 3: multiply_panel<3, TRANSPOSED>(rows, a, stride, depth, b, c, start, bias); break;
            case 4: multiply_panel<4, TRANSPOSED>(rows, a, stride, depth, b, c, start, bias); break;
            case 6: multiply_panel<6, TRANSPOSED>(rows, a, stride, depth, b, c, start, bias); break;
            case 8: multiply_panel<8, TRANSPOSED>(rows, a, stride, depth, b, c, start, bias); break;
        }
        vectors -= taken;
        b.data += taken * b.vector;
        c.data += taken * c.vector;
        if (bias) bias += taken * W;
    }
}

}  // namespace duree::DUREE_ISA
