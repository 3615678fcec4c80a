/* store.c: calls on stores, their runs and comparisons. */
#include "stress.h"

static void op_store(void) {
    any_size room;
    aml_store *s = get(STORE), *made = NULL;
    aml_runs *r = get(RUNS), *found = NULL;
    aml_model *m = NULL;
    aml_run_info info = {.size = size_of(sizeof info)};
    aml_run_filter *f = (aml_run_filter *)(void *)room.bytes;
    char *out = NULL;
    memset(&room, one_in(40) ? 1 : 0, sizeof room);
    *f = (aml_run_filter){.size = size_of(sizeof *f), .limit = one_in(3) ? number() : 3};
    if (one_in(9)) f->status = text();
    if (one_in(9)) f->tag = text();
    if (one_in(9)) f->sort = text();
    if (one_in(4)) f->since = real();
    const char *id = one_in(2) ? "last" : text();
    switch (below(10)) {
    case 0:
        MAKE(STORE, made,
             aml_store_open(one_in(30) ? NULL : &made, one_in(2) ? "s.db" : path(),
                            (unsigned)below(3)));
        break;
    case 1:
        MAKE(RUNS, found, aml_store_list(one_in(30) ? NULL : &found, s, one_in(6) ? NULL : f));
        break;
    case 2: MAKE(RUNS, found, aml_store_find(one_in(30) ? NULL : &found, s, id)); break;
    case 3: MAKE(MODEL, m, aml_store_leaderboard(one_in(30) ? NULL : &m, s, id)); break;
    case 4: CALL(aml_store_tag(s, id, text(), text())); break;
    case 5:
        if (one_in(10)) CALL(aml_store_delete(s, id));
        break;
    case 6:
        CALL(aml_store_json(one_in(30) ? NULL : &out, s, r, (int)below(2)));
        aml_text_free(out);
        break;
    case 7:
        CALL(aml_store_csv(one_in(30) ? NULL : &out, s, r));
        aml_text_free(out);
        break;
    default: VALUE(aml_runs_count(r)), VALUE(aml_runs_at(r, number(), one_in(20) ? NULL : &info));
    }
}

static void op_compare(void) {
    aml_comparison *c, *made = NULL;
    aml_compared x = {.size = size_of(sizeof x)};
    if (one_in(3))
        MAKE(COMPARISON, made,
             aml_store_compare(one_in(30) ? NULL : &made, get(STORE), one_in(3) ? text() : "last",
                               one_in(3) ? text() : "last"));
    c = get(COMPARISON);
    VALUE(aml_comparison_at(c, number(), one_in(20) ? NULL : &x));
    FREE_TEXT(aml_comparison_json(c));
}

const op store_ops[] = {{200, op_store}, {60, op_compare}, {0}};
