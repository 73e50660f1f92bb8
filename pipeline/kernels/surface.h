/* Scans a text for anything that cleaning would change, and puts a text on one line.
 *
 * Plain C11 without Python, so that it can be run under sanitizers. Any bytes are safe to read.
 */
#ifndef PIPELINE_KERNELS_SURFACE_H
#define PIPELINE_KERNELS_SURFACE_H

#include "characters.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* The marks of a text. The lowest bits are those of its characters in the table. */
enum {
    M_CHARACTERS = 0x0F,
    M_BLANK_AT_END = 0x20,  /* a space or tab at the end of a line */
    M_EMPTY_LINES = 0x40,   /* three newlines */
    M_PAIRS = 8             /* first bit for pairs: a lead directly before its follower */
};

/* The table has 16 bits for each code point below TABLED: bits 0 to 3 are marks, bits 8 to 11 say of
 * which kinds it is a lead, and bits 12 to 15 of which kinds it is a follower. Printable ASCII, tab
 * and newline have no mark, and at least one character of each pair is none of these. Characters
 * above the table have all marks and are in no pair. */
enum { LEADS = 8, FOLLOWERS = 12, KINDS = 0x0F };

static inline int is_odd(uint8_t byte) {
    return (byte >= 0x7F) | ((byte < 0x20) & (byte != '\t') & (byte != '\n'));
}

enum { STEP = 32 };

/* The first odd byte from `at` on; the bytes before it are skipped in steps. */
static size_t next_odd(const uint8_t *text, size_t at, size_t length) {
    if (at < length && is_odd(text[at])) return at;
    for (; at + STEP <= length; at += STEP) {
        uint8_t any = 0;
        for (size_t i = 0; i < STEP; i++) any |= (uint8_t)is_odd(text[at + i]);
        if (any) break;
    }
    while (at < length && !is_odd(text[at])) at++;
    return at;
}

/* The entry of a one-byte character; 0 for a byte of a longer one. */
static unsigned ascii_entry(uint8_t byte, const uint16_t *table) {
    return byte < 0x80 ? table[byte] : 0;
}

static int64_t character_marks(const uint8_t *text, size_t length, const uint16_t *table) {
    int64_t found = 0;
    unsigned leads = 0; /* the kinds of which the character that ends at `expected` is a lead */
    size_t size, expected = 0;
    for (size_t at = 0; (at = next_odd(text, at, length)) < length; at += size) {
        uint32_t code = code_at(text, at, length, &size);
        if (at != expected) leads = ascii_entry(text[at - 1], table) >> LEADS & KINDS;
        expected = at + size;
        if (code >= TABLED) {
            found |= M_CHARACTERS;
            leads = 0;
            continue;
        }
        unsigned entry = table[code];
        found |= (entry & M_CHARACTERS) | (leads & entry >> FOLLOWERS) << M_PAIRS;
        leads = entry >> LEADS & KINDS;
        if (leads && expected < length)
            found |= (leads & ascii_entry(text[expected], table) >> FOLLOWERS) << M_PAIRS;
    }
    return found;
}

static int64_t text_marks(const uint8_t *text, size_t length, const uint16_t *table) {
    uint8_t odd = 0, blank = 0, empty = 0;
    for (size_t i = 0; i < length; i++) odd |= (uint8_t)is_odd(text[i]);
    for (size_t i = 0; i + 1 < length; i++)
        blank |= (text[i + 1] == '\n') & ((text[i] == ' ') | (text[i] == '\t'));
    for (size_t i = 0; i + 2 < length; i++)
        empty |= (text[i] == '\n') & (text[i + 1] == '\n') & (text[i + 2] == '\n');
    int64_t lines = (blank ? M_BLANK_AT_END : 0) | (empty ? M_EMPTY_LINES : 0);
    return lines | (odd ? character_marks(text, length, table) : 0);
}

/* Kinds of bytes: part of a character that is not a blank; a blank; first of one that may be a blank. */
enum { SOLID_BYTE, BLANK_BYTE, LEAD_BYTE };

/* Bytes that a plain stretch may not contain: controls, and the first bytes of Unicode's blanks. */
static inline int is_uneven(uint8_t byte) {
    return (byte < 0x20) | (byte == 0xC2) | ((byte >= 0xE1) & (byte <= 0xE3));
}

typedef struct {
    uint8_t of[256];
    int known; /* whether every blank is ' ' or uneven, so that stretches may be copied */
} ByteKinds;

/* Finds the kinds of all bytes from the classes of all characters. */
static ByteKinds byte_kinds(const uint8_t *classes) {
    ByteKinds kinds = {{SOLID_BYTE}, classes[' '] & BLANK};
    for (uint32_t code = 0; code < TABLED; code++) {
        if (!(classes[code] & BLANK)) continue;
        if (code < 0x80)
            kinds.of[code] = BLANK_BYTE;
        else if (code < 0x800)
            kinds.of[0xC0 | code >> 6] = LEAD_BYTE;
        else
            kinds.of[code < 0x10000 ? 0xE0 | code >> 12 : 0xF0 | code >> 18] = LEAD_BYTE;
    }
    for (int byte = 0; byte < 256; byte++)
        if (kinds.of[byte] != SOLID_BYTE && byte != ' ' && !is_uneven((uint8_t)byte)) kinds.known = 0;
    return kinds;
}

enum { STRETCH = 16 };

/* The number of the first of STRETCH bytes that is uneven, or a blank before another blank; STRETCH
 * if there is none. One more byte must be readable. */
static inline size_t first_uneven(const uint8_t *text) {
#ifdef __SSE2__
    __m128i here = _mm_loadu_si128((const __m128i *)(const void *)text);
    __m128i next = _mm_loadu_si128((const __m128i *)(const void *)(text + 1));
    __m128i blank = _mm_set1_epi8(' '), lead = _mm_sub_epi8(here, _mm_set1_epi8((char)0xE1));
    __m128i blanks = _mm_and_si128(_mm_cmpeq_epi8(here, blank), _mm_cmpeq_epi8(next, blank));
    __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(here, _mm_set1_epi8(0x1F)), here);
    __m128i two = _mm_cmpeq_epi8(here, _mm_set1_epi8((char)0xC2));
    __m128i three = _mm_cmpeq_epi8(_mm_min_epu8(lead, _mm_set1_epi8(2)), lead);
    __m128i any = _mm_or_si128(_mm_or_si128(blanks, control), _mm_or_si128(two, three));
    unsigned found = (unsigned)_mm_movemask_epi8(any);
    return found ? (size_t)__builtin_ctz(found) : STRETCH;
#else
    for (size_t i = 0; i < STRETCH; i++)
        if (is_uneven(text[i]) | ((text[i] == ' ') & (text[i + 1] == ' '))) return i;
    return STRETCH;
#endif
}

/* Writes the text to `out`, which has room for `length` bytes, with every run of white space as one
 * space and none at the ends; returns the number of bytes written. */
static size_t write_one_line(const uint8_t *text, size_t length, const uint8_t *classes,
                             const ByteKinds *kinds, uint8_t *out) {
    size_t made = 0, at = 0, size;
    int after_blank = 1;
    while (at < length) {
        if (kinds->known && !(after_blank && text[at] == ' ')) {
            for (; at + STRETCH < length; at += STRETCH, made += STRETCH) {
                memcpy(out + made, text + at, STRETCH);
                size_t even = first_uneven(text + at);
                if (even == STRETCH) continue;
                at += even;
                made += even;
                break;
            }
            if (made) after_blank = out[made - 1] == ' ';
        }
        do {
            uint8_t byte = text[at], kind = kinds->of[byte];
            if (kind == LEAD_BYTE) {
                int blank = class_of(code_at(text, at, length, &size), classes) & BLANK;
                if (blank) {
                    at += size - 1;
                    kind = BLANK_BYTE;
                }
            }
            int blank = kind == BLANK_BYTE;
            out[made] = blank ? ' ' : byte;
            made += (size_t)!(blank & after_blank);
            after_blank = blank;
        } while (++at < length && (is_uneven(text[at]) || (after_blank && text[at] == ' ')));
    }
    return made - (made && after_blank);
}

#endif
