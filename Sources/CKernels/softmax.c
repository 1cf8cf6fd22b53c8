#include "CKernels.h"

#include "lanes.h"

// Candidates of a word from which on all 64 are worked out at once.
#define DENSE 6

// Words after which sums go on as doubles.
#define FOLD 16

// 1.5 * 2^23: what is added to it is rounded to a whole number, in its lowest bits.
#define ROUNDER 12582912.0f

// e^x for -80 <= x <= 0 to 3e-6 of its value: 2^whole by the exponent's bits, 2^rest by a
// polynomial over -0.5...0.5.
INLINE void take_exp(floats *x) {
    floats shifted = *x * 1.44269504f + ROUNDER;
    floats rest = *x * 1.44269504f - (shifted - ROUNDER);
    floats power = rest * 9.5700864e-3f + 5.5917852e-2f;
    power = power * rest + 2.4024745e-1f;
    power = power * rest + 6.9312179e-1f;
    power = power * rest + 9.9999928e-1f;
    *x = (floats)((ints)power + ((ints)shifted << 23));
}

INLINE float exp_of(float x) {
    floats all = x < -80 ? -80 : x;
    take_exp(&all);
    return all[0];
}

WIDEST double bowerbird_softmax_sum(
    const float *scores, const float *prior, float scale, size_t item_count,
    const uint64_t *words, size_t word_count, float largest, float sharpness) {
    // Sums side by side, which would wait for each other as one.
    double sum = 0;
    floats sums = 0;
    const floats least = -80;
    for (size_t w = 0; w < word_count && w * 64 < item_count; w++) {
        uint64_t word = words[w];
        if (w % FOLD == 0) {
            for (size_t lane = 0; lane < LANES; lane++) sum += (double)sums[lane];
            sums = 0;
        }
        if (__builtin_popcountll(word) >= DENSE && (w + 1) * 64 <= item_count) {
            for (size_t i = 0; i < 64; i += LANES) {
                floats x;
                load_sums(&x, scores + w * 64 + i, prior + w * 64 + i, scale);
                x = (x - largest) * sharpness;
                x = x > least ? x : least;
                take_exp(&x);
                if (word != UINT64_MAX) keep(&x, (uint32_t)(word >> i) & 0xffff, 0);
                sums += x;
            }
            continue;
        }
        for (; word != 0; word &= word - 1) {
            size_t item = w * 64 + (size_t)__builtin_ctzll(word);
            if (item >= item_count) break;
            sum += exp_of(sharpness * (scores[item] + scale * prior[item] - largest));
        }
    }
    for (size_t lane = 0; lane < LANES; lane++) sum += (double)sums[lane];
    return sum;
}
