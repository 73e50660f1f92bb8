/* Cuts documents into pieces where a reader would, and packs these into chunks as full as allowed.
 *
 * stages/chunk.py and stages/packing.py do the same by regular expressions and Python, and are the
 * reference for this file. They also cut the documents that have a word too heavy for a chunk or a
 * character above the table of classes. Plain C11 without Python; any bytes are safe to read.
 */
#ifndef PIPELINE_KERNELS_CHUNKING_H
#define PIPELINE_KERNELS_CHUNKING_H

#include "characters.h"

/* Bits of a character's class here, in the order of CLASSES in stages/chunk.py. */
enum { K_BLANK = 1, K_ATTACHED = 2, K_STOP = 4, K_WIDE_STOP = 8, K_CLOSING = 16 };

/* How good the place before a piece is to cut at, as in packing.py. */
enum { CUT_BLANK = 2, CUT_SENTENCE = 3, CUT_LINE = 4, CUT_EMPTY_LINE = 5, CUT_HEADING = 6 };

typedef struct {
    int64_t weight, chars; /* sums of all pieces before this one */
    uint32_t at;           /* where this piece begins, in bytes */
    uint8_t cut;
} Piece;

typedef struct {
    const uint8_t *text;
    size_t length;
    const uint8_t *classes;
    const int32_t *weights; /* by code point of up to two bytes */
    int32_t above;          /* the weight of any other code point */
    int64_t limit, overlap, grain;
    Piece *pieces; /* one more at the end holds the total sums */
    size_t count, room;
    int64_t *out; /* CHUNK_FIELDS for each chunk */
    size_t made, out_room;
} Cutter;

static void cutter_free(Cutter *cutter) {
    free(cutter->pieces);
    free(cutter->out);
}

enum { CHUNK_FIELDS = 6 }; /* row, first and last character, weight, first and last byte */

typedef struct {
    size_t next;
    uint32_t code;
    uint8_t class;
} Seen;

static inline Seen see(const Cutter *cutter, size_t at) {
    size_t size;
    uint32_t code = code_at(cutter->text, at, cutter->length, &size);
    return (Seen){at + size, code, code < TABLED ? cutter->classes[code] : 0};
}

/* Skips blanks other than newlines; returns where they end. */
static inline size_t skip_in_line(const Cutter *cutter, size_t at) {
    while (at < cutter->length) {
        Seen seen = see(cutter, at);
        if (!(seen.class & K_BLANK) || seen.code == '\n') break;
        at = seen.next;
    }
    return at;
}

static inline size_t skip_class(const Cutter *cutter, size_t at, uint8_t class) {
    while (at < cutter->length) {
        Seen seen = see(cutter, at);
        if (!(seen.class & class)) break;
        at = seen.next;
    }
    return at;
}

static inline size_t end_of_line(const Cutter *cutter, size_t at) {
    const uint8_t *end = memchr(cutter->text + at, '\n', cutter->length - at);
    return end ? (size_t)(end - cutter->text) : cutter->length;
}

/* The place after the newline at `at` and the blank lines that follow; `lines` counts newlines. */
static size_t past_newlines(const Cutter *cutter, size_t at, int *lines) {
    *lines = 0;
    for (;;) {
        size_t blank = *lines ? skip_in_line(cutter, at) : at;
        if (blank >= cutter->length || cutter->text[blank] != '\n') return at;
        at = blank + 1;
        ++*lines;
    }
}

/* The end of a line, including the blank lines after it. */
static size_t line_end(const Cutter *cutter, size_t at) {
    int lines;
    return past_newlines(cutter, end_of_line(cutter, at), &lines);
}

/* Whether the line that begins at `at`, behind its blanks, opens or closes fenced code. */
static int is_fence(const Cutter *cutter, size_t at) {
    return cutter->length - at >= 3 &&
           (!memcmp(cutter->text + at, "```", 3) || !memcmp(cutter->text + at, "~~~", 3));
}

/* The end of the lines up to an empty one or a heading; `lines` counts the newlines at the end, and
 * each fence among the lines turns `is_code`. */
static size_t block_end(const Cutter *cutter, size_t at, int *lines, int *is_code) {
    at = skip_in_line(cutter, at);
    for (;;) {
        *is_code ^= is_fence(cutter, at);
        at = end_of_line(cutter, at);
        if (at >= cutter->length) break;
        size_t next = skip_in_line(cutter, at + 1);
        if (next >= cutter->length || cutter->text[next] == '\n' || cutter->text[next] == '#') break;
        at = next;
    }
    return past_newlines(cutter, at, lines);
}

/* The end of a sentence or line; the scan never goes back. */
static size_t sentence_end(const Cutter *cutter, size_t at) {
    int lines;
    while (at < cutter->length) {
        Seen seen = see(cutter, at);
        if (!(seen.class & ~K_ATTACHED)) {
            at = seen.next;
            continue;
        }
        size_t stops = skip_class(cutter, at, K_STOP), run = skip_class(cutter, at, K_STOP | K_WIDE_STOP);
        size_t closed = skip_class(cutter, run, K_CLOSING), blank = skip_in_line(cutter, closed);
        if (blank < cutter->length && cutter->text[blank] == '\n')
            return past_newlines(cutter, blank, &lines);
        if (run > stops || (run > at && blank > closed)) return skip_class(cutter, blank, K_ATTACHED);
        if (run == at)
            at = blank > at ? blank : seen.next;
        else
            at = run < cutter->length ? see(cutter, run).next : run;
    }
    return at;
}

static size_t word_end(const Cutter *cutter, size_t at) {
    while (at < cutter->length) {
        Seen seen = see(cutter, at);
        if (seen.class & K_BLANK) break;
        at = seen.next;
    }
    return skip_class(cutter, skip_class(cutter, at, K_BLANK), K_ATTACHED);
}

/* Weight and characters of a span. */
static inline int64_t weigh_span(const Cutter *cutter, size_t at, size_t end, int64_t *chars) {
    *chars = (int64_t)count_chars(cutter->text + at, end - at);
    return weigh_text(cutter->text + at, end - at, cutter->weights, cutter->above);
}

static int put_piece(Cutter *cutter, size_t at, int64_t weight, int64_t chars, uint8_t cut) {
    if (cutter->count + 2 > cutter->room) {
        size_t room = 2 * cutter->room + 1024;
        Piece *larger = realloc(cutter->pieces, room * sizeof *larger);
        if (!larger) return -1;
        cutter->pieces = larger;
        cutter->room = room;
    }
    Piece *piece = cutter->pieces + cutter->count++;
    if (cutter->count == 1) *piece = (Piece){0, 0, 0, 0};
    piece->at = (uint32_t)at;
    piece->cut = cut;
    piece[1] = (Piece){piece->weight + weight, piece->chars + chars, 0, 0};
    return 0;
}

/* Returns 0, -1 if memory ran out, or 1 if a word is too heavy for a chunk. */
static int put_span(Cutter *cutter, size_t at, size_t end, uint8_t cut, int level) {
    static size_t (*const ends[])(const Cutter *, size_t) = {line_end, sentence_end, word_end};
    static const uint8_t cuts[] = {CUT_LINE, CUT_SENTENCE, CUT_BLANK};
    int64_t chars, weight = weigh_span(cutter, at, end, &chars);
    if (weight <= (level < 2 ? cutter->grain : cutter->limit))
        return put_piece(cutter, at, weight, chars, cut);
    if (level == 3) return 1;
    Cutter inside = *cutter; /* a copy whose text ends where the span does */
    inside.length = end;
    while (at < end) {
        size_t next = ends[level](&inside, at);
        int status = put_span(cutter, at, next, cut, level + 1);
        if (status) return status;
        cut = cuts[level];
        at = next;
    }
    return 0;
}

static int is_heading(const uint8_t *text, size_t length) {
    size_t marks = 0;
    while (marks < length && text[marks] == '#') marks++;
    return marks >= 1 && marks <= 6 && marks < length && (text[marks] == ' ' || text[marks] == '\t');
}

static int put_pieces(Cutter *cutter) {
    int lines = 0, is_code = 0;
    cutter->count = 0;
    for (size_t at = 0, end; at < cutter->length; at = end) {
        int before = lines, was_code = is_code;
        end = block_end(cutter, at, &lines, &is_code);
        int heading = before && is_heading(cutter->text + at, end - at);
        uint8_t cut = heading ? CUT_HEADING : before > 1 ? CUT_EMPTY_LINE : CUT_LINE;
        if (was_code) cut = CUT_LINE;
        int status = put_span(cutter, at, end, cut, 0);
        if (status) return status;
    }
    return 0;
}

/* The first of the pieces `from` to `to` before which the weight is not under, or is over, `weight`. */
static size_t weighing(const Piece *pieces, int64_t weight, size_t from, size_t to, int over) {
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (pieces[middle].weight < weight || (over && pieces[middle].weight == weight))
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

static size_t chunk_end(const Cutter *cutter, size_t begin, size_t done) {
    const Piece *pieces = cutter->pieces;
    size_t stop = cutter->count;
    int64_t origin = pieces[begin].weight;
    size_t full = weighing(pieces, origin + cutter->limit, done + 1, stop + 1, 1) - 1;
    size_t half = weighing(pieces, origin + cutter->limit / 2, done + 1, full, 0);
    for (size_t k = half; k <= full && k < stop; k++)
        if (pieces[k].cut == CUT_HEADING) return k;
    if (full == stop) return stop;
    for (uint8_t cut = CUT_EMPTY_LINE; cut >= CUT_BLANK; cut--)
        for (size_t k = full + 1; k-- > half;)
            if (pieces[k].cut == cut) return k;
    return half - 1 > done ? half - 1 : full;
}

/* Where the next chunk begins: at whole sentences or lines of this one, or at its end. */
static size_t repeated_from(const Cutter *cutter, size_t begin, size_t end) {
    const Piece *pieces = cutter->pieces;
    int64_t room = pieces[end].weight - cutter->overlap;
    if (room < pieces[end + 1].weight - cutter->limit) room = pieces[end + 1].weight - cutter->limit;
    for (size_t k = weighing(pieces, room, begin + 1, end, 0); k < end; k++)
        if (pieces[k].cut >= CUT_SENTENCE) return k;
    return end;
}

static int put_chunk(Cutter *cutter, int64_t row, const Piece *begin, const Piece *end) {
    if (cutter->made == cutter->out_room) {
        size_t room = 2 * cutter->out_room + 1024;
        int64_t *larger = realloc(cutter->out, room * CHUNK_FIELDS * sizeof *larger);
        if (!larger) return -1;
        cutter->out = larger;
        cutter->out_room = room;
    }
    size_t stop = end == cutter->pieces + cutter->count ? cutter->length : end->at;
    const int64_t fields[CHUNK_FIELDS] = {row,         begin->chars, end->chars, end->weight - begin->weight,
                                          begin->at, (int64_t)stop};
    memcpy(cutter->out + CHUNK_FIELDS * cutter->made++, fields, sizeof fields);
    return 0;
}

/* Whether a character is above the table: a lead byte from F0 A0 on. */
static int holds_rare(const uint8_t *text, size_t length) {
    uint8_t any = 0;
    for (size_t i = 0; i < length; i++) any |= (uint8_t)(text[i] >= 0xF0); /* gets vectorised */
    if (!any) return 0;
    for (const uint8_t *end = text + length; text < end; text++)
        if (*text >= 0xF0 && (*text > 0xF0 || text + 1 >= end || text[1] >= 0xA0)) return 1;
    return 0;
}

/* Writes the chunks of one text; returns -1 if memory ran out. A text that is not cut here gets one
 * chunk with -1 for its characters. */
static int cut_text(Cutter *cutter, int64_t row, const uint8_t *text, size_t length) {
    cutter->text = text;
    cutter->length = length;
    size_t begin = 0, done = 0;
    int status = length > UINT32_MAX || holds_rare(text, length) ? 1 : put_pieces(cutter);
    if (status < 0) return -1;
    if (status) {
        const Piece nothing = {0, -1, 0, 0};
        return put_chunk(cutter, row, &nothing, &nothing);
    }
    while (done < cutter->count) {
        size_t end = chunk_end(cutter, begin, done);
        if (put_chunk(cutter, row, cutter->pieces + begin, cutter->pieces + end) < 0) return -1;
        begin = end < cutter->count ? repeated_from(cutter, begin, end) : end;
        done = end;
    }
    return 0;
}

#endif
