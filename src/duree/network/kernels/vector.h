// Vectors of DUREE_WIDTH floats, by the compiler's own vector types, and the gates' functions.
#pragma once

#include <cstdint>
#include <cstring>

#include "recurrence.h"

namespace duree::DUREE_ISA {

constexpr int W = DUREE_WIDTH;
typedef float Vec __attribute__((vector_size(4 * W)));
typedef std::int32_t Ints __attribute__((vector_size(4 * W)));

inline Vec load(const float* from) {
    Vec v;
    std::memcpy(&v, from, sizeof v);
    return v;
}

inline void store(float* to, Vec v) { std::memcpy(to, &v, sizeof v); }

// The first `count` entries alone, where there are fewer than a vector's; the others are zero.
inline Vec load_part(const float* from, Index count) {
    if (count >= W) return load(from);
    Vec v{};
    for (Index i = 0; i < count; ++i) v[i] = from[i];
    return v;
}

inline void store_part(float* to, Vec v, Index count) {
    if (count >= W) return store(to, v);
    for (Index i = 0; i < count; ++i) to[i] = v[i];
}

inline Vec all(float x) { return x - Vec{}; }

// e^x - 1, its relative error below 2e-7 also near 0. NaN stays NaN.
inline Vec expm1(Vec x) {
    x = x < -87.0f ? all(-87.0f) : x;
    x = x > 88.0f ? all(88.0f) : x;
    // Adding 1.5 * 2^23 rounds to whole numbers, which then stand in the lowest bits.
    const Vec shifted = x * 1.44269504f + 12582912.0f;
    const Vec n = shifted - 12582912.0f;
    const Vec f = (x - n * 0.693359375f) - n * -2.12194440e-4f;  // ln 2 in two parts
    // (e^f - 1) / f where |f| <= ln(2) / 2: a minimax fit, off by 1.1e-8 at most.
    Vec q = f * 1.388887283e-3f + 8.369115250e-3f;
    q = q * f + 4.166713744e-2f;
    q = q * f + 1.666650580e-1f;
    q = q * f + 0.5f;
    q = q * f + 1.0f;
    const Vec power = reinterpret_cast<Vec>((reinterpret_cast<Ints>(shifted) << 23) + (127 << 23));
    return power * (f * q) + (power - 1.0f);
}

inline Vec sigmoid(Vec x) { return 1.0f / (2.0f + expm1(-x)); }

inline Vec tanh(Vec x) {
    x = x > 20.0f ? all(20.0f) : x;
    const Vec e = expm1(2.0f * x);
    return e / (2.0f + e);
}

}  // namespace duree::DUREE_ISA
