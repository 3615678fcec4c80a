/* test_step_rows.c: the contract of featurization steps, over the registry: few rows, empty ones, and rows that must not
 * know of each other. */
#include "tests/step_variants.h"

/* A row's result does not hang on the rows beside it (to rounding, where matrices are multiplied),
 * and a table without rows has the same columns. */
static void check_rows_beside(const variant *v, size_t n) {
    fixture *x = make(N, 7, 8, AML_MULTICLASS), *few = make(n, 7, 8, AML_MULTICLASS);
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

static void check_rows_alone(const variant *v) {
    check_rows_beside(v, 60);
    check_rows_beside(v, 1);
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

/* Cells of all rows become missing, or of a level never seen. */
static void wipe(fixture *x, int32_t code) {
    for (size_t i = 0; i < x->n; i++) {
        for (size_t j = 0; j < 6; j++) x->number[j][i] = NAN;
        for (size_t j = 0; j < 4; j++) x->code[j][i] = code;
        x->time[0][i] = x->time[1][i] = NAN;
        x->offset[0][i + 1] = x->offset[1][i + 1] = 0;
        x->start[i + 1] = 0;
    }
}

/* Rows of nothing but missing cells, or unseen levels, at prediction and in training: columns as ever, sound values, the
 * same in each row. */
static void check_empty_cells(const variant *v) {
    for (int32_t code = -2; code < 0; code++)
        for (int trained = 0; trained < 2; trained++) {
            fixture *x = make(60, 15, 16, AML_BINARY);
            bench b = open_bench(1);
            void *state;
            aml_table before, out;
            if (trained) wipe(x, code);
            fit_bytes(NULL, &state, v, x, &b);
            apply_to(&before, v, state, &x->table, &b);
            wipe(x, code);
            apply_to(&out, v, state, &x->table, &b);
            assert_sound(&out);
            assert_int_equal(out.p, before.p);
            for (size_t j = 0; j < out.p; j++) {
                const aml_feature *f = &out.features[j];
                assert_string_equal(f->name, before.features[j].name);
                for (size_t i = 1; i < out.n; i++) {
                    if (f->kind == AML_NUMBER)
                        assert_memory_equal(&f->x[i], &f->x[0], sizeof(float));
                    if (f->kind == AML_CATEGORY) assert_int_equal(f->code[i], f->code[0]);
                }
            }
            close_bench(&b);
            drop(x);
        }
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

CONTRACT(rows_alone, check_rows_alone)
CONTRACT(few_rows, check_few_rows)
CONTRACT(empty_cells, check_empty_cells)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_alone),
        cmocka_unit_test(test_few_rows),
        cmocka_unit_test(test_empty_cells),
        cmocka_unit_test(test_cross_fitting),
    };
    aml_par_init();
    aml_linalg_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
