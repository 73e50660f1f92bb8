/* JSON as text (json_text.h), for Python: outlines of lines, and the texts of many objects alike.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "arrow_made.h"
#include "arrow_texts.h"
#include "json_text.h"

enum { KEYS_MOST = 64 };

/* The outline of each line, followed by a newline; an empty outline for null. */
static PyObject *outlines(PyObject *Py_UNUSED(module), PyObject *arguments) {
    PyObject *capsule;
    Py_ssize_t room, keep;
    const char *fault = NULL;
    if (!PyArg_ParseTuple(arguments, "Onn", &capsule, &room, &keep)) return NULL;
    struct ArrowArrayStream *stream = PyCapsule_GetPointer(capsule, "arrow_array_stream");
    if (!stream) return NULL;
    uint8_t *out = room < 0 ? NULL : malloc((size_t)room + 1);
    if (!out) return PyErr_NoMemory();
    size_t made = 0;
    Py_BEGIN_ALLOW_THREADS
    if (!holds_views(stream)) fault = "a stream of string views is needed";
    while (!fault) {
        struct ArrowArray array = {0};
        if (stream->get_next(stream, &array)) fault = "the stream broke off";
        if (fault || !array.release) break;
        for (int64_t row = 0; row < array.length && !fault; row++) {
            Text text = text_at(&array, row);
            if (text.size + 1 > (size_t)room - made) {
                fault = "there is less room than the lines take";
                break;
            }
            if (text.data) made += write_outline(text.data, text.size, (size_t)keep, 0, out + made);
            out[made++] = '\n';
        }
        array.release(&array);
    }
    Py_END_ALLOW_THREADS
    PyObject *found = NULL;
    if (fault)
        PyErr_SetString(PyExc_ValueError, fault);
    else
        found = PyBytes_FromStringAndSize((const char *)out, (Py_ssize_t)made);
    free(out);
    return found;
}

/* The outline of each line of a block; None if a line has a long string that is not JSON in UTF-8. */
static PyObject *strict_outlines(PyObject *Py_UNUSED(module), PyObject *arguments) {
    const char *data;
    Py_ssize_t length, keep;
    if (!PyArg_ParseTuple(arguments, "y#n", &data, &length, &keep)) return NULL;
    const uint8_t *block = (const uint8_t *)data;
    uint8_t *out = malloc((size_t)length + WIDTH + 1);
    if (!out) return PyErr_NoMemory();
    size_t made = 0, size = 0;
    Py_BEGIN_ALLOW_THREADS
    for (size_t at = 0; at < (size_t)length && size != SIZE_MAX;) {
        const uint8_t *end = memchr(block + at, '\n', (size_t)length - at);
        size_t line = (end ? (size_t)(end - block) : (size_t)length) - at;
        size = write_outline(block + at, line, (size_t)keep, 1, out + made);
        if (size == SIZE_MAX) break;
        made += size;
        at += line + 1;
        if (end) out[made++] = '\n';
    }
    Py_END_ALLOW_THREADS
    PyObject *found = NULL;
    if (size != SIZE_MAX) found = PyBytes_FromStringAndSize((const char *)out, (Py_ssize_t)made);
    free(out);
    if (size != SIZE_MAX) return found;
    Py_RETURN_NONE;
}

/* Reads the texts of all lines of a block; returns their number, or -1 if a line is of another form. */
static int64_t take_lines(const uint8_t *block, size_t length, const Likeness *like,
                          int64_t **places, Texts *texts) {
    int64_t lines = 0;
    for (size_t at = 0; at < length; lines++) {
        const uint8_t *end = memchr(block + at, '\n', length - at);
        size_t size = (end ? (size_t)(end - block) : length) - at;
        if (!take_object(block + at, size, like, texts)) return -1;
        for (size_t i = 0; i < like->wanted_count; i++)
            places[i][lines + 1] = (int64_t)texts[i].made;
        at += size + 1;
    }
    return lines;
}

static int64_t lines_in(const uint8_t *block, size_t length) {
    int64_t lines = 0;
    for (size_t i = 0; i < length; i++) lines += block[i] == '\n';
    return lines + (length && block[length - 1] != '\n');
}

static Py_ssize_t read_keys(PyObject *names, Key *keys) {
    Py_ssize_t count = PyTuple_Size(names), size;
    char *name;
    if (count > KEYS_MOST) {
        PyErr_SetString(PyExc_ValueError, "there are more keys than 64");
        return -1;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        if (PyBytes_AsStringAndSize(PyTuple_GetItem(names, i), &name, &size) < 0) return -1;
        keys[i] = (Key){(const uint8_t *)name, (size_t)size};
    }
    return count;
}

static int read_wanted(PyObject *numbers, Likeness *like) {
    Py_ssize_t count = PyTuple_Size(numbers);
    for (Py_ssize_t i = 0; i < count && i < WANTED_MOST; i++) {
        like->wanted[i] = PyLong_AsSize_t(PyTuple_GetItem(numbers, i));
        if (PyErr_Occurred()) return -1;
    }
    int rising = count < 2 || like->wanted[0] < like->wanted[1];
    if (count >= 1 && count <= WANTED_MOST && rising && like->wanted[count - 1] < like->count) {
        like->wanted_count = (size_t)count;
        return 0;
    }
    PyErr_SetString(PyExc_ValueError, "wanted: one or two numbers of keys, rising");
    return -1;
}

/* The capsules of each column of texts; takes ownership of all buffers, even on error. */
static PyObject *all_handed_over(int64_t **places, Texts *texts, size_t count, int64_t lines) {
    PyObject *found = PyTuple_New((Py_ssize_t)count);
    for (size_t i = 0; i < count; i++) {
        PyObject *one = handed_over(places[i], texts[i].bytes, lines);
        if (found && one) {
            PyTuple_SetItem(found, (Py_ssize_t)i, one);
        } else {
            Py_XDECREF(one);
            Py_CLEAR(found);
        }
    }
    return found;
}

/* The texts under the wanted keys of every line of a block, as Arrow capsules; None unless each line
 * is an object with exactly these keys, in this order, each with a scalar, the wanted ones with
 * strings. */
static PyObject *texts_in(const uint8_t *block, Py_ssize_t length, PyObject *names,
                          PyObject *wanted) {
    Key keys[KEYS_MOST];
    Py_ssize_t count = read_keys(names, keys);
    if (count < 0) return NULL;
    Likeness like = {.keys = keys, .count = (size_t)count};
    if (read_wanted(wanted, &like) < 0) return NULL;
    int64_t lines = lines_in(block, (size_t)length), taken = -1;
    int64_t *places[WANTED_MOST] = {NULL};
    Texts found[WANTED_MOST] = {{NULL, 0}};
    int whole = 1;
    for (size_t i = 0; i < like.wanted_count; i++) {
        places[i] = calloc((size_t)lines + 1, sizeof **places);
        found[i].bytes = malloc((size_t)length + WIDTH);
        whole = whole && places[i] && found[i].bytes;
    }
    if (whole) {
        Py_BEGIN_ALLOW_THREADS
        taken = take_lines(block, (size_t)length, &like, places, found);
        Py_END_ALLOW_THREADS
    }
    if (whole && taken == lines) return all_handed_over(places, found, like.wanted_count, lines);
    for (size_t i = 0; i < like.wanted_count; i++) {
        free(places[i]);
        free(found[i].bytes);
    }
    if (!whole) return PyErr_NoMemory();
    Py_RETURN_NONE;
}

static PyObject *texts(PyObject *Py_UNUSED(module), PyObject *arguments) {
    Py_buffer block;
    PyObject *names, *wanted;
    if (!PyArg_ParseTuple(arguments, "y*O!O!", &block, &PyTuple_Type, &names, &PyTuple_Type,
                          &wanted))
        return NULL;
    PyObject *found = texts_in(block.buf, block.len, names, wanted);
    PyBuffer_Release(&block);
    return found;
}

static PyMethodDef methods[] = {
    {"outlines", outlines, METH_VARARGS, NULL},
    {"strict_outlines", strict_outlines, METH_VARARGS, NULL},
    {"texts", texts, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {{0, NULL}};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "_json", NULL, 0, methods, slots, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__json(void) { return PyModuleDef_Init(&module); }
