// Each cell's arithmetic on one block of units, forwards and backwards; cells.py is the reference.
//
// a: the input's projection; u: U h + b_hh; both [gate][W]. saved: as saved_of() lists them.
#pragma once

#include "recurrence.h"
#include "vector.h"

namespace duree::DUREE_ISA {

struct States {
    Vec h, c;
};

template <Cell C>
inline States cell_step(const float* a, const float* u, States before, float* saved) {
    if constexpr (C == Cell::gru) {
        const Vec un = load(u + 2 * W);
        const Vec r = sigmoid(load(a) + load(u));
        const Vec z = sigmoid(load(a + W) + load(u + W));
        const Vec n = tanh(load(a + 2 * W) + r * un);
        if (saved) {
            store(saved, r);
            store(saved + W, z);
            store(saved + 2 * W, n);
            store(saved + 3 * W, un);
        }
        return {(1.0f - z) * n + z * before.h, Vec{}};
    } else if constexpr (C == Cell::lstm) {
        const Vec i = sigmoid(load(a) + load(u));
        const Vec f = sigmoid(load(a + W) + load(u + W));
        const Vec g = tanh(load(a + 2 * W) + load(u + 2 * W));
        const Vec o = sigmoid(load(a + 3 * W) + load(u + 3 * W));
        const Vec c = f * before.c + i * g;
        if (saved) {
            store(saved, i);
            store(saved + W, f);
            store(saved + 2 * W, g);
            store(saved + 3 * W, o);
            store(saved + 4 * W, c);
        }
        return {o * tanh(c), c};
    } else {
        const Vec sum = load(a) + load(u);
        const Vec h = C == Cell::rnn_tanh ? tanh(sum) : (sum < 0.0f ? Vec{} : sum);
        if (saved) store(saved, h);
        return {h, Vec{}};
    }
}

// From the gradient of the new states to that of the old ones (for h: what passes by the gates)
// and of the gates' sums: da_x where they meet the input, da_h where they meet U h.
template <Cell C>
inline States cell_step_back(States d, States before, const float* saved, float* da_x,
                             float* da_h) {
    if constexpr (C == Cell::gru) {
        const Vec r = load(saved), z = load(saved + W), n = load(saved + 2 * W);
        const Vec dn = d.h * (1.0f - z) * (1.0f - n * n);
        const Vec dz = d.h * (before.h - n) * (z * (1.0f - z));
        const Vec dr = dn * load(saved + 3 * W) * (r * (1.0f - r));
        store(da_x, dr);
        store(da_x + W, dz);
        store(da_x + 2 * W, dn);
        store(da_h, dr);
        store(da_h + W, dz);
        store(da_h + 2 * W, dn * r);
        return {d.h * z, Vec{}};
    } else if constexpr (C == Cell::lstm) {
        const Vec i = load(saved), f = load(saved + W), g = load(saved + 2 * W);
        const Vec o = load(saved + 3 * W), t = tanh(load(saved + 4 * W));
        const Vec dc = d.c + d.h * o * (1.0f - t * t);
        store(da_x, dc * g * (i * (1.0f - i)));
        store(da_x + W, dc * before.c * (f * (1.0f - f)));
        store(da_x + 2 * W, dc * i * (1.0f - g * g));
        store(da_x + 3 * W, d.h * t * (o * (1.0f - o)));
        return {Vec{}, dc * f};
    } else {
        const Vec h = load(saved);
        store(da_x, C == Cell::rnn_tanh ? d.h * (1.0f - h * h) : (h > 0.0f ? d.h : Vec{}));
        return {Vec{}, Vec{}};
    }
}

}  // namespace duree::DUREE_ISA
