#include "CKernels.h"

#include "lanes.h"

// Maxima side by side: one would wait for itself, since floats may not be reordered.
static inline __attribute__((always_inline)) float largest_lane(const float lanes[LANES]) {
    float largest = lanes[0];
    for (size_t lane = 1; lane < LANES; lane++)
        largest = lanes[lane] > largest ? lanes[lane] : largest;
    return largest;
}

WIDEST float bowerbird_largest(const float *values, size_t count) {
    float lanes[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        for (size_t lane = 0; lane < LANES; lane++)
            lanes[lane] = values[i + lane] > lanes[lane] ? values[i + lane] : lanes[lane];
    for (; i < count; i++) lanes[0] = values[i] > lanes[0] ? values[i] : lanes[0];
    return largest_lane(lanes);
}

WIDEST void bowerbird_combine(
    const float *restrict first, const float *restrict second, float scale,
    float *restrict values, size_t count) {
    for (size_t i = 0; i < count; i++) values[i] = first[i] + scale * second[i];
}

// Score and item in one number that orders them: the higher score, then the lower item.
static inline uint64_t key_of(float score, uint32_t item) {
    uint32_t bits;
    score += 0.0f;  // -0 is 0.
    memcpy(&bits, &score, sizeof bits);
    bits ^= bits >> 31 ? UINT32_MAX : UINT32_C(1) << 31;
    return (uint64_t)bits << 32 | (UINT32_MAX - item);
}

static inline uint32_t item_of(uint64_t key) { return UINT32_MAX - (uint32_t)key; }

static inline float score_of(uint64_t key) {
    uint32_t bits = (uint32_t)(key >> 32);
    bits ^= bits >> 31 ? UINT32_C(1) << 31 : UINT32_MAX;
    float score;
    memcpy(&score, &bits, sizeof score);
    return score;
}

// A heap whose root is the worst of the best: `key` takes its place.
static inline void replace_root(uint64_t *heap, size_t count, uint64_t key) {
    size_t at = 0;
    for (size_t child = 1; child < count; child = 2 * at + 1) {
        if (child + 1 < count) child += heap[child + 1] < heap[child];
        if (key <= heap[child]) break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = key;
}

static inline void push(uint64_t *heap, size_t count, uint64_t key) {
    size_t at = count;
    while (at > 0 && key < heap[(at - 1) / 2]) {
        heap[at] = heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap[at] = key;
}

// Keeps `key` if it is one of the `limit` best so far; how many there are then.
static inline size_t offer(uint64_t *heap, size_t count, size_t limit, uint64_t key) {
    if (count < limit) {
        push(heap, count, key);
        return count + 1;
    }
    if (key > heap[0]) replace_root(heap, count, key);
    return count;
}

WIDEST size_t bowerbird_top(
    const float *scores, const float *prior, float scale, size_t item_count,
    const uint64_t *words, size_t word_count, size_t limit, uint64_t *heap, uint32_t *items,
    float *best) {
    size_t count = 0;
    float worst = 0;
    if (limit == 0) return 0;
    for (size_t w = 0; w < word_count; w++) {
        uint64_t rest = words[w];
        if (rest == 0) continue;
        if (count == limit && (w + 1) * 64 <= item_count) {
            // Most blocks hold nothing good enough: find that out side by side.
            float lanes[LANES];
            const float *s = scores + w * 64, *p = prior + w * 64;
            for (size_t lane = 0; lane < LANES; lane++) lanes[lane] = s[lane] + scale * p[lane];
            for (size_t i = LANES; i < 64; i += LANES)
                for (size_t lane = 0; lane < LANES; lane++) {
                    float score = s[i + lane] + scale * p[i + lane];
                    lanes[lane] = score > lanes[lane] ? score : lanes[lane];
                }
            uint32_t better = 0;
            for (size_t lane = 0; lane < LANES; lane++) better |= lanes[lane] > worst;
            if (!better) continue;
        }
        while (rest != 0) {
            size_t item = w * 64 + (size_t)__builtin_ctzll(rest);
            rest &= rest - 1;
            if (item >= item_count) break;
            float score = scores[item] + scale * prior[item];
            if (count < limit) {
                push(heap, count++, key_of(score, (uint32_t)item));
                worst = score_of(heap[0]);
            } else if (score > worst) {
                // Items come in rising order, so an equal score never displaces a lower item.
                replace_root(heap, count, key_of(score, (uint32_t)item));
                worst = score_of(heap[0]);
            }
        }
    }
    for (size_t end = count; end > 0; end--) {
        uint64_t key = heap[0];
        items[end - 1] = item_of(key);
        best[end - 1] = score_of(key);
        replace_root(heap, end - 1, heap[end - 1]);
    }
    return count;
}

size_t bowerbird_best_sources(
    const float *sums, const uint32_t *touched, size_t touched_count, const float *inverse_roots,
    uint32_t excluded, size_t limit, uint64_t *heap, uint32_t *best) {
    size_t count = 0;
    for (size_t t = 0; t < touched_count; t++) {
        uint32_t item = touched[t];
        if (item == excluded) continue;
        uint64_t key = key_of(sums[item] * inverse_roots[item], item);
        count = offer(heap, count, limit, key);
    }
    for (size_t i = 0; i < count; i++) best[i] = item_of(heap[i]);
    return count;
}

size_t bowerbird_largest_column(
    const float *columns, size_t size, size_t row, size_t limit, uint64_t *heap, uint32_t *best) {
    size_t count = 0;
    for (size_t column = 0; column < size; column++) {
        float weight = columns[column * size + row];
        if (weight == 0) continue;
        uint64_t key = key_of(weight < 0 ? -weight : weight, (uint32_t)column);
        count = offer(heap, count, limit, key);
    }
    for (size_t i = 0; i < count; i++) best[i] = item_of(heap[i]);
    return count;
}

WIDEST void bowerbird_scale_log(
    float *values, size_t count, float factor, float floor, float weight) {
    float zero = log2_of(floor), range = log2_of(1 + floor) - zero;
    for (size_t i = 0; i < count; i++) {
        float share = values[i] * factor;
        float value = weight * (log2_of((share > 0 ? share : 0) + floor) - zero) / range;
        values[i] = share > 0 ? value : 0;
    }
}

WIDEST void bowerbird_add_dense(
    const float *values, size_t count, float scale, float *sums) {
    for (size_t i = 0; i < count; i++) sums[i] += scale * values[i];
}

WIDEST size_t bowerbird_find(const struct bowerbird_pair *pairs, size_t count, uint32_t item) {
    size_t i = 0;
    for (; i + 16 <= count; i += 16) {
        uint32_t found = 0;
        for (size_t lane = 0; lane < 16; lane++) found |= pairs[i + lane].item == item;
        if (found) break;
    }
    for (; i < count; i++)
        if (pairs[i].item == item) return i;
    return count;
}

WIDEST size_t bowerbird_rank(
    const float *base, const float *values, float weight, size_t count, size_t answer) {
    float mine = base[answer] + weight * values[answer];
    if (!(mine > 0)) return 0;
    size_t rank = 1;
    for (size_t i = 0; i < answer; i++) rank += base[i] + weight * values[i] >= mine;
    for (size_t i = answer + 1; i < count; i++) rank += base[i] + weight * values[i] > mine;
    return rank;
}
