/* Statistics of a document in one pass: characters by class, words, lines and repetition.
 *
 * plain_statistics.py does the same in Python and is the reference for this file. Plain C11 without
 * Python, so that it can be run under sanitizers. Any bytes are safe to read.
 */
#ifndef PIPELINE_KERNELS_STATISTICS_H
#define PIPELINE_KERNELS_STATISTICS_H

#include "c4.h"
#include "characters.h"
#include "repetition.h"

/* Parts that are counted only if asked for. Without any of them only characters, words, and the number
 * and lengths of lines are counted. */
enum { PART_REPETITION = 1, PART_C4 = 2, PART_PROSE = 4, PART_LINES = 8 };

/* The columns of the result, in the order of `STATISTICS` in statistics.py. */
enum {
    S_BLANKS, S_LETTERS, S_UNSPACED, S_SYMBOLS, S_OTHERS, S_TERMINALS, S_STOPLESS, S_ASCII_LETTERS,
    S_CHARS, S_RARE, S_RUNS, S_WORDS, S_ALPHA_WORDS, S_STOP_WORDS, S_HASHES, S_ELLIPSES,
    S_NEWLINES, S_LINES, S_LONGEST_LINE, S_BULLET_LINES, S_ELLIPSIS_LINES,
    S_FULL_LINES, S_ENDED_LINES, S_SHORT_LINES, S_REPEATED_FULL_CHARS,
    S_SOME_LINES, S_REPEATED_LINES, S_REPEATED_LINE_CHARS,
    S_PARAGRAPHS, S_REPEATED_PARAGRAPHS, S_REPEATED_PARAGRAPH_CHARS,
    S_TOP_2, S_TOP_3, S_TOP_4,
    S_REPEATED_5, S_REPEATED_6, S_REPEATED_7, S_REPEATED_8, S_REPEATED_9, S_REPEATED_10,
    S_C4_LINES, S_C4_SENTENCES, S_C4_LOREM, S_C4_CURLY,
    STATISTICS
};

enum {
    SHORT_LINE = 30, /* characters: FineWeb's */
    SHORTEST_TOP = 2,
    LONGEST_TOP = 4,
    SHORTEST_REPEATED = 5,
    LONGEST_REPEATED = 10
};

/* A word of up to four bytes as a number. */
#define SHORT_WORD(a, b, c, d) \
    ((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | (uint32_t)(d) << 24)

enum { STOP_WORDS = 8, ALL_STOP_WORDS = 0xFF };

/* Gopher's stop words, each at the place where `stop_word` looks for it. */
static const uint32_t STOP_WORD[STOP_WORDS] = {
    SHORT_WORD('b', 'e', 0, 0),     SHORT_WORD('t', 'h', 'a', 't'), SHORT_WORD('t', 'h', 'e', 0),
    SHORT_WORD('o', 'f', 0, 0),     SHORT_WORD('w', 'i', 't', 'h'), SHORT_WORD('t', 'o', 0, 0),
    SHORT_WORD('h', 'a', 'v', 'e'), SHORT_WORD('a', 'n', 'd', 0),
};

/* The bit of a stop word; 0 for any other word. The factor gives each of them a different place. */
static inline int stop_word(uint32_t word) {
    uint32_t place = word * UINT32_C(0x6EC9D287) >> 29;
    return (STOP_WORD[place] == word) << place;
}

/* The stop words among the words that start in 64 bytes. `solid` and `next` say which of these bytes,
 * and of the next 64, are not blanks; `left` is the number of bytes up to the text's end. */
static int stop_words(const uint8_t *text, size_t left, uint64_t starts, uint64_t solid,
                      uint64_t next) {
    int found = 0;
    uint64_t second = solid >> 1 | next << 63, third = solid >> 2 | next << 62;
    uint64_t fourth = solid >> 3 | next << 61, fifth = solid >> 4 | next << 60;
    uint64_t some = starts & second & ~(third & fourth & fifth); /* words of two to four bytes */
    for (; some; some &= some - 1) {
        size_t at = (size_t)__builtin_ctzll(some);
        size_t size = 2 + (third >> at & 1) + ((third & fourth) >> at & 1);
        uint64_t word = load_bytes(text + at, left - at < 4 ? size : 4);
        int ends = text[at + size - 1] != 0; /* else "of", a zero byte behind it, would be "of" */
        found |= stop_word((uint32_t)(word & UINT64_MAX >> (64 - 8 * size))) & -ends;
    }
    return found;
}

/* Counts words, runs of bytes that are neither blank nor unspaced, and, if `text` is given, words with
 * a letter and stop words: 64 bytes at a time, without a branch for each word, because no processor
 * can predict it. */
static void count_spans(const uint8_t *text, const uint8_t *kinds, size_t length, int64_t *out) {
    uint64_t in_word = 0, in_run = 0, lettered = 0; /* state at the previous byte, and of its word */
    uint64_t solid = ~bits_of(kinds, 0), next;
    int stops = 0;
    for (size_t at = 0; at <= length; at += 64, solid = next) {
        next = at + 64 > length ? 0 : ~bits_of(kinds + at + 64, 0);
        uint64_t run = solid & ~bits_of(kinds + at, 2), starts = solid & ~(solid << 1 | in_word);
        out[S_WORDS] += count_bits(starts);
        out[S_RUNS] += count_bits(run & ~(run << 1 | in_run));
        in_word = solid >> 63;
        in_run = run >> 63;
        if (!text) continue;
        /* Adding a word's bits and its letters' bits carries to the place after it, if it has any. */
        uint64_t sum = solid + (solid & bits_of(kinds + at, 1)), whole = sum + lettered;
        lettered = (sum < solid) | (whole < sum);
        out[S_ALPHA_WORDS] += count_bits(whole & ~solid);
        if (stops != ALL_STOP_WORDS) stops |= stop_words(text + at, length - at, starts, solid, next);
    }
    for (; stops; stops &= stops - 1) out[S_STOP_WORDS]++;
}

/* The number of lines, and the characters of the longest one. */
static void count_line_lengths(const uint8_t *text, size_t length, int ascii, int64_t *out) {
    for (size_t at = 0, stop; at < length; at = stop + 1) {
        const uint8_t *end = memchr(text + at, '\n', length - at);
        stop = end ? (size_t)(end - text) : length;
        int64_t chars = (int64_t)(ascii ? stop - at : count_chars(text + at, stop - at));
        if (chars > out[S_LONGEST_LINE]) out[S_LONGEST_LINE] = chars;
        out[S_NEWLINES] += end != NULL;
        out[S_LINES]++;
    }
}

/* Counts one line that is not empty; `bare` is the line without blanks around it, `last` the class of
 * its last character. */
static void count_line(const uint8_t *bare, size_t bare_size, uint8_t last, int64_t chars,
                       int repeated, int64_t *out) {
    out[S_SOME_LINES]++;
    out[S_REPEATED_LINES] += repeated;
    out[S_REPEATED_LINE_CHARS] += repeated ? chars : 0;
    if (chars > out[S_LONGEST_LINE]) out[S_LONGEST_LINE] = chars;
    if (!bare_size) return;
    out[S_BULLET_LINES] += bare[0] == '-' || starts_with(bare, bare_size, "\xE2\x80\xA2");
    out[S_ELLIPSIS_LINES] += ends_with(bare, bare_size, "...") ||
                             ends_with(bare, bare_size, "\xE2\x80\xA6");
    out[S_FULL_LINES]++;
    out[S_ENDED_LINES] += (last & TERMINAL) != 0;
    out[S_SHORT_LINES] += chars <= SHORT_LINE;
    out[S_REPEATED_FULL_CHARS] += repeated ? chars : 0;
}

static void count_lines(Counter *counter, const uint8_t *text, size_t length, int ascii,
                        unsigned parts, int64_t *out) {
    const uint8_t *kinds = counter->kinds;
    size_t newlines = count_byte(text, length, '\n'), count = 0;
    out[S_NEWLINES] = (int64_t)newlines;
    out[S_LINES] = (int64_t)(newlines + (length && text[length - 1] != '\n'));
    size_t most = newlines < length / 2 ? newlines : length / 2; /* most non-empty lines, less 1 */
    size_t used = parts & PART_LINES ? empty_table(counter, most + 1) : 0;
    C4 c4 = {0};
    if (parts & PART_C4) {
        c4.phrases = may_hold_phrases(text, length);
        c4.braces = memchr(text, '{', length) != NULL;
    }
    for (size_t at = 0, stop; at < length; at = stop + 1) {
        const uint8_t *end = memchr(text + at, '\n', length - at);
        stop = end ? (size_t)(end - text) : length;
        if (stop == at) continue;
        size_t begin = at, behind = stop, size = stop - at;
        strip_blanks(kinds, &begin, &behind);
        int repeated = 0;
        if (parts & PART_LINES) {
            counter->keys[count] = hash_bytes(text + at, size);
            repeated = first_place(counter, used, count) != count;
            count++;
        }
        int64_t chars = (int64_t)(ascii ? size : count_chars(text + at, size));
        count_line(text + begin, behind - begin, kinds[stop - 1], chars, repeated, out);
        if (parts & PART_C4 && begin < behind)
            count_c4(text + begin, kinds + begin, behind - begin, &c4);
    }
    out[S_C4_LINES] = c4.lines;
    out[S_C4_SENTENCES] = c4.sentences;
    out[S_C4_LOREM] = c4.lorem;
    out[S_C4_CURLY] = c4.curly;
}

/* Whether there may be an ellipsis: two dots, or the first and last byte of U+2026. */
static int may_hold_ellipsis(const uint8_t *text, size_t length) {
    uint8_t any = 0;
    for (size_t i = 0; i + 3 <= length; i++) {
        uint8_t dots = text[i] == '.', sign = text[i] == 0xE2;
        dots &= text[i + 1] == '.';
        sign &= text[i + 2] == 0xA6;
        any |= dots | sign;
    }
    return any;
}

/* The number of ellipses: groups of three dots that do not overlap, and the character U+2026. */
static int64_t count_ellipses(const uint8_t *text, size_t length) {
    const uint8_t *end = text + length;
    int64_t count = 0;
    if (!may_hold_ellipsis(text, length)) return 0;
    for (const uint8_t *at = text, *dot; (dot = memchr(at, '.', (size_t)(end - at)));) {
        for (at = dot + 1; at < end && *at == '.';) at++;
        count += (at - dot) / 3;
    }
    for (const uint8_t *at = text, *sign; (sign = memchr(at, 0xE2, (size_t)(end - at))); at = sign + 1)
        count += starts_with(sign, (size_t)(end - sign), "\xE2\x80\xA6");
    return count;
}

static void count_repetition(Counter *counter, const uint8_t *text, size_t length, int ascii,
                             int64_t *out) {
    size_t words = hash_words(counter, text, length, ascii);
    for (size_t n = SHORTEST_TOP; n <= LONGEST_TOP; n++)
        out[S_TOP_2 + n - SHORTEST_TOP] = top_run(counter, words, n);
    for (size_t n = SHORTEST_REPEATED; n <= LONGEST_REPEATED; n++)
        out[S_REPEATED_5 + n - SHORTEST_REPEATED] = repeated_runs(counter, words, n);
    Paragraphs found = count_paragraphs(counter, text, length);
    out[S_PARAGRAPHS] = found.all;
    out[S_REPEATED_PARAGRAPHS] = found.repeated;
    out[S_REPEATED_PARAGRAPH_CHARS] = found.repeated_chars;
}

/* Fills in the STATISTICS numbers of one text; `counter` must have room for its length. Numbers that
 * `parts` does not ask for stay 0. */
static void text_statistics(Counter *counter, const uint8_t *text, size_t length,
                            const uint8_t *classes, unsigned parts, int64_t *out) {
    memset(out, 0, STATISTICS * sizeof *out);
    classify(text, length, classes, counter->kinds, out);
    count_spans(parts ? text : NULL, counter->kinds, length, out);
    out[S_HASHES] = (int64_t)count_byte(text, length, '#');
    int ascii = out[S_CHARS] == (int64_t)length;
    if (!parts) {
        count_line_lengths(text, length, ascii, out);
        return;
    }
    out[S_ELLIPSES] = count_ellipses(text, length);
    count_lines(counter, text, length, ascii, parts, out);
    if (parts & PART_REPETITION) count_repetition(counter, text, length, ascii, out);
}

#endif
