/* JSON as text: lines with long strings shortened, and the texts of many objects alike.
 *
 * Plain C11 without Python, so that it can be run under sanitizers. Any bytes are safe to read.
 * plain_json.py does the same in Python.
 */
#ifndef PIPELINE_KERNELS_JSON_TEXT_H
#define PIPELINE_KERNELS_JSON_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { WIDTH = 16 };

/* How many of WIDTH bytes are plain characters of a string, before the first that ends it, begins an
 * escape, is a control character, or, if `ascii` is set, is part of a longer character. */
static inline size_t even_bytes(const uint8_t *text, int ascii) {
#ifdef __SSE2__
    __m128i here = _mm_loadu_si128((const __m128i *)(const void *)text);
    __m128i quote = _mm_cmpeq_epi8(here, _mm_set1_epi8('"'));
    __m128i escape = _mm_cmpeq_epi8(here, _mm_set1_epi8('\\'));
    __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(here, _mm_set1_epi8(0x1F)), here);
    __m128i any = _mm_or_si128(_mm_or_si128(quote, escape), control);
    unsigned found = (unsigned)_mm_movemask_epi8(ascii ? _mm_or_si128(any, here) : any);
    return found ? (size_t)__builtin_ctz(found) : WIDTH;
#else
    for (size_t i = 0; i < WIDTH; i++)
        if (text[i] == '"' || text[i] == '\\' || text[i] < 0x20 || (ascii && text[i] >= 0x80)) return i;
    return WIDTH;
#endif
}

/* The place of the quote that ends the string beginning at `at`, or `length`. */
static size_t string_end(const uint8_t *text, size_t at, size_t length) {
    while (at < length) {
        if (at + WIDTH <= length) {
            size_t even = even_bytes(text + at, 0);
            at += even;
            if (even == WIDTH) continue;
        }
        if (text[at] == '"') return at;
        at += text[at] == '\\' ? 2 : 1;
    }
    return length;
}

static inline int is_space(uint8_t byte) {
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static size_t after_space(const uint8_t *text, size_t at, size_t length) {
    while (at < length && is_space(text[at])) at++;
    return at;
}

/* The size of the well-formed multi-byte character at `at`, or 0 (Unicode 15, table 3-7). */
static size_t long_character(const uint8_t *text, size_t at, size_t length) {
    uint8_t first = text[at], low = 0x80, high = 0xBF;
    size_t size = first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 0;
    if (!size || size > length - at) return 0;
    if (first == 0xE0) low = 0xA0;
    if (first == 0xED) high = 0x9F;
    if (first == 0xF0) low = 0x90;
    if (first == 0xF4) high = 0x8F;
    if (text[at + 1] < low || text[at + 1] > high) return 0;
    for (size_t i = 2; i < size; i++)
        if (text[at + i] >> 6 != 2) return 0;
    return size;
}

/* The value of four hexadecimal digits, or -1. */
static int32_t four_digits(const uint8_t *text, size_t at, size_t length) {
    int32_t code = 0;
    if (length - at < 4) return -1;
    for (size_t i = at; i < at + 4; i++) {
        uint8_t digit = text[i], letter = digit | 0x20;
        if (digit >= '0' && digit <= '9')
            code = code << 4 | (digit - '0');
        else if (letter >= 'a' && letter <= 'f')
            code = code << 4 | (letter - 'a' + 10);
        else
            return -1;
    }
    return code;
}

static size_t write_utf8(uint32_t code, uint8_t *out) {
    if (code < 0x80) {
        out[0] = (uint8_t)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (uint8_t)(0xC0 | code >> 6);
        out[1] = (uint8_t)(0x80 | (code & 0x3F));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (uint8_t)(0xE0 | code >> 12);
        out[1] = (uint8_t)(0x80 | (code >> 6 & 0x3F));
        out[2] = (uint8_t)(0x80 | (code & 0x3F));
        return 3;
    }
    out[0] = (uint8_t)(0xF0 | code >> 18);
    out[1] = (uint8_t)(0x80 | (code >> 12 & 0x3F));
    out[2] = (uint8_t)(0x80 | (code >> 6 & 0x3F));
    out[3] = (uint8_t)(0x80 | (code & 0x3F));
    return 4;
}

/* Writes the character of the escape at `at` (the backslash); returns the escape's size, or 0. */
static size_t take_escape(const uint8_t *text, size_t at, size_t length, uint8_t *out, size_t *made) {
    static const char names[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    if (at + 1 >= length) return 0;
    if (text[at + 1] != 'u') {
        const char *found = memchr(names, text[at + 1], sizeof names - 1);
        if (!found) return 0;
        out[(*made)++] = (uint8_t)meant[found - names];
        return 2;
    }
    int32_t code = four_digits(text, at + 2, length);
    if (code < 0 || (code >= 0xDC00 && code < 0xE000)) return 0;
    if (code < 0xD800 || code >= 0xE000) {
        *made += write_utf8((uint32_t)code, out + *made);
        return 6;
    }
    if (length - at < 12 || text[at + 6] != '\\' || text[at + 7] != 'u') return 0;
    int32_t low = four_digits(text, at + 8, length);
    if (low < 0xDC00 || low >= 0xE000) return 0;
    uint32_t whole = 0x10000 + ((uint32_t)(code - 0xD800) << 10) + (uint32_t)(low - 0xDC00);
    *made += write_utf8(whole, out + *made);
    return 12;
}

/* Decodes the string that begins at `at` into `out`, which has room for the rest of the text and
 * WIDTH more; returns the place after its closing quote, or 0 if it is not a string of UTF-8. */
static size_t take_string(const uint8_t *text, size_t at, size_t length, uint8_t *out, size_t *made) {
    while (at < length) {
        if (at + WIDTH <= length) {
            memcpy(out + *made, text + at, WIDTH);
            size_t even = even_bytes(text + at, 1);
            at += even;
            *made += even;
            if (even == WIDTH) continue;
        }
        size_t size = 1;
        if (text[at] == '"') return at + 1;
        if (text[at] == '\\') {
            size = take_escape(text, at, length, out, made);
        } else if (text[at] >= 0x80) {
            size = long_character(text, at, length);
            memcpy(out + *made, text + at, size);
            *made += size;
        } else if (text[at] >= 0x20) {
            out[(*made)++] = text[at];
        } else {
            return 0;
        }
        if (!size) return 0;
        at += size;
    }
    return 0;
}

/* Whether a string has a printable ASCII character other than a space that is not escaped. */
static int has_ink(const uint8_t *text, size_t at, size_t end) {
    while (at < end) {
        if (text[at] == '\\')
            at += at + 1 < end && text[at + 1] == 'u' ? 6 : 2;
        else if (text[at] > 0x20 && text[at] < 0x7F)
            return 1;
        else
            at++;
    }
    return 0;
}

/* Whether a valid string begins at `at`; `out` has room for the rest of the text and WIDTH more, and
 * its contents are scratch. */
static int is_string(const uint8_t *text, size_t at, size_t length, uint8_t *out) {
    size_t made = 0;
    return take_string(text, at, length, out, &made) > 0;
}

/* Writes the line to `out`, which has room for it, with an `x` for each string of more than `keep`
 * bytes that has ink and is not a key; returns the number of bytes written. With `strictly` there is
 * room for WIDTH more, and SIZE_MAX is returned if such a string is not JSON in UTF-8. */
static size_t write_outline(const uint8_t *text, size_t length, size_t keep, int strictly,
                            uint8_t *out) {
    size_t made = 0, at = 0;
    while (at < length) {
        uint8_t byte = text[at++];
        out[made++] = byte;
        if (byte != '"') continue;
        size_t end = string_end(text, at, length), next = after_space(text, end + 1, length);
        int is_key = next < length && text[next] == ':';
        if (end < length && end - at > keep && !is_key && has_ink(text, at, end)) {
            if (strictly && !is_string(text, at, length, out + made)) return SIZE_MAX;
            out[made++] = 'x';
        } else {
            memcpy(out + made, text + at, (end < length ? end : length) - at);
            made += (end < length ? end : length) - at;
        }
        if (end < length) out[made++] = '"';
        at = end < length ? end + 1 : length;
    }
    return made;
}

static size_t digits_end(const uint8_t *text, size_t at, size_t length) {
    while (at < length && text[at] >= '0' && text[at] <= '9') at++;
    return at;
}

enum { DIGITS_MOST = 15 }; /* whole numbers of so many digits overflow in no parser */

/* The place after a number without exponent, or 0 if a parser must decide. */
static size_t take_number(const uint8_t *text, size_t at, size_t length) {
    at += text[at] == '-';
    size_t end = digits_end(text, at, length);
    if (end == at || end - at > DIGITS_MOST || (text[at] == '0' && end - at > 1)) return 0;
    if (end >= length || text[end] != '.') return end;
    size_t last = digits_end(text, end + 1, length);
    return last == end + 1 || last - end > DIGITS_MOST ? 0 : last;
}

static size_t take_word(const uint8_t *text, size_t at, size_t length, const char *word) {
    size_t size = strlen(word);
    return length - at >= size && !memcmp(text + at, word, size) ? at + size : 0;
}

/* The place after a value that is not an array or object, or 0. A string is written to `out`. */
static size_t take_scalar(const uint8_t *text, size_t at, size_t length, uint8_t *out, size_t *made) {
    if (at >= length) return 0;
    switch (text[at]) {
        case '"': return take_string(text, at + 1, length, out, made);
        case 't': return take_word(text, at, length, "true");
        case 'f': return take_word(text, at, length, "false");
        case 'n': return take_word(text, at, length, "null");
        default: return take_number(text, at, length);
    }
}

typedef struct {
    const uint8_t *name; /* as written between its quotes */
    size_t size;
} Key;

enum { WANTED_MOST = 2 };

/* Texts one after the other, and their number of bytes. */
typedef struct {
    uint8_t *bytes;
    size_t made;
} Texts;

typedef struct {
    const Key *keys;
    size_t count, wanted_count;
    size_t wanted[WANTED_MOST]; /* indices of keys, ascending */
} Likeness;

/* Whether a line is an object with these keys in this order, each with a scalar, the wanted ones with
 * strings; these are written to `out` (each with room for the line and WIDTH more). */
static int take_object(const uint8_t *text, size_t length, const Likeness *like, Texts *out) {
    size_t at = after_space(text, 0, length), next = 0;
    for (size_t i = 0; i < like->count; i++) {
        const Key key = like->keys[i];
        if (at >= length || text[at] != (i ? ',' : '{')) return 0;
        at = after_space(text, at + 1, length);
        if (length - at < key.size + 2 || text[at] != '"') return 0;
        if (memcmp(text + at + 1, key.name, key.size)) return 0;
        at += key.size + 1;
        if (text[at] != '"') return 0;
        at = after_space(text, at + 1, length);
        if (at >= length || text[at] != ':') return 0;
        at = after_space(text, at + 1, length);
        int is_wanted = next < like->wanted_count && like->wanted[next] == i;
        if (is_wanted && (at >= length || text[at] != '"')) return 0;
        Texts *here = out + (is_wanted ? next++ : 0);
        size_t before = here->made;
        at = take_scalar(text, at, length, here->bytes, &here->made);
        if (!at) return 0;
        if (!is_wanted) here->made = before;
        at = after_space(text, at, length);
    }
    return at < length && text[at] == '}' && after_space(text, at + 1, length) == length;
}

#endif
