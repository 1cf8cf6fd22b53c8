#include "CKernels.h"
#include "clones.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

// Haswell's set has AVX2 and POPCNT.
#define WIDEST BUILT_FOR("arch=x86-64-v3", "default")

WIDEST void bowerbird_words_and(
    uint64_t *restrict words, const uint64_t *restrict other, size_t count) {
    for (size_t i = 0; i < count; i++) words[i] &= other[i];
}

WIDEST void bowerbird_words_or(
    uint64_t *restrict words, const uint64_t *restrict other, size_t count) {
    for (size_t i = 0; i < count; i++) words[i] |= other[i];
}

WIDEST void bowerbird_words_and_not(
    uint64_t *restrict words, const uint64_t *restrict other, size_t count) {
    for (size_t i = 0; i < count; i++) words[i] &= ~other[i];
}

WIDEST void bowerbird_words_not(uint64_t *words, size_t count) {
    for (size_t i = 0; i < count; i++) words[i] = ~words[i];
}

WIDEST size_t bowerbird_words_count(const uint64_t *words, size_t count) {
    size_t sum = 0;
    for (size_t i = 0; i < count; i++) sum += (size_t)__builtin_popcountll(words[i]);
    return sum;
}

static uint64_t range_word(const double *values, size_t count, double low, double high) {
    uint64_t bits = 0;
    for (size_t i = 0; i < count; i++)
        bits |= (uint64_t)(values[i] >= low && values[i] <= high) << i;
    return bits;
}

static uint64_t whole_range_word(
    const int64_t *values, size_t count, int64_t low, int64_t high) {
    uint64_t bits = 0;
    for (size_t i = 0; i < count; i++)
        bits |= (uint64_t)(values[i] >= low && values[i] <= high) << i;
    return bits;
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static size_t range_words_avx2(
    const double *values, size_t count, double low, double high, uint64_t *words) {
    const __m256d lows = _mm256_set1_pd(low), highs = _mm256_set1_pd(high);
    size_t word = 0;
    for (; (word + 1) * 64 <= count; word++) {
        uint64_t bits = 0;
        for (size_t i = 0; i < 64; i += 4) {
            __m256d four = _mm256_loadu_pd(values + word * 64 + i);
            __m256d within = _mm256_and_pd(
                _mm256_cmp_pd(four, lows, _CMP_GE_OQ), _mm256_cmp_pd(four, highs, _CMP_LE_OQ));
            bits |= (uint64_t)(unsigned)_mm256_movemask_pd(within) << i;
        }
        words[word] |= bits;
    }
    return word;
}

__attribute__((target("avx2"))) static size_t whole_range_words_avx2(
    const int64_t *values, size_t count, int64_t low, int64_t high, uint64_t *words) {
    const __m256i lows = _mm256_set1_epi64x(low), highs = _mm256_set1_epi64x(high);
    size_t word = 0;
    for (; (word + 1) * 64 <= count; word++) {
        uint64_t beyond = 0;
        for (size_t i = 0; i < 64; i += 4) {
            __m256i four = _mm256_loadu_si256((const __m256i *)(values + word * 64 + i));
            __m256i outside = _mm256_or_si256(
                _mm256_cmpgt_epi64(lows, four), _mm256_cmpgt_epi64(four, highs));
            beyond |= (uint64_t)(unsigned)_mm256_movemask_pd(_mm256_castsi256_pd(outside)) << i;
        }
        words[word] |= ~beyond;
    }
    return word;
}

__attribute__((target("avx2"))) static size_t equal_words_avx2(
    const uint32_t *codes, size_t count, uint32_t code, uint64_t *words) {
    const __m256i wanted = _mm256_set1_epi32((int)code);
    size_t word = 0;
    for (; (word + 1) * 64 <= count; word++) {
        uint64_t bits = 0;
        for (size_t i = 0; i < 64; i += 8) {
            __m256i eight = _mm256_loadu_si256((const __m256i *)(codes + word * 64 + i));
            __m256 same = _mm256_castsi256_ps(_mm256_cmpeq_epi32(eight, wanted));
            bits |= (uint64_t)(unsigned)_mm256_movemask_ps(same) << i;
        }
        words[word] |= bits;
    }
    return word;
}
#endif

void bowerbird_range_bits(
    const double *values, size_t count, double low, double high, uint64_t *words) {
    size_t word = 0;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2")) word = range_words_avx2(values, count, low, high, words);
#endif
    for (; word * 64 < count; word++) {
        size_t rest = count - word * 64;
        words[word] |= range_word(values + word * 64, rest < 64 ? rest : 64, low, high);
    }
}

void bowerbird_whole_range_bits(
    const int64_t *values, size_t count, int64_t low, int64_t high, uint64_t *words) {
    size_t word = 0;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2"))
        word = whole_range_words_avx2(values, count, low, high, words);
#endif
    for (; word * 64 < count; word++) {
        size_t rest = count - word * 64;
        words[word] |= whole_range_word(values + word * 64, rest < 64 ? rest : 64, low, high);
    }
}

void bowerbird_equal_bits(const uint32_t *codes, size_t count, uint32_t code, uint64_t *words) {
    size_t word = 0;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2")) word = equal_words_avx2(codes, count, code, words);
#endif
    for (size_t i = word * 64; i < count; i++)
        words[i / 64] |= (uint64_t)(codes[i] == code) << (i % 64);
}

void bowerbird_table_bits(
    const uint32_t *codes, size_t count, const uint8_t *table, uint64_t *words) {
    for (size_t word = 0; word * 64 < count; word++) {
        size_t rest = count - word * 64;
        size_t end = rest < 64 ? rest : 64;
        const uint32_t *of = codes + word * 64;
        uint64_t bits = 0;
        for (size_t i = 0; i < end; i++) bits |= (uint64_t)table[of[i]] << i;
        words[word] |= bits;
    }
}
