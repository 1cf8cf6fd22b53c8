// Numeric loops that need vector instructions: pure functions over pointers and lengths.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "CTraining.h"

/// Writes the best of `scores[i] + scale * prior[i]` over the items whose bit is set in `words`.
///
/// Best first; of equal scores the lower item first. `word_count * 64` may exceed `item_count`.
/// Returns how many were written: `limit`, or all candidates when there are fewer. `heap`, `items`
/// and `best` have room for `limit`; no score is NaN.
size_t bowerbird_top(
    const float *scores, const float *prior, float scale, size_t item_count,
    const uint64_t *words, size_t word_count, size_t limit, uint64_t *heap, uint32_t *items,
    float *best);

/// One entry of a sparse row: an item and its weight.
struct bowerbird_pair {
    uint32_t item;
    uint32_t weight;
};

/// Adds `scale * weight` to the score of each pair's item; items at or above `item_count` are left
/// out, which costs nothing when `highest`, which no item of the row exceeds, is below it. A row
/// names an item once.
void bowerbird_add_row(
    const struct bowerbird_pair *pairs, size_t count, uint32_t highest, float scale, float *scores,
    size_t item_count);

/// values[i] = first[i] + scale * second[i]; none overlaps another.
void bowerbird_combine(
    const float *restrict first, const float *restrict second, float scale,
    float *restrict values, size_t count);

/// The largest of `count` floats; 0 when there are none or all are negative.
float bowerbird_largest(const float *values, size_t count);

/// The sum of e^(sharpness * (scores[i] + scale * prior[i] - largest)) over the items whose bit is
/// set in `words`, to 1e-5 of its value. No score is above `largest`; what is e^-80 and less counts
/// as e^-80.
double bowerbird_softmax_sum(
    const float *scores, const float *prior, float scale, size_t item_count,
    const uint64_t *words, size_t word_count, float largest, float sharpness);

/// words[i] &= other[i]; the two do not overlap.
void bowerbird_words_and(
    uint64_t *restrict words, const uint64_t *restrict other, size_t count);

/// words[i] |= other[i]; the two do not overlap.
void bowerbird_words_or(
    uint64_t *restrict words, const uint64_t *restrict other, size_t count);

/// words[i] &= ~other[i]; the two do not overlap.
void bowerbird_words_and_not(
    uint64_t *restrict words, const uint64_t *restrict other, size_t count);

/// words[i] = ~words[i].
void bowerbird_words_not(uint64_t *words, size_t count);

/// How many bits are set.
size_t bowerbird_words_count(const uint64_t *words, size_t count);

/// Sets bit i where low <= values[i] <= high; never for a NaN. Other bits stay.
void bowerbird_range_bits(
    const double *values, size_t count, double low, double high, uint64_t *words);

/// The same of whole numbers, of which every one is a value.
void bowerbird_whole_range_bits(
    const int64_t *values, size_t count, int64_t low, int64_t high, uint64_t *words);

/// Sets bit i where codes[i] == code. Other bits stay.
void bowerbird_equal_bits(const uint32_t *codes, size_t count, uint32_t code, uint64_t *words);

/// Sets bit i where table[codes[i]] is 1; every code has its 0 or 1 there. Other bits stay.
void bowerbird_table_bits(
    const uint32_t *codes, size_t count, const uint8_t *table, uint64_t *words);

/// Sets bit i where values[i] < others[i]; never for a NaN. Other bits stay.
void bowerbird_less_number_bits(
    const double *values, const double *others, size_t count, uint64_t *words);

/// Sets bit i where values[i] == others[i]; never for a NaN. Other bits stay.
void bowerbird_same_number_bits(
    const double *values, const double *others, size_t count, uint64_t *words);

/// The same two of numbers some of which are integers that their doubles round: `wholes` are those
/// of `values`, or NULL where none is rounded. One of the two has them.
void bowerbird_exact_pair_bits(
    const double *values, const int64_t *wholes, const double *others,
    const int64_t *other_wholes, size_t count, bool is_equal, uint64_t *words);

/// Sets bit i where codes[i] == others[i], unless both are 0. Other bits stay.
void bowerbird_same_code_bits(
    const uint32_t *codes, const uint32_t *others, size_t count, uint64_t *words);

/// Words of a bit slice: one bit each of 4,096 numbers.
#define BOWERBIRD_SLICE_WORDS 64

/// A whole number that is ordered as the double is; not of a NaN.
uint64_t bowerbird_number_key(double value);

/// Of some numbers the least key, and the bits that are set in any key when that is taken off.
struct bowerbird_key_range {
    uint64_t least;
    uint64_t varying;
};

/// keys[i] = the key of values[i] less the least of all keys; 0 of a NaN, whose key is left out.
struct bowerbird_key_range bowerbird_number_keys(
    const double *values, size_t count, uint64_t *keys);

/// Lays up to 4,096 keys out in slices: which are of no NaN, then each varying bit, highest first.
///
/// `slices` has room for all of these and comes zeroed.
void bowerbird_number_slices(
    const double *values, const uint64_t *keys, size_t count, uint64_t varying, uint64_t *slices);

/// Sets bit i where low <= keys[i] <= high; never for a NaN. Other bits of a slice's words stay.
///
/// Neither bound has bits beside `varying`. Slices are read only until no key agrees with a bound.
void bowerbird_slice_bits(
    const uint64_t *slices, uint64_t varying, uint64_t low, uint64_t high, uint64_t *words);
