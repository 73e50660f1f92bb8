/* Reads Python lists of `bytes` or None, so that the GIL may be released, and makes such lists. */
#ifndef PIPELINE_KERNELS_BLOBS_H
#define PIPELINE_KERNELS_BLOBS_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stddef.h>
#include <stdint.h>

/* The items of a list of `bytes` or None. The tuple keeps them alive while the GIL is released. */
typedef struct {
    PyObject *owner;
    Py_ssize_t count;
    const uint8_t **data; /* NULL for None */
    size_t *sizes;
} Blobs;

static void blobs_free(Blobs *blobs) {
    PyMem_Free(blobs->data);
    PyMem_Free(blobs->sizes);
    Py_XDECREF(blobs->owner);
}

static int blob_read(Blobs *blobs, Py_ssize_t index) {
    PyObject *item = PyTuple_GetItem(blobs->owner, index);
    char *data = NULL;
    Py_ssize_t size = 0;
    if (!item) return -1;
    if (item != Py_None && PyBytes_AsStringAndSize(item, &data, &size) < 0) return -1;
    blobs->data[index] = (const uint8_t *)data;
    blobs->sizes[index] = (size_t)size;
    return 0;
}

static int blobs_read(Blobs *blobs, PyObject *sequence) {
    blobs->owner = PySequence_Tuple(sequence);
    if (!blobs->owner) return -1;
    blobs->count = PyTuple_Size(blobs->owner);
    blobs->data = PyMem_Calloc((size_t)blobs->count + 1, sizeof *blobs->data);
    blobs->sizes = PyMem_Calloc((size_t)blobs->count + 1, sizeof *blobs->sizes);
    if (!blobs->data || !blobs->sizes) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t index = 0; index < blobs->count; index++)
        if (blob_read(blobs, index) < 0) return -1;
    return 0;
}

/* Puts a new `bytes` object of `size` bytes into the list and returns it; NULL on error. */
static uint8_t *put_bytes(PyObject *list, Py_ssize_t index, size_t size) {
    PyObject *made = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)size);
    if (!made || PyList_SetItem(list, index, made) < 0) return NULL;
    return (uint8_t *)PyBytes_AsString(made);
}

static int put_none(PyObject *list, Py_ssize_t index) {
    Py_INCREF(Py_None);
    return PyList_SetItem(list, index, Py_None);
}

static int wrong(const char *message) {
    PyErr_SetString(PyExc_ValueError, message);
    return -1;
}

#endif
