// Sixteen numbers side by side, in whatever registers the build has.
#pragma once
#include "clones.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define WIDEST BUILT_FOR("avx512f", "arch=x86-64-v3", "default")

#define INLINE static inline __attribute__((always_inline))
#define LANES 16

typedef float floats __attribute__((ext_vector_type(LANES)));
typedef int32_t ints __attribute__((ext_vector_type(LANES)));

// By pointers, since how wide values are passed depends on the build.

// Keeps the lanes of `values` whose bit is set; the rest become `other`.
INLINE void keep(floats *values, uint32_t bits, float other) {
    const ints lane = {1 << 0,  1 << 1,  1 << 2,  1 << 3,  1 << 4,  1 << 5,  1 << 6,  1 << 7,
                       1 << 8,  1 << 9,  1 << 10, 1 << 11, 1 << 12, 1 << 13, 1 << 14, 1 << 15};
    *values = (lane & (int32_t)bits) != 0 ? *values : (floats)other;
}

// to = scores + scale * prior.
INLINE void load_sums(floats *to, const float *scores, const float *prior, float scale) {
    floats other;
    memcpy(to, scores, sizeof *to);
    memcpy(&other, prior, sizeof other);
    *to += scale * other;
}

// log2 to 4 digits, side by side: exponent, and a polynomial of the mantissa in 1..<2.
INLINE float log2_of(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    float exponent = (float)((int32_t)(bits >> 23) - 127);
    bits = (bits & 0x7fffff) | 0x3f800000;
    float x;
    memcpy(&x, &bits, sizeof x);
    float slope = 1.2740031f + x * (-0.3779648f + x * 0.0458855f);
    return exponent + (x - 1) * (2.806238f + x * (-2.3063361f + x * slope));
}
