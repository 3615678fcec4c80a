/* json_check.c: is standard input one JSON value? And does it have the members named, as a path? For the tests in cli/. */
#include <stdio.h>
#include <string.h>

#include "automl/core/io.h"
#include "automl/core/json.h"

static int check(const char *text, size_t length, int n, char **names) {
    aml_arena *arena = aml_arena_new(NULL);
    aml_json *root;
    const aml_json *at = NULL;
    aml_status status =
        arena ? aml_json_parse(&root, arena, text, length, "standard input", 0, AML_EDATA)
              : AML_ENOMEM;
    if (!status) at = root;
    for (int i = 0; i < n && at; i++) at = aml_json_find(at, names[i]);
    if (status) fprintf(stderr, "json_check: %s\n", aml_last_error()->message);
    else if (!at) fprintf(stderr, "json_check: there is no such member\n");
    aml_arena_free(arena);
    return at ? 0 : 1;
}

int main(int argc, char **argv) {
    char *text;
    size_t size;
    if (aml_read_file(&text, &size, "-", (size_t)1 << 30, NULL)) return 2;
    int status = check(text, size, argc - 1, argv + 1);
    aml_free(text);
    return status;
}
