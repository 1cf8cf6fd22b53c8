#include "CKernels.h"
#include "clones.h"

#include <string.h>

#define WIDEST BUILT_FOR("avx512f", "arch=x86-64-v3", "default")
#define INLINE static inline __attribute__((always_inline))
#define WORDS BOWERBIRD_SLICE_WORDS

INLINE uint64_t key_of(double value) {
    const uint64_t sign = (uint64_t)1 << 63;
    uint64_t bits;
    if (value == 0) value = 0;  // -0.0 is the same number.
    memcpy(&bits, &value, sizeof bits);
    return bits & sign ? ~bits : bits | sign;
}

uint64_t bowerbird_number_key(double value) { return key_of(value); }

WIDEST struct bowerbird_key_range bowerbird_number_keys(
    const double *values, size_t count, uint64_t *keys) {
    struct bowerbird_key_range range = {UINT64_MAX, 0};
    for (size_t i = 0; i < count; i++) {
        keys[i] = values[i] == values[i] ? key_of(values[i]) : UINT64_MAX;
        range.least = keys[i] < range.least ? keys[i] : range.least;
    }
    for (size_t i = 0; i < count; i++) {
        keys[i] = values[i] == values[i] ? keys[i] - range.least : 0;
        range.varying |= keys[i];
    }
    return range;
}

// Takes the highest bit out of those that are left, and says which it is.
INLINE int next_bit(uint64_t *left) {
    const int bit = 63 - __builtin_clzll(*left);
    *left ^= (uint64_t)1 << bit;
    return bit;
}

// Bit i of row k becomes bit k of row i.
INLINE void transpose(uint64_t rows[64]) {
    uint64_t mask = ~(uint64_t)0;
    for (size_t step = 32; step > 0; step /= 2) {
        mask ^= mask << step;
        for (size_t start = 0; start < 64; start += 2 * step) {
            for (size_t row = start; row < start + step; row++) {
                const uint64_t changed = (rows[row] >> step ^ rows[row + step]) & mask;
                rows[row] ^= changed << step;
                rows[row + step] ^= changed;
            }
        }
    }
}

WIDEST void bowerbird_number_slices(
    const double *values, const uint64_t *keys, size_t count, uint64_t varying, uint64_t *slices) {
    for (size_t word = 0; word * 64 < count; word++) {
        const size_t rest = count - word * 64, end = rest < 64 ? rest : 64;
        uint64_t rows[64] = {0}, present = 0, *to = slices + word;
        for (size_t i = 0; i < end; i++) {
            rows[i] = keys[word * 64 + i];
            present |= (uint64_t)(values[word * 64 + i] == values[word * 64 + i]) << i;
        }
        transpose(rows);
        *to = present;
        for (uint64_t left = varying; left != 0;) *(to += WORDS) = rows[next_bit(&left)];
    }
}

// Of `inside` keeps the keys that are not below `bound`, or not above it.
INLINE void keep_within(
    const uint64_t *slices, uint64_t varying, uint64_t bound, int is_low, uint64_t *inside) {
    // What is surely within, and what agrees with the bound in all bits so far.
    uint64_t within[WORDS] = {0}, equal[WORDS], any = 1;
    memcpy(equal, inside, sizeof equal);
    for (uint64_t left = varying; left != 0 && any != 0;) {
        const int is_set = bound >> next_bit(&left) & 1;
        slices += WORDS;
        any = 0;
        for (size_t i = 0; i < WORDS; i++) {
            if (is_low && !is_set) within[i] |= equal[i] & slices[i];
            if (!is_low && is_set) within[i] |= equal[i] & ~slices[i];
            equal[i] &= is_set ? slices[i] : ~slices[i];
            any |= equal[i];
        }
    }
    for (size_t i = 0; i < WORDS; i++) inside[i] = within[i] | equal[i];
}

WIDEST void bowerbird_slice_bits(
    const uint64_t *slices, uint64_t varying, uint64_t low, uint64_t high, uint64_t *words) {
    uint64_t inside[WORDS];
    memcpy(inside, slices, sizeof inside);
    if (low != 0) keep_within(slices, varying, low, 1, inside);
    if (high != varying) keep_within(slices, varying, high, 0, inside);
    for (size_t i = 0; i < WORDS; i++) words[i] |= inside[i];
}
