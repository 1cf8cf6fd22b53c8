#include "CTraining.h"

#include "CKernels.h"
#include "clones.h"

#include <math.h>
#include <string.h>

#define WIDEST BUILT_FOR("avx512f", "avx2", "default")

static inline size_t add(
    float *sums, uint32_t *touched, size_t count, uint32_t item, float weight) {
    float before = sums[item];
    sums[item] = before + weight;
    if (before != 0) return count;
    touched[count] = item;
    return count + 1;
}

size_t bowerbird_add_sets(
    float *sums, uint32_t *touched, size_t count, const uint32_t *owners, size_t owner_count,
    const uint64_t *offsets, const uint32_t *items, float scale) {
    for (size_t o = 0; o < owner_count; o++) {
        uint64_t end = offsets[owners[o] + 1];
        for (uint64_t i = offsets[owners[o]]; i < end; i++)
            count = add(sums, touched, count, items[i], scale);
    }
    return count;
}

size_t bowerbird_add_before(
    float *sums, uint32_t *touched, size_t count, const uint32_t *places, size_t place_count,
    const uint32_t *owner_of, const uint64_t *offsets, const uint32_t *items,
    const float *weights, size_t reach) {
    for (size_t p = 0; p < place_count; p++) {
        uint64_t at = places[p], room = at - offsets[owner_of[at]];
        uint64_t far = room < reach ? room : reach;
        for (uint64_t d = 1; d <= far; d++)
            count = add(sums, touched, count, items[at - d], weights[d]);
    }
    return count;
}

size_t bowerbird_add_around(
    float *sums, uint32_t *touched, size_t count, const uint32_t *places, size_t place_count,
    const uint32_t *owner_of, const uint64_t *offsets, const uint32_t *items, const float *table,
    size_t reach, float scale) {
    for (size_t p = 0; p < place_count; p++) {
        uint64_t at = places[p], first = offsets[owner_of[at]], end = offsets[owner_of[at] + 1];
        uint64_t behind = end - 1 - at;
        for (uint64_t d = 0; d < reach; d++) {
            // The later of both is this place: `behind` events come after it.
            if (at - first >= d) {
                uint64_t k = reach - d < behind ? reach - d : behind;
                float weight = table[d * (reach + 1) + k];
                if (weight != 0) count = add(sums, touched, count, items[at - d], scale * weight);
            }
            if (d > 0 && behind >= d) {
                uint64_t rest = behind - d, k = reach - d < rest ? reach - d : rest;
                float weight = table[d * (reach + 1) + k];
                if (weight != 0) count = add(sums, touched, count, items[at + d], scale * weight);
            }
        }
    }
    return count;
}

void bowerbird_gather_dense(
    const float *full, size_t size, const uint32_t *chosen, size_t count, float ridge,
    float *part) {
    for (size_t r = 0; r < count; r++) {
        const float *row = full + (size_t)chosen[r] * size;
        for (size_t c = 0; c <= r; c++) part[r * count + c] = row[chosen[c]];
        part[r * count + r] += ridge;
    }
}

void bowerbird_gather_sparse(
    const uint32_t *offsets, const struct bowerbird_weighted *pairs, int32_t *place,
    const uint32_t *chosen, size_t count, float ridge, float *part) {
    for (size_t c = 0; c < count; c++) place[chosen[c]] = (int32_t)c;
    memset(part, 0, count * count * sizeof *part);
    for (size_t r = 0; r < count; r++) {
        uint64_t end = offsets[chosen[r] + 1];
        for (uint64_t i = offsets[chosen[r]]; i < end; i++) {
            int32_t c = place[pairs[i].item];
            // A row that was cut names one of a pair only: either triangle will do.
            if (c < 0) continue;
            size_t low = r > (size_t)c ? r : (size_t)c, high = r > (size_t)c ? (size_t)c : r;
            part[low * count + high] = pairs[i].weight;
        }
        part[r * count + r] += ridge;
    }
    for (size_t c = 0; c < count; c++) place[chosen[c]] = -1;
}

// Row i of the factor needs products of two rows: contiguous, so they go side by side.
static inline __attribute__((always_inline)) float dot(
    const float *left, const float *right, size_t count) {
    float lanes[16] = {0};
    size_t i = 0;
    for (; i + 16 <= count; i += 16)
        for (size_t lane = 0; lane < 16; lane++) lanes[lane] += left[i + lane] * right[i + lane];
    float sum = 0;
    for (; i < count; i++) sum += left[i] * right[i];
    for (size_t lane = 0; lane < 16; lane++) sum += lanes[lane];
    return sum;
}

WIDEST int bowerbird_solve(float *part, float *right, size_t count) {
    for (size_t r = 0; r < count; r++) {
        float *row = part + r * count;
        for (size_t c = 0; c < r; c++) {
            const float *other = part + c * count;
            row[c] = (row[c] - dot(row, other, c)) * other[c];
        }
        float rest = row[r] - dot(row, row, r);
        if (!(rest > 0)) return 1;
        // The inverse of the diagonal is kept in its place.
        row[r] = 1 / sqrtf(rest);
    }
    for (size_t r = 0; r < count; r++)
        right[r] = (right[r] - dot(part + r * count, right, r)) * part[r * count + r];
    for (size_t r = count; r-- > 0;) {
        const float *row = part + r * count;
        right[r] *= row[r];
        for (size_t c = 0; c < r; c++) right[c] -= row[c] * right[r];
    }
    return 0;
}

WIDEST size_t bowerbird_lightest(const struct bowerbird_pair *pairs, size_t count) {
    // The least weight first, side by side; then whose it is.
    uint32_t lanes[16], least = UINT32_MAX;
    for (size_t lane = 0; lane < 16; lane++) lanes[lane] = UINT32_MAX;
    size_t i = 0;
    for (; i + 16 <= count; i += 16)
        for (size_t lane = 0; lane < 16; lane++) {
            uint32_t weight = pairs[i + lane].weight;
            lanes[lane] = weight < lanes[lane] ? weight : lanes[lane];
        }
    for (; i < count; i++) least = pairs[i].weight < least ? pairs[i].weight : least;
    for (size_t lane = 0; lane < 16; lane++) least = lanes[lane] < least ? lanes[lane] : least;
    for (i = 0; i < count; i++)
        if (pairs[i].weight == least) return i;
    return 0;
}
