/* The classes of ASCII characters, and how many characters there are of each: 32 bytes at a time if
 * the processor has AVX2, which is checked at run time, or else one.
 *
 * Plain C11 without Python, so that it can be run under sanitizers. Any bytes are safe to read.
 */
#ifndef PIPELINE_KERNELS_ASCII_H
#define PIPELINE_KERNELS_ASCII_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(__GNUC__) && defined(__x86_64__) && !defined(ONLY_BASELINE)
#include <immintrin.h>
#define CENSUS_AVX2 1
#define WITH_AVX2 __attribute__((target("avx2,popcnt")))
#else
#define CENSUS_AVX2 0
#endif

enum {
    CLASSES = 8, /* bits of a class */
    BLOCK = 32   /* bytes classified together */
};

/* Adds the characters of a byte that occurs `times` times to the counts of its classes. */
static void tally(uint8_t class, int64_t times, int64_t *out) {
    for (int bit = 0; bit < CLASSES; bit++) out[bit] += class >> bit & 1 ? times : 0;
}

/* Four bytes at a time, so that none has to wait for another. */
static void ascii_census_plain(const uint8_t *text, size_t length, const uint8_t *restrict classes,
                               uint8_t *restrict kinds, int64_t *out) {
    uint32_t counts[4][256] = {{0}};
    size_t at = 0;
    for (; at + 4 <= length; at += 4)
        for (size_t i = 0; i < 4; i++) counts[i][text[at + i]]++;
    for (; at < length; at++) counts[0][text[at]]++;
    for (size_t byte = 0; byte < 0x80; byte++) {
        int64_t times = (int64_t)counts[0][byte] + counts[1][byte] + counts[2][byte] + counts[3][byte];
        if (times) tally(classes[byte], times, out);
        out[CLASSES] += times;
    }
    for (at = 0; at < length; at++) kinds[at] = classes[text[at]];
}

#if CENSUS_AVX2
/* A class is looked up in one of eight tables of 16, chosen by the upper half of the byte: a lookup
 * gives 0 if its index has the highest bit set, which is so for all tables except the right one. */
WITH_AVX2 static inline __m256i look_up(__m256i bytes, const __m256i *tables) {
    __m256i found = _mm256_setzero_si256();
    for (int i = 0; i < 8; i++) {
        __m256i other = _mm256_xor_si256(bytes, _mm256_set1_epi8((char)(16 * i)));
        __m256i index = _mm256_adds_epu8(other, _mm256_set1_epi8(0x70));
        found = _mm256_or_si256(found, _mm256_shuffle_epi8(tables[i], index));
    }
    return found;
}

WITH_AVX2 static void ascii_census_avx2(const uint8_t *text, size_t length, const uint8_t *classes,
                                        uint8_t *kinds, int64_t *out) {
    __m256i tables[8];
    uint8_t last[BLOCK];
    size_t at = 0, wide = 0;
    for (int i = 0; i < 8; i++)
        tables[i] = _mm256_broadcastsi128_si256(_mm_loadu_si128((const void *)(classes + 16 * i)));
    for (; at < length; at += BLOCK) {
        const uint8_t *block = text + at;
        if (length - at < BLOCK) {
            memset(last, 0xFF, sizeof last); /* not an ASCII character */
            block = memcpy(last, block, length - at);
        }
        __m256i bytes = _mm256_loadu_si256((const void *)block), found = look_up(bytes, tables);
        _mm256_storeu_si256((void *)(kinds + at), found);
        wide += (size_t)__builtin_popcount((uint32_t)_mm256_movemask_epi8(bytes));
        for (int bit = CLASSES - 1; bit >= 0; bit--) {
            out[bit] += __builtin_popcount((uint32_t)_mm256_movemask_epi8(found));
            found = _mm256_add_epi8(found, found); /* moves the next bit to the top of each byte */
        }
    }
    out[CLASSES] += (int64_t)(at - wide);
}
#endif

/* Writes the class of each byte, an arbitrary one for bytes beyond ASCII; there must be room for
 * BLOCK more. Adds to `out` the number of ASCII characters of each class, by the number of its bit,
 * and after these the number of all ASCII characters. */
static void ascii_census(const uint8_t *text, size_t length, const uint8_t *classes, uint8_t *kinds,
                         int64_t *out) {
#if CENSUS_AVX2
    if (__builtin_cpu_supports("avx2")) {
        ascii_census_avx2(text, length, classes, kinds, out);
        return;
    }
#endif
    ascii_census_plain(text, length, classes, kinds, out);
}

#endif
