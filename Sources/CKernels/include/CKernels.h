// Numeric loops that need vector instructions: pure functions over pointers and lengths.
#pragma once
#include <stddef.h>
#include <stdint.h>

/// Writes the best of `scores[i] + scale * prior[i]` over the items whose bit is set in `words`.
///
/// Best first; of equal scores the lower item first. `word_count * 64` may exceed `item_count`.
/// Returns how many were written: `limit`, or all candidates when there are fewer.
size_t bowerbird_top(
    const float *scores, const float *prior, float scale, size_t item_count,
    const uint64_t *words, size_t word_count, size_t limit, uint32_t *items, float *best);

/// The largest of `count` floats; 0 when there are none or all are negative.
float bowerbird_largest(const float *values, size_t count);
