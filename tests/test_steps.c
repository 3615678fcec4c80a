/* test_steps.c: the contract of featurization steps, over the registry: what is learnt, made, passed on and saved. */
#include "tests/step_variants.h"

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

/* Cells of the training rows as bytes. */
static void write_fit_rows(aml_writer *w, const aml_table *t, const aml_data *target) {
    for (size_t k = 0; k < target->n; k++) {
        uint32_t i = target->rows[k];
        for (size_t j = 0; j < t->p; j++) {
            const aml_feature *f = &t->features[j];
            if (f->kind == AML_NUMBER) aml_put_f32(w, f->x[i]);
            if (f->kind == AML_CATEGORY) aml_put_u32(w, (uint32_t)f->code[i]);
        }
        for (uint64_t e = t->csr ? t->csr->start[i] : 0; t->csr && e < t->csr->start[i + 1]; e++) {
            aml_put_u32(w, t->csr->column[e]);
            aml_put_f32(w, t->csr->value[e]);
        }
    }
}

/* Other rows' values and targets enter neither the state nor what the training rows become. */
static void check_blind(const variant *v) {
    aml_writer saved[2] = {{0}}, rows[2] = {{0}};
    for (uint64_t other = 0; other < 2; other++) {
        fixture *x = make(N, 1, 2 + other, AML_MULTICLASS);
        bench b = open_bench(1);
        void *state;
        aml_table out;
        fit_bytes(&saved[other], &state, v, x, &b);
        apply_to(&out, v, state, &x->table, &b);
        if (v->step->fit_apply)
            assert_int_equal(v->step->fit_apply(&out, &state, &x->table, &x->target, v->hp, &b.ctx),
                             AML_OK);
        write_fit_rows(&rows[other], &out, &x->target);
        close_bench(&b);
        drop(x);
    }
    assert_same_bytes(&saved[0], &saved[1]);
    assert_same_bytes(&rows[0], &rows[1]);
    for (int k = 0; k < 2; k++) {
        aml_writer_free(&saved[k]);
        aml_writer_free(&rows[k]);
    }
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

/* A state that was saved and loaded does the same, bit for bit; after fit_apply too. */
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
    if (v->step->fit_apply) {
        aml_writer third = {0};
        assert_int_equal(v->step->fit_apply(&out, &state, &x->table, &x->target, v->hp, &b.ctx),
                         AML_OK);
        v->step->save(state, &third);
        assert_int_equal(load_bytes(&loaded, v->step, third.data, third.size, &b.ctx), AML_OK);
        apply_to(&out, v, state, &x->table, &b);
        apply_to(&again, v, loaded, &x->table, &b);
        assert_same_table(&out, &again);
        aml_writer_free(&third);
    }
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

CONTRACT(outputs, check_outputs)
CONTRACT(passes, check_passes)
CONTRACT(blind, check_blind)
CONTRACT(saved, check_saved)
CONTRACT(threads, check_threads)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_declared),     cmocka_unit_test(test_outputs),
        cmocka_unit_test(test_passes),       cmocka_unit_test(test_blind),
        cmocka_unit_test(test_states_learn), cmocka_unit_test(test_saved),
        cmocka_unit_test(test_threads),
    };
    aml_par_init();
    aml_linalg_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
