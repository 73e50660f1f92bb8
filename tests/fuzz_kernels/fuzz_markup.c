/* Feeds the scan of mark-up random and cut mark-up under sanitizers; exits 1 when a property breaks.
 *
 *     cc -std=c11 -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all \
 *        tests/fuzz_kernels/fuzz_markup.c -o fuzz_markup && ./fuzz_markup [INPUTS] [SEED]
 *
 * Every input lies in a block of its own of exactly its size. Checked: no more elements are open
 * than there are `<`, no tag has more attributes than its bytes leave room for, and tags put
 * before a page are counted whatever follows.
 */
#include "../../pipeline/kernels/markup.h"
#include "fuzz.h"

static const char *const pieces[] = {
    "<", ">", "/", "!", "-", "=", "'", "\"", " ", "\n", "\v", "a", "B", "\xc3\xa9", "<a", "<a>",
    "</a>", "<div>", "</DIV>", "<script", "<style>", "</script>", "</style ", "<!--", "-->",
    "--!>", "<!-->", "=\"", "='", "= x", "<?", "</>", "<p>", "</", "<b x='>'>",
};
enum { PIECES = sizeof pieces / sizeof *pieces };

/* Pieces, or names that are all different: what fills the table of names. */
static size_t draw_page(char *page, size_t room) {
    size_t length = 0;
    int names = draw(20) == 0;
    while (room - length > 16) {
        char name[16];
        snprintf(name, sizeof name, "<n%u>", (unsigned)draw(50000));
        const char *piece = names ? name : pieces[draw(PIECES)];
        size_t size = strlen(piece);
        memcpy(page + length, piece, size);
        length += size;
    }
    return length - (length ? draw(length < 8 ? length : 8) : 0);
}

static Page measure(const char *text, size_t length, size_t longer) {
    uint8_t *block = exactly(length, text);
    Page page = {.text = block, .length = length};
    demand(measure_tags(&page, longer) == 0, "room");
    free(block);
    return page;
}

int main(int argc, char **argv) {
    unsigned long inputs = argc > 1 ? strtoul(argv[1], NULL, 10) : 100000;
    state = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    static char text[20016] = "<b><b><b x y z>";
    enum { BEFORE = 15 };
    for (unsigned long n = 0; n < inputs; n++) {
        size_t length = BEFORE + draw_page(text + BEFORE, draw(200) ? draw(120) : draw(20000));
        uint64_t tags = 0;
        for (size_t i = 0; i < length; i++) tags += text[i] == '<';
        Page page = measure(text, length, draw(2) * 3);
        demand(page.deepest >= 3 && page.deepest <= tags, "depth");
        demand(page.attributes >= 3 && 2 * page.attributes <= length, "attributes");
        demand(measure(text, length, length).attributes == 0, "no tag is longer than its page");
    }
    printf("%lu inputs: all well\n", inputs);
    return 0;
}
