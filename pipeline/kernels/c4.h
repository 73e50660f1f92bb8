/* The lines that C4 keeps, and their sentences: Raffel et al. 2020, section 2.2. */
#ifndef PIPELINE_KERNELS_C4_H
#define PIPELINE_KERNELS_C4_H

#include "characters.h"

enum {
    LONG_WORD = 1000, /* characters */
    C4_WORDS = 3      /* words in a line */
};

typedef struct {
    int phrases, braces; /* whether the text may contain any */
    int64_t lines, sentences, lorem, curly;
} C4;

static inline int starts_with(const uint8_t *text, size_t size, const char *what) {
    size_t length = strlen(what);
    return size >= length && !memcmp(text, what, length);
}

static inline int ends_with(const uint8_t *text, size_t size, const char *what) {
    size_t length = strlen(what);
    return size >= length && !memcmp(text + size - length, what, length);
}

/* Whether more than LONG_WORD bytes in a row have no blank. A stretch of that length is scanned
 * backwards, and the next one starts at the blank that was found. */
static int has_long_stretch(const uint8_t *kinds, size_t size) {
    for (size_t at = 0; size - at > LONG_WORD;) {
        size_t behind = at + LONG_WORD + 1;
        while (behind > at && !(kinds[behind - 1] & BLANK)) behind--;
        if (behind == at) return 1;
        at = behind;
    }
    return 0;
}

/* Whether C4_WORDS words start in the first 64 bytes, unspaced characters and long words aside. */
static inline int starts_words(const uint8_t *kinds, size_t size) {
    uint64_t there = size < 64 ? (UINT64_C(1) << size) - 1 : UINT64_MAX;
    uint64_t solid = ~bits_of(kinds, 0) & there, starts = solid & ~(solid << 1);
    for (int i = 1; i < C4_WORDS; i++) starts &= starts - 1;
    return size <= LONG_WORD && starts;
}

/* Whether a line has C4_WORDS words, none of them longer than LONG_WORD. */
static int has_words(const uint8_t *line, const uint8_t *kinds, size_t size) {
    size_t words = 0, chars = 0, unspaced = 0;
    if (starts_words(kinds, size)) return 1;
    int may_be_long = has_long_stretch(kinds, size);
    for (size_t at = 0; at < size; at++) {
        if ((line[at] & 0xC0) == 0x80) continue;
        words += !(kinds[at] & BLANK) && !chars;
        chars = kinds[at] & BLANK ? 0 : chars + 1;
        unspaced += (kinds[at] & UNSPACED) != 0;
        if (chars > LONG_WORD && !unspaced) return 0;
        if (words >= C4_WORDS && !may_be_long) break;
    }
    return words >= C4_WORDS || unspaced / 2 >= C4_WORDS;
}

/* Whether the line contains a phrase, given in lower case, in any case. */
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

/* Whether the text may contain one of C4's phrases, by a few letters of each, in either case. */
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
        if (!size || line[size - 1] != ']') return size;
        if (ends_with(line, size, "[edit]")) {
            at = size - 6;
        } else if (ends_with(line, size, "[citation needed]")) {
            at = size - 17;
        } else {
            at = size - 1;
            while (at && (uint8_t)(line[at - 1] - '0') < 10) at--;
            if (!at || line[at - 1] != '[') return size;
            at--;
        }
        size = at;
    }
}

/* The number of sentences of a line: 1, plus the places where a stop and a blank are followed by
 * anything but a small letter. */
static int64_t count_sentences(const uint8_t *line, const uint8_t *kinds, size_t size) {
    int64_t count = 1;
    size_t bytes;
    int stopped = 0, blank = 0;
    for (size_t at = 0; at < size; at += bytes) {
        bytes = 8;
        if (!stopped && size - at >= 8 && !(load_bytes(kinds + at, 8) & TERMINAL * EACH_BYTE)) continue;
        bytes = 1;
        if (!stopped && !(kinds[at] & TERMINAL)) continue;
        uint32_t code = code_at(line, at, size, &bytes);
        if (kinds[at] & TERMINAL) {
            stopped = 1;
            blank = code >= 0x3000;
        } else if (kinds[at] & BLANK) {
            blank |= stopped;
        } else if (!blank && (code == '"' || code == '\'' || code == ')' || code == ']')) {
            continue;
        } else {
            count += blank && !(code >= 'a' && code <= 'z');
            stopped = blank = 0;
        }
    }
    return count;
}

/* Judges one line, given without blanks around it. */
static void count_c4(const uint8_t *line, const uint8_t *kinds, size_t size, C4 *found) {
    size_t cited = without_citations(line, size);
    if (!cited || ends_with(line, cited, "...")) return;
    uint8_t last = line[cited - 1];
    if (last != '"' && last != '\'' && !(kinds[cited - 1] & TERMINAL)) return;
    if (!has_words(line, kinds, size)) return;
    int phrases = found->phrases && may_hold_phrases(line, size);
    if (phrases && holds_phrase(line, size, "lorem ipsum")) found->lorem++;
    if (phrases && holds_phrase(line, size, "javascript")) return;
    if (found->braces && memchr(line, '{', size)) found->curly++;
    if (phrases && holds_policy(line, size)) return;
    found->lines++;
    found->sentences += count_sentences(line, kinds, cited);
}

#endif
