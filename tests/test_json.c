/* test_json.c: what is JSON and what is not, places, round trips. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "automl/core/json.h"
#include "automl/core/rng.h"

/* Parses and keeps nothing but the status; the error stays. */
static aml_status parse_status(const char *text, size_t length, unsigned flags) {
    aml_arena *a = aml_arena_new(NULL);
    aml_json *root;
    char *copy =
        malloc(length ? length : 1); /* its own block: a sanitizer sees a read behind its end */
    memcpy(copy, text, length);
    aml_status status = aml_json_parse(&root, a, copy, length, "x.json", flags, AML_ECONFIG);
    free(copy);
    aml_arena_free(a);
    return status;
}

static aml_json *parse(aml_arena *a, const char *text, unsigned flags) {
    aml_json *root = NULL;
    if (aml_json_parse(&root, a, text, strlen(text), "x.json", flags, AML_ECONFIG))
        fail_msg("%s: %s", text, aml_last_error()->message);
    return root;
}

/* ---- valid documents: text and what it is when written compactly ---- */

static const char *const good[][2] = {
    {"null", "null"},
    {" true ", "true"},
    {"false\n", "false"},
    {"\"\"", "\"\""},
    {"[]", "[]"},
    {"{}", "{}"},
    {"[ ]", "[]"},
    {"{ }", "{}"},
    {"[[],{},[[]]]", "[[],{},[[]]]"},
    {"\t\r\n [1 , 2]", "[1,2]"},
    {"[null,1,\"1\",{}]", "[null,1,\"1\",{}]"},
    {"{\"\":0}", "{\"\":0}"},
    {"{\"a\":{\"a\":{\"a\":[]}}}", "{\"a\":{\"a\":{\"a\":[]}}}"},
    {"{\"a\":1,\"A\":2}", "{\"a\":1,\"A\":2}"},
    {"0", "0"},
    {"-0", "-0"},
    {"[0e1,0E+1,1e-2,123.456e78,1E22]", "[0,0,0.01,1.23456e+80,1e+22]"},
    {"-123", "-123"},
    {"[4.9406564584124654e-324,1.7976931348623157e308]", "[5e-324,1.7976931348623157e+308]"},
    {"123123e-10000", "0"},
    {"0.1000000000000000055511151231257827021181583404541015625000000000000000000000000", "0.1"},
    {"100000000000000000000000000000000000000000000000000000000000000000000000000000000", "1e+80"},
    {"9007199254740993", "9007199254740992"},
    {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\\"\\\\/\\b\\f\\n\\r\\t\""},
    {"\"\\u0041\\u00e9\\u20AC\\uD834\\uDD1E\"", "\"A\xC3\xA9\xE2\x82\xAC\xF0\x9D\x84\x9E\""},
    {"\"\\u001f\x7F\"", "\"\\u001f\x7F\""},
    {"\"\\uFFFE\\uDBFF\\uDFFF\"", "\"\xEF\xBF\xBE\xF4\x8F\xBF\xBF\""},
    {"\"\xE2\x80\xA8\xC2\x85\"", "\"\xE2\x80\xA8\xC2\x85\""},
    {"\"// /* no comment */\"", "\"// /* no comment */\""},
    {"\xEF\xBB\xBF[1]", "[1]"},
};

static void write(aml_string *s, const aml_json *v) {
    switch (v->type) {
    case AML_JSON_NULL: aml_string_put(s, "null"); return;
    case AML_JSON_FALSE: aml_string_put(s, "false"); return;
    case AML_JSON_TRUE: aml_string_put(s, "true"); return;
    case AML_JSON_NUMBER: aml_json_put_number(s, v->number); return;
    case AML_JSON_STRING: aml_json_put_string(s, v->string); return;
    default: break;
    }
    size_t n = 0;
    aml_string_put(s, v->type == AML_JSON_OBJECT ? "{" : "[");
    for (const aml_json *c = v->child; c; c = c->next, n++) {
        assert_int_equal(c->name != NULL, v->type == AML_JSON_OBJECT);
        if (c->name) aml_json_key(s, c->name);
        else aml_json_comma(s);
        write(s, c);
    }
    assert_int_equal(n, v->size);
    aml_string_put(s, v->type == AML_JSON_OBJECT ? "}" : "]");
}

static void check_good(const char *text, const char *want, unsigned flags) {
    aml_arena *a = aml_arena_new(NULL);
    aml_string s = {0};
    write(&s, parse(a, text, flags));
    assert_string_equal(s.text, want);
    aml_string_free(&s);
    aml_arena_free(a);
}

static void good_documents_are_read(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        for (unsigned flags = 0; flags <= AML_JSON_COMMENTS; flags++)
            check_good(good[i][0], good[i][1], flags);
}

/* ---- invalid documents: text, place, and words of the message ---- */

static const struct bad {
    const char *text;
    size_t line, column;
    const char *message;
} bad[] = {
    {"", 1, 1, "empty"},
    {" \n ", 2, 2, "empty"},
    {"\xEF\xBB\xBF", 1, 1, "empty"},
    {"[", 1, 2, "ends here"},
    {"{", 1, 2, "ends here"},
    {"[1", 1, 3, "ends here"},
    {"{\"a\"", 1, 5, "ends here"},
    {"{\"a\":", 1, 6, "ends here"},
    {"{\"a\":1", 1, 7, "ends here"},
    {"{\"a\":1,", 1, 8, "ends here"},
    {"[1,]", 1, 3, "trailing comma"},
    {"{\"a\":1,\n}", 1, 7, "trailing comma"},
    {"[,1]", 1, 2, "found `,`"},
    {"[1,,2]", 1, 4, "found `,`"},
    {"[1 2]", 1, 4, "`,` or `]`"},
    {"[1}", 1, 3, "`,` or `]`"},
    {"{\"a\":1]", 1, 7, "`,` or `}`"},
    {"{\"a\" 1}", 1, 6, "`:`"},
    {"{\"a\",1}", 1, 5, "`:`"},
    {"{a:1}", 1, 2, "double quotes"},
    {"{'a':1}", 1, 2, "double quotes"},
    {"{1:1}", 1, 2, "double quotes"},
    {"['a']", 1, 2, "double quotes"},
    {"]", 1, 1, "expected a value"},
    {"1 2", 1, 3, "after the end"},
    {"{}\n}", 2, 1, "after the end"},
    {"[]#", 1, 3, "after the end"},
    {"nul", 1, 1, "found `nul`"},
    {"nulL", 1, 1, "found `nulL`"},
    {"True", 1, 1, "found `True`"},
    {"[NaN]", 1, 2, "found `NaN`"},
    {"[-Infinity]", 1, 3, "digit"},
    {"truefalse", 1, 5, "after the end"},
    {"+1", 1, 1, "found `+`"},
    {".5", 1, 1, "found `.`"},
    {"-", 1, 2, "digit"},
    {"-a", 1, 2, "digit"},
    {"[1.]", 1, 4, "decimal point"},
    {"[1.e3]", 1, 4, "decimal point"},
    {"[1e]", 1, 4, "exponent"},
    {"[1e+]", 1, 5, "exponent"},
    {"012", 1, 1, "begin with 0"},
    {"[-01]", 1, 3, "begin with 0"},
    {"0x1F", 1, 2, "after the end"},
    {"1e5e5", 1, 4, "after the end"},
    {"1,000", 1, 2, "after the end"},
    {"[1e400]", 1, 2, "1e400"},
    {"[-1e999999999999]", 1, 2, "range"},
    {"\"a", 1, 1, "closing quote"},
    {"\"a\\", 1, 1, "closing quote"},
    {"\"a\\\"", 1, 1, "closing quote"},
    {"[\"a\nb\"]", 1, 2, "closing quote"},
    {"\"a\tb\"", 1, 3, "0x09"},
    {"\"\x01\"", 1, 2, "0x01"},
    {"\"a\\x41\"", 1, 3, "escape"},
    {"\"\\a\"", 1, 2, "escape"},
    {"\"\\u12\"", 1, 2, "hexadecimal"},
    {"\"\\u12G4\"", 1, 2, "hexadecimal"},
    {"\"\\u", 1, 2, "hexadecimal"},
    {"[\"a\\u0000b\"]", 1, 4, "\\u0000"},
    {"\"\\uD800\"", 1, 2, "surrogate"},
    {"\"\\uD834\\u0041\"", 1, 2, "surrogate"},
    {"\"\\uDD1E\\uD834\"", 1, 2, "surrogate"},
    {"\"\\uD834\\uD834\"", 1, 2, "surrogate"},
    {"\"\\uD834\\", 1, 2, "surrogate"},
    {"\"\xFF\"", 1, 2, "UTF-8"},
    {"[\"\xC3\xA9\xC3\"]", 1, 4, "UTF-8"},
    {"\"\xC0\xAF\"", 1, 2, "UTF-8"},
    {"\"\xED\xA0\x80\"", 1, 2, "UTF-8"},
    {"\"\xF4\x90\x80\x80\"", 1, 2, "UTF-8"},
    {"\xFF\xFE[", 1, 1, "UTF-16"},
    {"[1]\xEF\xBB\xBF", 1, 4, "after the end"},
    {"[\xC2\xA0"
     "1]",
     1, 2, "expected a value"},
    {"[\f1]", 1, 2, "expected a value"},
    {"{\"seed\":1,\"seed\":2}", 1, 11, "duplicate key `seed`"},
    {"[{\"b\":0,\n\"a\":1,\"\\u0062\":2}]", 2, 7, "duplicate key `b`"},
    {"[1,// two\n2]", 1, 4, "comment"},
    {"/**/1", 1, 1, "comment"},
    {"[1/2]", 1, 3, "`,` or `]`"},
    {"[1,\r\n2,\r\n3;]", 3, 2, "`,` or `]`"},
    {"[1,\r2,\r3;]", 3, 2, "`,` or `]`"},
    {"{\"\xC3\xA9\xE2\x82\xAC\":x}", 1, 7, "found `x`"},
    {"<html>", 1, 1, "found `<`"},
};

static void check_bad(const struct bad *b, unsigned flags) {
    aml_status status = parse_status(b->text, strlen(b->text), flags);
    const aml_error *e = aml_last_error();
    if (status != AML_ECONFIG || e->status != AML_ECONFIG) fail_msg("taken: %s", b->text);
    if (e->line != b->line || e->column != b->column || !strstr(e->message, b->message))
        fail_msg("%s: %zu:%zu %s", b->text, e->line, e->column, e->message);
    assert_string_equal(e->file, "x.json");
    assert_true(e->help[0]);
}

static void bad_documents_are_refused(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) check_bad(&bad[i], 0);
}

static void nul_bytes_are_refused(void **state) {
    (void)state;
    assert_int_equal(parse_status("[1]\0", 4, 0), AML_ECONFIG);
    assert_non_null(strstr(aml_last_error()->message, "NUL"));
    assert_int_equal(aml_last_error()->column, 4);
    assert_int_equal(parse_status("\"a\0b\"", 5, 0), AML_ECONFIG);
    assert_int_equal(aml_last_error()->column, 3);
}

/* Whatever is cut off a document that needs its end, what is left is none. */
static void truncations_are_refused(void **state) {
    const char *text = "{\"a\":[1,-2.5e3,true,null,\"x\\u00e9\\n\xE2\x82\xAC\"],\"b\":{\"c\":{}}}";
    (void)state;
    assert_int_equal(parse_status(text, strlen(text), 0), AML_OK);
    for (size_t n = 0; n < strlen(text); n++)
        assert_int_equal(parse_status(text, n, 0), AML_ECONFIG);
}

/* No text of few characters breaks the reader; what it takes, it writes and takes again. */
static void random_texts_do_no_harm(void **state) {
    static const char alphabet[] = "{}[]\",:\\u0D8dE1-+.ea /*\n\xC3\xA9truefalsn";
    aml_rng rng = aml_rng_stream(1, AML_RNG_TEST, 0, 0);
    size_t taken = 0;
    (void)state;
    for (int trial = 0; trial < 50000; trial++) {
        char text[16];
        size_t n = aml_rng_below(&rng, sizeof text);
        for (size_t i = 0; i < n; i++) text[i] = alphabet[aml_rng_below(&rng, sizeof alphabet - 1)];
        aml_arena *a = aml_arena_new(NULL);
        aml_json *root;
        if (!aml_json_parse(&root, a, text, n, "x", trial & 1, AML_EDATA)) {
            aml_string s = {0}, again = {0};
            write(&s, root);
            write(&again, parse(a, s.text, 0));
            assert_string_equal(s.text, again.text);
            aml_string_free(&s);
            aml_string_free(&again);
            taken++;
        }
        aml_arena_free(a);
    }
    assert_true(taken > 100);
}

/* ---- depth, comments, places ---- */

static aml_status nested(size_t depth, const char *open, const char *close) {
    aml_string s = {0};
    for (size_t i = 0; i < depth; i++) aml_string_put(&s, open);
    aml_string_put(&s, "1");
    for (size_t i = 0; i < depth; i++) aml_string_put(&s, close);
    aml_status status = parse_status(s.text, s.length, 0);
    aml_string_free(&s);
    return status;
}

static void depth_has_a_limit(void **state) {
    (void)state;
    assert_int_equal(nested(128, "[", "]"), AML_OK);
    assert_int_equal(nested(129, "[", "]"), AML_ECONFIG);
    assert_non_null(strstr(aml_last_error()->message, "nested"));
    assert_int_equal(aml_last_error()->column, 129);
    assert_int_equal(nested(128, "{\"a\":", "}"), AML_OK);
    assert_int_equal(nested(5000, "{\"a\":", "}"), AML_ECONFIG);
    assert_int_equal(nested(100000, "[", ""), AML_ECONFIG);
}

static void comments_are_taken_where_allowed(void **state) {
    static const struct bad open_comment = {"[1] /* no end", 1, 5, "no end"};
    static const struct bad lone = {"[1, / 2]", 1, 5, "lone"};
    static const struct bad behind = {"/* \xC3\xA9\xE2\x82\xAC */ x", 1, 10, "found `x`"};
    (void)state;
    check_good("// head\n{ /* a */ \"a\" /**/ : 1 // one\n, \"b\": \"//\" }//",
               "{\"a\":1,\"b\":\"//\"}", 1);
    check_good("/***/1/* * / */\r// end", "1", 1);
    check_bad(&open_comment, 1);
    check_bad(&lone, 1);
    check_bad(&behind, 1);
    assert_int_equal(parse_status("/*/1", 4, 1), AML_ECONFIG);
}

static void values_know_their_place(void **state) {
    aml_arena *a = aml_arena_new(NULL);
    const aml_json *root =
        parse(a, "{\n  \"\xC3\xA9\": /* c */ 12.50,\n\"list\": [1,\n  {\"x\": null}]}", 1);
    const aml_json *e = aml_json_find(root, "\xC3\xA9"), *list = aml_json_find(root, "list");
    (void)state;
    assert_int_equal(e->line, 2);
    assert_int_equal(e->column, 16);
    assert_string_equal(e->string, "12.50");
    assert_true(e->number == 12.5);
    assert_int_equal(list->size, 2);
    assert_int_equal(aml_json_at(list, 1)->line, 4);
    assert_int_equal(aml_json_find(aml_json_at(list, 1), "x")->column, 9);
    assert_int_equal(e->key_line, 2);
    assert_int_equal(e->key_column, 3);
    assert_int_equal(aml_json_at(list, 0)->key_line, 0);
    assert_string_equal(e->file, root->file);
    assert_null(aml_json_at(list, 2));
    aml_arena_free(a);
}

static void typed_access_falls_back(void **state) {
    aml_arena *a = aml_arena_new(NULL);
    const aml_json *o = parse(a, "{\"n\":2,\"s\":\"t\",\"yes\":true,\"no\":false,\"z\":null}", 0);
    (void)state;
    assert_true(aml_json_number(o, "n", 7) == 2 && aml_json_number(o, "s", 7) == 7);
    assert_true(aml_json_number(o, "absent", 7) == 7 && aml_json_number(NULL, "n", 7) == 7);
    assert_string_equal(aml_json_string(o, "s", "f"), "t");
    assert_string_equal(aml_json_string(o, "n", "f"), "f");
    assert_true(aml_json_bool(o, "yes", false) && !aml_json_bool(o, "no", true));
    assert_true(aml_json_bool(o, "z", true) && !aml_json_bool(o, "z", false));
    assert_null(aml_json_find(aml_json_find(o, "n"), "n"));
    aml_arena_free(a);
}

/* ---- numbers, writing, memory ---- */

static void doubles_round_trip(void **state) {
    aml_rng rng = aml_rng_stream(2, AML_RNG_TEST, 0, 0);
    aml_string s = {0};
    double x[2000];
    (void)state;
    aml_string_put(&s, "[");
    for (size_t i = 0; i < 2000; i++) {
        uint64_t bits = aml_rng_u64(&rng);
        memcpy(&x[i], &bits, sizeof bits);
        if (!isfinite(x[i]) || i % 2) x[i] = aml_rng_uniform(&rng);
        aml_json_comma(&s);
        aml_json_put_number(&s, x[i]);
    }
    aml_string_put(&s, "]");
    aml_arena *a = aml_arena_new(NULL);
    const aml_json *v = parse(a, s.text, 0)->child;
    for (size_t i = 0; i < 2000; i++, v = v->next)
        assert_memory_equal(&v->number, &x[i], sizeof *x);
    aml_string_free(&s);
    aml_arena_free(a);
}

static void what_is_not_finite_is_null(void **state) {
    aml_string s = {0};
    (void)state;
    aml_string_put(&s, "[");
    for (int i = 0; i < 4; i++) {
        aml_json_comma(&s);
        aml_json_put_number(&s, (double[]){NAN, INFINITY, -INFINITY, 0.5}[i]);
    }
    aml_json_comma(&s);
    aml_json_put_string(&s, NULL);
    aml_string_put(&s, "]");
    assert_string_equal(s.text, "[null,null,null,0.5,null]");
    aml_string_free(&s);
}

static void any_text_is_written_as_json(void **state) {
    aml_rng rng = aml_rng_stream(3, AML_RNG_TEST, 0, 0);
    aml_string s = {0};
    (void)state;
    aml_json_put_string(&s, "a\xFF\xC3\xA9\xC3");
    assert_string_equal(s.text, "\"a\xEF\xBF\xBD\xC3\xA9\xEF\xBF\xBD\"");
    for (int trial = 0; trial < 2000; trial++) {
        char text[20];
        size_t n = aml_rng_below(&rng, sizeof text);
        for (size_t i = 0; i < n; i++) text[i] = (char)(1 + aml_rng_below(&rng, 255));
        text[n] = 0;
        aml_arena *a = aml_arena_new(NULL);
        s.length = 0;
        aml_json_put_string(&s, text);
        const aml_json *v = parse(a, s.text, 0);
        if (aml_utf8_valid(text, n) == n) assert_string_equal(v->string, text);
        aml_arena_free(a);
    }
    aml_string_free(&s);
}

static void keys_and_commas(void **state) {
    aml_string s = {0}, pretty = {0};
    (void)state;
    aml_string_put(&s, "{");
    aml_json_key(&s, "a{");
    aml_json_put_string(&s, "[{");
    aml_json_key(&s, "b\"");
    aml_string_put(&s, "[");
    for (int i = 0; i < 2; i++) {
        aml_json_comma(&s);
        aml_json_put_number(&s, i);
    }
    aml_string_put(&s, "]");
    aml_json_key(&s, "e");
    aml_string_put(&s, "{}}");
    assert_string_equal(s.text, "{\"a{\":\"[{\",\"b\\\"\":[0,1],\"e\":{}}");
    aml_json_pretty(&pretty, s.text, s.length);
    assert_string_equal(
        pretty.text, "{\n  \"a{\": \"[{\",\n  \"b\\\"\": [\n    0,\n    1\n  ],\n  \"e\": {}\n}");
    aml_string_free(&s);
    aml_string_free(&pretty);
}

/* Each allocation fails once: AML_ENOMEM every time, nothing leaks, nothing is left in the arena. */
static void short_memory_is_survived(void **state) {
    const char *text = "{\"a\":[1,\"two\",{\"b\":[[],{}]}],\"c\":\"\\u00e9\",\"d\":4.5}";
    uint64_t calls = 1;
    (void)state;
    parse_status("1", 1, 0);
    for (uint64_t i = 0; i <= calls; i++) {
        aml_arena *a = aml_arena_new(NULL);
        aml_json *root;
        aml_fail_alloc(i, false);
        aml_status status = aml_json_parse(&root, a, text, strlen(text), "x", 0, AML_EDATA);
        uint64_t seen = aml_fail_alloc(0, false);
        if (!i) calls = seen;
        assert_int_equal(status, i ? AML_ENOMEM : AML_OK);
        assert_int_equal(aml_arena_bytes(a) == 0, i > 0);
        aml_arena_free(a);
    }
    assert_true(calls > 20);
}

/* Were each key compared with all others, this would take minutes. */
static void many_members_are_fine(void **state) {
    aml_string s = {0};
    (void)state;
    aml_string_put(&s, "{");
    for (int i = 0; i < 100000; i++) {
        char name[16];
        snprintf(name, sizeof name, "k%d", i);
        aml_json_key(&s, name);
        aml_json_put_number(&s, i);
    }
    aml_string_put(&s, "}");
    aml_arena *a = aml_arena_new(NULL);
    const aml_json *root = parse(a, s.text, 0);
    assert_int_equal(root->size, 100000);
    assert_true(aml_json_number(root, "k99999", -1) == 99999);
    aml_arena_free(a);
    aml_string_free(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_documents_are_read),
        cmocka_unit_test(bad_documents_are_refused),
        cmocka_unit_test(nul_bytes_are_refused),
        cmocka_unit_test(truncations_are_refused),
        cmocka_unit_test(random_texts_do_no_harm),
        cmocka_unit_test(depth_has_a_limit),
        cmocka_unit_test(comments_are_taken_where_allowed),
        cmocka_unit_test(values_know_their_place),
        cmocka_unit_test(typed_access_falls_back),
        cmocka_unit_test(doubles_round_trip),
        cmocka_unit_test(what_is_not_finite_is_null),
        cmocka_unit_test(any_text_is_written_as_json),
        cmocka_unit_test(keys_and_commas),
        cmocka_unit_test(short_memory_is_survived),
        cmocka_unit_test(many_members_are_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
