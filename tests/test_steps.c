/* test_steps.c: the contract of featurization steps, over the registry. */
#include "automl/core/linalg.h"
#include "automl/core/par.h"
#include "tests/step_fixture.h"

enum { MAX_PARAMS = 16 };

/* ---- a step with one setting of its parameters */

typedef struct variant {
    const aml_step *step;
    double hp[MAX_PARAMS];
    size_t number;
} variant;

/* Setting 0 is the default; then each parameter at each choice, or at its limits. */
static bool set_variant(variant *v, const aml_step *step, size_t number) {
    const aml_param *params = step->params;
    size_t n = params ? aml_params_count(params) : 0, left = number;
    assert_true(n <= MAX_PARAMS);
    v->step = step;
    v->number = number;
    for (size_t k = 0; k < n; k++) v->hp[k] = params[k].fallback;
    if (!left--) return true;
    for (size_t k = 0; k < n; k++) {
        size_t choices = params[k].kind == AML_CHOICE ? aml_param_choices(&params[k]) : 2;
        if (left < choices) {
            v->hp[k] = params[k].kind == AML_CHOICE ? (double)left
                       : left                       ? params[k].hi
                                                    : params[k].lo;
            return true;
        }
        left -= choices;
    }
    return false;
}

static void for_all(void (*check)(const variant *v)) {
    for (const aml_step *const *s = aml_steps(); *s; s++) {
        variant v;
        for (size_t number = 0; set_variant(&v, *s, number); number++) check(&v);
    }
}

/* Fits, and saves the state to bytes. */
static void fit_bytes(aml_writer *w, void **state, const variant *v, const fixture *x, bench *b) {
    assert_int_equal(v->step->fit(state, &x->table, &x->target, v->hp, &b->ctx), AML_OK);
    if (w) v->step->save(*state, w);
}

static void apply_to(aml_table *out, const variant *v, const void *state, const aml_table *x,
                     bench *b) {
    assert_int_equal(v->step->apply(out, state, x, &b->ctx), AML_OK);
}

/* Finite or NaN; codes within the levels; sparse columns upwards. */
static void assert_sound(const aml_table *t) {
    for (size_t j = 0; j < t->p; j++) {
        const aml_feature *f = &t->features[j];
        assert_non_null(f->name);
        for (size_t i = 0; i < t->n; i++) {
            if (f->kind == AML_NUMBER) assert_false(isinf(f->x[i]));
            if (f->kind == AML_CATEGORY)
                assert_in_range(f->code[i] + 2, 0, (uintmax_t)f->n_levels + 1);
        }
    }
    for (size_t i = 0; t->csr && i < t->n; i++)
        for (uint64_t e = t->csr->start[i]; e < t->csr->start[i + 1]; e++) {
            assert_true(t->csr->column[e] < t->csr->p);
            assert_true(isfinite(t->csr->value[e]));
            if (e > t->csr->start[i]) assert_true(t->csr->column[e] > t->csr->column[e - 1]);
        }
}

/* ---- the contract */

static void test_declared(void **unused) {
    (void)unused;
    size_t n = 0;
    for (const aml_step *const *s = aml_steps(); *s; s++, n++) {
        assert_int_equal((*s)->abi, AML_ABI);
        assert_true((*s)->name && (*s)->summary && (*s)->fit && (*s)->apply);
        assert_true((*s)->save && (*s)->load);
        assert_ptr_equal(aml_step_find((*s)->name), *s);
        assert_int_equal(((*s)->flags & AML_STEP_TARGET) != 0, (*s)->fit_apply != NULL);
        for (const aml_param *p = (*s)->params; p && p->name; p++) {
            assert_true(p->summary && p->kind >= AML_REAL && p->kind <= AML_CHOICE);
            assert_true(p->fallback >= p->lo && p->fallback <= aml_param_hi(p));
            if (p->log) assert_true(p->lo > 0);
        }
    }
    assert_true(n > 0);
}

static void check_outputs(const variant *v) {
    fixture *x = make(N, 1, 2, AML_MULTICLASS);
    bench b = open_bench(1);
    void *state;
    aml_table out;
    fit_bytes(NULL, &state, v, x, &b);
    apply_to(&out, v, state, &x->table, &b);
    assert_int_equal(out.n, x->n);
    assert_sound(&out);
    close_bench(&b);
    drop(x);
}

/* What a step does not take passes through, in order and shared. */
static void check_passes(const variant *v) {
    fixture *x = make(N, 1, 2, AML_MULTICLASS);
    bench b = open_bench(1);
    void *state;
    aml_table out;
    fit_bytes(NULL, &state, v, x, &b);
    apply_to(&out, v, state, &x->table, &b);
    size_t at = 0;
    for (size_t j = 0; j < x->table.p; j++) {
        const aml_feature *f = &x->table.features[j];
        if (f->kind & v->step->kinds) continue;
        while (at < out.p && strcmp(out.features[at].name, f->name)) at++;
        assert_true(at < out.p);
        assert_memory_equal(&out.features[at], f, sizeof *f);
    }
    x->table.p = 0;
    x->table.csr = NULL;
    fit_bytes(NULL, &state, v, x, &b);
    apply_to(&out, v, state, &x->table, &b);
    assert_int_equal(out.p, 0);
    assert_null(out.csr);
    close_bench(&b);
    drop(x);
}

/* Other rows' values and targets do not enter the state. */
static void check_blind(const variant *v) {
    aml_writer saved[2] = {{0}};
    for (uint64_t other = 0; other < 2; other++) {
        fixture *x = make(N, 1, 2 + other, AML_MULTICLASS);
        bench b = open_bench(1);
        void *state;
        fit_bytes(&saved[other], &state, v, x, &b);
        close_bench(&b);
        drop(x);
    }
    assert_same_bytes(&saved[0], &saved[1]);
    aml_writer_free(&saved[0]);
    aml_writer_free(&saved[1]);
}

/* And the training rows do enter it, or the step learns nothing. */
static void test_states_learn(void **unused) {
    (void)unused;
    for (const aml_step *const *s = aml_steps(); *s; s++) {
        variant v;
        set_variant(&v, *s, 0);
        static const char *const few_bits[] = {
            /* which may agree by chance */
            "drop_constant", "missing_flags", "datetime", "rare", "one_hot", "hash_one_hot",
            /* nothing to learn from a target of chance */
            "arithmetic", "cross", "group_by", "few_valued", "missing_pattern"};
        bool few = false;
        for (size_t k = 0; k < sizeof few_bits / sizeof *few_bits; k++)
            few = few || !strcmp((*s)->name, few_bits[k]);
        if (few) continue;
        aml_writer saved[2] = {{0}};
        for (uint64_t seed = 0; seed < 2; seed++) {
            fixture *x = make(N, 1 + seed, 9, AML_MULTICLASS);
            bench b = open_bench(1);
            void *state;
            fit_bytes(&saved[seed], &state, &v, x, &b);
            close_bench(&b);
            drop(x);
        }
        assert_true(saved[0].size != saved[1].size ||
                    memcmp(saved[0].data, saved[1].data, saved[0].size));
        aml_writer_free(&saved[0]);
        aml_writer_free(&saved[1]);
    }
}

static void check_saved(const variant *v) {
    fixture *x = make(N, 3, 4, AML_MULTICLASS);
    bench b = open_bench(1);
    aml_writer first = {0}, second = {0};
    void *state, *loaded;
    aml_table out, again;
    fit_bytes(&first, &state, v, x, &b);
    assert_int_equal(load_bytes(&loaded, v->step, first.data, first.size, &b.ctx), AML_OK);
    v->step->save(loaded, &second);
    assert_same_bytes(&first, &second);
    apply_to(&out, v, state, &x->table, &b);
    apply_to(&again, v, loaded, &x->table, &b);
    assert_same_table(&out, &again);
    aml_writer_free(&first);
    aml_writer_free(&second);
    close_bench(&b);
    drop(x);
}

static void check_threads(const variant *v) {
    fixture *x = make(N, 5, 6, AML_MULTICLASS);
    aml_writer saved[3] = {{0}}, tables[3] = {{0}};
    for (int k = 0; k < 3; k++) {
        bench b = open_bench(1 << k);
        void *state;
        aml_table out;
        fit_bytes(&saved[k], &state, v, x, &b);
        apply_to(&out, v, state, &x->table, &b);
        write_table(&tables[k], &out);
        if (v->step->fit_apply) {
            assert_int_equal(v->step->fit_apply(&out, &state, &x->table, &x->target, v->hp, &b.ctx),
                             AML_OK);
            write_table(&tables[k], &out);
        }
        close_bench(&b);
        assert_same_bytes(&saved[0], &saved[k]);
        assert_same_bytes(&tables[0], &tables[k]);
    }
    for (int k = 0; k < 3; k++) {
        aml_writer_free(&saved[k]);
        aml_writer_free(&tables[k]);
    }
    drop(x);
}

/* A row's result does not hang on the rows beside it (to rounding, where matrices are multiplied),
 * and a table without rows has the same columns. */
static void check_rows_alone(const variant *v) {
    fixture *x = make(N, 7, 8, AML_MULTICLASS), *few = make(60, 7, 8, AML_MULTICLASS);
    bench b = open_bench(1);
    void *state;
    aml_table all, part, none;
    fit_bytes(NULL, &state, v, x, &b);
    apply_to(&all, v, state, &x->table, &b);
    apply_to(&part, v, state, &few->table, &b);
    few->n = few->table.n = few->csr.n = 0;
    few->start[0] = few->offset[0][0] = few->offset[1][0] = 0;
    apply_to(&none, v, state, &few->table, &b);
    assert_int_equal(none.n, 0);
    assert_int_equal(part.p, all.p);
    assert_int_equal(none.p, all.p);
    for (size_t j = 0; j < all.p; j++) {
        assert_string_equal(part.features[j].name, all.features[j].name);
        assert_string_equal(none.features[j].name, all.features[j].name);
        for (size_t i = 0; all.features[j].kind == AML_NUMBER && i < part.n; i++) {
            double one = part.features[j].x[i], other = all.features[j].x[i];
            if (isnan(one) && isnan(other)) continue;
            assert_true(fabs(one - other) <= 1e-6 * (1 + fabs(one)));
        }
    }
    assert_int_equal(part.csr ? part.csr->p : 0, all.csr ? all.csr->p : 0);
    for (size_t e = 0; part.csr && e < part.csr->start[part.n]; e++) {
        assert_int_equal(part.csr->column[e], all.csr->column[e]);
        assert_true(part.csr->value[e] == all.csr->value[e]);
    }
    close_bench(&b);
    drop(x);
    drop(few);
}

/* Very few training rows: 0, 1 and 2. */
static void check_few_rows(const variant *v) {
    static const aml_task_kind tasks[] = {AML_BINARY, AML_MULTICLASS, AML_REGRESSION};
    for (size_t n = 0; n <= 2; n++) {
        fixture *x = make(N, 9, 10, tasks[n]);
        bench b = open_bench(2);
        void *state;
        aml_table out;
        x->target.n = n;
        fit_bytes(NULL, &state, v, x, &b);
        apply_to(&out, v, state, &x->table, &b);
        assert_sound(&out);
        if (v->step->fit_apply) {
            assert_int_equal(v->step->fit_apply(&out, &state, &x->table, &x->target, v->hp, &b.ctx),
                             AML_OK);
            assert_sound(&out);
        }
        close_bench(&b);
        drop(x);
    }
}

/* Every cut of the bytes is noticed; a changed byte never does harm. */
static void check_damage(const variant *v) {
    enum { PLACES = 150 };
    fixture *x = make(60, 11, 12, AML_MULTICLASS);
    bench b = open_bench(1);
    aml_writer w = {0};
    aml_rng r = aml_rng_stream(3, AML_RNG_TEST, v->number, 0);
    void *state;
    fit_bytes(&w, &state, v, x, &b);
    for (size_t k = 0; k < PLACES; k++) {
        size_t at = w.size <= PLACES ? k : aml_rng_below(&r, (uint32_t)w.size);
        if (at >= w.size) break;
        unsigned char *cut = aml_malloc(at), old = w.data[at];
        memcpy(cut, w.data, at); /* exactly so long: reading beyond is seen */
        bench c = open_bench(1);
        assert_int_equal(load_bytes(&state, v->step, cut, at, &c.ctx), AML_EDATA);
        aml_free(cut);
        w.data[at] ^= (unsigned char)(1u << aml_rng_below(&r, 8));
        aml_status status = load_bytes(&state, v->step, w.data, w.size, &c.ctx);
        assert_true(status == AML_OK || status == AML_EDATA);
        if (!status) {
            aml_table out;
            status = v->step->apply(&out, state, &x->table, &c.ctx);
            assert_true(status == AML_OK || status == AML_EDATA);
            if (!status) assert_sound(&out);
        }
        w.data[at] = old;
        close_bench(&c);
    }
    aml_writer_free(&w);
    close_bench(&b);
    drop(x);
}

/* A fitted step refuses tables of other columns. */
static void check_other_tables(const variant *v) {
    fixture *x = make(N, 1, 2, AML_MULTICLASS);
    bench b = open_bench(1);
    void *state;
    aml_table out;
    fit_bytes(NULL, &state, v, x, &b);
    x->table.p--;
    assert_int_equal(v->step->apply(&out, state, &x->table, &b.ctx), AML_EDATA);
    x->table.p++;
    aml_feature first = x->features[0];
    x->features[0] = x->features[6];
    x->features[6] = first;
    assert_int_equal(v->step->apply(&out, state, &x->table, &b.ctx), AML_EDATA);
    close_bench(&b);
    drop(x);
}

static aml_status whole_life(const variant *v, const fixture *x, bench *b, aml_writer *w) {
    void *state;
    aml_table out;
    AML_TRY(v->step->fit(&state, &x->table, &x->target, v->hp, &b->ctx));
    AML_TRY(v->step->apply(&out, state, &x->table, &b->ctx));
    if (v->step->fit_apply)
        AML_TRY(v->step->fit_apply(&out, &state, &x->table, &x->target, v->hp, &b->ctx));
    v->step->save(state, w);
    if (w->status) return w->status;
    return load_bytes(&state, v->step, w->data, w->size, &b->ctx);
}

/* Leaves about `left` bytes in an arena before it needs a further block. */
static void crowd(aml_arena *a, size_t left) {
    enum { BLOCK = 1 << 20, PIECE = 1024 };
    while (aml_arena_bytes(a) < 3 * BLOCK) assert_non_null(aml_alloc_raw(a, 1, PIECE));
    assert_non_null(aml_alloc_raw(a, 1, BLOCK - 2 * PIECE - left));
}

/* Memory ends at each of the allocations in turn, and with arenas as full as chance will have it:
 * AML_ENOMEM, nothing leaks (ASan looks), nothing is touched. */
static void check_memory(const variant *v) {
    fixture *x = make(60, 13, 14, AML_MULTICLASS);
    bench warm = open_bench(2);
    aml_rng r = aml_rng_stream(4, AML_RNG_TEST, v->number, 0);
    aml_writer w = {0};
    aml_fail_alloc(0, false);
    assert_int_equal(whole_life(v, x, &warm, &w), AML_OK);
    uint64_t count = aml_fail_alloc(0, false);
    aml_writer_free(&w);
    close_bench(&warm);
    for (uint64_t k = 1; k <= count + 30; k++) {
        bench b = open_bench(2);
        bool crowded = k > count;
        if (crowded) crowd(b.keep, (size_t)exp2(5 + 14 * aml_rng_uniform(&r)));
        if (crowded) crowd(b.scratch, (size_t)exp2(5 + 14 * aml_rng_uniform(&r)));
        aml_fail_alloc(crowded ? 1 + aml_rng_below(&r, 20) : k, k % 2 == 0);
        aml_status status = whole_life(v, x, &b, &w);
        aml_fail_alloc(0, false);
        assert_true(status == AML_ENOMEM || (crowded && !status));
        aml_writer_free(&w);
        close_bench(&b);
    }
    drop(x);
}

static void check_stop(const variant *v) {
    fixture *x = make(N, 1, 2, AML_MULTICLASS);
    bench b = open_bench(2);
    aml_writer w = {0};
    atomic_bool stop = true;
    b.ctx.stop = &stop;
    aml_status status = whole_life(v, x, &b, &w);
    assert_true(status == AML_OK || status == AML_ESTOPPED);
    aml_writer_free(&w);
    close_bench(&b);
    drop(x);
}

/* Cross-fitted values do not know their row's own target, and do know the others'. */
static void test_cross_fitting(void **unused) {
    (void)unused;
    for (const aml_step *const *s = aml_steps(); *s; s++) {
        if (!((*s)->flags & AML_STEP_TARGET)) continue;
        for (int task = AML_BINARY; task <= AML_REGRESSION; task *= 2) {
            fixture *x = make(N, 1, 2, (aml_task_kind)task);
            bench b = open_bench(1);
            variant v;
            void *state;
            aml_table before, after;
            set_variant(&v, *s, 0);
            fit_bytes(NULL, &state, &v, x, &b);
            assert_int_equal((*s)->fit_apply(&before, &state, &x->table, &x->target, v.hp, &b.ctx),
                             AML_OK);
            size_t differ = 0, same = 0;
            for (size_t t = 0; t < 20; t++) {
                size_t row = x->rows[t * 7];
                double old = x->y[row];
                x->y[row] = old == 1 ? 0 : 1;
                fit_bytes(NULL, &state, &v, x, &b);
                assert_int_equal(
                    (*s)->fit_apply(&after, &state, &x->table, &x->target, v.hp, &b.ctx), AML_OK);
                for (size_t j = 0; j < after.p; j++) {
                    const aml_feature *f = &after.features[j], *g = &before.features[j];
                    if (f->kind != AML_NUMBER) continue;
                    assert_memory_equal(&f->x[row], &g->x[row], sizeof(float));
                    for (size_t i = 0; i < N; i++) {
                        bool equal = !memcmp(&f->x[i], &g->x[i], sizeof(float));
                        equal ? same++ : differ++;
                    }
                }
                x->y[row] = old;
            }
            assert_true(differ > 0 && same > 0);
            close_bench(&b);
            drop(x);
        }
    }
}

#define CONTRACT(name, check)                \
    static void test_##name(void **unused) { \
        (void)unused;                        \
        for_all(check);                      \
    }
CONTRACT(outputs, check_outputs)
CONTRACT(passes, check_passes)
CONTRACT(blind, check_blind)
CONTRACT(saved, check_saved)
CONTRACT(threads, check_threads)
CONTRACT(rows_alone, check_rows_alone)
CONTRACT(few_rows, check_few_rows)
CONTRACT(damage, check_damage)
CONTRACT(other_tables, check_other_tables)
CONTRACT(memory, check_memory)
CONTRACT(stop, check_stop)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_declared),     cmocka_unit_test(test_outputs),
        cmocka_unit_test(test_passes),       cmocka_unit_test(test_blind),
        cmocka_unit_test(test_states_learn), cmocka_unit_test(test_saved),
        cmocka_unit_test(test_threads),      cmocka_unit_test(test_rows_alone),
        cmocka_unit_test(test_few_rows),     cmocka_unit_test(test_damage),
        cmocka_unit_test(test_other_tables), cmocka_unit_test(test_memory),
        cmocka_unit_test(test_stop),         cmocka_unit_test(test_cross_fitting),
    };
    aml_par_init();
    aml_linalg_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
