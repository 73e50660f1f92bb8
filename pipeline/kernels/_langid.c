/* langid.h as a Python module. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "langid.h"

static const char CAPSULE[] = "pipeline.kernels._langid.Model";

typedef struct {
    Model model;
    PyObject *owners; /* the bytes objects that the model points into */
} Owned;

static void owned_free(PyObject *capsule) {
    Owned *owned = PyCapsule_GetPointer(capsule, CAPSULE);
    if (!owned) return;
    free(owned->model.slots);
    Py_DECREF(owned->owners);
    PyMem_Free(owned);
}

static int wrong(const char *message) {
    PyErr_SetString(PyExc_ValueError, message);
    return 0;
}

/* Whether every index in the tables is within their bounds. */
static int tables_hold(const Model *model, Py_ssize_t entries) {
    if (model->languages < 2 || model->languages > MOST_LANGUAGES) return 0;
    if (model->starts[0] != 0 || model->starts[model->gram_count] != (size_t)entries) return 0;
    for (uint32_t n = 0; n < model->gram_count; n++)
        if (model->starts[n] > model->starts[n + 1]) return 0;
    for (Py_ssize_t n = 0; n < entries; n++)
        if (model->entry_of[n] >= model->languages) return 0;
    return 1;
}

static int model_read(Model *model, PyObject *arguments) {
    const char *grams, *starts, *entry_of, *entries, *characters, *state;
    Py_ssize_t sizes[6];
    if (!PyArg_ParseTuple(arguments, "y#y#y#y#y#y#ii", &grams, &sizes[0], &starts, &sizes[1],
                          &entry_of, &sizes[2], &entries, &sizes[3], &characters, &sizes[4],
                          &state, &sizes[5], &model->languages, &model->compensated))
        return 0;
    if (sizes[0] % 8 || sizes[0] / 8 > (1 << 24) || sizes[1] != sizes[0] / 8 * 4 + 4 ||
        sizes[3] != 8 * sizes[2] || sizes[4] != 4 * CHARACTERS || sizes[5] != 4 * STATE_WORDS)
        return wrong("model: tables of the wrong sizes");
    model->grams = (const uint64_t *)grams;
    model->starts = (const uint32_t *)starts;
    model->entry_of = (const uint8_t *)entry_of;
    model->entries = (const double *)entries;
    model->characters = (const uint32_t *)characters;
    model->gram_count = (uint32_t)(sizes[0] / 8);
    memcpy(model->fresh, state, sizeof model->fresh);
    twist(model->fresh);
    return tables_hold(model, sizes[2]) || wrong("model: a table names what is not there");
}

static PyObject *build(PyObject *Py_UNUSED(module), PyObject *arguments) {
    Owned *owned = PyMem_Calloc(1, sizeof *owned);
    if (!owned) return PyErr_NoMemory();
    if (!model_read(&owned->model, arguments)) {
        PyMem_Free(owned);
        return NULL;
    }
    PyObject *capsule = NULL;
    if (model_index(&owned->model))
        capsule = PyCapsule_New(owned, CAPSULE, owned_free);
    else
        PyErr_NoMemory();
    if (!capsule) {
        free(owned->model.slots);
        PyMem_Free(owned);
        return NULL;
    }
    Py_INCREF(arguments);
    owned->owners = arguments;
    return capsule;
}

static int put_text(const Model *model, Room *room, PyObject *text, double *mean) {
    char *data;
    Py_ssize_t size;
    if (PyBytes_AsStringAndSize(text, &data, &size) < 0) return -1;
    Py_BEGIN_ALLOW_THREADS
    langid_text(model, room, (const uint8_t *)data, (size_t)size, mean);
    Py_END_ALLOW_THREADS
    return 0;
}

/* A row of doubles for each of the texts, which are a tuple that the caller keeps alive. */
static PyObject *all_texts(const Model *model, PyObject *texts) {
    Py_ssize_t count = PyTuple_Size(texts);
    Py_ssize_t row = (Py_ssize_t)sizeof(double) * model->languages;
    PyObject *made = PyBytes_FromStringAndSize(NULL, count * row);
    Room *room = PyMem_Malloc(sizeof *room);
    if (made && !room) PyErr_NoMemory();
    int status = made && room ? 0 : -1;
    for (Py_ssize_t n = 0; status == 0 && n < count; n++) {
        double *mean = (double *)(void *)(PyBytes_AsString(made) + n * row);
        status = put_text(model, room, PyTuple_GetItem(texts, n), mean);
    }
    PyMem_Free(room);
    if (status < 0) Py_CLEAR(made);
    return made;
}

static PyObject *chances(PyObject *Py_UNUSED(module), PyObject *arguments) {
    PyObject *capsule, *sequence;
    if (!PyArg_ParseTuple(arguments, "OO", &capsule, &sequence)) return NULL;
    Owned *owned = PyCapsule_GetPointer(capsule, CAPSULE);
    PyObject *texts = owned ? PySequence_Tuple(sequence) : NULL;
    if (!texts) return NULL;
    PyObject *made = all_texts(&owned->model, texts);
    Py_DECREF(texts);
    return made;
}

static PyMethodDef methods[] = {
    {"build", build, METH_VARARGS, NULL},
    {"chances", chances, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {{0, NULL}};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "_langid", NULL, 0, methods, slots, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__langid(void) { return PyModuleDef_Init(&module); }
