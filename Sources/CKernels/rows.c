#include "CKernels.h"

#include "lanes.h"

// A row names an item once, so no sum waits for another of the row.

void bowerbird_add_row(
    const struct bowerbird_pair *pairs, size_t count, uint32_t highest, float scale, float *scores,
    size_t item_count) {
    if (highest >= item_count) {
        for (size_t i = 0; i < count; i++)
            if (pairs[i].item < item_count)
                scores[pairs[i].item] += scale * (float)pairs[i].weight;
        return;
    }
#pragma clang loop unroll_count(4)
    for (size_t i = 0; i < count; i++) scores[pairs[i].item] += scale * (float)pairs[i].weight;
}

void bowerbird_add_weighted(
    const struct bowerbird_weighted *pairs, size_t count, uint32_t highest, float scale,
    float *scores, size_t item_count) {
    if (highest >= item_count) {
        for (size_t i = 0; i < count; i++)
            if (pairs[i].item < item_count) scores[pairs[i].item] += scale * pairs[i].weight;
        return;
    }
#pragma clang loop unroll_count(4)
    for (size_t i = 0; i < count; i++) scores[pairs[i].item] += scale * pairs[i].weight;
}
