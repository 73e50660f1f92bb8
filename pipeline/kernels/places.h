/* Where the lines of a PDF page are, by calls to PDFium through the addresses of its functions.
 *
 * There are two calls for each line. By ctypes from Python the calls take ten times as long as the
 * work. pipeline/readers/pdf_places.py does the same in Python. Plain C11 without Python.
 */
#ifndef PIPELINE_KERNELS_PLACES_H
#define PIPELINE_KERNELS_PLACES_H

#include <stddef.h>
#include <stdint.h>

/* FPDFText_GetCharOrigin, FPDFText_GetCharBox and FPDFText_GetCharIndexFromTextIndex, as PDFium's
 * fpdf_text.h declares them. */
typedef int (*OriginOf)(void *page, int index, double *x, double *y);
typedef int (*BoxOf)(void *page, int index, double *left, double *right, double *bottom,
                     double *top);
typedef int (*IndexOf)(void *page, int text_index);

typedef struct {
    void *page;
    OriginOf origin;
    BoxOf box;
    IndexOf index; /* NULL if characters and text have the same numbers */
} TextPage;

/* Sets left, right and baseline of each line, in points; leaves zeros if a line has no place. */
static void find_places(const TextPage *page, const int32_t *firsts, const int32_t *lasts,
                        size_t count, double *places) {
    double unused[3];
    for (size_t n = 0; n < count; n++, places += 3) {
        int first = page->index ? page->index(page->page, firsts[n]) : firsts[n];
        int last = page->index ? page->index(page->page, lasts[n]) : lasts[n];
        page->origin(page->page, first, places, places + 2);
        page->box(page->page, last, unused, places + 1, unused + 1, unused + 2);
    }
}

#endif
