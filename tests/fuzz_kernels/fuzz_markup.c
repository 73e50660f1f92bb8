/* Feeds the scan of mark-up random and cut mark-up under sanitizers; exits 1 when a property breaks.
 *
 *     cc -std=c11 -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all \
 *        tests/fuzz_kernels/fuzz_markup.c -o fuzz_markup && ./fuzz_markup [INPUTS] [SEED]
 *
 * Every input lies in a block of its own of exactly its size. Checked: no more elements are open
 * than there are `<`, no tag has more attributes than its bytes leave room for, and tags put
 * before a page are counted whatever follows. Lists follow each other, with no more letters in links
 * than there are, and one that is put before a page is found as it is.
 */
#include "../../pipeline/kernels/lists.h"
#include "../../pipeline/kernels/markup.h"
#include "fuzz.h"

static const char *const pieces[] = {
    "<", ">", "/", "!", "-", "=", "'", "\"", " ", "\n", "\v", "a", "B", "\xc3\xa9", "<a", "<a>",
    "</a>", "<div>", "</DIV>", "<script", "<style>", "</script>", "</style ", "<!--", "-->",
    "--!>", "<!-->", "=\"", "='", "= x", "<?", "</>", "<p>", "</", "<b x='>'>", "<ul>", "<UL c>",
    "</ul>", "</Ul >", "<a x>", "&amp;",
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

static void check_lists(const char *text, size_t length) {
    uint8_t *block = exactly(length, text);
    PageLists found = {0};
    demand(find_lists(block, length, &found) == 0, "room for lists");
    int64_t before = 0;
    for (size_t n = 0; n < found.count; n++) {
        const PageList *list = &found.lists[n];
        demand(before <= list->start && list->start < list->end, "lists follow each other");
        demand(list->end <= (int64_t)length, "a list is in its page");
        demand(list->links || !list->linked, "no letters in links without a link");
        before = list->end;
    }
    free(found.lists);
    free(block);
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
        check_lists(text, length);
        demand(measure(text, length, length).attributes == 0, "no tag is longer than its page");
    }
    printf("%lu inputs: all well\n", inputs);
    return 0;
}
