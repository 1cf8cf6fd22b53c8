#include "CKernels.h"

#include <string.h>

#if defined(__x86_64__)
#define WIDEST __attribute__((target_clones("avx512f", "arch=x86-64-v3", "default")))
#else
#define WIDEST
#endif

// Candidates of a word from which on all 64 are worked out at once.
#define DENSE 16

#define LANES 16

// e^x for x <= 0 to 2e-6 of its value: 2^whole by the exponent's bits, 2^rest by a polynomial.
static inline __attribute__((always_inline)) float exp_of(float x) {
    x = x < -80.0f ? -80.0f : x;
    float t = x * 1.44269504f;
    int32_t whole = (int32_t)(t - 0.5f);
    float rest = t - (float)whole;
    float power = 1.33336e-3f;
    power = power * rest + 9.61813e-3f;
    power = power * rest + 5.55041e-2f;
    power = power * rest + 2.40227e-1f;
    power = power * rest + 6.93147e-1f;
    power = power * rest + 1.0f;
    uint32_t bits = (uint32_t)(whole + 127) << 23;
    float scale;
    memcpy(&scale, &bits, sizeof scale);
    return power * scale;
}

WIDEST double bowerbird_softmax_sum(
    const float *scores, const float *prior, float scale, size_t item_count,
    const uint64_t *words, size_t word_count, float largest, float sharpness) {
    // Sums side by side, which would wait for each other as one.
    double sum = 0, sums[LANES] = {0};
    for (size_t w = 0; w < word_count && w * 64 < item_count; w++) {
        uint64_t rest = words[w];
        if (rest == UINT64_MAX && (w + 1) * 64 <= item_count) {
            float lanes[LANES] = {0};
            const float *s = scores + w * 64, *p = prior + w * 64;
            for (size_t i = 0; i < 64; i += LANES)
                for (size_t lane = 0; lane < LANES; lane++)
                    lanes[lane] +=
                        exp_of(sharpness * (s[i + lane] + scale * p[i + lane] - largest));
            for (size_t lane = 0; lane < LANES; lane++) sums[lane] += (double)lanes[lane];
            continue;
        }
        if (__builtin_popcountll(rest) >= DENSE && (w + 1) * 64 <= item_count) {
            // All of the word side by side is faster than many one by one; what is no candidate may
            // be above `largest` and adds nothing.
            float lanes[LANES] = {0};
            const float *s = scores + w * 64, *p = prior + w * 64;
            for (size_t i = 0; i < 64; i += LANES)
                for (size_t lane = 0; lane < LANES; lane++) {
                    float x = s[i + lane] + scale * p[i + lane] - largest;
                    float term = exp_of(sharpness * (x < 0 ? x : 0));
                    lanes[lane] += rest >> (i + lane) & 1 ? term : 0;
                }
            for (size_t lane = 0; lane < LANES; lane++) sums[lane] += (double)lanes[lane];
            continue;
        }
        while (rest != 0) {
            size_t item = w * 64 + (size_t)__builtin_ctzll(rest);
            rest &= rest - 1;
            if (item >= item_count) break;
            sum += exp_of(sharpness * (scores[item] + scale * prior[item] - largest));
        }
    }
    for (size_t lane = 0; lane < LANES; lane++) sum += sums[lane];
    return sum;
}
