/* test_multi_hot.c: lists in cells become columns of their items. */
#include "tests/step_fixture.h"

static const aml_step *step;

/* One text column of lists; a row each. */
static aml_table lists(aml_feature *f, uint64_t *offset, const char *const *rows, size_t n,
                       char *bytes) {
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        offset[i] = at;
        memcpy(bytes + at, rows[i], strlen(rows[i]));
        at += strlen(rows[i]);
    }
    offset[n] = at;
    *f = (aml_feature){.name = "tags",
                       .kind = AML_TEXT,
                       .bytes = bytes,
                       .offset = offset,
                       .list = '|',
                       .source = 3};
    return (aml_table){.n = n, .p = 1, .features = f};
}

static void check_column(const aml_table *t, size_t j, const char *name, const float *x) {
    assert_string_equal(t->features[j].name, name);
    assert_int_equal(t->features[j].source, 3);
    for (size_t i = 0; i < t->n; i++) assert_true(t->features[j].x[i] == x[i]);
}

static void test_items(void **unused) {
    (void)unused;
    static const char *const rows[] = {"b|a", "[b, c]|b", "", "'a' | b", "c", "rare|b|c"};
    static const uint32_t fit_rows[] = {0, 1, 2, 3, 4};
    static const float items[] = {2, 2, 0, 2, 1, 3}, b_in[] = {1, 1, 0, 1, 0, 1},
                       a_in[] = {1, 0, 0, 1, 0, 0};
    double hp[] = {4, 2}, y[6] = {0};
    aml_feature f;
    uint64_t offset[7];
    char bytes[100];
    aml_table x = lists(&f, offset, rows, 6, bytes), out;
    aml_data target = {.task = AML_REGRESSION, .n = 5, .rows = fit_rows, .y = y};
    bench b = open_bench(2);
    void *state;
    assert_int_equal(step->fit(&state, &x, &target, hp, &b.ctx), AML_OK);
    f.list = 0; /* the separator is remembered */
    assert_int_equal(step->apply(&out, state, &x, &b.ctx), AML_OK);
    assert_int_equal(out.p, 3); /* "b, c" and c come in one row each */
    check_column(&out, 0, "tags.items", items);
    check_column(&out, 1, "tags=b", b_in);
    check_column(&out, 2, "tags=a", a_in);
    close_bench(&b);
}

/* Texts that are no lists pass on. */
static void test_prose(void **unused) {
    (void)unused;
    fixture *x = make(N, 1, 2, AML_BINARY);
    double hp[] = {64, 5};
    bench b = open_bench(1);
    aml_table out;
    void *state;
    assert_int_equal(step->fit(&state, &x->table, &x->target, hp, &b.ctx), AML_OK);
    assert_int_equal(step->apply(&out, state, &x->table, &b.ctx), AML_OK);
    size_t texts = 0;
    for (size_t j = 0; j < out.p; j++) texts += out.features[j].kind == AML_TEXT;
    assert_int_equal(texts, 1);
    assert_true(out.p > x->table.p);
    close_bench(&b);
    drop(x);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_items), cmocka_unit_test(test_prose)};
    step = aml_step_find("multi_hot");
    return step ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
