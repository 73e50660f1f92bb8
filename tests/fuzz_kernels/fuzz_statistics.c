/* Feeds the statistics of documents, what cuts them (into chunks, into pieces) and what sees their
 * surface random and damaged bytes under sanitizers; exits 1 when a property is broken.
 *
 *     cc -std=c11 -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all \
 *        tests/fuzz_kernels/fuzz_statistics.c -o fuzz_statistics && ./fuzz_statistics [INPUTS] [SEED]
 *
 * Every input lies in a block of its own of exactly its size. Inputs are pieces that mean
 * something to the rules, one in two damaged; every eighth meets classes that are noise. Checked:
 * counts are in their bounds, and the same again with memory that was made for larger texts.
 */
#include "../../pipeline/kernels/chunking.h"
#include "../../pipeline/kernels/pieces.h"
#include "../../pipeline/kernels/statistics.h"
#include "fuzz.h"

static const char *const PIECES[] = {
    "the ", "of ", "with", " ", "\n", "\n\n", "\t", "a", "tea ", "x\n", ".", "...", "\xE2\x80\xA6", "? ",
    "\"", "]", "[", "[3]", "[edit]", "[citation needed]", "{", "#", "- ", "\xE2\x80\xA2", "lorem ipsum ",
    "JavaScript", "use cookies", "terms of use", "```", "~~~\n", "\n   ```", "| ", "# ", "\n\n\n", "\xC3\xA9", "\xE4\xB8\xAD", "\xE3\x80\x82", "\xF0\xA0\xAE\xB7",
    "\xF3\xA0\x81\x81", "\xC2\xA0", "\xE2\x80\xA8", "one two three four five six seven eight nine ten "};

static size_t draw_text(uint8_t *text, size_t room) {
    size_t length = 0, kinds = 1 + (size_t)draw(sizeof PIECES / sizeof *PIECES);
    while (length < room) {
        const char *piece = PIECES[draw(kinds)];
        size_t size = strlen(piece);
        if (size > room - length) break;
        memcpy(text + length, piece, size);
        length += size;
    }
    if (draw(2) && length) {
        for (size_t changes = 1 + (size_t)draw(4); changes; changes--)
            text[draw(length)] = (uint8_t)draw(256);
        length -= (size_t)draw(length < 4 ? length : 4);
    }
    return length;
}

/* Chunks follow each other to the end of the text, and none weighs more than it may. */
static void check_chunks(const uint8_t *text, size_t length, const uint8_t *classes,
                         const int32_t *weights) {
    Cutter cutter = {.classes = classes, .weights = weights, .above = 1};
    cutter.limit = 2 + (int64_t)draw(60);
    cutter.overlap = (int64_t)draw((uint64_t)cutter.limit / 2 + 1);
    cutter.grain = (cutter.overlap ? cutter.overlap : cutter.limit) / 2;
    demand(cut_text(&cutter, 0, text, length) == 0, "memory");
    int64_t end = 0;
    for (size_t i = 0; i < cutter.made && cutter.out[1] >= 0; i++) {
        const int64_t *chunk = cutter.out + CHUNK_FIELDS * i;
        demand(chunk[3] <= cutter.limit, "no chunk is too heavy");
        demand(chunk[4] <= end && chunk[5] > end, "every chunk goes on");
        end = chunk[5];
    }
    demand(!cutter.made || cutter.out[1] < 0 || end == (int64_t)length, "all of the text is cut");
    cutter_free(&cutter);
}

/* In one line no text grows, and to do it again changes nothing; marks are those that there are. */
static void check_surface(const uint8_t *text, size_t length, const uint8_t *classes,
                          const uint16_t *marks) {
    ByteKinds kinds = byte_kinds(classes), unknown = kinds;
    unknown.known = 0;
    uint8_t *once = exactly(length, NULL), *slowly = exactly(length, NULL);
    size_t made = write_one_line(text, length, classes, &kinds, once);
    demand(made <= length, "no text grows");
    demand(write_one_line(text, length, classes, &unknown, slowly) == made &&
               !memcmp(once, slowly, made), "by stretches as by bytes");
    uint8_t *twice = exactly(made, NULL);
    int blank = class_of(' ', classes) & BLANK; /* else what is written as one is none */
    size_t again = write_one_line(once, made, classes, &kinds, twice);
    demand(!blank || (again == made && !memcmp(once, twice, made)), "one line stays as it is");
    free(once);
    free(slowly);
    free(twice);
    int64_t found = text_marks(text, length, marks);
    demand((found & ~(int64_t)0xF6F) == 0, "there are ten marks");
    int three = 0;
    for (size_t i = 0; i + 2 < length; i++) three |= !memcmp(text + i, "\n\n\n", 3);
    demand(!(found & M_EMPTY_LINES) == !three, "three newlines are seen");
}

/* Pieces go on, their numbers are among the text's, and what was kept before changes none. */
static void check_pieces(const uint8_t *text, size_t length, const uint8_t *classes, Pieces *used) {
    Pieces fresh = {.classes = classes, .newlines = 1 + (size_t)draw(2), .least = (int64_t)draw(20)};
    fresh.kinds = byte_kinds(classes);
    size_t before = used->made, newlines = 1;
    for (size_t i = 0; i < length; i++) newlines += text[i] == '\n';
    used->classes = classes;
    used->newlines = fresh.newlines;
    used->least = fresh.least;
    used->kinds = fresh.kinds;
    demand(cut_pieces(&fresh, text, length) == 0 && cut_pieces(used, text, length) == 0, "memory");
    demand(fresh.made == used->made - before, "as many again");
    for (size_t n = 0; n < fresh.made; n++) {
        const uint64_t *one = fresh.out + PIECE_FIELDS * n;
        demand(one[0] < newlines && (!n || one[0] > one[-PIECE_FIELDS]), "numbers ascend");
        demand(!memcmp(one, used->out + PIECE_FIELDS * (before + n), 24), "the same again");
    }
    pieces_free(&fresh);
    if (used->made > 5000) used->made = 0;
}

/* The census of ASCII is the same whatever the processor can; bytes beyond ASCII have any class. */
static void check_census(const uint8_t *text, size_t length, const uint8_t *classes) {
    uint8_t *kinds = exactly(length + BLOCK, NULL), *plain = exactly(length, NULL);
    int64_t found[CENSUS] = {0}, expected[CENSUS] = {0};
    ascii_census(text, length, classes, kinds, found);
    ascii_census_plain(text, length, classes, plain, expected);
    demand(!memcmp(found, expected, sizeof found), "as many of each class");
    for (size_t i = 0; i < length; i++)
        demand(text[i] >= 0x80 || kinds[i] == plain[i], "the same classes");
    free(kinds);
    free(plain);
}

static void check_bounds(const int64_t *found, size_t length) {
    int64_t most = (int64_t)length;
    for (int i = 0; i < STATISTICS; i++) {
        int whole = i == S_TOP_2 || i == S_TOP_3 || i == S_TOP_4; /* runs of words overlap */
        demand(found[i] >= 0, "no count is negative");
        demand(found[i] <= (whole ? 5 * most : most + 1), "no count is over the bytes there are");
    }
    demand(found[S_CHARS] <= most, "characters have a byte");
    demand(2 * found[S_WORDS] <= most + 1, "words have a blank between them");
    demand(found[S_REPEATED_LINES] <= found[S_SOME_LINES], "repeats are lines");
    demand(found[S_STOP_WORDS] <= 8, "eight stop words");
}

int main(int argc, char **argv) {
    unsigned long inputs = argc > 1 ? strtoul(argv[1], NULL, 10) : 100000;
    state = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    uint8_t *classes = exactly(TABLED, NULL), *noise = exactly(TABLED, NULL);
    for (size_t code = 0; code < TABLED; code++) {
        classes[code] = code == ' ' || (code >= 9 && code <= 13) || code == 0xA0 || code == 0x2028 ? BLANK
                        : code >= 0x4E00 && code < 0xA000 ? LETTER | UNSPACED
                        : code == '.' || code == '?' || code == 0x3002 ? TERMINAL | OTHER
                                                                       : LETTER;
        noise[code] = (uint8_t)draw(256);
    }
    uint16_t *marks = exactly(TABLED * sizeof *marks, NULL);
    for (size_t code = 0; code < TABLED; code++) marks[code] = (uint16_t)draw(65536);
    static int32_t ones[0x10000];
    for (size_t code = 0; code < 0x10000; code++) ones[code] = 1;
    Counter used = {0};
    Pieces pieces = {0};
    uint64_t bytes = 0;
    demand(counter_fit(&used, SIZE_MAX / 2) < 0, "no room for the impossible");
    for (unsigned long n = 0; n < inputs; n++) {
        size_t room = (size_t)draw(draw(50) ? 400 : 20000);
        uint8_t *drawn = exactly(room, NULL), *table = n % 8 ? classes : noise;
        size_t length = draw_text(drawn, room);
        uint8_t *text = exactly(length, NULL);
        memcpy(text, drawn, length);
        free(drawn);
        Counter fresh = {0};
        int64_t found[STATISTICS], again[STATISTICS];
        demand(counter_fit(&fresh, length) == 0 && counter_fit(&used, length) == 0, "memory");
        text_statistics(&fresh, text, length, table, PART_REPETITION | PART_C4 | PART_LINES, found);
        text_statistics(&used, text, length, table, PART_REPETITION | PART_C4 | PART_LINES, again);
        demand(!memcmp(found, again, sizeof found), "the same again");
        check_bounds(found, length);
        text_statistics(&used, text, length, table, 0, again);
        demand(again[S_WORDS] == found[S_WORDS] && again[S_LINES] == found[S_LINES], "in part as whole");
        demand(again[S_RUNS] == found[S_RUNS] || table == noise, "in part as whole");
        check_census(text, length, table);
        check_chunks(text, length, table, ones);
        check_pieces(text, length, table, &pieces);
        check_surface(text, length, table, marks);
        demand(weigh_text(text, length, ones, 1) <= (int64_t)length, "a character has a byte");
        counter_free(&fresh);
        free(text);
        bytes += length;
    }
    counter_free(&used);
    pieces_free(&pieces);
    free(classes);
    free(noise);
    free(marks);
    printf("%lu inputs, %llu bytes: all well\n", inputs, (unsigned long long)bytes);
    return 0;
}
