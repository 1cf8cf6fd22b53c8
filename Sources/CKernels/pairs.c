#include "CKernels.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define AVX2 __attribute__((target("avx2"))) static

// Four comparisons at a time of whole words; the number of those. A macro, since the instruction
// takes its kind of comparison as a constant.
#define NUMBER_WORDS(name, comparison) \
    AVX2 size_t name( \
        const double *values, const double *others, size_t count, uint64_t *words) { \
        size_t word = 0; \
        for (; (word + 1) * 64 <= count; word++) { \
            uint64_t bits = 0; \
            for (size_t i = word * 64; i < word * 64 + 64; i += 4) { \
                __m256d holds = _mm256_cmp_pd( \
                    _mm256_loadu_pd(values + i), _mm256_loadu_pd(others + i), comparison); \
                bits |= (uint64_t)(unsigned)_mm256_movemask_pd(holds) << (i % 64); \
            } \
            words[word] |= bits; \
        } \
        return word; \
    }

NUMBER_WORDS(less_words_avx2, _CMP_LT_OQ)
NUMBER_WORDS(same_words_avx2, _CMP_EQ_OQ)

AVX2 size_t same_code_words_avx2(
    const uint32_t *codes, const uint32_t *others, size_t count, uint64_t *words) {
    const __m256i null = _mm256_setzero_si256();
    size_t word = 0;
    for (; (word + 1) * 64 <= count; word++) {
        uint64_t bits = 0;
        for (size_t i = word * 64; i < word * 64 + 64; i += 8) {
            __m256i eight = _mm256_loadu_si256((const __m256i *)(codes + i));
            __m256i other = _mm256_loadu_si256((const __m256i *)(others + i));
            __m256i same = _mm256_andnot_si256(
                _mm256_cmpeq_epi32(eight, null), _mm256_cmpeq_epi32(eight, other));
            bits |= (uint64_t)(unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(same)) << (i % 64);
        }
        words[word] |= bits;
    }
    return word;
}
#endif

void bowerbird_less_number_bits(
    const double *values, const double *others, size_t count, uint64_t *words) {
    size_t word = 0;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2")) word = less_words_avx2(values, others, count, words);
#endif
    for (size_t i = word * 64; i < count; i++)
        words[i / 64] |= (uint64_t)(values[i] < others[i]) << (i % 64);
}

void bowerbird_same_number_bits(
    const double *values, const double *others, size_t count, uint64_t *words) {
    size_t word = 0;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2")) word = same_words_avx2(values, others, count, words);
#endif
    for (size_t i = word * 64; i < count; i++)
        words[i / 64] |= (uint64_t)(values[i] == others[i]) << (i % 64);
}

// Below 0, 0 or above: an integer beside the number that it rounds to.
static int order_beside(int64_t whole, double number) {
    // The largest integers round to a number that is none of their type.
    if (number >= 0x1p63) return -1;
    int64_t other = (int64_t)number;
    return (whole > other) - (whole < other);
}

void bowerbird_exact_pair_bits(
    const double *values, const int64_t *wholes, const double *others,
    const int64_t *other_wholes, size_t count, bool is_equal, uint64_t *words) {
    for (size_t i = 0; i < count; i++) {
        bool holds = !is_equal && values[i] < others[i];
        // Rounding keeps the order of what it does not make one.
        if (values[i] == others[i]) {
            int order;
            if (wholes && other_wholes)
                order = (wholes[i] > other_wholes[i]) - (wholes[i] < other_wholes[i]);
            else if (wholes)
                order = order_beside(wholes[i], others[i]);
            else
                order = -order_beside(other_wholes[i], values[i]);
            holds = is_equal ? order == 0 : order < 0;
        }
        words[i / 64] |= (uint64_t)holds << (i % 64);
    }
}

void bowerbird_same_code_bits(
    const uint32_t *codes, const uint32_t *others, size_t count, uint64_t *words) {
    size_t word = 0;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2")) word = same_code_words_avx2(codes, others, count, words);
#endif
    for (size_t i = word * 64; i < count; i++)
        words[i / 64] |= (uint64_t)(codes[i] == others[i] && codes[i] != 0) << (i % 64);
}
