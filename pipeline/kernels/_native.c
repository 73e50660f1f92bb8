/* A Python module of the kernels that work on lists of bytes. grams.h, markup.h, places.h, rows.h and
 * search.h do the work; plain.py, plain_markup.py, plain_rows.py and readers/pdf_places.py do the
 * same in Python. */
#include "blobs.h"
#include "grams.h"
#include "lists.h"
#include "markup.h"
#include "places.h"
#include "rows.h"
#include "search.h"

typedef struct {
    Blobs texts;
    Scratch scratch;
    Variant variant;
    const uint8_t *letters;
    uint32_t permutations[2 * PERMUTATIONS];
    size_t bands, rows;
} Job;

static int job_read(Job *job, PyObject *texts, const char *letters, Py_ssize_t size) {
    if ((size_t)size != LETTERS_SIZE) return wrong("letters: 65536 values of 4 bytes are needed");
    job->letters = (const uint8_t *)letters;
    job->variant = choose_variant();
    return blobs_read(&job->texts, texts);
}

static int job_shape(Job *job, const char *permutations, Py_ssize_t size, int bands, int rows) {
    if ((size_t)size != sizeof job->permutations) return wrong("permutations: 256 values");
    if (bands < 1 || rows < 1 || bands > PERMUTATIONS || rows > PERMUTATIONS / bands)
        return wrong("bands of rows: more than there are permutations");
    memcpy(job->permutations, permutations, sizeof job->permutations);
    job->bands = (size_t)bands;
    job->rows = (size_t)rows;
    return 0;
}

static void job_free(Job *job) {
    blobs_free(&job->texts);
    scratch_free(&job->scratch);
}

static int put_keys(Job *job, Py_ssize_t index, PyObject *list) {
    const uint8_t *text = job->texts.data[index];
    size_t length = job->texts.sizes[index], count = 0;
    uint32_t minima[PERMUTATIONS];
    if (text && scratch_fit(&job->scratch, length) < 0) {
        PyErr_NoMemory();
        return -1;
    }
    if (text) {
        Py_BEGIN_ALLOW_THREADS
        count = job->variant.minima(&job->scratch, text, length, job->letters, job->permutations,
                                    minima);
        Py_END_ALLOW_THREADS
    }
    if (!count) return put_none(list, index);
    uint8_t *keys = put_bytes(list, index, 8 * job->bands);
    if (!keys) return -1;
    write_band_keys(minima, job->bands, job->rows, keys);
    return 0;
}

/* The grams of a text: in order, including repeats, or each once, ascending. */
static int put_grams(Job *job, Py_ssize_t index, PyObject *list, int distinct) {
    const uint8_t *text = job->texts.data[index];
    size_t length = job->texts.sizes[index], count = 0;
    if (!text) return put_none(list, index);
    if (scratch_fit(&job->scratch, length) < 0) {
        PyErr_NoMemory();
        return -1;
    }
    Py_BEGIN_ALLOW_THREADS
    count = job->variant.grams(&job->scratch, text, length, job->letters);
    if (distinct) count = distinct_grams(&job->scratch, count);
    Py_END_ALLOW_THREADS
    uint8_t *set = put_bytes(list, index, 4 * count);
    if (!set) return -1;
    store_grams(job->scratch.grams, count, set);
    return 0;
}

static int put_set(Job *job, Py_ssize_t index, PyObject *list) {
    return put_grams(job, index, list, 1);
}

static int put_row(Job *job, Py_ssize_t index, PyObject *list) {
    return put_grams(job, index, list, 0);
}

static PyObject *for_each(Job *job, int (*put)(Job *, Py_ssize_t, PyObject *)) {
    PyObject *list = PyList_New(job->texts.count);
    for (Py_ssize_t index = 0; list && index < job->texts.count; index++)
        if (put(job, index, list) < 0) Py_CLEAR(list);
    return list;
}

static PyObject *band_keys(PyObject *Py_UNUSED(module), PyObject *arguments) {
    PyObject *texts, *result = NULL;
    const char *letters, *permutations;
    Py_ssize_t letters_size, permutations_size;
    int bands, rows;
    Job job = {0};
    if (!PyArg_ParseTuple(arguments, "Oy#y#ii", &texts, &letters, &letters_size, &permutations,
                          &permutations_size, &bands, &rows))
        return NULL;
    if (job_shape(&job, permutations, permutations_size, bands, rows) == 0 &&
        job_read(&job, texts, letters, letters_size) == 0)
        result = for_each(&job, put_keys);
    job_free(&job);
    return result;
}

static PyObject *grams_by(PyObject *arguments, int (*put)(Job *, Py_ssize_t, PyObject *)) {
    PyObject *texts, *result = NULL;
    const char *letters;
    Py_ssize_t letters_size;
    Job job = {0};
    if (!PyArg_ParseTuple(arguments, "Oy#", &texts, &letters, &letters_size)) return NULL;
    if (job_read(&job, texts, letters, letters_size) == 0) result = for_each(&job, put);
    job_free(&job);
    return result;
}

static PyObject *gram_sets(PyObject *Py_UNUSED(module), PyObject *arguments) {
    return grams_by(arguments, put_set);
}

static PyObject *gram_rows(PyObject *Py_UNUSED(module), PyObject *arguments) {
    return grams_by(arguments, put_row);
}

/* Counts shared grams of all pairs, without the GIL; returns -1 if a pair names a missing set. */
static int count_pairs(const Blobs *sets, const uint8_t *pairs, size_t count, uint8_t *counts) {
    for (size_t n = 0; n < count; n++) {
        size_t left = load_gram(pairs + 8 * n), right = load_gram(pairs + 8 * n + 4);
        if (left >= (size_t)sets->count || right >= (size_t)sets->count) return -1;
        uint32_t shared = (uint32_t)count_shared(sets->data[left], sets->sizes[left] / 4,
                                                 sets->data[right], sets->sizes[right] / 4);
        store_grams(&shared, 1, counts + 4 * n);
    }
    return 0;
}

static PyObject *count_all(const Blobs *sets, const char *pairs, size_t count) {
    PyObject *made = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(4 * count));
    if (!made) return NULL;
    uint8_t *counts = (uint8_t *)PyBytes_AsString(made);
    int status;
    Py_BEGIN_ALLOW_THREADS
    status = count_pairs(sets, (const uint8_t *)pairs, count, counts);
    Py_END_ALLOW_THREADS
    if (status < 0) {
        Py_CLEAR(made);
        PyErr_SetString(PyExc_IndexError, "pairs: there is no such set");
    }
    return made;
}

static PyObject *shared_counts(PyObject *Py_UNUSED(module), PyObject *arguments) {
    PyObject *sequence, *result = NULL;
    const char *pairs;
    Py_ssize_t size;
    Blobs sets = {0};
    if (!PyArg_ParseTuple(arguments, "Oy#", &sequence, &pairs, &size)) return NULL;
    if (size % 8)
        wrong("pairs: two numbers of 4 bytes each are needed");
    else if (blobs_read(&sets, sequence) == 0)
        result = count_all(&sets, pairs, (size_t)size / 8);
    blobs_free(&sets);
    return result;
}

/* Reads the words to search for; returns -1 if one of them is empty or missing. */
static int words_read(const Blobs *blobs, Word *words) {
    for (Py_ssize_t n = 0; n < blobs->count; n++) {
        if (!blobs->data[n] || !blobs->sizes[n]) return wrong("words: none may be empty");
        words[n].bytes = blobs->data[n];
        words[n].size = blobs->sizes[n];
        words[n].anchor = find_anchor(blobs->data[n], blobs->sizes[n]);
    }
    return 0;
}

static PyObject *holds_any(PyObject *Py_UNUSED(module), PyObject *arguments) {
    PyObject *sequence;
    const char *text;
    Py_ssize_t size;
    int found = -1;
    Blobs blobs = {0};
    Word *words = NULL;
    if (!PyArg_ParseTuple(arguments, "y#O", &text, &size, &sequence)) return NULL;
    if (blobs_read(&blobs, sequence) == 0) {
        words = PyMem_Calloc((size_t)blobs.count + 1, sizeof *words);
        if (!words)
            PyErr_NoMemory();
        else if (words_read(&blobs, words) == 0) {
            Py_BEGIN_ALLOW_THREADS
            found = text_holds_any(words, (size_t)blobs.count, (const uint8_t *)text, (size_t)size);
            Py_END_ALLOW_THREADS
        }
    }
    PyMem_Free(words);
    blobs_free(&blobs);
    return found < 0 ? NULL : PyBool_FromLong(found);
}

static PyObject *tag_extremes(PyObject *Py_UNUSED(module), PyObject *arguments) {
    const char *text;
    Py_ssize_t size, longer, deeper;
    int failed;
    Page page = {0};
    if (!PyArg_ParseTuple(arguments, "s#nn", &text, &size, &longer, &deeper)) return NULL;
    if ((uint64_t)size > UINT32_MAX) return PyErr_Format(PyExc_OverflowError, "4 GB are the most");
    page.text = (const uint8_t *)text;
    page.length = (size_t)size;
    Py_BEGIN_ALLOW_THREADS
    failed = measure_tags(&page, (size_t)longer) < 0;
    Py_END_ALLOW_THREADS
    if (failed) return PyErr_NoMemory();
    if (page.deepest <= (uint64_t)deeper) page.deepest = 0;
    return Py_BuildValue("(KK)", (unsigned long long)page.attributes,
                         (unsigned long long)page.deepest);
}

static PyObject *page_lists(PyObject *Py_UNUSED(module), PyObject *arguments) {
    const char *text;
    Py_ssize_t size;
    int failed;
    PageLists found = {0};
    if (!PyArg_ParseTuple(arguments, "s#", &text, &size)) return NULL;
    Py_BEGIN_ALLOW_THREADS
    failed = find_lists((const uint8_t *)text, (size_t)size, &found);
    Py_END_ALLOW_THREADS
    PyObject *told = failed ? PyErr_NoMemory() : PyList_New((Py_ssize_t)found.count);
    for (size_t n = 0; told && n < found.count; n++) {
        const PageList *list = &found.lists[n];
        PyObject *one = Py_BuildValue("(LLLLL)", (long long)list->start, (long long)list->end,
                                      (long long)list->letters, (long long)list->linked,
                                      (long long)list->links);
        if (!one) Py_CLEAR(told);
        else PyList_SetItem(told, (Py_ssize_t)n, one);
    }
    free(found.lists);
    return told;
}

static PyObject *scan_rows_of(PyObject *Py_UNUSED(module), PyObject *arguments) {
    const char *block;
    Py_ssize_t size;
    int delimiter;
    long long rows, row_size, longest;
    RowScan scan = {0};
    if (!PyArg_ParseTuple(arguments, "y#i(iiLLL)", &block, &size, &delimiter, &scan.mode,
                          &scan.later, &rows, &row_size, &longest))
        return NULL;
    scan.rows = rows;
    scan.size = row_size;
    scan.longest = longest;
    Py_BEGIN_ALLOW_THREADS
    scan_rows(&scan, (const uint8_t *)block, (size_t)size, (uint8_t)delimiter);
    Py_END_ALLOW_THREADS
    return Py_BuildValue("((iiLLL)LL)", scan.mode, scan.later, (long long)scan.rows,
                         (long long)scan.size, (long long)scan.longest, (long long)scan.cut,
                         (long long)scan.cut_rows);
}

static PyObject *line_places(PyObject *Py_UNUSED(module), PyObject *arguments) {
    unsigned long long page, origin, box, index;
    const char *firsts, *lasts;
    Py_ssize_t size, lasts_size;
    if (!PyArg_ParseTuple(arguments, "(KKK)Ky#y#", &origin, &box, &index, &page, &firsts, &size,
                          &lasts, &lasts_size))
        return NULL;
    if (size != lasts_size || size % 4) {
        wrong("lines: a first and a last character of 4 bytes each are needed");
        return NULL;
    }
    TextPage asked = {(void *)(uintptr_t)page, (OriginOf)(uintptr_t)origin, (BoxOf)(uintptr_t)box,
                      (IndexOf)(uintptr_t)index};
    PyObject *made = PyBytes_FromStringAndSize(NULL, 6 * size);
    if (!made) return NULL;
    double *places = memset(PyBytes_AsString(made), 0, (size_t)(6 * size));
    find_places(&asked, (const int32_t *)firsts, (const int32_t *)lasts, (size_t)size / 4, places);
    return made;
}

static PyObject *instruction_set(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(nothing)) {
    return PyUnicode_FromString(choose_variant().name);
}

static PyMethodDef methods[] = {
    {"band_keys", band_keys, METH_VARARGS, NULL},
    {"gram_sets", gram_sets, METH_VARARGS, NULL},
    {"gram_rows", gram_rows, METH_VARARGS, NULL},
    {"shared_counts", shared_counts, METH_VARARGS, NULL},
    {"holds_any", holds_any, METH_VARARGS, NULL},
    {"tag_extremes", tag_extremes, METH_VARARGS, NULL},
    {"page_lists", page_lists, METH_VARARGS, NULL},
    {"scan_rows", scan_rows_of, METH_VARARGS, NULL},
    {"line_places", line_places, METH_VARARGS, NULL},
    {"instruction_set", instruction_set, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {{0, NULL}};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "_native", NULL, 0, methods, slots, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__native(void) { return PyModuleDef_Init(&module); }
