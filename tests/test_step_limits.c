/* test_step_limits.c: the contract of featurization steps, over the registry: damaged files, other tables, memory that ends,
 * and a search that stops. */
#include "tests/step_variants.h"

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

CONTRACT(damage, check_damage)
CONTRACT(other_tables, check_other_tables)
CONTRACT(memory, check_memory)
CONTRACT(stop, check_stop)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_other_tables),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_stop),
    };
    aml_par_init();
    aml_linalg_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
