/* Whether a text contains one of some words, with ASCII letters in either case.
 *
 * Each word is searched for by its rarest byte: its last one that is neither a letter nor a digit. A
 * table has these bytes of all words, and the search skips all bytes that are not in it. plain.py
 * does the same in Python. Plain C11 without Python; any bytes are safe to read.
 */
#ifndef PIPELINE_KERNELS_SEARCH_H
#define PIPELINE_KERNELS_SEARCH_H

#include <stdint.h>
#include <string.h>

enum { STRIDE = 8 }; /* bytes examined between two branches */

typedef struct Word {
    const uint8_t *bytes; /* in lower case */
    size_t size;
    size_t anchor;           /* the place of the byte that is searched for */
    const struct Word *next; /* another word with the same byte at its anchor */
} Word;

static inline uint8_t lowered(uint8_t byte) {
    return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte + 32) : byte;
}

static inline int is_plain(uint8_t byte) {
    return (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9');
}

/* The anchor of a word; its last byte if it has no rarer one. */
static size_t find_anchor(const uint8_t *bytes, size_t size) {
    for (size_t at = size; at > 0; at--)
        if (!is_plain(bytes[at - 1])) return at - 1;
    return size - 1;
}

static int stands_at(const Word *word, const uint8_t *text, size_t length, size_t at) {
    if (at < word->anchor || length - (at - word->anchor) < word->size) return 0;
    const uint8_t *from = text + (at - word->anchor);
    for (size_t i = 0; i < word->size; i++)
        if (lowered(from[i]) != word->bytes[i]) return 0;
    return 1;
}

/* For each byte, the first word with this byte at its anchor, which links to the next one. */
typedef struct {
    const Word *first[256];
} Anchors;

static Anchors link_anchors(Word *words, size_t count) {
    Anchors anchors = {{NULL}};
    for (size_t n = 0; n < count; n++) {
        uint8_t byte = words[n].bytes[words[n].anchor];
        words[n].next = anchors.first[byte];
        anchors.first[byte] = words + n;
    }
    for (uint8_t byte = 'a'; byte <= 'z'; byte++) anchors.first[byte - 32] = anchors.first[byte];
    return anchors;
}

static int any_stands_at(const Word *word, const uint8_t *text, size_t length, size_t at) {
    for (; word; word = word->next)
        if (stands_at(word, text, length, at)) return 1;
    return 0;
}

/* Words must be in lower case and not empty. */
static int text_holds_any(Word *words, size_t count, const uint8_t *text, size_t length) {
    Anchors anchors = link_anchors(words, count);
    uint8_t met[256];
    size_t at = 0;
    for (size_t byte = 0; byte < 256; byte++) met[byte] = anchors.first[byte] != NULL;
    for (; at + STRIDE <= length; at += STRIDE) {
        uint8_t any = 0;
        for (size_t i = 0; i < STRIDE; i++) any |= met[text[at + i]];
        for (size_t i = 0; any && i < STRIDE; i++)
            if (any_stands_at(anchors.first[text[at + i]], text, length, at + i)) return 1;
    }
    for (; at < length; at++)
        if (any_stands_at(anchors.first[text[at]], text, length, at)) return 1;
    return 0;
}

#endif
