/* c_runtime.c: the functions that generated C calls, of which a file gets those it needs. They stand in c_runtime.inc in
 * pieces, each headed by a line of "//@", its name, a colon and the pieces that it needs. */
#include <string.h>

#include "automl/export/c.h"

__asm__(".pushsection .rodata\n"
        "aml_c_runtime_begin:\n"
        ".incbin \"automl/export/c_runtime.inc\"\n"
        ".byte 0\n"
        "aml_c_main_begin:\n"
        ".incbin \"automl/export/c_main.inc\"\n"
        ".byte 0\n"
        ".popsection\n");

extern const char aml_c_runtime_begin[] __attribute__((visibility("hidden")));
extern const char aml_c_main_begin[] __attribute__((visibility("hidden")));
static const char mark[] = "//@ ";

const char *aml_c_main(size_t *size) {
    *size = strlen(aml_c_main_begin);
    return aml_c_main_begin;
}

/* The head of the next piece, or NULL. */
static const char *next_piece(const char *at) { return strstr(at, mark); }

size_t aml_c_pieces(void) {
    size_t n = 0;
    for (const char *at = aml_c_runtime_begin; (at = next_piece(at)); at++) n++;
    return n;
}

/* The pieces that stand before it in the file are all that it can need. */
static void need(aml_c_text *w, const char *name, size_t size) {
    size_t i = 0;
    for (const char *at = aml_c_runtime_begin; (at = next_piece(at)); i++) {
        at += strlen(mark);
        size_t n = strcspn(at, ":");
        if (n != size || memcmp(at, name, n) != 0) continue;
        if (w->needs[i]) return;
        w->needs[i] = true;
        for (at += n + 1; *at != '\n';) {
            at += strspn(at, " ");
            n = strcspn(at, " \n");
            if (n) need(w, at, n);
            at += n;
        }
        return;
    }
}

void aml_c_need(aml_c_text *w, const char *piece) { need(w, piece, strlen(piece)); }

aml_status aml_c_runtime(aml_string *out, const aml_c_text *w) {
    size_t i = 0;
    for (const char *at = next_piece(aml_c_runtime_begin); at; i++) {
        const char *text = strchr(at, '\n') + 1, *end = next_piece(text);
        if (w->needs[i]) aml_string_add(out, text, end ? (size_t)(end - text) : strlen(text));
        at = end;
    }
    return out->failed ? AML_ENOMEM : AML_OK;
}
