/* langdetect's detector, operation by operation, so that every probability has the same bits.
 *
 * The order of the sums, the draws of Python's Mersenne Twister and its `gauss` affect the answer.
 * No two operations may be fused with a single rounding (fma): see `extra_compile_args`.
 */
#ifndef LANGID_H
#define LANGID_H

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define MOST_LANGUAGES 128
#define MOST_CHARACTERS 10000 /* of a text; the rest is ignored */
#define CHARACTERS 0x20000    /* code points in the table */
#define UPPER 0x80000000u     /* in the table: an upper-case letter after normalisation */
#define STATE_WORDS 624
#define TRIALS 7
#define MOST_STEPS 1000
#define CONVERGED 0.99999

typedef struct {
    uint32_t *slots; /* open addressing: index of a gram, or EMPTY */
    int bits;
    const uint64_t *grams;   /* up to three code points of 21 bits each */
    const uint32_t *starts;  /* first entry of each gram, and the end of the last one's */
    const uint8_t *entry_of; /* language of an entry */
    const double *entries;   /* frequency of the gram in that language */
    const uint32_t *characters;
    uint32_t fresh[STATE_WORDS]; /* the initial state, for the same draws with every text */
    uint32_t gram_count;
    int languages;
    int compensated; /* whether Python's `sum` of floats is compensated (from 3.12 on) */
} Model;

#define EMPTY UINT32_MAX

static void twist(uint32_t *state) {
    for (int n = 0; n < STATE_WORDS; n++) {
        uint32_t y = (state[n] & 0x80000000u) | (state[(n + 1) % STATE_WORDS] & 0x7fffffffu);
        state[n] = state[(n + 397) % STATE_WORDS] ^ (y >> 1) ^ ((y & 1u) ? 0x9908b0dfu : 0u);
    }
}

typedef struct {
    uint32_t state[STATE_WORDS];
    int next;
    double spare; /* gauss makes two numbers at a time */
    int has_spare;
} Random;

static void random_seed(Random *random, const Model *model) {
    memcpy(random->state, model->fresh, sizeof random->state);
    random->next = 0;
    random->has_spare = 0;
}

static uint32_t random_word(Random *random) {
    if (random->next == STATE_WORDS) {
        twist(random->state);
        random->next = 0;
    }
    uint32_t y = random->state[random->next++];
    y ^= y >> 11;
    y ^= (y << 7) & 0x9d2c5680u;
    y ^= (y << 15) & 0xefc60000u;
    return y ^ (y >> 18);
}

static double random_fraction(Random *random) {
    uint32_t a = random_word(random) >> 5, b = random_word(random) >> 6;
    return (a * 67108864.0 + b) * (1.0 / 9007199254740992.0);
}

static double random_gauss(Random *random) {
    if (random->has_spare) {
        random->has_spare = 0;
        return random->spare;
    }
    double angle = random_fraction(random) * (2.0 * 3.141592653589793);
    double radius = sqrt(-2.0 * log(1.0 - random_fraction(random)));
    random->spare = sin(angle) * radius;
    random->has_spare = 1;
    return cos(angle) * radius;
}

/* A number below `count`, as random.choice draws it: random bits, repeated until they are below. */
static uint32_t random_below(Random *random, uint32_t count) {
    int bits = 0;
    while (bits < 32 && (count >> bits)) bits++;
    uint32_t drawn;
    do drawn = random_word(random) >> (32 - bits);
    while (drawn >= count);
    return drawn;
}

static uint32_t slot_of(const Model *model, uint64_t gram) {
    return (uint32_t)((gram * UINT64_C(0x9E3779B97F4A7C15)) >> (64 - model->bits));
}

/* Fills the slots; returns 0 if memory ran out. */
static int model_index(Model *model) {
    model->bits = 2;
    while ((UINT32_C(1) << model->bits) < 2 * model->gram_count) model->bits++;
    size_t size = (size_t)1 << model->bits;
    model->slots = malloc(size * sizeof *model->slots);
    if (!model->slots) return 0;
    memset(model->slots, 0xff, size * sizeof *model->slots);
    for (uint32_t n = 0; n < model->gram_count; n++) {
        uint32_t slot = slot_of(model, model->grams[n]);
        while (model->slots[slot] != EMPTY) slot = (slot + 1) & (uint32_t)(size - 1);
        model->slots[slot] = n;
    }
    return 1;
}

static uint32_t model_find(const Model *model, uint64_t gram) {
    uint32_t slot = slot_of(model, gram), last = (UINT32_C(1) << model->bits) - 1;
    while (model->slots[slot] != EMPTY && model->grams[model->slots[slot]] != gram)
        slot = (slot + 1) & last;
    return model->slots[slot];
}

/* The next code point of UTF-8; each invalid byte counts as one U+FFFD. */
static uint32_t next_code(const uint8_t *text, size_t length, size_t *at) {
    uint32_t first = text[(*at)++];
    if (first < 0x80) return first;
    int more = first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : first >= 0xC0 ? 1 : 0;
    if (!more || *at + (size_t)more > length) return 0xFFFD;
    uint32_t code = first & (0x3Fu >> more);
    for (int n = 0; n < more; n++) code = code << 6 | (text[*at + (size_t)n] & 0x3Fu);
    *at += (size_t)more;
    return code < 0x110000 ? code : 0xFFFD;
}

/* `append`: up to MOST_CHARACTERS characters, without a blank that follows a blank. */
static uint32_t read_text(const uint8_t *text, size_t length, uint32_t *codes) {
    uint32_t count = 0, before = 0;
    size_t at = 0;
    for (int n = 0; n < MOST_CHARACTERS && at < length; n++) {
        uint32_t code = next_code(text, length, &at);
        if (code != ' ' || before != ' ') codes[count++] = code;
        before = code;
    }
    return count;
}

/* `cleaning_text`: removes Latin letters if there are few of them among others. */
static uint32_t without_few_latin(uint32_t *codes, uint32_t count) {
    uint32_t latin = 0, others = 0, kept = 0;
    for (uint32_t n = 0; n < count; n++) {
        if (codes[n] >= 'A' && codes[n] <= 'z')
            latin++;
        else if (codes[n] >= 0x300)
            others++;
    }
    if (latin * 2 >= others) return count;
    for (uint32_t n = 0; n < count; n++)
        if (codes[n] < 'A' || codes[n] > 'z') codes[kept++] = codes[n];
    return kept;
}

/* The grams of a text that the model knows, as indices, including repeats. */
static uint32_t known_grams(const Model *model, const uint32_t *codes, uint32_t count,
                            uint32_t *found) {
    uint64_t window[3] = {' ', 0, 0};
    uint32_t made = 0;
    int held = 1, capitals = 0, last_upper = 0;
    for (uint32_t n = 0; n < count; n++) {
        uint32_t told = codes[n] < CHARACTERS ? model->characters[codes[n]] : codes[n];
        uint32_t code = told & ~UPPER;
        int upper = (told & UPPER) != 0, was_upper = last_upper;
        if (window[held - 1] == ' ') {
            window[0] = ' ';
            held = 1;
            capitals = 0;
            if (code == ' ') continue;
        } else if (held == 3) {
            window[0] = window[1];
            window[1] = window[2];
            held = 2;
        }
        window[held++] = code;
        last_upper = upper;
        capitals = upper ? (capitals || was_upper) : 0;
        if (capitals) continue;
        uint64_t gram = 0;
        for (int size = 1; size <= held; size++) {
            gram |= window[held - size] << (21 * (size - 1));
            if (size == 1 && code == ' ') continue;
            uint32_t index = model_find(model, gram);
            if (index != EMPTY) found[made++] = index;
        }
    }
    return made;
}

static double sum_of(const double *numbers, int count, int compensated) {
    double sum = numbers[0], lost = 0.0;
    for (int n = 1; n < count; n++) {
        double x = numbers[n], next = sum + x;
        if (compensated) lost += fabs(sum) >= fabs(x) ? (sum - next) + x : (x - next) + sum;
        sum = next;
    }
    return lost != 0.0 ? sum + lost : sum;
}

static double normalise(double *chances, const Model *model) {
    double sum = sum_of(chances, model->languages, model->compensated), most = 0.0;
    for (int n = 0; n < model->languages; n++) {
        chances[n] /= sum;
        if (most < chances[n]) most = chances[n];
    }
    return most;
}

static void weigh(double *chances, const Model *model, uint32_t gram, double weight) {
    double factors[MOST_LANGUAGES];
    for (int n = 0; n < model->languages; n++) factors[n] = weight;
    for (uint32_t n = model->starts[gram]; n < model->starts[gram + 1]; n++)
        factors[model->entry_of[n]] = weight + model->entries[n];
    for (int n = 0; n < model->languages; n++) chances[n] *= factors[n];
}

/* `_detect_block`: the mean probability of each language over the trials. */
static void average_trials(const Model *model, const uint32_t *grams, uint32_t count, double *mean) {
    Random random;
    double chances[MOST_LANGUAGES];
    random_seed(&random, model);
    for (int n = 0; n < model->languages; n++) mean[n] = 0.0;
    for (int trial = 0; trial < TRIALS; trial++) {
        for (int n = 0; n < model->languages; n++) chances[n] = 1.0 / model->languages;
        double weight = (0.5 + random_gauss(&random) * 0.05) / 10000;
        for (int step = 0;; step++) {
            weigh(chances, model, grams[random_below(&random, count)], weight);
            if (step % 5 == 0 && (normalise(chances, model) > CONVERGED || step >= MOST_STEPS))
                break;
        }
        for (int n = 0; n < model->languages; n++) mean[n] += chances[n] / TRIALS;
    }
}

/* Memory for one text: its code points and its grams, three for each code point. */
typedef struct {
    uint32_t codes[MOST_CHARACTERS];
    uint32_t grams[3 * MOST_CHARACTERS];
} Room;

/* The probability of each language; all NaN for a text without a known gram. */
static void langid_text(const Model *model, Room *room, const uint8_t *text, size_t length,
                        double *mean) {
    uint32_t count = read_text(text, length, room->codes);
    count = without_few_latin(room->codes, count);
    count = known_grams(model, room->codes, count, room->grams);
    if (count) {
        average_trials(model, room->grams, count, mean);
    } else {
        for (int n = 0; n < model->languages; n++) mean[n] = NAN;
    }
}

#endif
