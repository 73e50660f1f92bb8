/* The lists of an HTML page and how much of each is links, found before the page is parsed.
 *
 * A tag is anything from `<` to the next `>`. Plain C11 without Python; any bytes are safe to read;
 * plain_lists.py does the same in Python.
 */
#ifndef PIPELINE_KERNELS_LISTS_H
#define PIPELINE_KERNELS_LISTS_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { ENTITY_MORE = 5, FEWEST_LISTS = 16 }; /* characters of an entity beyond the one it stands for */

/* A `<ul>`: its place in characters, the letters of its text, those in links, and its links. */
typedef struct {
    int64_t start, end, letters, linked, links;
} PageList;

typedef struct {
    PageList *lists;
    size_t count, room;
} PageLists;

static inline int is_white(uint8_t byte) { return byte == ' ' || (byte >= '\t' && byte <= '\r'); }

/* Characters of a text: the bytes that begin one. (characters.h counts them too, but cannot be
 * included with words.h: both define BLOCK and PADDING.) */
static size_t count_starts(const uint8_t *text, size_t length) {
    size_t count = 0;
    for (size_t at = 0; at < length; at++) count += (text[at] & 0xC0) != 0x80;
    return count;
}

static int add_list(PageLists *held, PageList list) {
    if (held->count == held->room) {
        size_t room = held->room ? 2 * held->room : FEWEST_LISTS;
        PageList *lists = realloc(held->lists, room * sizeof *lists);
        if (!lists) return -1;
        held->lists = lists;
        held->room = room;
    }
    held->lists[held->count++] = list;
    return 0;
}

/* The number of characters that are not blanks; an entity counts as one. */
static int64_t count_letters(const uint8_t *text, size_t length) {
    int64_t letters = 0;
    for (size_t at = 0; at < length; at++) {
        letters += (text[at] & 0xC0) != 0x80 && !is_white(text[at]);
        if (text[at] == '&') letters -= ENTITY_MORE;
    }
    return letters;
}

/* Whether a tag, given as `size` bytes between its brackets, has this name, in any case. */
static int tag_is(const uint8_t *inside, size_t size, const char *name) {
    size_t length = strlen(name);
    if (size < length || (size > length && !is_white(inside[length]))) return 0;
    for (size_t i = 0; i < length; i++) {
        uint8_t byte = inside[i];
        if ((byte >= 'A' && byte <= 'Z' ? byte + 32 : byte) != (uint8_t)name[i]) return 0;
    }
    return 1;
}

/* Adds the list that `</ul>` closes, in place of all lists inside it. */
static int close_list(PageLists *opened, PageLists *found, PageList now) {
    PageList list = opened->lists[--opened->count];
    while (found->count && found->lists[found->count - 1].start > list.start) found->count--;
    return add_list(found, (PageList){list.start, now.end, now.letters - list.letters,
                                      now.linked - list.linked, now.links - list.links});
}

/* Fills `found` with the outermost lists; one that is not closed does not count. Returns -1 if memory
 * ran out. */
static int find_lists(const uint8_t *text, size_t length, PageLists *found) {
    PageLists opened = {0};
    PageList now = {0}; /* `place` in characters, and the counts so far inside lists */
    size_t at = 0, place = 0;
    int in_link = 0, failed = 0;
    while (!failed && at < length) {
        const uint8_t *open = memchr(text + at, '<', length - at);
        const uint8_t *close = open ? memchr(open, '>', length - (size_t)(open - text)) : NULL;
        size_t start = close ? (size_t)(open - text) : length;
        if (opened.count) {
            int64_t letters = count_letters(text + at, start - at);
            now.letters += letters;
            now.linked += in_link ? letters : 0;
        }
        if (!close) break;
        const uint8_t *inside = open + 1;
        size_t size = (size_t)(close - inside);
        at = (size_t)(close - text) + 1;
        if (tag_is(inside, size, "a")) {
            in_link = 1;
            now.links++;
        } else if (tag_is(inside, size, "/a")) {
            in_link = 0;
        } else if (tag_is(inside, size, "ul")) {
            now.end += (int64_t)count_starts(text + place, start - place);
            place = start;
            now.start = now.end;
            in_link = 0; /* in case a link was never closed, such as an old anchor */
            failed = add_list(&opened, now);
        } else if (opened.count && tag_is(inside, size, "/ul")) {
            now.end += (int64_t)count_starts(text + place, at - place);
            place = at;
            failed = close_list(&opened, found, now);
        }
    }
    free(opened.lists);
    return failed;
}

#endif
