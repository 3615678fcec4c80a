/* guardrails.c: what was found in the data, as records. */
#include "automl/engine/guardrails.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* What a guardrail counts, and how to have otherwise what it does. */
static const struct {
    const char *id, *unit, *undo;
} guardrail_facts[] = {
    {"constant_columns", "columns", "they cannot be used: there is nothing to learn from them"},
    {"identifier_columns", "columns",
     "tell its kind in the featurization option: {\"kinds\": {\"COLUMN\": \"category\"}}"},
    {"duplicate_columns", "columns", "drop the other of the two: --drop"},
    {"columns_left_out", "columns", "change the featurization option"},
    {"missing_values", "columns",
     "block steps in the featurization option: {\"blocked\": [\"missing_flags\"]}, or fill the "
     "cells"},
    {"high_cardinality", "columns",
     "block steps in the featurization option: {\"blocked\": [\"target_encode\"]}, or --drop"},
    {"number_precision", "columns",
     "tell its kind in the featurization option: {\"kinds\": {\"COLUMN\": \"category\"}}"},
    {"duplicate_rows", "rows", "remove copies from the file, or keep them together: --group"},
    {"target_missing", "rows", "fill in the target"},
    {"zero_weight", "rows", "give them a weight"},
    {"search_ended", "trials", "leave out --exit-score and --patience"},
    {"calibration", "", "leave it out: --no-calibration"},
    {"threshold", "", "give another: --threshold"},
    {"validation", "folds", "ask for another: --validation"},
};

static void fill_facts(aml_guardrail *g) {
    const struct {
        const char *status, *severity;
    } severities[] = {{"Passed", "info"}, {"Done", "notice"}, {"Alerted", "warning"}};
    g->severity = "info";
    g->unit = g->undo = "";
    for (size_t i = 0; i < 3; i++)
        if (!strcmp(g->status, severities[i].status)) g->severity = severities[i].severity;
    for (size_t i = 0; i < sizeof guardrail_facts / sizeof *guardrail_facts; i++) {
        if (strcmp(g->id, guardrail_facts[i].id) != 0) continue;
        g->unit = guardrail_facts[i].unit;
        if (strcmp(g->status, "Passed") != 0) g->undo = guardrail_facts[i].undo;
    }
}

aml_status aml_guardrail_add(aml_guardrail_list *list, aml_arena *keep, const char *id,
                             const char *status, size_t count, const char *action,
                             const char *format, ...) {
    char text[1024];
    va_list args;
    if (list->n == list->room) {
        size_t room = list->room * 2 + 16;
        aml_guardrail *at = AML_ARRAY(keep, room, aml_guardrail);
        if (!at) return AML_ENOMEM;
        if (list->n) memcpy(at, list->at, list->n * sizeof *at);
        list->at = at;
        list->room = room;
    }
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    aml_guardrail *g = &list->at[list->n++];
    *g = (aml_guardrail){.size = sizeof *g, .id = id, .status = status, .count = count};
    fill_facts(g);
    g->message = aml_strdup(keep, text);
    g->action = aml_strdup(keep, action);
    return g->message && g->action ? AML_OK : AML_ENOMEM;
}

/* The last guardrail gets copies of the names. */
static aml_status set_columns(aml_guardrail_list *list, aml_arena *keep, size_t n,
                              const char *(*name_at)(const void *from, size_t i),
                              const void *from) {
    if (n > AML_GUARDRAIL_COLUMNS) n = AML_GUARDRAIL_COLUMNS;
    const char **columns = AML_ARRAY(keep, n + 1, const char *);
    if (!columns) return AML_ENOMEM;
    for (size_t i = 0; i < n; i++)
        if (!(columns[i] = aml_strdup(keep, name_at(from, i)))) return AML_ENOMEM;
    list->at[list->n - 1].columns = columns;
    return AML_OK;
}

typedef struct frame_columns {
    const aml_frame *f;
    const uint32_t *columns;
} frame_columns;

static const char *name_of_column(const void *from, size_t i) {
    const frame_columns *c = from;
    return c->f->columns[c->columns[i]].name;
}

aml_status aml_guardrail_columns(aml_guardrail_list *list, aml_arena *keep, const aml_frame *f,
                                 const uint32_t *columns, size_t n) {
    return set_columns(list, keep, n, name_of_column, &(frame_columns){f, columns});
}

static const char *name_in_list(const void *from, size_t i) {
    return ((const char *const *)from)[i];
}

aml_status aml_guardrail_names(aml_guardrail_list *list, aml_arena *keep,
                               const char *const *names) {
    size_t n = 0;
    while (names && names[n]) n++;
    return n ? set_columns(list, keep, n, name_in_list, names) : AML_OK;
}
