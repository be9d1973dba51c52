// Vectors of DUREE_WIDTH floats, by the compiler's own vector types, and the gates' functions.
#pragma once

#include <cstdint>
#include <cstring>

#ifdef __AVX2__
#include <immintrin.h>
#endif

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

// Within bounds; NaN stays NaN.
inline Vec clamp(Vec x, float least, float most) {
#if defined(__AVX512F__)  // which the compiler would do by comparing and blending
    return _mm512_min_ps(all(most), _mm512_max_ps(all(least), x));
#elif defined(__AVX2__)
    return _mm256_min_ps(all(most), _mm256_max_ps(all(least), x));
#else
    x = x < least ? all(least) : x;
    return x > most ? all(most) : x;
#endif
}

inline Vec larger(Vec left, Vec right) {
#if defined(__AVX512F__)
    return _mm512_max_ps(left, right);
#elif defined(__AVX2__)
    return _mm256_max_ps(left, right);
#else
    return left > right ? left : right;
#endif
}

// e^x = 2^n (1 + p) with |p| < 0.42, for x of the clamped range.
struct Exponent {
    Ints n;  // in the place where a float has its exponent
    Vec p;
};

inline Exponent exponent(Vec x) {
    // Adding 1.5 * 2^23 rounds to whole numbers, which then stand in the lowest bits.
    const Vec shifted = x * 1.44269504f + 12582912.0f;
    const Vec n = shifted - 12582912.0f;
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
    const Vec f = x - n * 0.693147182f;  // rounded once
#else
    const Vec f = (x - n * 0.693359375f) - n * -2.12194440e-4f;  // ln 2 in two parts, n of few bits
#endif
    // (e^f - 1) / f: a minimax fit, off by 1.1e-8 at most.
    Vec q = f * 1.388887283e-3f + 8.369115250e-3f;
    q = q * f + 4.166713744e-2f;
    q = q * f + 1.666650580e-1f;
    q = q * f + 0.5f;
    return {reinterpret_cast<Ints>(shifted) << 23, f * q * f + f};  // the small part added last
}

// Below -87 as at -87.
inline Vec exp(Vec x) {
    const Exponent e = exponent(clamp(x, -87.0f, 88.0f));
    const Vec significand = 1.0f + e.p;
    return reinterpret_cast<Vec>(reinterpret_cast<Ints>(significand) + e.n);
}

inline Vec sigmoid(Vec x) { return 1.0f / (1.0f + exp(-x)); }

// By e^2x - 1, whose relative error is small near 0 too.
inline Vec tanh(Vec x) {
    const Exponent e = exponent(clamp(2.0f * x, -40.0f, 40.0f));
    const Vec power = reinterpret_cast<Vec>(e.n + (127 << 23));
    const Vec less_one = power * e.p + (power - 1.0f);
    return less_one / (2.0f + less_one);
}

}  // namespace duree::DUREE_ISA
