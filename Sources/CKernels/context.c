#include "CKernels.h"

#include "lanes.h"

// 2^x to 5 digits for -100 <= x <= 100. 1.5 * 2^23 rounds what is added to it to a whole number.
INLINE float exp2_of(float x) {
    float shifted = x + 12582912.0f;
    float rest = x - (shifted - 12582912.0f);
    float power = rest * 9.5700864e-3f + 5.5917852e-2f;
    power = power * rest + 2.4024745e-1f;
    power = power * rest + 6.9312179e-1f;
    power = power * rest + 1.0f;
    uint32_t whole, bits;
    memcpy(&whole, &shifted, sizeof whole);
    memcpy(&bits, &power, sizeof bits);
    bits += whole << 23;
    memcpy(&power, &bits, sizeof power);
    return power;
}

WIDEST void bowerbird_add_lifts(
    const float *observed, size_t observed_count, const float *totals, size_t total_count,
    float share, float shrinkage, float weight, float *lifts) {
    size_t both = observed_count < total_count ? observed_count : total_count;
    for (size_t i = 0; i < both; i++)
        lifts[i] += weight
            * (log2_of(observed[i] + shrinkage) - log2_of(totals[i] * share + shrinkage));
    for (size_t i = both; i < total_count; i++)
        lifts[i] += weight * (log2_of(shrinkage) - log2_of(totals[i] * share + shrinkage));
}

WIDEST void bowerbird_lift(
    const float *scores, const float *prior, float scale, const float *lifts, size_t count,
    int is_factor, float *lifted) {
    const float bound = 100;
    if (!is_factor) {
        for (size_t i = 0; i < count; i++)
            lifted[i] = scores[i] + scale * (prior[i] + lifts[i]);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        float sum = scores[i] + scale * prior[i];
        float lift = lifts[i] > bound ? bound : lifts[i];
        float factor = exp2_of(lift < -bound ? -bound : lift);
        lifted[i] = sum > 0 ? sum * factor : sum;
    }
}
