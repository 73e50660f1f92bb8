/* The classes of characters, given by a table, and the class of each byte of a text.
 *
 * Plain C11 without Python, so that it can be run under sanitizers. Any bytes are safe to read.
 */
#ifndef PIPELINE_KERNELS_CHARACTERS_H
#define PIPELINE_KERNELS_CHARACTERS_H

#include "ascii.h"

/* Bits of a character's class; `classes` has a byte for each code point below TABLED. */
enum {
    BLANK = 1,
    LETTER = 2,
    UNSPACED = 4, /* of a script without spaces between words */
    SYMBOL = 8,
    OTHER = 16,        /* neither letter, mark nor blank */
    TERMINAL = 32,     /* may end a sentence */
    STOPLESS = 64,     /* of a script that does not mark where a sentence ends */
    ASCII_LETTER = 128
};

/* The counts of `classify`: first the characters of each class, by the number of its bit. */
enum { CHARS = CLASSES, RARE, CENSUS };

#define TABLED 0x20000u
#define EACH_BYTE UINT64_C(0x0101010101010101)

enum { PADDING = 128 }; /* blanks after the classes of a text, so that 64 can be read at once */

static inline uint64_t load_bytes(const uint8_t *from, size_t size) {
    uint64_t value = 0;
    memcpy(&value, from, size);
    return value;
}

/* The code point at `at`; its bytes are set in `size`. A byte that is not UTF-8 gives U+FFFD. */
static inline uint32_t code_at(const uint8_t *text, size_t at, size_t length, size_t *size) {
    uint32_t lead = text[at];
    *size = 1;
    if (lead < 0x80) return lead;
    size_t count = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC0 || count > length - at) return 0xFFFD;
    uint32_t code = lead & (0x7Fu >> count);
    for (size_t i = 1; i < count; i++) {
        if ((text[at + i] & 0xC0) != 0x80) return 0xFFFD;
        code = code << 6 | (text[at + i] & 0x3F);
    }
    *size = count;
    return code;
}

/* Above the table the rule is coarse: Chinese characters up to U+DFFFF, then unknown characters. */
static inline uint8_t class_of(uint32_t code, const uint8_t *classes) {
    if (code < TABLED) return classes[code];
    return code < 0xE0000 ? LETTER | UNSPACED : SYMBOL | OTHER;
}

/* The number of characters of a text. Sums are kept in bytes, because a register holds many. */
static inline size_t count_chars(const uint8_t *text, size_t length) {
    size_t count = 0;
    for (size_t at = 0; at < length;) {
        size_t stop = length - at > 255 ? at + 255 : length;
        uint8_t some = 0;
        for (; at < stop; at++) some += (text[at] & 0xC0) != 0x80;
        count += some;
    }
    return count;
}

static inline size_t count_byte(const uint8_t *text, size_t length, uint8_t byte) {
    size_t count = 0;
    for (size_t at = 0; at < length;) {
        size_t stop = length - at > 255 ? at + 255 : length;
        uint8_t some = 0;
        for (; at < stop; at++) some += text[at] == byte;
        count += some;
    }
    return count;
}

/* Writes the class of each byte, which is that of its character, and PADDING blanks after them; adds
 * the CENSUS numbers of the text to `out`. */
static void classify(const uint8_t *text, size_t length, const uint8_t *restrict classes,
                     uint8_t *restrict kinds, int64_t *out) {
    uint32_t wide[256] = {0}; /* characters beyond ASCII, by class */
    size_t at = 0, size;
    ascii_census(text, length, classes, kinds, out);
    if (out[CHARS] == (int64_t)length) at = length;
    while (at < length) {
        while (at + 8 <= length && !(load_bytes(text + at, 8) & 0x80 * EACH_BYTE)) at += 8;
        while (at < length && text[at] < 0x80) at++;
        if (at == length) break;
        uint32_t code = code_at(text, at, length, &size);
        uint8_t class = class_of(code, classes);
        wide[class]++;
        out[CHARS]++;
        out[RARE] += code >= TABLED;
        for (; size; size--) kinds[at++] = class;
    }
    memset(kinds + length, BLANK, PADDING);
    for (unsigned class = 0; class < 256; class++)
        if (wide[class]) tally((uint8_t)class, wide[class], out);
}

static inline int64_t count_bits(uint64_t bits) {
    bits -= bits >> 1 & UINT64_C(0x5555555555555555);
    bits = (bits & UINT64_C(0x3333333333333333)) + (bits >> 2 & UINT64_C(0x3333333333333333));
    return (int64_t)(((bits + (bits >> 4)) & 0x0F * EACH_BYTE) * EACH_BYTE >> 56);
}

/* A bit for each of 64 bytes, the first the lowest: whether the class's bit `bit` is set. */
static inline uint64_t bits_of(const uint8_t *kinds, int bit) {
    uint64_t bits = 0;
#if CENSUS_AVX2 /* then there is SSE2 */
    for (int i = 0; i < 4; i++) {
        __m128i some = _mm_loadu_si128((const void *)(kinds + 16 * i));
        bits |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_slli_epi16(some, 7 - bit)) << 16 * i;
    }
#else
    for (size_t i = 0; i < 8; i++) {
        uint64_t eight = load_bytes(kinds + 8 * i, 8) >> bit & EACH_BYTE;
        /* Byte j is moved to bit 56 + j; nothing else gets as high as that. */
        bits |= (eight * UINT64_C(0x0102040810204080) >> 56) << 8 * i;
    }
#endif
    return bits;
}

/* The sum of the weights of a text's characters; `weights` has one for each code point of up to two
 * bytes, and `above` is the weight of any other. */
static int64_t weigh_text(const uint8_t *text, size_t length, const int32_t *weights,
                          int32_t above) {
    int64_t sum = 0;
    size_t at = 0, size;
    while (at < length) {
        for (uint64_t eight; at + 8 <= length; at += 8) {
            memcpy(&eight, text + at, 8);
            if (eight & 0x8080808080808080) break; /* not all ASCII */
            const uint8_t *byte = text + at;
            int64_t one = (int64_t)weights[byte[0]] + weights[byte[1]] + weights[byte[2]] + weights[byte[3]];
            int64_t two = (int64_t)weights[byte[4]] + weights[byte[5]] + weights[byte[6]] + weights[byte[7]];
            sum += one + two;
        }
        if (at == length) break;
        if (text[at] < 0x80) {
            sum += weights[text[at++]];
            continue;
        }
        uint32_t code = code_at(text, at, length, &size);
        sum += code < 0x10000 ? weights[code] : above;
        at += size;
    }
    return sum;
}

#endif
