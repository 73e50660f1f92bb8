/* Feeds outlines and texts of JSON random and cut pieces under sanitizers; exits 1 when a property
 * breaks.
 *
 *     cc -std=c11 -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all \
 *        tests/fuzz_kernels/fuzz_json.c -o fuzz_json && ./fuzz_json [INPUTS] [SEED]
 *
 * Every input and every output lies in a block of its own of exactly its size. Checked: an outline
 * is no longer than its line, has as many quotes that open or close, and is its own outline; a text
 * is no longer than its line, and is well-formed UTF-8.
 */
#include "../../pipeline/kernels/json_text.h"
#include "fuzz.h"

static const char *const pieces[] = {
    "{\"text\":\"", "{\"n\":1,\"text\":\"", "{\"n\":\"a\",\"text\":\"",
    "\"", "\"}", "\\", "\\\"", "\\\\", "\\n", "\\u00e9", "\\u0041", "\\ud83c\\udf75", "\\ud83c", "\\udf75", "\\u12", "\\x", "}", "{", ":", ",", " ",
    "\t", "\n", "\x01", "\xc3\xa9", "\xf0\x9f\x8d\xb5", "\xe1\xba\xa1", "\xc3", "\xff", "\xed\xa0\x80",
    "a", "tea and more of it", "true", "null", "-1.5", "01", "12345678901234567890",
};
enum { PIECES = sizeof pieces / sizeof *pieces };

static size_t draw_line(uint8_t *line, size_t room) {
    size_t length = 0;
    while (room - length > 24 && draw(24)) {
        const char *piece = length ? pieces[draw(PIECES)] : pieces[draw(4)];
        memcpy(line + length, piece, strlen(piece));
        length += strlen(piece);
    }
    return length - (length ? draw(length < 4 ? length : 4) : 0);
}

static void check_outline(const uint8_t *line, size_t length, size_t keep) {
    uint8_t *text = exactly(length, line), *once = exactly(length, NULL);
    size_t size = write_outline(text, length, keep, 0, once);
    demand(size <= length, "an outline is longer than its line");
    uint8_t *strict = exactly(length + WIDTH, NULL);
    size_t strictly = write_outline(text, length, keep, 1, strict);
    demand(strictly == SIZE_MAX || (strictly == size && !memcmp(once, strict, size)), "strictly");
    free(strict);
    uint8_t *again = exactly(size, once), *twice = exactly(size, NULL);
    size_t second = write_outline(again, size, keep ? keep : 1, 0, twice);
    demand(second == size && !memcmp(once, twice, size), "an outline has another outline");
    free(text);
    free(once);
    free(again);
    free(twice);
}

static void check_texts(const uint8_t *line, size_t length, const Likeness *like) {
    uint8_t *text = exactly(length, line);
    Texts out[WANTED_MOST] = {{exactly(length + WIDTH, NULL), 0}, {exactly(length + WIDTH, NULL), 0}};
    if (take_object(text, length, like, out)) {
        demand(out[0].made + out[1].made <= length, "texts are longer than their line");
        for (size_t i = 0; i < like->wanted_count; i++) {
            for (size_t at = 0; at < out[i].made;) {
                const uint8_t *said = out[i].bytes;
                size_t size = said[at] < 0x80 ? 1 : long_character(said, at, out[i].made);
                demand(size > 0, "a text is not UTF-8");
                at += size;
            }
        }
    }
    free(text);
    free(out[0].bytes);
    free(out[1].bytes);
}

int main(int argc, char **argv) {
    unsigned long inputs = argc > 1 ? strtoul(argv[1], NULL, 10) : 100000;
    state = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    const Key keys[] = {{(const uint8_t *)"n", 1}, {(const uint8_t *)"text", 4}};
    const Likeness likes[] = {{keys, 2, 1, {1, 0}}, {keys + 1, 1, 1, {0, 0}}, {keys, 2, 2, {0, 1}}};
    static uint8_t line[2048];
    for (unsigned long n = 0; n < inputs; n++) {
        size_t length = draw_line(line, sizeof line);
        check_outline(line, length, draw(20));
        check_texts(line, length, likes + draw(3));
    }
    printf("%lu inputs: all well\n", inputs);
    return 0;
}
