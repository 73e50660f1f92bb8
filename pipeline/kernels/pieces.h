/* The pieces of a text (its lines or paragraphs), and the key that each is compared by.
 *
 * pieces.py does the same in Python and is the reference for this file. Plain C11 without Python, so
 * that it can be run under sanitizers. Any bytes are safe to read.
 */
#ifndef PIPELINE_KERNELS_PIECES_H
#define PIPELINE_KERNELS_PIECES_H

#include "surface.h"

enum { PIECE_FIELDS = 3 }; /* its number in the text, and the two halves of its key */

/* Memory that is kept from one text to the next. */
typedef struct {
    const uint8_t *classes;
    ByteKinds kinds;
    size_t newlines; /* between two pieces */
    int64_t least;   /* fewest characters of a piece that is compared */
    uint64_t *out;   /* PIECE_FIELDS numbers for each piece */
    size_t made, room;
    uint8_t *line; /* a piece on one line */
    size_t line_room;
} Pieces;

static void pieces_free(Pieces *pieces) {
    free(pieces->out);
    free(pieces->line);
}

static inline uint64_t turned(uint64_t value, int by) { return value << by | value >> (64 - by); }

static inline uint64_t finished(uint64_t value) {
    value = (value ^ value >> 33) * UINT64_C(0xFF51AFD7ED558CCD);
    value = (value ^ value >> 33) * UINT64_C(0xC4CEB9FE1A85EC53);
    return value ^ value >> 33;
}

#define MURMUR_1 UINT64_C(0x87C37B91114253D5)
#define MURMUR_2 UINT64_C(0x4CF5AD432745937F)

/* MurmurHash3_x64_128 with seed 0 (Austin Appleby, public domain). */
static void murmur_128(const uint8_t *data, size_t size, uint64_t out[2]) {
    uint64_t one = 0, two = 0, low, high;
    size_t at = 0;
    for (; at + 16 <= size; at += 16) {
        memcpy(&low, data + at, 8);
        memcpy(&high, data + at + 8, 8);
        one ^= turned(low * MURMUR_1, 31) * MURMUR_2;
        one = (turned(one, 27) + two) * 5 + 0x52DCE729;
        two ^= turned(high * MURMUR_2, 33) * MURMUR_1;
        two = (turned(two, 31) + one) * 5 + 0x38495AB5;
    }
    size_t left = size - at;
    low = high = 0;
    memcpy(&low, data + at, left < 8 ? left : 8);
    if (left > 8) memcpy(&high, data + at + 8, left - 8);
    two ^= turned(high * MURMUR_2, 33) * MURMUR_1;
    one ^= turned(low * MURMUR_1, 31) * MURMUR_2;
    one ^= size;
    two ^= size;
    one += two;
    two += one;
    one = finished(one);
    two = finished(two);
    out[0] = one + two;
    out[1] = two + out[0];
}

static size_t past_blanks(const uint8_t *text, size_t size, const uint8_t *classes) {
    size_t at = 0, wide;
    while (at < size && class_of(code_at(text, at, size, &wide), classes) & BLANK) at += wide;
    return at;
}

static size_t past(const uint8_t *text, size_t at, size_t size, uint8_t byte, size_t most) {
    size_t end = most < size - at ? at + most : size;
    while (at < end && text[at] == byte) at++;
    return at;
}

/* Whether a piece is a table row or a heading, of a single line. */
static int is_structure(const uint8_t *text, size_t size, const uint8_t *classes) {
    size_t at = past_blanks(text, size, classes);
    if (at < size && text[at] == '|') return !memchr(text + at, '\n', size - at);
    size_t spaces = past(text, 0, size, ' ', 3), marks = past(text, spaces, size, '#', 6);
    return marks > spaces && marks < size && text[marks] == ' ' &&
           !memchr(text + marks, '\n', size - marks);
}

/* The number of lines of a piece that open or close a fence. */
static size_t count_fences(const uint8_t *text, size_t size) {
    size_t found = 0, at = 0;
    for (;;) {
        size_t mark = past(text, at, size, ' ', 3);
        if (size - mark >= 3) found += !memcmp(text + mark, "```", 3) | !memcmp(text + mark, "~~~", 3);
        const uint8_t *end = at < size ? memchr(text + at, '\n', size - at) : NULL;
        if (!end) return found;
        at = (size_t)(end - text) + 1;
    }
}

static int has_letter(const uint8_t *text, size_t size, const uint8_t *classes) {
    size_t wide;
    for (size_t at = 0; at < size; at += wide)
        if (class_of(code_at(text, at, size, &wide), classes) & LETTER) return 1;
    return 0;
}

static int pieces_fit(Pieces *pieces, size_t line) {
    if (pieces->made == pieces->room) {
        size_t room = pieces->room ? 2 * pieces->room : 1024;
        uint64_t *out = realloc(pieces->out, room * PIECE_FIELDS * sizeof *out);
        if (!out) return -1;
        pieces->out = out;
        pieces->room = room;
    }
    if (line > pieces->line_room) {
        uint8_t *grown = realloc(pieces->line, 2 * line);
        if (!grown) return -1;
        pieces->line = grown;
        pieces->line_room = 2 * line;
    }
    return 0;
}

/* Adds a piece to compare; returns 0, or -1 if memory ran out. */
static int add_piece(Pieces *pieces, size_t number, const uint8_t *text, size_t size) {
    if (is_structure(text, size, pieces->classes) || !has_letter(text, size, pieces->classes)) return 0;
    if (pieces_fit(pieces, size) < 0) return -1;
    size_t made = write_one_line(text, size, pieces->classes, &pieces->kinds, pieces->line);
    if ((int64_t)count_chars(pieces->line, made) < pieces->least) return 0;
    uint64_t *out = pieces->out + PIECE_FIELDS * pieces->made++;
    out[0] = number;
    murmur_128(pieces->line, made, out + 1);
    return 0;
}

/* Where the piece that starts at `at` ends: before the next separating newlines, or at the end. */
static size_t piece_end(const uint8_t *text, size_t at, size_t size, size_t newlines) {
    for (const uint8_t *found; at < size && (found = memchr(text + at, '\n', size - at)); at++) {
        at = (size_t)(found - text);
        if (newlines == 1 || (at + 1 < size && text[at + 1] == '\n')) return at;
    }
    return size;
}

/* Adds the pieces of a text to compare; returns 0, or -1 if memory ran out. */
static int cut_pieces(Pieces *pieces, const uint8_t *text, size_t size) {
    int inside = 0; /* whether inside fenced code */
    for (size_t at = 0, number = 0;; number++) {
        size_t end = piece_end(text, at, size, pieces->newlines);
        size_t fences = count_fences(text + at, end - at);
        if (!fences && !inside && add_piece(pieces, number, text + at, end - at) < 0) return -1;
        inside ^= fences & 1;
        if (end == size) return 0;
        at = end + pieces->newlines;
    }
}

#endif
