/* The words of UTF-8 text. A text is folded: letters and digits become lower case, everything else a
 * zero byte. A word is a run without zeros.
 *
 * plain.py does the same in Python and is the reference for this file. Plain C11 without Python, so
 * that it can be run under sanitizers. Any bytes are safe to read, but only UTF-8 has a meaning.
 */
#ifndef PIPELINE_KERNELS_WORDS_H
#define PIPELINE_KERNELS_WORDS_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(__GNUC__)
#define ALWAYS_INLINE static inline __attribute__((always_inline))
#else
#define ALWAYS_INLINE static inline
#endif

enum {
    BLOCK = 32,  /* bytes folded at once as long as they are ASCII */
    PADDING = 16 /* zero bytes after a folded text, so that eight can be read anywhere */
};

#define LETTERS_SIZE ((size_t)0x10000 * 4)
#define ALONE 0x80000000u /* a word of its own: scripts without spaces */
#define MARK 0x40000000u  /* separates words beside an ALONE character, else it is a letter */
#define NOWHERE SIZE_MAX

ALWAYS_INLINE uint8_t fold_ascii(uint8_t byte) {
    uint8_t low = byte | 0x20;
    uint8_t letter = (uint8_t)(low - 'a') < 26 ? low : 0;
    return (uint8_t)(byte - '0') < 10 ? byte : letter;
}

/* The code point at `at`; its bytes are set in `size`. A byte that is not UTF-8 gives U+0000. */
static uint32_t decode(const uint8_t *text, size_t at, size_t length, size_t *size) {
    static const uint8_t first_bits[5] = {0, 0, 0x1F, 0x0F, 0x07};
    uint8_t lead = text[at];
    size_t count = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    *size = 1;
    if (lead < 0xC0 || count > length - at) return 0;
    uint32_t code = lead & first_bits[count];
    for (size_t i = 1; i < count; i++) {
        if ((text[at + i] & 0xC0) != 0x80) return 0;
        code = code << 6 | (text[at + i] & 0x3F);
    }
    *size = count;
    return code;
}

static size_t encode(uint32_t code, uint8_t *out) {
    if (code < 0x80) {
        out[0] = (uint8_t)code;
        return 1;
    }
    size_t count = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const uint8_t leads[5] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (size_t i = count - 1; i > 0; i--) {
        out[i] = (uint8_t)(0x80 | (code & 0x3F));
        code >>= 6;
    }
    out[0] = (uint8_t)(leads[count] | code);
    return count;
}

/* 0 for a separator of words, else the code point in lower case, with ALONE, MARK or neither. */
static uint32_t letter_of(uint32_t code, const uint8_t *letters) {
    if (code < 0x10000) {
        uint32_t letter;
        memcpy(&letter, letters + (size_t)4 * code, 4);
        return letter;
    }
    if (code >= 0xE0000) return 0;
    return code < 0x20000 ? code : code | ALONE;
}

/* Whether only separators were folded since the last ALONE character. `*gap` is the place up to which
 * that is known, starting after that character; NOWHERE if there was none. */
static int after_alone(const uint8_t *folded, size_t out, size_t *gap) {
    if (*gap == NOWHERE) return 0;
    while (*gap < out && !folded[*gap]) ++*gap;
    if (*gap == out) return 1;
    *gap = NOWHERE;
    return 0;
}

/* Folds one non-ASCII code point, read at `*at` and written at `out`; returns the new end. */
static size_t fold_code(const uint8_t *text, size_t *at, size_t length, const uint8_t *letters,
                        uint8_t *folded, size_t out, size_t *gap) {
    size_t size;
    uint32_t letter = letter_of(decode(text, *at, length, &size), letters);
    *at += size;
    if (letter & MARK) {
        int before_alone = *at < length && text[*at] >= 0xC0 &&
                           letter_of(decode(text, *at, length, &size), letters) & ALONE;
        if (before_alone || after_alone(folded, out, gap)) letter = 0;
    }
    if (!letter) {
        folded[out] = 0;
        return out + 1;
    }
    if (letter & ALONE && out && folded[out - 1]) folded[out++] = 0;
    out += encode(letter & 0x1FFFFF, folded + out);
    if (letter & ALONE) {
        folded[out++] = 0;
        *gap = out;
    }
    return out;
}

/* Folds a text and returns the folded length; `folded` must have room for three times the text. */
ALWAYS_INLINE size_t fold(const uint8_t *text, size_t length, const uint8_t *letters,
                          uint8_t *folded) {
    size_t at = 0, out = 0, gap = NOWHERE;
    while (at < length) {
        size_t end = length - at < BLOCK ? length : at + BLOCK;
        uint8_t any = 0x80;
        if (end - at == BLOCK) {
            any = 0;
            for (size_t i = 0; i < BLOCK; i++) any |= text[at + i];
        }
        if (any < 0x80) {
            for (size_t i = 0; i < BLOCK; i++) folded[out + i] = fold_ascii(text[at + i]);
            at = end;
            out += BLOCK;
            continue;
        }
        while (at < end) {
            if (text[at] < 0x80)
                folded[out++] = fold_ascii(text[at++]);
            else
                out = fold_code(text, &at, length, letters, folded, out, &gap);
        }
    }
    memset(folded + out, 0, PADDING);
    return out;
}

#endif
