/* What the programs share that feed kernels under sanitizers: numbers by a seed, blocks, demands. */
#ifndef TESTS_FUZZ_KERNELS_FUZZ_H
#define TESTS_FUZZ_KERNELS_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t state;

/* The next number below `below`, or any for 0 (splitmix64, https://prng.di.unimi.it). */
static uint64_t draw(uint64_t below) {
    uint64_t z = (state += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    z ^= z >> 31;
    return below ? z % below : z;
}

static void demand(int holds, const char *what) {
    if (holds) return;
    fprintf(stderr, "broken: %s\n", what);
    exit(1);
}

/* A block of exactly this size, so that one byte too far is seen; with these bytes, if any. */
static void *exactly(size_t size, const void *data) {
    void *block = malloc(size ? size : 1);
    demand(block != NULL, "memory");
    if (data) memcpy(block, data, size);
    return block;
}

#endif
