/* test_onnx_wire.c: bytes of ONNX messages against the definition of the wire format, read back by a reader of our own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "automl/export/onnx_graph.h"

/* ---- a reader */

typedef struct field {
    unsigned number, kind;
    uint64_t value; /* varint, fixed32 */
    const unsigned char *data;
    size_t size; /* delimited */
} field;

typedef struct message {
    const unsigned char *at, *end;
} message;

static uint64_t varint(message *m) {
    uint64_t x = 0;
    for (unsigned shift = 0;; shift += 7) {
        assert_true(m->at < m->end && shift < 64);
        x |= (uint64_t)(*m->at & 0x7F) << shift;
        if (!(*m->at++ & 0x80)) return x;
    }
}

static bool next(field *f, message *m) {
    if (m->at == m->end) return false;
    uint64_t tag = varint(m);
    *f = (field){.number = (unsigned)(tag >> 3), .kind = (unsigned)tag & 7};
    if (f->kind == 0) f->value = varint(m);
    else if (f->kind == 5) {
        assert_true(m->end - m->at >= 4);
        for (int i = 0; i < 4; i++) f->value |= (uint64_t)*m->at++ << 8 * i;
    } else {
        assert_int_equal(f->kind, 2);
        f->size = (size_t)varint(m);
        assert_true((size_t)(m->end - m->at) >= f->size);
        f->data = m->at;
        m->at += f->size;
    }
    return true;
}

static message inside(const field *f) { return (message){f->data, f->data + f->size}; }

/* The n-th field of that number, which must be there. */
static field find(message m, unsigned number, size_t n) {
    field f;
    while (next(&f, &m))
        if (f.number == number && !n--) return f;
    fail_msg("no field %u", number);
    return f;
}

static size_t count(message m, unsigned number) {
    size_t n = 0;
    for (field f; next(&f, &m);) n += f.number == number;
    return n;
}

static void assert_text(const field *f, const char *text) {
    assert_int_equal(f->size, strlen(text));
    assert_memory_equal(f->data, text, f->size);
}

static message whole(const aml_writer *w) { return (message){w->data, w->data + w->size}; }

/* ---- tests */

static void assert_bytes(aml_writer *w, const char *bytes, size_t n) {
    assert_int_equal(w->status, AML_OK);
    assert_int_equal(w->size, n);
    assert_memory_equal(w->data, bytes, n);
    aml_writer_free(w);
}

static void fields_have_the_documented_bytes(void **state) {
    aml_writer w = {0}, m = {0};
    (void)state;
    aml_wire_int(&w, 1, 150);
    assert_bytes(&w, "\x08\x96\x01", 3);
    aml_wire_int(&w, 1, -2);
    assert_bytes(&w, "\x08\xFE\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01", 11);
    aml_wire_int(&w, 20, 0);
    assert_bytes(&w, "\xA0\x01\x00", 3);
    aml_wire_text(&w, 2, "testing");
    assert_bytes(&w, "\x12\x07testing", 9);
    aml_wire_float(&w, 2, 1.5f);
    assert_bytes(&w, "\x15\x00\x00\xC0\x3F", 5);
    aml_wire_int(&m, 1, 150);
    aml_wire_message(&w, 3, &m);
    assert_int_equal(m.size, 0);
    assert_bytes(&w, "\x1A\x03\x08\x96\x01", 5);
    aml_writer_free(&m);
}

static void tensors_keep_their_numbers(void **state) {
    const double x[] = {-0.0, 1e308, 3};
    const char *const s[] = {"", "Genève"};
    aml_writer w = {0};
    (void)state;
    aml_wire_tensor_body(
        &w, &(aml_onnx_tensor){.type = AML_ONNX_DOUBLE, .rank = 2, .dims = {1, 3}, .data = x});
    field raw = find(whole(&w), 9, 0);
    assert_int_equal(raw.size, sizeof x);
    for (size_t i = 0; i < 3; i++) {
        uint64_t bits = 0, want;
        for (size_t b = 0; b < 8; b++) bits |= (uint64_t)raw.data[8 * i + b] << 8 * b;
        memcpy(&want, &x[i], 8);
        assert_int_equal(bits, want);
    }
    assert_int_equal(find(whole(&w), 1, 0).value, 1);
    assert_int_equal(find(whole(&w), 1, 1).value, 3);
    assert_int_equal(find(whole(&w), 2, 0).value, 11);
    w.size = 0;
    aml_wire_tensor_body(
        &w, &(aml_onnx_tensor){.type = AML_ONNX_STRING, .rank = 1, .dims = {2}, .data = s});
    field second = find(whole(&w), 6, 1), first = find(whole(&w), 6, 0);
    assert_text(&first, "");
    assert_text(&second, "Genève");
    aml_writer_free(&w);
}

static void build(aml_onnx_graph *g, aml_arena *arena) {
    aml_onnx_graph_init(g, arena);
    aml_onnx_input(g, "age", AML_ONNX_DOUBLE, 1, "years");
    aml_onnx_value x = aml_onnx_cast(g, "age", AML_ONNX_FLOAT);
    x = aml_onnx_op2(g, "Add", x, aml_onnx_f32(g, 2));
    x = aml_onnx_op2(g, "Mul", x, aml_onnx_f32(g, 2));
    x = aml_onnx_op2(g, "Div", x, aml_onnx_f32(g, 3));
    aml_onnx_output(g, "value", x, AML_ONNX_FLOAT, 1, NULL);
}

static void a_model_has_its_parts(void **state) {
    aml_arena *arena = aml_arena_new(NULL);
    aml_onnx_graph g;
    aml_writer w = {0};
    (void)state;
    build(&g, arena);
    aml_onnx_property property = {"metric", "rmse"};
    assert_int_equal(aml_onnx_model(&w, &g, "m", "about", &property, 1), AML_OK);
    assert_int_equal(find(whole(&w), 1, 0).value, AML_ONNX_IR);
    assert_int_equal(count(whole(&w), 8), 2);
    field graph = find(whole(&w), 7, 0), pair = find(whole(&w), 14, 0);
    field value = find(inside(&pair), 2, 0);
    assert_text(&value, "rmse");
    assert_int_equal(count(inside(&graph), 1), 5); /* Cast Add Mul Div Identity */
    assert_int_equal(count(inside(&graph), 5), 2); /* 2 is kept once */
    field node = find(inside(&graph), 1, 4), out = find(inside(&graph), 12, 0);
    field op = find(inside(&node), 4, 0), name = find(inside(&out), 1, 0);
    assert_text(&op, "Identity");
    assert_text(&name, "value");
    field add = find(inside(&graph), 1, 1), mul = find(inside(&graph), 1, 2);
    field a = find(inside(&add), 1, 1), b = find(inside(&mul), 1, 1);
    assert_int_equal(a.size, b.size);
    assert_memory_equal(a.data, b.data, a.size);
    aml_writer_free(&w);
    aml_onnx_graph_free(&g);
    aml_arena_free(arena);
}

static void many_constants_are_found_again(void **state) {
    aml_arena *arena = aml_arena_new(NULL);
    aml_onnx_graph g;
    (void)state;
    aml_onnx_graph_init(&g, arena);
    aml_onnx_value first[1000];
    for (int i = 0; i < 1000; i++) first[i] = aml_onnx_f64(&g, i);
    size_t size = g.constants.size;
    for (int i = 0; i < 1000; i++) assert_string_equal(aml_onnx_f64(&g, i), first[i]);
    assert_int_equal(g.constants.size, size);
    assert_string_not_equal(aml_onnx_f32(&g, 1), first[1]); /* another type */
    assert_string_not_equal(aml_onnx_i64s(&g, (int64_t[]){1}, 1), aml_onnx_i64(&g, 1));
    assert_int_equal(g.status, AML_OK);
    aml_onnx_graph_free(&g);
    aml_arena_free(arena);
}

static void every_failing_allocation_is_reported(void **state) {
    (void)state;
    for (uint64_t n = 1;; n++) {
        aml_arena *arena = aml_arena_new(NULL);
        aml_onnx_graph g;
        aml_writer w = {0};
        assert_non_null(arena);
        aml_fail_alloc(n, true);
        build(&g, arena);
        aml_status status = aml_onnx_model(&w, &g, "m", "about", NULL, 0);
        uint64_t tried = aml_fail_alloc(0, false);
        assert_int_equal(status, tried >= n ? AML_ENOMEM : AML_OK);
        aml_writer_free(&w);
        aml_onnx_graph_free(&g);
        aml_arena_free(arena);
        if (tried < n) break;
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_have_the_documented_bytes),
        cmocka_unit_test(tensors_keep_their_numbers),
        cmocka_unit_test(a_model_has_its_parts),
        cmocka_unit_test(many_constants_are_found_again),
        cmocka_unit_test(every_failing_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
