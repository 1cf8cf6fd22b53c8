#include "CKernels.h"

// One build for the CPU that runs it: the loader picks the widest that it has.
#if defined(__x86_64__)
#define WIDEST __attribute__((target_clones("avx2", "default")))
#else
#define WIDEST
#endif

// Eight maxima side by side: one would wait for itself, since floats may not be reordered.
static inline __attribute__((always_inline)) float largest_of(
    const float *values, size_t count) {
    float lanes[8] = {0};
    size_t i = 0;
    for (; i + 8 <= count; i += 8)
        for (size_t lane = 0; lane < 8; lane++)
            lanes[lane] = values[i + lane] > lanes[lane] ? values[i + lane] : lanes[lane];
    for (; i < count; i++) lanes[0] = values[i] > lanes[0] ? values[i] : lanes[0];
    for (size_t lane = 1; lane < 8; lane++)
        lanes[0] = lanes[lane] > lanes[0] ? lanes[lane] : lanes[0];
    return lanes[0];
}

WIDEST float bowerbird_largest(const float *values, size_t count) {
    return largest_of(values, count);
}

// A heap whose root is the worst of the best: lower score, or at equal scores the higher item.
static int worse(float a, uint32_t ai, float b, uint32_t bi) {
    return a < b || (a == b && ai > bi);
}

static void sift_down(uint32_t *items, float *best, size_t count, size_t at) {
    for (;;) {
        size_t least = at, left = 2 * at + 1, right = left + 1;
        if (left < count && worse(best[left], items[left], best[least], items[least])) least = left;
        if (right < count && worse(best[right], items[right], best[least], items[least]))
            least = right;
        if (least == at) return;
        float score = best[at];
        uint32_t item = items[at];
        best[at] = best[least];
        items[at] = items[least];
        best[least] = score;
        items[least] = item;
        at = least;
    }
}

static void sift_up(uint32_t *items, float *best, size_t at) {
    while (at > 0) {
        size_t parent = (at - 1) / 2;
        if (!worse(best[at], items[at], best[parent], items[parent])) return;
        float score = best[at];
        uint32_t item = items[at];
        best[at] = best[parent];
        items[at] = items[parent];
        best[parent] = score;
        items[parent] = item;
        at = parent;
    }
}

WIDEST size_t bowerbird_top(
    const float *scores, const float *prior, float scale, size_t item_count,
    const uint64_t *words, size_t word_count, size_t limit, uint32_t *items, float *best) {
    size_t count = 0;
    if (limit == 0) return 0;
    for (size_t w = 0; w < word_count; w++) {
        uint64_t rest = words[w];
        if (rest == 0) continue;
        if (count == limit && (w + 1) * 64 <= item_count) {
            // Most blocks hold nothing good enough: find that out side by side.
            float block[64];
            for (size_t i = 0; i < 64; i++)
                block[i] = scores[w * 64 + i] + scale * prior[w * 64 + i];
            if (best[0] >= 0 && largest_of(block, 64) <= best[0]) continue;
        }
        while (rest != 0) {
            size_t item = w * 64 + (size_t)__builtin_ctzll(rest);
            rest &= rest - 1;
            if (item >= item_count) break;
            float score = scores[item] + scale * prior[item];
            if (count < limit) {
                items[count] = (uint32_t)item;
                best[count] = score;
                sift_up(items, best, count);
                count++;
            } else if (score > best[0]) {
                // Items come in rising order, so an equal score never displaces a lower item.
                items[0] = (uint32_t)item;
                best[0] = score;
                sift_down(items, best, count, 0);
            }
        }
    }
    for (size_t end = count; end > 1; end--) {
        float score = best[end - 1];
        uint32_t item = items[end - 1];
        best[end - 1] = best[0];
        items[end - 1] = items[0];
        best[0] = score;
        items[0] = item;
        sift_down(items, best, end - 1, 0);
    }
    return count;
}
