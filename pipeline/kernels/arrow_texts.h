/* Reads the texts of a Polars series in place by the Arrow C stream interface: no copy, no Python.
 *
 * https://arrow.apache.org/docs/format/CStreamInterface.html. Only string and binary views ("vu",
 * "vz") are read, which is what Polars gives. The capsule owns the stream; we release its arrays.
 */
#ifndef PIPELINE_KERNELS_ARROW_TEXTS_H
#define PIPELINE_KERNELS_ARROW_TEXTS_H

#include <stdint.h>
#include <string.h>

struct ArrowSchema {
    const char *format, *name, *metadata;
    int64_t flags, n_children;
    struct ArrowSchema **children, *dictionary;
    void (*release)(struct ArrowSchema *);
    void *private_data;
};

struct ArrowArray {
    int64_t length, null_count, offset, n_buffers, n_children;
    const void **buffers;
    struct ArrowArray **children, *dictionary;
    void (*release)(struct ArrowArray *);
    void *private_data;
};

struct ArrowArrayStream {
    int (*get_schema)(struct ArrowArrayStream *, struct ArrowSchema *);
    int (*get_next)(struct ArrowArrayStream *, struct ArrowArray *);
    const char *(*get_last_error)(struct ArrowArrayStream *);
    void (*release)(struct ArrowArrayStream *);
    void *private_data;
};

typedef struct {
    const uint8_t *data; /* NULL for null */
    size_t size;
} Text;

enum { VIEW = 16, INLINE_MOST = 12 }; /* bytes of a view; most bytes of a text stored inside it */

/* Whether the stream's arrays are string or binary views. */
static int holds_views(struct ArrowArrayStream *stream) {
    struct ArrowSchema schema = {0};
    if (stream->get_schema(stream, &schema)) return 0;
    int views = !strcmp(schema.format, "vu") || !strcmp(schema.format, "vz");
    schema.release(&schema);
    return views;
}

/* One text of an array of views, whose buffers are validity, views, data…, sizes of the data. */
static Text text_at(const struct ArrowArray *array, int64_t row) {
    size_t at = (size_t)(array->offset + row);
    const uint8_t *valid = array->buffers[0];
    if (valid && !(valid[at / 8] >> (at % 8) & 1)) return (Text){NULL, 0};
    const uint8_t *view = (const uint8_t *)array->buffers[1] + VIEW * at;
    int32_t size, where[2];
    memcpy(&size, view, 4);
    if (size <= INLINE_MOST) return (Text){view + 4, (size_t)size};
    memcpy(where, view + 8, 8);
    return (Text){(const uint8_t *)array->buffers[2 + where[0]] + where[1], (size_t)size};
}

#endif
