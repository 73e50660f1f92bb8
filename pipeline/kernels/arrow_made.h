/* Passes texts made by a kernel to Polars through the Arrow C data interface.
 *
 * https://arrow.apache.org/docs/format/CDataInterface.html. Python.h must be included before this.
 * Whoever imports the capsules frees the buffers; otherwise they are freed with the capsules.
 */
#ifndef PIPELINE_KERNELS_ARROW_MADE_H
#define PIPELINE_KERNELS_ARROW_MADE_H

#include <stdlib.h>

#include "arrow_texts.h"

enum { BUFFERS = 3 };

typedef struct {
    const void *buffers[BUFFERS]; /* validity (none), ends of the texts, the texts */
} Owned;

static void release_array(struct ArrowArray *array) {
    Owned *owned = array->private_data;
    free((void *)owned->buffers[1]);
    free((void *)owned->buffers[2]);
    free(owned);
    array->release = NULL;
}

static void release_schema(struct ArrowSchema *schema) { schema->release = NULL; }

static void free_array(PyObject *capsule) {
    struct ArrowArray *array = PyCapsule_GetPointer(capsule, "arrow_array");
    if (array->release) array->release(array);
    free(array);
}

static void free_schema(PyObject *capsule) {
    free(PyCapsule_GetPointer(capsule, "arrow_schema"));
}

/* The two capsules of the interface; takes ownership of both buffers, even on error. */
static PyObject *handed_over(int64_t *places, uint8_t *texts, int64_t count) {
    struct ArrowSchema *schema = calloc(1, sizeof *schema);
    struct ArrowArray *array = calloc(1, sizeof *array);
    Owned *owned = malloc(sizeof *owned);
    if (!schema || !array || !owned) {
        free(schema);
        free(array);
        free(owned);
        free(places);
        free(texts);
        return PyErr_NoMemory();
    }
    *owned = (Owned){{NULL, places, texts}};
    *schema = (struct ArrowSchema){.format = "U", .name = "", .release = release_schema};
    *array = (struct ArrowArray){.length = count, .n_buffers = BUFFERS, .buffers = owned->buffers,
                                 .release = release_array, .private_data = owned};
    PyObject *of_schema = PyCapsule_New(schema, "arrow_schema", free_schema);
    PyObject *of_array = PyCapsule_New(array, "arrow_array", free_array);
    return Py_BuildValue("(NN)", of_schema, of_array);
}

#endif
