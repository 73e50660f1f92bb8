/* Where the rows of delimited text begin, block after block: strict quoting after RFC 4180.
 *
 * A quote opens a cell only at the cell's start. plain_rows.py does the same in Python. Plain C11
 * without Python; any bytes are safe to read.
 */
#ifndef PIPELINE_KERNELS_ROWS_H
#define PIPELINE_KERNELS_ROWS_H

#include <stddef.h>
#include <stdint.h>

/* Modes: before a row; after a CR that ended a row; before a cell; in an unquoted cell; in a quoted
 * cell; after a quote in a quoted cell; in the rest of a faulty row; in a row with a fault on a line
 * after its first, to the start of which the reader of rows goes back. */
enum { ROW, ROW_CR, CELL, UNQUOTED, QUOTED, QUOTE, FAULTY, LOST };

typedef struct {
    int mode;
    int later;              /* whether the current row is past its first line */
    int64_t rows;           /* rows that have ended; blank lines do not count */
    int64_t size, longest;  /* bytes of the current row, and of the longest one that has ended */
    int64_t cut, cut_rows;  /* first place in the block where a row may begin, or -1; rows before */
} RowScan;

static inline int ends_line(uint8_t byte) { return byte == '\n' || byte == '\r'; }

static inline int end_row(RowScan *scan, uint8_t byte) {
    scan->rows++;
    if (scan->size > scan->longest) scan->longest = scan->size;
    scan->size = 0;
    scan->later = 0;
    return byte == '\r' ? ROW_CR : ROW;
}

/* The mode after a byte that is not quoted. */
static inline int take_plain(RowScan *scan, uint8_t byte, uint8_t delimiter) {
    if (ends_line(byte)) return end_row(scan, byte);
    if (byte == delimiter) return CELL;
    if (scan->mode == QUOTE) return byte == '"' ? QUOTED : scan->later ? LOST : FAULTY;
    return scan->mode == CELL && byte == '"' ? QUOTED : UNQUOTED;
}

static void scan_rows(RowScan *scan, const uint8_t *block, size_t length, uint8_t delimiter) {
    scan->cut = -1;
    scan->cut_rows = 0;
    for (size_t at = 0; at < length && scan->mode != LOST; at++) {
        uint8_t byte = block[at];
        if (scan->mode == ROW_CR) {
            scan->mode = ROW;
            if (byte == '\n') continue;
        }
        if (scan->mode == ROW) {
            if (scan->cut < 0) {
                scan->cut = (int64_t)at;
                scan->cut_rows = scan->rows;
            }
            if (ends_line(byte)) {
                scan->mode = byte == '\r' ? ROW_CR : ROW;
                continue;
            }
            scan->mode = CELL;
        }
        scan->size++;
        if (scan->mode == QUOTED) {
            scan->later |= ends_line(byte);
            if (byte == '"') scan->mode = QUOTE;
        } else if (scan->mode != FAULTY) {
            scan->mode = take_plain(scan, byte, delimiter);
        } else if (ends_line(byte)) {
            scan->mode = end_row(scan, byte);
        }
    }
}

#endif
