/* model_file.h: changes of a model file within its sections, length and checksums mended: or nothing behind the checksums would ever
 * be reached. For one source file of a fuzz target. */
#ifndef AML_TESTS_FUZZ_MODEL_FILE_H
#define AML_TESTS_FUZZ_MODEL_FILE_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "automl/core/io.h"

/* As modelfile.c has it. */
enum { HEADER = 28, ENTRY = 24, SECTIONS = 2, BEGIN = HEADER + SECTIONS * ENTRY + 4 };

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t room) __attribute__((weak));
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed);

static void put_u32(uint8_t *at, uint32_t x) { memcpy(at, &x, 4); }
static void put_u64(uint8_t *at, uint64_t x) { memcpy(at, &x, 8); }
static uint64_t get_u64(const uint8_t *at) {
    uint64_t x;
    memcpy(&x, at, 8);
    return x;
}

/* A whole file with right lengths and checksums; the first section has `first` bytes. */
static void mend(uint8_t *data, size_t size, size_t first) {
    const size_t length[SECTIONS] = {first, size - BEGIN - first};
    size_t offset = BEGIN;
    put_u64(data + 16, size);
    put_u32(data + 24, aml_crc32(0, data, 24));
    for (int i = 0; i < SECTIONS; i++) {
        uint8_t *entry = data + HEADER + i * ENTRY;
        put_u32(entry + 4, aml_crc32(0, data + offset, length[i]));
        put_u64(entry + 8, offset);
        put_u64(entry + 16, length[i]);
        offset += length[i];
    }
    put_u32(data + BEGIN - 4, aml_crc32(0, data + HEADER, SECTIONS * ENTRY));
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed) {
    size_t first = size > BEGIN ? (size_t)get_u64(data + HEADER + 16) : 0;
    if (seed % 16 == 0 || size <= BEGIN || first > size - BEGIN)
        return LLVMFuzzerMutate(data, size, room);
    if (seed % 4 == 1) { /* the manifest; what follows it moves */
        size_t rest = size - BEGIN - first, most = room - BEGIN - rest;
        uint8_t *copy = malloc(most + rest + 1);
        if (!copy) abort();
        memcpy(copy, data + BEGIN, first);
        size_t now = LLVMFuzzerMutate(copy, first, most);
        memmove(data + BEGIN + now, data + BEGIN + first, rest);
        memcpy(data + BEGIN, copy, now);
        free(copy);
        first = now;
        size = BEGIN + now + rest;
    } else {
        size_t begin = BEGIN + first;
        size = begin + LLVMFuzzerMutate(data + begin, size - begin, room - begin);
    }
    mend(data, size, first);
    return size;
}

#endif
