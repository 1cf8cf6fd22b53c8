#include "CKernels.h"

void bowerbird_accumulate(
    float *scores, const uint32_t *items, const float *weights, size_t count, float scale) {
    for (size_t i = 0; i < count; i++) scores[items[i]] += scale * weights[i];
}

float bowerbird_largest(const float *values, size_t count) {
    float largest = 0;
    for (size_t i = 0; i < count; i++) largest = values[i] > largest ? values[i] : largest;
    return largest;
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

size_t bowerbird_top(
    const float *scores, const float *prior, float scale, size_t item_count,
    const uint64_t *words, size_t word_count, size_t limit, uint32_t *items, float *best) {
    size_t count = 0;
    if (limit == 0) return 0;
    for (size_t w = 0; w < word_count; w++) {
        uint64_t rest = words[w];
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
