/* Word 5-grams of UTF-8 text: their hashes, MinHash band keys, and what two sets have in common.
 *
 * plain.py does the same in Python and is the reference for this file. Plain C11 without Python, so
 * that it can be run under sanitizers. Any bytes are safe to read, but only UTF-8 has a meaning.
 *
 * A word's hash takes eight bytes of the folded text at a time, which is also how its end is found.
 */
#ifndef PIPELINE_KERNELS_GRAMS_H
#define PIPELINE_KERNELS_GRAMS_H

#include "words.h"

#if defined(__GNUC__) && defined(__x86_64__) && !defined(ONLY_BASELINE)
#define X86_VARIANTS 1
#else
#define X86_VARIANTS 0
#endif

enum {
    WIDTH = 5,          /* words in a gram */
    PERMUTATIONS = 128, /* of MinHash */
    LANES = 32          /* permutations computed together, so that they stay in registers */
};

#define WORD_BASE UINT64_C(0x9E3779B97F4A7C15)
#define GRAM_BASE UINT64_C(0xD6E8FEB86659FD93)
#define MIXER UINT64_C(0xFF51AFD7ED558CCD)
#define ZEROS_LOW UINT64_C(0x0101010101010101)
#define ZEROS_HIGH UINT64_C(0x8080808080808080)

/* Memory that is kept from one text to the next. */
typedef struct {
    uint8_t *folded;
    size_t folded_room;
    uint32_t *grams; /* two halves of `grams_room` each: the hashes, and room to sort them */
    size_t grams_room;
} Scratch;

static void scratch_free(Scratch *scratch) {
    free(scratch->folded);
    free(scratch->grams);
}

/* Returns 0, or -1 if memory ran out. A code point of two or more bytes becomes six at most. */
static int scratch_fit(Scratch *scratch, size_t length) {
    if (length > SIZE_MAX / 16 - PADDING) return -1;
    size_t folded = 3 * length + BLOCK + PADDING;
    if (folded > scratch->folded_room) {
        free(scratch->folded);
        scratch->folded = malloc(folded);
        scratch->folded_room = scratch->folded ? folded : 0;
    }
    size_t grams = folded / 2;
    if (grams > scratch->grams_room) {
        free(scratch->grams);
        scratch->grams = malloc(2 * grams * sizeof(uint32_t));
        scratch->grams_room = scratch->grams ? grams : 0;
    }
    return scratch->folded && scratch->grams ? 0 : -1;
}

ALWAYS_INLINE uint64_t load_eight(const uint8_t *from) {
    uint64_t value;
    memcpy(&value, from, 8);
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    value = __builtin_bswap64(value);
#endif
    return value;
}

ALWAYS_INLINE uint32_t load_gram(const uint8_t *from) {
    return (uint32_t)from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 |
           (uint32_t)from[3] << 24;
}

ALWAYS_INLINE uint64_t mix(uint64_t value) {
    value ^= value >> 32;
    value *= MIXER;
    return value ^ value >> 29;
}

/* The hash of the word at `*at`; `*at` is moved past it. */
ALWAYS_INLINE uint64_t word_hash(const uint8_t *folded, size_t *at) {
    uint64_t hash = 0;
    for (;;) {
        uint64_t block = load_eight(folded + *at);
        uint64_t zeros = (block - ZEROS_LOW) & ~block & ZEROS_HIGH;
        if (zeros) {
            unsigned bits = (unsigned)__builtin_ctzll(zeros) & ~7u;
            *at += bits / 8;
            if (bits) hash = hash * WORD_BASE + (block & ((UINT64_C(1) << bits) - 1));
            return mix(hash);
        }
        hash = hash * WORD_BASE + block;
        *at += 8;
    }
}

/* Writes a hash for each gram, in order, including repeats; returns how many there are. */
ALWAYS_INLINE size_t gram_hashes(const uint8_t *folded, size_t length, uint32_t *grams) {
    const uint64_t leaving = GRAM_BASE * GRAM_BASE * GRAM_BASE * GRAM_BASE;
    uint64_t window[WIDTH] = {0}, gram = 0;
    size_t at = 0, words = 0, oldest = 0, count = 0;
    for (;;) {
        uint64_t block = load_eight(folded + at);
        while (!block && at < length) block = load_eight(folded + (at += 8));
        if (!block) break;
        at += (size_t)__builtin_ctzll(block) / 8;
        uint64_t word = word_hash(folded, &at);
        gram = (gram - window[oldest] * leaving) * GRAM_BASE + word;
        window[oldest] = word;
        oldest = oldest + 1 == WIDTH ? 0 : oldest + 1;
        if (++words >= WIDTH) grams[count++] = (uint32_t)(mix(gram) >> 32);
    }
    if (words && words < WIDTH) grams[count++] = (uint32_t)(mix(gram) >> 32);
    return count;
}

/* `permutations`: PERMUTATIONS odd factors, then as many masks. */
ALWAYS_INLINE void find_minima(const uint32_t *grams, size_t count, const uint32_t *permutations,
                               uint32_t *minima) {
    for (size_t from = 0; from < PERMUTATIONS; from += LANES) {
        const uint32_t *factors = permutations + from;
        const uint32_t *masks = factors + PERMUTATIONS;
        uint32_t least[LANES];
        for (size_t i = 0; i < LANES; i++) least[i] = UINT32_MAX;
        for (size_t n = 0; n < count; n++) {
            for (size_t i = 0; i < LANES; i++) {
                uint32_t value = (grams[n] ^ masks[i]) * factors[i];
                least[i] = value < least[i] ? value : least[i];
            }
        }
        memcpy(minima + from, least, sizeof least);
    }
}

ALWAYS_INLINE size_t text_grams(Scratch *scratch, const uint8_t *text, size_t length,
                                const uint8_t *letters) {
    size_t folded = fold(text, length, letters, scratch->folded);
    return gram_hashes(scratch->folded, folded, scratch->grams);
}

ALWAYS_INLINE size_t text_minima(Scratch *scratch, const uint8_t *text, size_t length,
                                 const uint8_t *letters, const uint32_t *permutations,
                                 uint32_t *minima) {
    size_t count = text_grams(scratch, text, length, letters);
    find_minima(scratch->grams, count, permutations, minima);
    return count;
}

/* The same body for each instruction set, which the compiler uses as far as it can. */
#define VARIANT(name, target)                                                                  \
    target static size_t grams_##name(Scratch *s, const uint8_t *text, size_t length,          \
                                      const uint8_t *letters) {                                \
        return text_grams(s, text, length, letters);                                           \
    }                                                                                          \
    target static size_t minima_##name(Scratch *s, const uint8_t *text, size_t length,         \
                                       const uint8_t *letters, const uint32_t *permutations,   \
                                       uint32_t *minima) {                                     \
        return text_minima(s, text, length, letters, permutations, minima);                    \
    }

typedef struct {
    const char *name;
    size_t (*grams)(Scratch *, const uint8_t *, size_t, const uint8_t *);
    size_t (*minima)(Scratch *, const uint8_t *, size_t, const uint8_t *, const uint32_t *,
                     uint32_t *);
} Variant;

VARIANT(baseline, )
#if X86_VARIANTS
VARIANT(avx2, __attribute__((target("avx2"))))
#endif

static Variant choose_variant(void) {
#if X86_VARIANTS
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2")) return (Variant){"AVX2", grams_avx2, minima_avx2};
#endif
    return (Variant){"baseline", grams_baseline, minima_baseline};
}

static void store_eight(uint64_t value, uint8_t *to) {
    for (int i = 0; i < 8; i++) to[i] = (uint8_t)(value >> (8 * i));
}

/* Writes `bands` keys of eight bytes, each made from the next `rows` minima. */
static void write_band_keys(const uint32_t *minima, size_t bands, size_t rows, uint8_t *keys) {
    for (size_t band = 0; band < bands; band++) {
        uint64_t key = 0;
        for (size_t row = 0; row < rows; row++) key = mix(key ^ minima[band * rows + row]);
        store_eight(key, keys + 8 * band);
    }
}

/* Sorts `count` values, one byte at a time; `spare` has room for as many. */
static void sort_grams(uint32_t *values, uint32_t *spare, size_t count) {
    for (unsigned shift = 0; shift < 32; shift += 8) {
        size_t starts[257] = {0};
        for (size_t i = 0; i < count; i++) starts[(values[i] >> shift & 0xFF) + 1]++;
        for (size_t i = 1; i < 257; i++) starts[i] += starts[i - 1];
        for (size_t i = 0; i < count; i++) spare[starts[values[i] >> shift & 0xFF]++] = values[i];
        uint32_t *other = values;
        values = spare;
        spare = other;
    }
}

/* Sorts the grams of the scratch memory and removes repeats; returns how many are left. */
static size_t distinct_grams(Scratch *scratch, size_t count) {
    uint32_t *grams = scratch->grams;
    sort_grams(grams, grams + scratch->grams_room, count);
    size_t kept = count ? 1 : 0;
    for (size_t i = 1; i < count; i++)
        if (grams[i] != grams[kept - 1]) grams[kept++] = grams[i];
    return kept;
}

static void store_grams(const uint32_t *grams, size_t count, uint8_t *to) {
    for (size_t i = 0; i < count; i++)
        for (size_t byte = 0; byte < 4; byte++) to[4 * i + byte] = (uint8_t)(grams[i] >> (8 * byte));
}

/* The number of values that two sorted sets, each of `4 * size` bytes, have in common. */
static size_t count_shared(const uint8_t *left, size_t left_size, const uint8_t *right,
                           size_t right_size) {
    size_t shared = 0, i = 0, j = 0;
    while (i < left_size && j < right_size) {
        uint32_t one = load_gram(left + 4 * i), other = load_gram(right + 4 * j);
        shared += one == other;
        i += one <= other;
        j += other <= one;
    }
    return shared;
}

#endif
