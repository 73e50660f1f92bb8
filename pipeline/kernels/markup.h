/* Measures the tags of an HTML page: most attributes of one tag, most elements open at once.
 *
 * Tags are read as the HTML tokenizer reads them: a quote counts only after `=`; comments,
 * declarations and the contents of scripts and styles have no tags. plain_markup.py does the same in
 * Python. Plain C11 without Python; any bytes are safe to read.
 */
#ifndef PIPELINE_KERNELS_MARKUP_H
#define PIPELINE_KERNELS_MARKUP_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Elements without content, and elements whose end tag valid HTML may leave out: these do not nest by
 * themselves, only in a list, table or select, which is counted. */
static const char *const flat_names[] = {
    "area",    "base", "br",    "col",    "embed",    "hr",      "img",    "input",    "link",
    "meta",    "param", "source", "track", "wbr",     "p",       "li",     "dt",       "dd",
    "tr",      "td",   "th",    "thead",  "tbody",    "tfoot",   "colgroup", "caption", "option",
    "optgroup", "rp",  "rt",    "html",   "head",     "body",
};
enum { FLAT_NAMES = sizeof flat_names / sizeof *flat_names, LONGEST_FLAT = 8, FEWEST_SLOTS = 256 };

/* A name, given by its place in the page; a free slot has size 0. */
typedef struct {
    uint32_t start, size, hash, open;
    int flat;
} OpenName;

typedef struct {
    const uint8_t *text;
    size_t length;
    OpenName *slots;
    size_t count, used; /* slots: a power of two, at most half of them in use */
    uint64_t depth, deepest, attributes;
} Page;

static inline uint8_t small(uint8_t byte) {
    return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte + 32) : byte;
}

static inline int is_letter(uint8_t byte) { return small(byte) >= 'a' && small(byte) <= 'z'; }

static inline int is_blank(uint8_t byte) {
    return byte == ' ' || (byte >= '\t' && byte <= '\r' && byte != '\v');
}

static inline int ends_name(uint8_t byte) { return is_blank(byte) || byte == '/' || byte == '>'; }

/* The first occurrence of a byte from a place on, or the end. */
static size_t find_byte(const Page *page, size_t at, uint8_t byte) {
    const uint8_t *found = at < page->length ? memchr(page->text + at, byte, page->length - at) : NULL;
    return found ? (size_t)(found - page->text) : page->length;
}

static int is_name(const Page *page, size_t start, size_t size, const char *name) {
    if (strlen(name) != size) return 0;
    for (size_t i = 0; i < size; i++)
        if (small(page->text[start + i]) != (uint8_t)name[i]) return 0;
    return 1;
}

/* The place after the value of a `=` before `at`: nothing, a quoted text, or bytes up to a blank or
 * `>`. */
static size_t skip_value(const Page *page, size_t at, size_t end) {
    while (at < end && is_blank(page->text[at])) at++;
    if (at == end) return at;
    uint8_t first = page->text[at];
    if (first == '"' || first == '\'') {
        const uint8_t *close = memchr(page->text + at + 1, first, end - at - 1);
        return close ? (size_t)(close - page->text) + 1 : at; /* an unclosed quote is not a value */
    }
    while (at < end && !is_blank(page->text[at]) && page->text[at] != '>') at++;
    return at;
}

/* The `>` that ends the tag whose name ends at `at`, or the end. */
static size_t tag_end(const Page *page, size_t at) {
    while (at < page->length && page->text[at] != '>') {
        if (page->text[at++] == '=') at = skip_value(page, at, page->length);
    }
    return at;
}

static uint64_t count_attributes(const Page *page, size_t at, size_t end) {
    uint64_t count = 0;
    while (at < end) {
        uint8_t byte = page->text[at];
        if (ends_name(byte) || byte == '=') {
            at++;
            continue;
        }
        count++;
        while (at < end && !ends_name(page->text[at]) && page->text[at] != '=') at++;
        size_t after = at;
        while (after < end && is_blank(page->text[after])) after++;
        if (after < end && page->text[after] == '=') at = skip_value(page, after + 1, end);
    }
    return count;
}

/* The place after a comment whose `<!--` ends at `at`. */
static size_t skip_comment(const Page *page, size_t at) {
    if (at < page->length && page->text[at] == '>') return at + 1;
    if (at + 1 < page->length && page->text[at] == '-' && page->text[at + 1] == '>') return at + 2;
    for (; (at = find_byte(page, at, '-')) < page->length; at++) {
        if (at + 1 >= page->length || page->text[at + 1] != '-') continue;
        size_t end = at + 2;
        end += end < page->length && page->text[end] == '!';
        if (end < page->length && page->text[end] == '>') return end + 1;
    }
    return at;
}

/* The end tag of a script or style, or the end. */
static size_t find_end_tag(const Page *page, size_t at, const char *name) {
    size_t size = strlen(name);
    for (; (at = find_byte(page, at, '<')) < page->length; at++) {
        size_t end = at + 2 + size;
        if (end < page->length && page->text[at + 1] == '/' && is_name(page, at + 2, size, name) &&
            ends_name(page->text[end]))
            return at;
    }
    return at;
}

static int is_flat(const Page *page, size_t start, size_t size) {
    if (size > LONGEST_FLAT) return 0;
    for (size_t n = 0; n < FLAT_NAMES; n++)
        if (is_name(page, start, size, flat_names[n])) return 1;
    return 0;
}

static int same_name(const Page *page, size_t one, size_t other, size_t size) {
    for (size_t i = 0; i < size; i++)
        if (small(page->text[one + i]) != small(page->text[other + i])) return 0;
    return 1;
}

static uint32_t hash_name(const Page *page, size_t start, size_t size) {
    uint32_t hash = UINT32_C(2166136261);
    for (size_t i = 0; i < size; i++) hash = (hash ^ small(page->text[start + i])) * UINT32_C(16777619);
    return hash ^ (hash >> 15);
}

/* The slot of a name, or the free slot where it would be put. */
static OpenName *find_slot(const Page *page, size_t start, size_t size, uint32_t hash) {
    for (size_t at = hash;; at++) {
        OpenName *slot = page->slots + (at & (page->count - 1));
        int same = slot->hash == hash && slot->size == size;
        if (!slot->size || (same && same_name(page, slot->start, start, size))) return slot;
    }
}

/* Doubles the table, dropping names without open elements. */
static int make_room(Page *page) {
    OpenName *old = page->slots;
    size_t count = page->count, open = 0;
    for (size_t n = 0; n < count; n++) open += old[n].open > 0;
    page->count = 4 * open < FEWEST_SLOTS ? FEWEST_SLOTS : count * (4 * open > count ? 2 : 1);
    page->slots = calloc(page->count, sizeof *page->slots);
    if (!page->slots) {
        page->slots = old;
        return -1;
    }
    for (size_t n = 0; n < count; n++)
        if (old[n].open) *find_slot(page, old[n].start, old[n].size, old[n].hash) = old[n];
    page->used = open;
    free(old);
    return 0;
}

/* An end tag closes an open element of its name, if there is one. */
static int take_tag(Page *page, size_t start, size_t size, int ends) {
    if (2 * page->used >= page->count && make_room(page) < 0) return -1;
    uint32_t hash = hash_name(page, start, size);
    OpenName *slot = find_slot(page, start, size, hash);
    if (ends) {
        int closes = slot->size && slot->open;
        slot->open -= (uint32_t)closes;
        page->depth -= (uint64_t)closes;
        return 0;
    }
    if (!slot->size) {
        *slot = (OpenName){(uint32_t)start, (uint32_t)size, hash, 0, is_flat(page, start, size)};
        page->used++;
    }
    if (slot->flat) return 0;
    slot->open++;
    if (++page->depth > page->deepest) page->deepest = page->depth;
    return 0;
}

/* The place after a tag whose name starts at `start`; (size_t)-1 if memory ran out. */
static size_t read_tag(Page *page, size_t start, int ends, size_t longer) {
    size_t at = start;
    while (at < page->length && !ends_name(page->text[at])) at++;
    size_t size = at - start, end = tag_end(page, at);
    if (end - at > longer) {
        uint64_t count = count_attributes(page, at, end);
        if (count > page->attributes) page->attributes = count;
    }
    if (!ends && is_name(page, start, size, "script")) return find_end_tag(page, end, "script");
    if (!ends && is_name(page, start, size, "style")) return find_end_tag(page, end, "style");
    return take_tag(page, start, size, ends) < 0 ? (size_t)-1 : end;
}

/* Fills in `attributes` (of tags with more than `longer` bytes after the name) and `deepest` of a page
 * of less than 4 GB; returns -1 if memory ran out. */
static int measure_tags(Page *page, size_t longer) {
    size_t at = 0;
    page->count = FEWEST_SLOTS;
    page->slots = calloc(page->count, sizeof *page->slots);
    if (!page->slots) return -1;
    while (at != (size_t)-1 && (at = find_byte(page, at, '<')) + 1 < page->length) {
        const uint8_t *text = page->text + at + 1;
        size_t left = page->length - at - 1;
        int ends = text[0] == '/';
        if (left >= 3 && memcmp(text, "!--", 3) == 0)
            at = skip_comment(page, at + 4);
        else if (text[0] == '!' || text[0] == '?')
            at = find_byte(page, at + 2, '>');
        else if (left > (size_t)ends && is_letter(text[ends]))
            at = read_tag(page, at + 1 + (size_t)ends, ends, longer);
        else
            at = ends ? find_byte(page, at + 2, '>') : at + 1;
    }
    free(page->slots);
    return at == (size_t)-1 ? -1 : 0;
}

#endif
