/* Repetition in a text: of lines, paragraphs and runs of words. */
#ifndef PIPELINE_KERNELS_REPETITION_H
#define PIPELINE_KERNELS_REPETITION_H

#include "characters.h"

typedef struct {
    uint64_t hash;  /* of the word, and later of all words up to it */
    uint64_t chars; /* characters of all words up to it */
} Word;

/* Memory that is kept from one text to the next. */
typedef struct {
    uint8_t *kinds; /* the class of each byte */
    Word *words;
    uint64_t *keys;   /* of the lines or runs of words that are counted */
    uint32_t *counts; /* how often a key occurs, stored at its first place */
    uint32_t *table;  /* by the key's hash, its first place plus 1; 0 is free */
    size_t room, table_room;
} Counter;

static void counter_free(Counter *counter) {
    free(counter->kinds);
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

/* Returns 0, or -1 if memory ran out. A word takes at least two bytes, with the blank after it. */
static int counter_fit(Counter *counter, size_t length) {
    if (length > UINT32_MAX / 4) return -1;
    size_t room = length / 2 + 3;
    if (room <= counter->room) return 0;
    counter_free(counter);
    *counter = (Counter){0};
    size_t table_room = power_over(2 * room);
    counter->kinds = malloc(2 * room + PADDING);
    counter->words = malloc(room * sizeof *counter->words);
    counter->keys = malloc(room * sizeof *counter->keys);
    counter->counts = malloc(room * sizeof *counter->counts);
    counter->table = malloc(table_room * sizeof *counter->table);
    if (!counter->kinds || !counter->words || !counter->keys || !counter->counts || !counter->table)
        return -1;
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

/* Empties the table for up to `count` keys; returns the size that is used, a power of two. */
static size_t empty_table(Counter *counter, size_t count) {
    size_t used = power_over(2 * count);
    memset(counter->table, 0, used * sizeof *counter->table);
    return used;
}

/* The first place with the same key as `place`; `place` itself if the key is new. */
static inline size_t first_place(Counter *counter, size_t used, size_t place) {
    uint64_t key = counter->keys[place];
    size_t at = (size_t)(key >> 20) & (used - 1);
    for (; counter->table[at]; at = (at + 1) & (used - 1))
        if (counter->keys[counter->table[at] - 1] == key) return counter->table[at] - 1;
    counter->table[at] = (uint32_t)place + 1;
    return place;
}

/* Writes the words of a text, hashed, from `counter->words[1]` on; returns how many. `ascii` says
 * that every character is one byte. */
static size_t hash_words(Counter *counter, const uint8_t *text, size_t length, int ascii) {
    const uint8_t *kinds = counter->kinds;
    Word *words = counter->words, word = {0, 0};
    size_t at = 0, count = 0;
    words[0] = word;
    for (;;) {
        while (at < length && kinds[at] & BLANK) at++;
        if (at == length) return count;
        size_t begin = at;
        while (!(kinds[at] & BLANK)) at++; /* there are blanks after the text */
        word.hash = word.hash * HASH_BASE + hash_bytes(text + begin, at - begin);
        word.chars += ascii ? at - begin : count_chars(text + begin, at - begin);
        words[++count] = word;
    }
}

/* Writes the keys of all runs of `width` words; returns how many. */
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

/* Characters, with blanks, of the most frequent run of `width` words, times how often it occurs. */
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

/* Characters in runs of `width` words that occurred before; runs that count do not overlap. */
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

static void strip_blanks(const uint8_t *kinds, size_t *begin, size_t *end) {
    while (*begin < *end && kinds[*begin] & BLANK) ++*begin;
    while (*begin < *end && kinds[*end - 1] & BLANK) --*end;
}

typedef struct {
    int64_t all, repeated, repeated_chars;
} Paragraphs;

/* Paragraphs: the parts separated by two or more newlines, in the text without blanks around it. */
static Paragraphs count_paragraphs(Counter *counter, const uint8_t *text, size_t length) {
    Paragraphs found = {0, 0, 0};
    size_t begin = 0, count = 0;
    strip_blanks(counter->kinds, &begin, &length);
    size_t used = empty_table(counter, (length - begin) / 2 + 1);
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
            found.repeated++;
            found.repeated_chars += (int64_t)count_chars(text + begin, stop - begin);
        }
        count++;
        if (stop >= length) break;
        begin = stop;
        while (begin < length && text[begin] == '\n') begin++;
    }
    found.all = (int64_t)count;
    return found;
}

#endif
