/* What a document is made of, in one pass: characters by class, words, lines, and what repeats.
 *
 * plain_statistics.py says the same in Python and is what this file is held to. Plain C11 without
 * Python, so that it can be run under sanitizers. Any bytes are safe to read.
 */
#ifndef PIPELINE_KERNELS_STATISTICS_H
#define PIPELINE_KERNELS_STATISTICS_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Bits of a character's class; `classes` holds a byte for each code point below TABLED. */
enum {
    BLANK = 1,
    LETTER = 2,
    UNSPACED = 4, /* of a script that puts no blanks between words */
    SYMBOL = 8,
    OTHER = 16,        /* neither letter, mark nor blank */
    TERMINAL = 32,     /* may end a sentence */
    STOPLESS = 64,     /* of a script that does not mark where a sentence ends */
    ASCII_LETTER = 128,
    CLASSES = 8
};

#define TABLED 0x20000u

/* What is counted only if it is asked for. Without any of it there are only characters, words, and
 * how many lines of what length. */
enum { PART_REPETITION = 1, PART_C4 = 2, PART_PROSE = 4 };

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
    SHORT_LINE = 30,     /* characters: FineWeb's */
    LONG_WORD = 1000,    /* characters: C4's */
    C4_WORDS = 3,        /* words in a line: C4's */
    SHORTEST_TOP = 2,
    LONGEST_TOP = 4,
    SHORTEST_REPEATED = 5,
    LONGEST_REPEATED = 10
};

typedef struct {
    uint64_t hash;  /* of the word, then of all words up to it */
    uint64_t chars; /* of all words up to it */
} Word;

/* Memory that is kept from one text to the next. */
typedef struct {
    Word *words;
    uint64_t *keys;   /* of what is counted: lines, runs of words */
    uint32_t *counts; /* how often the key of each stands there, at its first place */
    uint32_t *table;  /* for the key's hash, its first place and 1; 0 is free */
    size_t room, table_room;
} Counter;

static void counter_free(Counter *counter) {
    free(counter->words);
    free(counter->keys);
    free(counter->counts);
    free(counter->table);
}

static size_t power_over(size_t least) {
    size_t power = 64;
    while (power < least) power *= 2;
    return power;
}

/* 0, or -1 when memory ran out. A word takes two bytes at least, with the blank behind it. */
static int counter_fit(Counter *counter, size_t length) {
    if (length > UINT32_MAX / 4) return -1;
    size_t room = length / 2 + 3;
    if (room <= counter->room) return 0;
    counter_free(counter);
    *counter = (Counter){0};
    size_t table_room = power_over(2 * room);
    counter->words = malloc(room * sizeof *counter->words);
    counter->keys = malloc(room * sizeof *counter->keys);
    counter->counts = malloc(room * sizeof *counter->counts);
    counter->table = malloc(table_room * sizeof *counter->table);
    if (!counter->words || !counter->keys || !counter->counts || !counter->table) return -1;
    counter->room = room;
    counter->table_room = table_room;
    return 0;
}

#define HASH_BASE UINT64_C(0x9E3779B97F4A7C15)
#define HASH_MIXER UINT64_C(0xFF51AFD7ED558CCD)

static inline uint64_t spread(uint64_t value) {
    value ^= value >> 32;
    value *= HASH_MIXER;
    return value ^ value >> 29;
}

static inline uint64_t load_bytes(const uint8_t *from, size_t size) {
    uint64_t value = 0;
    memcpy(&value, from, size);
    return value;
}

static inline uint64_t hash_bytes(const uint8_t *data, size_t size) {
    uint64_t hash = size;
    size_t at = 0;
    if (size > 8) {
        for (; at + 8 < size; at += 8) hash = (hash ^ spread(load_bytes(data + at, 8))) * HASH_BASE;
        return spread((hash ^ spread(load_bytes(data + size - 8, 8))) * HASH_BASE);
    }
    if (size >= 4) {
        uint64_t tail = load_bytes(data + size - 4, 4);
        return spread((hash ^ spread(load_bytes(data, 4) << 32 | tail)) * HASH_BASE);
    }
    for (; at < size; at++) hash = hash << 8 | data[at];
    return spread(hash * HASH_BASE);
}

/* Empties the table for at most `count` keys; returns how much of it is used, a power of two. */
static size_t empty_table(Counter *counter, size_t count) {
    size_t used = power_over(2 * count);
    memset(counter->table, 0, used * sizeof *counter->table);
    return used;
}

/* The first place of the key that stands at `place`: `place` itself if it is new. */
static inline size_t first_place(Counter *counter, size_t used, size_t place) {
    uint64_t key = counter->keys[place];
    size_t at = (size_t)(key >> 20) & (used - 1);
    for (; counter->table[at]; at = (at + 1) & (used - 1))
        if (counter->keys[counter->table[at] - 1] == key) return counter->table[at] - 1;
    counter->table[at] = (uint32_t)place + 1;
    return place;
}

/* The code point at `at` and its bytes in `size`; what is no UTF-8 is one byte of U+FFFD. */
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

/* Above the table the rule is coarse: Chinese characters up to U+DFFFF, then nothing known. */
static inline uint8_t class_of(uint32_t code, const uint8_t *classes) {
    if (code < TABLED) return classes[code];
    return code < 0xE0000 ? LETTER | UNSPACED : SYMBOL | OTHER;
}

static inline size_t count_chars(const uint8_t *text, size_t length) {
    size_t count = 0;
    for (size_t i = 0; i < length; i++) count += (text[i] & 0xC0) != 0x80;
    return count;
}

/* A word of up to four bytes as a number. */
#define SHORT_WORD(a, b, c, d) \
    ((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | (uint32_t)(d) << 24)

/* A bit for each of Gopher's eight stop words; 0 for any other word. */
static int stop_word(const uint8_t *word, size_t size) {
    uint32_t letters = 0;
    if (size < 2 || size > 4) return 0;
    for (size_t i = 0; i < size; i++) letters |= (uint32_t)word[i] << 8 * i;
    switch (letters) {
    case SHORT_WORD('t', 'h', 'e', 0): return 1;
    case SHORT_WORD('b', 'e', 0, 0): return 2;
    case SHORT_WORD('t', 'o', 0, 0): return 4;
    case SHORT_WORD('o', 'f', 0, 0): return 8;
    case SHORT_WORD('a', 'n', 'd', 0): return 16;
    case SHORT_WORD('t', 'h', 'a', 't'): return 32;
    case SHORT_WORD('h', 'a', 'v', 'e'): return 64;
    case SHORT_WORD('w', 'i', 't', 'h'): return 128;
    default: return 0;
    }
}

static void tally(uint8_t class, int64_t times, int64_t *out) {
    for (int bit = 0; bit < CLASSES; bit++) out[bit] += class >> bit & 1 ? times : 0;
}

/* ASCII characters by class: by byte first, four at a time so that none waits for another. */
static void count_ascii(const uint8_t *text, size_t length, const uint8_t *classes, int64_t *out) {
    uint32_t counts[4][256] = {{0}};
    size_t at = 0;
    for (; at + 4 <= length; at += 4)
        for (size_t i = 0; i < 4; i++) counts[i][text[at + i]]++;
    for (; at < length; at++) counts[0][text[at]]++;
    for (size_t byte = 0; byte < 0x80; byte++) {
        int64_t times = (int64_t)counts[0][byte] + counts[1][byte] + counts[2][byte] + counts[3][byte];
        if (times) tally(classes[byte], times, out);
        out[S_CHARS] += times;
    }
    out[S_HASHES] = (int64_t)counts[0]['#'] + counts[1]['#'] + counts[2]['#'] + counts[3]['#'];
}

/* The rest of a word from its first character that is not ASCII; returns where it ends. */
static size_t wide_word(const uint8_t *text, size_t at, size_t length, const uint8_t *classes,
                        int in_run, uint8_t *any, size_t *chars, int64_t *out) {
    size_t size;
    for (; at < length; at += size, ++*chars) {
        uint32_t code = code_at(text, at, length, &size);
        uint8_t class = class_of(code, classes);
        if (class & BLANK) break;
        if (text[at] >= 0x80) {
            tally(class, 1, out);
            out[S_CHARS]++;
            out[S_RARE] += code >= TABLED;
        }
        out[S_RUNS] += !in_run && !(class & UNSPACED);
        in_run = !(class & UNSPACED);
        *any |= class;
    }
    return at;
}

/* Moves behind blanks; those that are not ASCII are counted. */
static size_t skip_blanks(const uint8_t *text, size_t at, size_t length, const uint8_t *classes,
                          int64_t *out) {
    size_t size;
    for (; at < length; at += size) {
        uint8_t class = class_of(code_at(text, at, length, &size), classes);
        if (!(class & BLANK)) break;
        if (text[at] < 0x80) continue;
        tally(class, 1, out);
        out[S_CHARS]++;
    }
    return at;
}

/* Characters and words; returns how many words, which are put behind `counter->words[0]`. */
static size_t count_words(Counter *counter, const uint8_t *text, size_t length,
                          const uint8_t *classes, int64_t *out) {
    Word *words = counter->words, word = {0, 0};
    size_t at = 0, count = 0;
    int64_t alpha = 0, runs = 0;
    int stops = 0;
    count_ascii(text, length, classes, out);
    words[0] = word;
    while ((at = skip_blanks(text, at, length, classes, out)) < length) {
        size_t begin = at, chars;
        uint8_t seen = 0, class; /* in a register: `any` has an address */
        while (at < length && text[at] < 0x80 && !((class = classes[text[at]]) & BLANK)) {
            seen |= class;
            at++;
        }
        uint8_t any = seen;
        chars = at - begin;
        runs += chars > 0;
        if (at < length && text[at] >= 0x80)
            at = wide_word(text, at, length, classes, chars > 0, &any, &chars, out);
        word.hash = word.hash * HASH_BASE + hash_bytes(text + begin, at - begin);
        word.chars += chars;
        words[++count] = word;
        alpha += (any & LETTER) != 0;
        stops |= stop_word(text + begin, at - begin);
    }
    out[S_WORDS] = (int64_t)count;
    out[S_ALPHA_WORDS] = alpha;
    out[S_RUNS] += runs;
    for (; stops; stops &= stops - 1) out[S_STOP_WORDS]++;
    return count;
}

/* Words, and runs of what is neither blank nor unspaced; characters that are not ASCII by class.
 * ASCII without a branch for each word, which no processor can foretell. */
static void count_spans(const uint8_t *text, size_t length, const uint8_t *classes, int64_t *out) {
    uint8_t solid[0x80];
    for (size_t byte = 0; byte < 0x80; byte++) solid[byte] = !(classes[byte] & BLANK);
    unsigned in_word = 0, in_run = 0;
    size_t size;
    for (size_t at = 0; at < length;) {
        if (text[at] < 0x80) {
            unsigned before = solid[text[at]];
            int64_t starts = 0;
            out[S_WORDS] += before & ~in_word;
            out[S_RUNS] += before & ~in_run;
            for (at++; at < length && text[at] < 0x80; at++) {
                unsigned now = solid[text[at]];
                starts += now & ~before;
                before = now;
            }
            out[S_WORDS] += starts;
            out[S_RUNS] += starts;
            in_word = in_run = before;
            continue;
        }
        uint32_t code = code_at(text, at, length, &size);
        uint8_t class = class_of(code, classes);
        unsigned word = !(class & BLANK), run = !(class & (BLANK | UNSPACED));
        out[S_WORDS] += word & ~in_word;
        out[S_RUNS] += run & ~in_run;
        in_word = word;
        in_run = run;
        tally(class, 1, out);
        out[S_CHARS]++;
        out[S_RARE] += code >= TABLED;
        at += size;
    }
}

/* How many lines there are, and the characters of the longest. */
static void count_line_lengths(const uint8_t *text, size_t length, int64_t *out) {
    for (size_t at = 0, stop; at < length; at = stop + 1) {
        const uint8_t *end = memchr(text + at, '\n', length - at);
        stop = end ? (size_t)(end - text) : length;
        int64_t chars = (int64_t)count_chars(text + at, stop - at);
        if (chars > out[S_LONGEST_LINE]) out[S_LONGEST_LINE] = chars;
        out[S_NEWLINES] += end != NULL;
        out[S_LINES]++;
    }
}

/* The keys of all runs of `width` words; returns how many. */
static size_t run_keys(Counter *counter, size_t count, size_t width) {
    const Word *words = counter->words;
    uint64_t leaving = 1;
    for (size_t i = 0; i < width; i++) leaving *= HASH_BASE;
    if (count < width) return 0;
    for (size_t i = 0; i + width <= count; i++)
        counter->keys[i] = spread(words[i + width].hash - words[i].hash * leaving);
    return count - width + 1;
}

static inline int64_t run_chars(const Counter *counter, size_t first, size_t width) {
    return (int64_t)(counter->words[first + width].chars - counter->words[first].chars);
}

/* Characters of the most frequent run of `width` words, with blanks, times how often it is there. */
static int64_t top_run(Counter *counter, size_t count, size_t width) {
    size_t runs = run_keys(counter, count, width), used = empty_table(counter, runs), best = 0;
    uint32_t *counts = counter->counts, most = 0;
    if (!runs) return 0;
    memset(counts, 0, runs * sizeof *counts);
    for (size_t i = 0; i < runs; i++) {
        size_t first = first_place(counter, used, i);
        uint32_t now = ++counts[first];
        if (now > most || (now == most && first < best)) {
            most = now;
            best = first;
        }
    }
    return (run_chars(counter, best, width) + (int64_t)width - 1) * most;
}

/* Characters in runs of `width` words that stood there before; runs that count do not overlap. */
static int64_t repeated_runs(Counter *counter, size_t count, size_t width) {
    size_t runs = run_keys(counter, count, width), used = empty_table(counter, runs);
    int64_t chars = 0;
    for (size_t i = 0; i < runs;) {
        if (first_place(counter, used, i) == i) {
            i++;
        } else {
            chars += run_chars(counter, i, width);
            i += width;
        }
    }
    return chars;
}

static inline int starts_with(const uint8_t *text, size_t size, const char *what) {
    size_t length = strlen(what);
    return size >= length && !memcmp(text, what, length);
}

static inline int ends_with(const uint8_t *text, size_t size, const char *what) {
    size_t length = strlen(what);
    return size >= length && !memcmp(text + size - length, what, length);
}

/* The last character of a line that is not empty. */
static uint32_t last_code(const uint8_t *line, size_t size) {
    size_t at = size - 1, bytes;
    while (at && size - at < 4 && (line[at] & 0xC0) == 0x80) at--;
    return code_at(line, at, size, &bytes);
}

static void strip_blanks(const uint8_t **line, size_t *size, const uint8_t *classes) {
    size_t bytes;
    while (*size && class_of(code_at(*line, 0, *size, &bytes), classes) & BLANK) {
        *line += bytes;
        *size -= bytes;
    }
    while (*size && class_of(last_code(*line, *size), classes) & BLANK) {
        (*size)--;
        while (*size && ((*line)[*size] & 0xC0) == 0x80) (*size)--;
    }
}

/* C4: the words of a line, up to C4_WORDS; 0 too if one is longer than LONG_WORD. */
static size_t c4_words(const uint8_t *line, size_t size, const uint8_t *classes) {
    size_t words = 0, chars = 0, unspaced = 0, bytes;
    for (size_t at = 0; at < size; at += bytes) {
        uint8_t class = class_of(code_at(line, at, size, &bytes), classes);
        words += !(class & BLANK) && !chars;
        chars = class & BLANK ? 0 : chars + 1;
        unspaced += (class & UNSPACED) != 0;
        if (chars > LONG_WORD && !unspaced) return 0;
        if (words >= C4_WORDS && chars + (size - at) <= LONG_WORD) break;
    }
    return words > unspaced / 2 ? words : unspaced / 2;
}

/* Whether a lower-case phrase stands in the line, whatever its case. */
static int holds_phrase(const uint8_t *line, size_t size, const char *phrase) {
    size_t length = strlen(phrase);
    for (size_t at = 0; at + length <= size; at++) {
        size_t i = 0;
        while (i < length) {
            uint8_t byte = line[at + i];
            if ((uint8_t)(byte - 'A') < 26) byte |= 0x20;
            if (byte != (uint8_t)phrase[i]) break;
            i++;
        }
        if (i == length) return 1;
    }
    return 0;
}

/* Whether one of C4's phrases may be in the text: a few letters of each, in either case. */
static int may_hold_phrases(const uint8_t *text, size_t size) {
    static const char rare[5][5] = {"ipsu", "vasc", "okie", "vacy", "ms o"};
    uint8_t found = 0;
    for (size_t i = 0; i + 3 < size; i++) {
        uint8_t any = 0;
        for (int n = 0; n < 5; n++) {
            uint8_t all = 1;
            for (int k = 0; k < 4; k++) all &= (text[i + k] | 0x20) == rare[n][k];
            any |= all;
        }
        found |= any;
    }
    return found;
}

static int holds_policy(const uint8_t *line, size_t size) {
    static const char *const phrases[] = {"terms of use",  "privacy policy", "cookie policy",
                                          "uses cookies", "use of cookies", "use cookies"};
    for (size_t i = 0; i < sizeof phrases / sizeof *phrases; i++)
        if (holds_phrase(line, size, phrases[i])) return 1;
    return 0;
}

/* C4: the line without citations ([3], [edit], [citation needed]) at its end. */
static size_t without_citations(const uint8_t *line, size_t size) {
    for (;;) {
        size_t at = size;
        if (ends_with(line, size, "[edit]")) {
            at = size - 6;
        } else if (ends_with(line, size, "[citation needed]")) {
            at = size - 17;
        } else if (ends_with(line, size, "]")) {
            at = size - 1;
            while (at && (uint8_t)(line[at - 1] - '0') < 10) at--;
            if (!at || line[at - 1] != '[') return size;
            at--;
        }
        if (at == size) return size;
        size = at;
    }
}

/* Sentences of a line: places where stops are followed by a blank and no small letter, and 1. */
static int64_t count_sentences(const uint8_t *line, size_t size, const uint8_t *classes) {
    int64_t count = 1;
    size_t bytes;
    int stopped = 0, blank = 0;
    for (size_t at = 0; at < size; at += bytes) {
        bytes = 1;
        if (!stopped && line[at] < 0x80 && !(classes[line[at]] & TERMINAL)) continue;
        uint32_t code = code_at(line, at, size, &bytes);
        uint8_t class = class_of(code, classes);
        if (class & TERMINAL) {
            stopped = 1;
            blank = code >= 0x3000;
        } else if (class & BLANK) {
            blank |= stopped;
        } else if (stopped && !blank && (code == '"' || code == '\'' || code == ')' || code == ']')) {
            continue;
        } else {
            count += stopped && blank && !(code >= 'a' && code <= 'z');
            stopped = blank = 0;
        }
    }
    return count;
}

static void count_c4(const uint8_t *line, size_t size, const uint8_t *classes, int phrases,
                     int64_t *out) {
    if (c4_words(line, size, classes) < C4_WORDS) return;
    size_t cited = without_citations(line, size);
    if (!cited || ends_with(line, cited, "...")) return;
    uint32_t last = last_code(line, cited);
    if (last != '"' && last != '\'' && !(class_of(last, classes) & TERMINAL)) return;
    if (phrases && holds_phrase(line, size, "lorem ipsum")) out[S_C4_LOREM]++;
    if (phrases && holds_phrase(line, size, "javascript")) return;
    if (memchr(line, '{', size)) out[S_C4_CURLY]++;
    if (phrases && holds_policy(line, size)) return;
    out[S_C4_LINES]++;
    out[S_C4_SENTENCES] += count_sentences(line, cited, classes);
}

/* One line that is not empty; `bare` is it without the blanks around it. */
static void count_line(const uint8_t *line, size_t size, const uint8_t *bare, size_t bare_size,
                       int64_t chars, int repeated, const uint8_t *classes, int64_t *out) {
    out[S_SOME_LINES]++;
    out[S_REPEATED_LINES] += repeated;
    out[S_REPEATED_LINE_CHARS] += repeated ? chars : 0;
    out[S_BULLET_LINES] += starts_with(bare, bare_size, "\xE2\x80\xA2") ||
                           starts_with(bare, bare_size, "-");
    out[S_ELLIPSIS_LINES] += ends_with(bare, bare_size, "...") ||
                             ends_with(bare, bare_size, "\xE2\x80\xA6");
    if (!bare_size) return;
    out[S_FULL_LINES]++;
    out[S_ENDED_LINES] += (class_of(last_code(line, size), classes) & TERMINAL) != 0;
    out[S_SHORT_LINES] += chars <= SHORT_LINE;
    out[S_REPEATED_FULL_CHARS] += repeated ? chars : 0;
}

static void count_lines(Counter *counter, const uint8_t *text, size_t length,
                        const uint8_t *classes, unsigned parts, int64_t *out) {
    size_t newlines = 0, count = 0;
    for (size_t i = 0; i < length; i++) newlines += text[i] == '\n';
    out[S_NEWLINES] = (int64_t)newlines;
    out[S_LINES] = (int64_t)(newlines + (length && text[length - 1] != '\n'));
    size_t most = newlines < length / 2 ? newlines : length / 2; /* not empty ones, less 1 */
    size_t used = empty_table(counter, most + 1);
    int phrases = parts & PART_C4 ? may_hold_phrases(text, length) : 0;
    for (size_t at = 0, stop; at < length; at = stop + 1) {
        const uint8_t *line = text + at, *end = memchr(line, '\n', length - at), *bare = line;
        stop = end ? (size_t)(end - text) : length;
        if (stop == at) continue;
        size_t bare_size = stop - at;
        int64_t chars = (int64_t)count_chars(line, stop - at);
        if (chars > out[S_LONGEST_LINE]) out[S_LONGEST_LINE] = chars;
        strip_blanks(&bare, &bare_size, classes);
        counter->keys[count] = hash_bytes(line, stop - at);
        int repeated = first_place(counter, used, count) != count;
        count++;
        count_line(line, stop - at, bare, bare_size, chars, repeated, classes, out);
        if (parts & PART_C4 && bare_size) count_c4(bare, bare_size, classes, phrases, out);
    }
}

/* Paragraphs: what two or more newlines part, in the text without the blanks around it. */
static void count_paragraphs(Counter *counter, const uint8_t *text, size_t length,
                             const uint8_t *classes, int64_t *out) {
    strip_blanks(&text, &length, classes);
    size_t used = empty_table(counter, length / 2 + 1), begin = 0, count = 0;
    while (begin <= length) {
        size_t stop = begin;
        while (stop < length) {
            const uint8_t *end = memchr(text + stop, '\n', length - stop);
            stop = end ? (size_t)(end - text) : length;
            if (stop + 1 < length && text[stop + 1] == '\n') break;
            stop += stop < length;
        }
        counter->keys[count] = hash_bytes(text + begin, stop - begin);
        if (first_place(counter, used, count) != count) {
            out[S_REPEATED_PARAGRAPHS]++;
            out[S_REPEATED_PARAGRAPH_CHARS] += (int64_t)count_chars(text + begin, stop - begin);
        }
        count++;
        if (stop >= length) break;
        begin = stop;
        while (begin < length && text[begin] == '\n') begin++;
    }
    out[S_PARAGRAPHS] = (int64_t)count;
}

/* Ellipses: three dots that do not overlap, and the character. */
static int64_t count_ellipses(const uint8_t *text, size_t length) {
    int64_t count = 0;
    for (size_t i = 0; i + 3 <= length; i++)
        count += text[i] == 0xE2 && text[i + 1] == 0x80 && text[i + 2] == 0xA6;
    for (size_t i = 0; i + 3 <= length;) {
        const uint8_t *dot = memchr(text + i, '.', length - i - 2);
        if (!dot) break;
        i = (size_t)(dot - text);
        int three = text[i + 1] == '.' && text[i + 2] == '.';
        count += three;
        i += three ? 3 : 1;
    }
    return count;
}

/* Fills the STATISTICS numbers of one text; `counter` has been made to fit its length. What
 * `parts` do not ask for stays 0. */
static void text_statistics(Counter *counter, const uint8_t *text, size_t length,
                            const uint8_t *classes, unsigned parts, int64_t *out) {
    memset(out, 0, STATISTICS * sizeof *out);
    if (!parts) {
        count_ascii(text, length, classes, out);
        count_spans(text, length, classes, out);
        count_line_lengths(text, length, out);
        return;
    }
    size_t words = count_words(counter, text, length, classes, out);
    out[S_ELLIPSES] = count_ellipses(text, length);
    count_lines(counter, text, length, classes, parts, out);
    if (!(parts & PART_REPETITION)) return;
    for (size_t n = SHORTEST_TOP; n <= LONGEST_TOP; n++)
        out[S_TOP_2 + n - SHORTEST_TOP] = top_run(counter, words, n);
    for (size_t n = SHORTEST_REPEATED; n <= LONGEST_REPEATED; n++)
        out[S_REPEATED_5 + n - SHORTEST_REPEATED] = repeated_runs(counter, words, n);
    count_paragraphs(counter, text, length, classes, out);
}

/* The sum of the weights of a text's characters; `weights` holds one for each code point of two
 * bytes, `above` is the weight of any other. */
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
