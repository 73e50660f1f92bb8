/* Feeds the kernels random and mutated bytes under sanitizers; exits 1 when a property is broken.
 *
 *     cc -std=c11 -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all \
 *        tests/fuzz_kernels/fuzz_kernels.c -o fuzz_kernels && ./fuzz_kernels [INPUTS] [SEED]
 *
 * Every input and every result lies in a block of its own of exactly its size, so that one byte
 * too far is seen. Half of the inputs are good UTF-8, half have been damaged; every eighth input
 * meets a table of letters that is noise. Checked: all variants agree, counts fit their rooms,
 * sets ascend, a set shares all with itself and with another what a plain count says, words are
 * found where a plain walk finds them.
 */
#include "../../pipeline/kernels/grams.h"
#include "../../pipeline/kernels/search.h"
#include "fuzz.h"

/* Letters where a real table has them, in coarse strokes: enough to meet every branch. */
static void draw_letters(uint8_t *letters, int noise) {
    for (uint32_t code = 0; code < 0x10000; code++) {
        uint32_t letter = code < 0xC0 || (code >= 0x2000 && code < 0x2C00) ? 0 : code;
        if (code >= 0x2010 && code < 0x2400) letter = code | MARK;
        if (code >= 0xE00 && code < 0xF00) letter |= ALONE;
        if (code >= 0x3040 && code < 0xA000) letter |= ALONE;
        if (code == 0x23A) letter = 0x2C65; /* grows from two bytes to three */
        if (noise) letter = (uint32_t)draw(0);
        memcpy(letters + (size_t)4 * code, &letter, 4);
    }
}

static uint32_t draw_code(int dense) {
    static const uint32_t most[] = {0x80, 0x80, 0x80, 0x250, 0x800, 0xA000, 0x10000, 0x110000};
    static const char common[] = "aAbz09 ,.\n";
    if (dense) return 0x80 + (uint32_t)draw(0x780); /* two bytes: what may grow the most */
    if (draw(2)) return (uint32_t)common[draw(sizeof common - 1)];
    return (uint32_t)draw(most[draw(8)]);
}

static size_t draw_length(void) {
    if (draw(500) == 0) return (size_t)draw(60000);
    return draw(8) ? (size_t)draw(80) : (size_t)draw(2000);
}

/* A text of at most `room` bytes; returns its length. */
static size_t draw_text(uint8_t *text, size_t room) {
    size_t length = 0;
    int words_long = draw(4) == 0, dense = draw(6) == 0;
    while (length + 4 <= room) {
        int letter = words_long && draw(50);
        length += encode(letter ? 'a' + (uint32_t)draw(26) : draw_code(dense), text + length);
    }
    if (draw(2) && length) {
        size_t changes = 1 + (size_t)draw(4);
        while (changes--) text[draw(length)] = (uint8_t)draw(256);
        length -= (size_t)draw(length < 4 ? length : 4);
    }
    return length;
}

typedef struct {
    size_t count;
    uint8_t *grams; /* exactly 4 * count bytes */
} Set;

static void check_set(const uint32_t *grams, size_t count) {
    for (size_t i = 1; i < count; i++) demand(grams[i - 1] < grams[i], "sets ascend");
}

static Set make_set(Scratch *scratch, size_t count) {
    Set set = {distinct_grams(scratch, count), NULL};
    check_set(scratch->grams, set.count);
    set.grams = exactly(4 * set.count, NULL);
    store_grams(scratch->grams, set.count, set.grams);
    return set;
}

static size_t plain_shared(Set left, Set right) {
    size_t shared = 0;
    for (size_t i = 0; i < left.count; i++)
        for (size_t j = 0; j < right.count; j++)
            shared += memcmp(left.grams + 4 * i, right.grams + 4 * j, 4) == 0;
    return shared;
}

static Set check_text(Scratch *scratch, const uint8_t *text, size_t length,
                      const uint8_t *letters, const uint32_t *permutations) {
    Variant best = choose_variant();
    uint32_t minima[PERMUTATIONS], other[PERMUTATIONS];
    uint8_t *keys = exactly(8 * 20, NULL);
    if (draw(4) == 0) {
        scratch_free(scratch); /* so that its rooms are no larger than this text needs */
        *scratch = (Scratch){0};
    }
    demand(scratch_fit(scratch, length) == 0, "memory");
    size_t count = best.minima(scratch, text, length, letters, permutations, minima);
    demand(count <= scratch->grams_room, "grams fit");
    demand(minima_baseline(scratch, text, length, letters, permutations, other) == count,
           "variants find as many grams");
    demand(memcmp(minima, other, sizeof minima) == 0, "variants find the same minima");
    demand(best.grams(scratch, text, length, letters) == count, "both ways, as many grams");
    write_band_keys(minima, 20, 6, keys);
    free(keys);
    return make_set(scratch, count);
}

static int plainly_holds(Word word, const uint8_t *text, size_t length) {
    for (size_t at = 0; at + word.size <= length; at++) {
        size_t same = 0;
        while (same < word.size && lowered(text[at + same]) == word.bytes[same]) same++;
        if (same == word.size) return 1;
    }
    return 0;
}

/* A word cut from the text, and one of noise: found if and only if a plain walk finds one. */
static void check_search(const uint8_t *text, size_t length) {
    Word words[2];
    uint8_t *held[2];
    int expected = 0;
    for (size_t n = 0; n < 2; n++) {
        size_t size = 1 + (size_t)draw(6), from = length > size ? (size_t)draw(length - size) : 0;
        held[n] = exactly(size, NULL);
        for (size_t i = 0; i < size; i++)
            held[n][i] = lowered(n && from + i < length ? text[from + i] : (uint8_t)draw(256));
        words[n] = (Word){held[n], size, find_anchor(held[n], size), NULL};
        expected |= plainly_holds(words[n], text, length);
    }
    demand(text_holds_any(words, 2, text, length) == expected, "words are found");
    free(held[0]);
    free(held[1]);
}

int main(int argc, char **argv) {
    unsigned long inputs = argc > 1 ? strtoul(argv[1], NULL, 10) : 100000;
    state = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    uint8_t *letters = exactly(LETTERS_SIZE, NULL), *noise = exactly(LETTERS_SIZE, NULL);
    uint32_t permutations[2 * PERMUTATIONS];
    for (size_t i = 0; i < 2 * PERMUTATIONS; i++) permutations[i] = (uint32_t)draw(0) | 1;
    draw_letters(letters, 0);
    draw_letters(noise, 1);
    Scratch scratch = {0};
    Set before = {0, exactly(0, NULL)};
    uint64_t bytes = 0;
    demand(scratch_fit(&scratch, SIZE_MAX / 2) < 0, "no room for the impossible");
    for (unsigned long n = 0; n < inputs; n++) {
        size_t room = draw_length();
        uint8_t *drawn = exactly(room, NULL);
        size_t length = draw_text(drawn, room);
        uint8_t *text = exactly(length, NULL);
        memcpy(text, drawn, length);
        free(drawn);
        Set set = check_text(&scratch, text, length, n % 8 ? letters : noise, permutations);
        check_search(text, length);
        size_t shared = count_shared(set.grams, set.count, before.grams, before.count);
        demand(count_shared(set.grams, set.count, set.grams, set.count) == set.count, "itself");
        if (set.count < 500 && before.count < 500)
            demand(shared == plain_shared(set, before), "shared grams");
        free(before.grams);
        free(text);
        before = set;
        bytes += length;
    }
    free(before.grams);
    free(letters);
    free(noise);
    scratch_free(&scratch);
    printf("%lu inputs, %llu bytes, %s beside baseline: all well\n", inputs,
           (unsigned long long)bytes, choose_variant().name);
    return 0;
}
