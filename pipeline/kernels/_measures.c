/* A Python module that measures the texts of a Polars series (statistics.h), cuts them (chunking.h,
 * pieces.h) and scans their surface (surface.h); arrow_texts.h reads them. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "arrow_made.h"
#include "arrow_texts.h"
#include "chunking.h"
#include "pieces.h"
#include "statistics.h"
#include "surface.h"

enum { WEIGHTS_SIZE = 0x10000 * 4, MARKS_SIZE = TABLED * 2 };

typedef struct {
    struct ArrowArrayStream *stream;
    int64_t count, done; /* texts that are expected, and texts that have been measured */
    const char *table;   /* of classes, or of weights */
    int number;          /* the parts asked for, or the weight of characters above the table */
    int64_t *out;
    Counter counter;
    Cutter cutter;
    Pieces pieces;
    ByteKinds kinds;
    uint8_t *lines;     /* the texts one after the other, each on one line */
    size_t size, room;
    const char *fault;
} Job;

static int measure_statistics(Job *job, Text text) {
    int64_t *out = job->out + STATISTICS * job->done;
    if (!text.data) {
        memset(out, 0, STATISTICS * sizeof *out);
        return 0;
    }
    if (counter_fit(&job->counter, text.size) < 0) return -1;
    text_statistics(&job->counter, text.data, text.size, (const uint8_t *)job->table,
                    (unsigned)job->number, out);
    return 0;
}

static int measure_weight(Job *job, Text text) {
    const int32_t *weights = (const int32_t *)(const void *)job->table;
    job->out[job->done] = text.data ? weigh_text(text.data, text.size, weights, job->number) : 0;
    return 0;
}

static int measure_marks(Job *job, Text text) {
    const uint16_t *table = (const uint16_t *)(const void *)job->table;
    job->out[job->done] = text.data ? text_marks(text.data, text.size, table) : 0;
    return 0;
}

static int add_line(Job *job, Text text) {
    if (text.size > job->room - job->size) return -1;
    if (text.data)
        job->size += write_one_line(text.data, text.size, (const uint8_t *)job->table, &job->kinds,
                                    job->lines + job->size);
    job->out[job->done] = (int64_t)job->size;
    return 0;
}

static int cut_one(Job *job, Text text) {
    return text.data ? cut_text(&job->cutter, job->done, text.data, text.size) : 0;
}

static int cut_piece(Job *job, Text text) {
    if (text.data && cut_pieces(&job->pieces, text.data, text.size) < 0) return -1;
    job->out[job->done] = (int64_t)(job->pieces.made * PIECE_FIELDS * sizeof *job->pieces.out);
    return 0;
}

static void measure_array(Job *job, const struct ArrowArray *array, int (*one)(Job *, Text)) {
    for (int64_t row = 0; row < array->length && !job->fault; row++, job->done++) {
        if (job->done == job->count)
            job->fault = "there are more texts than were announced";
        else if (one(job, text_at(array, row)) < 0)
            job->fault = "out of memory, or of the room that was announced";
    }
}

/* Runs without the GIL, because the stream is Polars' own and its columns do not change. */
static void measure_all(Job *job, int (*one)(Job *, Text)) {
    if (!holds_views(job->stream)) job->fault = "a stream of string views is needed";
    while (!job->fault) {
        struct ArrowArray array = {0};
        if (job->stream->get_next(job->stream, &array)) {
            job->fault = "the stream broke off";
            return;
        }
        if (!array.release) break;
        measure_array(job, &array, one);
        array.release(&array);
    }
    if (!job->fault && job->done < job->count) job->fault = "there are too few texts";
}

/* For little-endian machines only: numbers are returned as they are in memory. */
static PyObject *measured(Job *job, PyObject *capsule, int width, int (*one)(Job *, Text)) {
    job->stream = PyCapsule_GetPointer(capsule, "arrow_array_stream");
    if (!job->stream) return NULL;
    if (job->count < 0 || job->count > PY_SSIZE_T_MAX / 8 / width) return PyErr_NoMemory();
    PyObject *made = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(8 * width * job->count));
    if (!made) return NULL;
    job->out = (int64_t *)(void *)PyBytes_AsString(made);
    Py_BEGIN_ALLOW_THREADS
    measure_all(job, one);
    Py_END_ALLOW_THREADS
    counter_free(&job->counter);
    if (!job->fault) return made;
    Py_DECREF(made);
    PyErr_SetString(PyExc_ValueError, job->fault);
    return NULL;
}

static PyObject *statistics(PyObject *Py_UNUSED(module), PyObject *arguments) {
    PyObject *capsule;
    Py_ssize_t size, count;
    Job job = {0};
    if (!PyArg_ParseTuple(arguments, "Ony#i", &capsule, &count, &job.table, &size, &job.number))
        return NULL;
    if (size != TABLED) {
        PyErr_SetString(PyExc_ValueError, "classes: 131072 bytes are needed");
        return NULL;
    }
    job.count = count;
    return measured(&job, capsule, STATISTICS, measure_statistics);
}

static PyObject *weights(PyObject *Py_UNUSED(module), PyObject *arguments) {
    PyObject *capsule;
    Py_ssize_t size, count;
    Job job = {0};
    if (!PyArg_ParseTuple(arguments, "Ony#i", &capsule, &count, &job.table, &size, &job.number))
        return NULL;
    if (size != WEIGHTS_SIZE) {
        PyErr_SetString(PyExc_ValueError, "weights: 65536 numbers of 4 bytes are needed");
        return NULL;
    }
    job.count = count;
    return measured(&job, capsule, 1, measure_weight);
}

static PyObject *marks(PyObject *Py_UNUSED(module), PyObject *arguments) {
    PyObject *capsule;
    Py_ssize_t size, count;
    Job job = {0};
    if (!PyArg_ParseTuple(arguments, "Ony#", &capsule, &count, &job.table, &size)) return NULL;
    if (size != MARKS_SIZE) {
        PyErr_SetString(PyExc_ValueError, "marks: 131072 numbers of 2 bytes are needed");
        return NULL;
    }
    job.count = count;
    return measured(&job, capsule, 1, measure_marks);
}

/* Each text on one line, as Arrow capsules; `room` is the number of bytes of all texts. Null is "". */
static PyObject *one_line(PyObject *Py_UNUSED(module), PyObject *arguments) {
    PyObject *capsule;
    Py_ssize_t size, count, room;
    Job job = {0};
    if (!PyArg_ParseTuple(arguments, "Onny#", &capsule, &count, &room, &job.table, &size))
        return NULL;
    if (size != TABLED || room < 0 || count < 0) {
        PyErr_SetString(PyExc_ValueError, "classes: 131072 bytes are needed");
        return NULL;
    }
    if (!(job.stream = PyCapsule_GetPointer(capsule, "arrow_array_stream"))) return NULL;
    int64_t *places = calloc((size_t)count + 1, sizeof *places);
    job.lines = malloc((size_t)room + 1);
    if (!places || !job.lines) {
        free(places);
        free(job.lines);
        return PyErr_NoMemory();
    }
    job.count = count;
    job.out = places + 1; /* where each text ends, which is where the next one begins */
    job.room = (size_t)room;
    Py_BEGIN_ALLOW_THREADS
    job.kinds = byte_kinds((const uint8_t *)job.table);
    measure_all(&job, add_line);
    Py_END_ALLOW_THREADS
    if (!job.fault) return handed_over(places, job.lines, count);
    free(places);
    free(job.lines);
    PyErr_SetString(PyExc_ValueError, job.fault);
    return NULL;
}

/* The chunks of all texts, in the order of the texts: CHUNK_FIELDS numbers for each chunk. */
static PyObject *cut_all(Job *job, PyObject *capsule) {
    PyObject *made = NULL;
    job->stream = PyCapsule_GetPointer(capsule, "arrow_array_stream");
    if (!job->stream) return NULL;
    Py_BEGIN_ALLOW_THREADS
    measure_all(job, cut_one);
    Py_END_ALLOW_THREADS
    size_t size = job->cutter.made * CHUNK_FIELDS * sizeof *job->cutter.out;
    if (job->fault)
        PyErr_SetString(PyExc_ValueError, job->fault);
    else
        made = PyBytes_FromStringAndSize((const char *)job->cutter.out, (Py_ssize_t)size);
    cutter_free(&job->cutter);
    return made;
}

static PyObject *chunks(PyObject *Py_UNUSED(module), PyObject *arguments) {
    PyObject *capsule;
    Py_ssize_t classes_size, weights_size, count;
    const char *classes, *weighing;
    long long limit, overlap, grain;
    int above;
    Job job = {0};
    if (!PyArg_ParseTuple(arguments, "Ony#y#iLLL", &capsule, &count, &classes, &classes_size,
                          &weighing, &weights_size, &above, &limit, &overlap, &grain))
        return NULL;
    if (classes_size != TABLED || weights_size != WEIGHTS_SIZE || limit < 1 || overlap < 0 || grain < 0) {
        PyErr_SetString(PyExc_ValueError, "classes, weights or limits: not of the size needed");
        return NULL;
    }
    job.count = count;
    job.cutter.classes = (const uint8_t *)classes;
    job.cutter.weights = (const int32_t *)(const void *)weighing;
    job.cutter.above = (int32_t)above;
    job.cutter.limit = limit;
    job.cutter.overlap = overlap;
    job.cutter.grain = grain;
    return cut_all(&job, capsule);
}

/* A pair: where the pieces of each text end among all pieces, and the pieces, PIECE_FIELDS numbers
 * each. */
static PyObject *pieces(PyObject *Py_UNUSED(module), PyObject *arguments) {
    PyObject *capsule, *ends, *found = NULL;
    Py_ssize_t size, count;
    int newlines;
    long long least;
    Job job = {0};
    if (!PyArg_ParseTuple(arguments, "Ony#iL", &capsule, &count, &job.table, &size, &newlines, &least))
        return NULL;
    if (size != TABLED || newlines < 1 || newlines > 2) {
        PyErr_SetString(PyExc_ValueError, "classes: 131072 bytes are needed; newlines: one or two");
        return NULL;
    }
    job.count = count;
    job.pieces.classes = (const uint8_t *)job.table;
    job.pieces.newlines = (size_t)newlines;
    job.pieces.least = least;
    job.pieces.kinds = byte_kinds(job.pieces.classes);
    ends = measured(&job, capsule, 1, cut_piece);
    size_t bytes = job.pieces.made * PIECE_FIELDS * sizeof *job.pieces.out;
    if (ends) found = PyBytes_FromStringAndSize((const char *)job.pieces.out, (Py_ssize_t)bytes);
    pieces_free(&job.pieces);
    if (found) return Py_BuildValue("(NN)", ends, found);
    Py_XDECREF(ends);
    return NULL;
}

static PyMethodDef methods[] = {
    {"chunks", chunks, METH_VARARGS, NULL},
    {"marks", marks, METH_VARARGS, NULL},
    {"one_line", one_line, METH_VARARGS, NULL},
    {"pieces", pieces, METH_VARARGS, NULL},
    {"statistics", statistics, METH_VARARGS, NULL},
    {"weights", weights, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {{0, NULL}};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "_measures", NULL, 0, methods, slots, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__measures(void) { return PyModuleDef_Init(&module); }
