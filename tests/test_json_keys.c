/* test_json_keys.c: objects read by a table of keys: values, what is wrong and where, and the schema of the table. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "automl/core/json_param.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

typedef struct inner {
    const char *mode;
    const char *const *names;
    double share;
} inner;

typedef struct outer {
    bool flag;
    const char *title;
    const double *goal;
    int threads;
    size_t trials, memory, length;
    uint64_t seed;
    double timeout;
    inner in;
} outer;

static const char *mode_word(size_t i) {
    static const char *const words[] = {"fast", "slow", NULL};
    return words[i];
}

static aml_status read_length(void *to, const aml_json *x, const aml_key_place *at) {
    AML_TRY(aml_key_need(x, AML_JSON_STRING, at));
    *(size_t *)to = strlen(x->string);
    return AML_OK;
}

static void length_schema(aml_string *s) { aml_string_put(s, "{\"type\":\"string\"}"); }

#define IN(m) .member = offsetof(inner, m)
#define OUT(m) .member = offsetof(outer, m)

static const aml_key inner_keys[] = {
    {.name = "mode", .type = AML_KEY_TEXT, IN(mode), .word = mode_word},
    {.name = "names", .type = AML_KEY_TEXTS, IN(names)},
    {.name = "share", .type = AML_KEY_REAL, IN(share), .hi = 1, .open = true},
    {0}};

static const aml_key keys[] = {
    {.name = "flag", .type = AML_KEY_FLAG, OUT(flag)},
    {.name = "title", .summary = "what it is", .type = AML_KEY_TEXT, OUT(title), .required = true},
    {.name = "goal", .type = AML_KEY_REAL_AT, OUT(goal)},
    {.name = "threads", .type = AML_KEY_INT, OUT(threads), .lo = 1, .hi = 1024},
    {.name = "trials", .type = AML_KEY_COUNT, OUT(trials), .lo = 1, .hi = INFINITY},
    {.name = "memory", .type = AML_KEY_BYTES, OUT(memory)},
    {.name = "length",
     .type = AML_KEY_OWN,
     OUT(length),
     .read = read_length,
     .schema = length_schema},
    {.name = "seed", .type = AML_KEY_SEED, OUT(seed)},
    {.name = "timeout", .type = AML_KEY_SECONDS, OUT(timeout)},
    {.name = "in", .type = AML_KEY_OBJECT, OUT(in), .keys = inner_keys},
    {0}};

static aml_status read_keys(outer *out, aml_arena *keep, const char *text) {
    aml_json *root;
    aml_key_place at = {.keep = keep, .path = "", .root = keys};
    *out = (outer){.threads = 7};
    AML_TRY(
        aml_json_parse(&root, keep, text, strlen(text), "a.json", AML_JSON_COMMENTS, AML_ECONFIG));
    return aml_keys_read(out, root, keys, &at);
}

static void values_arrive(void **state) {
    aml_arena *a = aml_arena_new(NULL);
    outer o;
    (void)state;
    assert_int_equal(
        read_keys(
            &o, a,
            "{\"flag\": true, \"title\": \"t\", \"goal\": -0.5, \"threads\": null, \"trials\":"
            " 3, \"memory\": \"1.5G\", \"length\": \"four\", \"seed\": 18446744073709551615,"
            " \"timeout\": \"1m30s\", // so long\n"
            " \"in\": {\"mode\": \"slow\", \"names\": [\"a\", \"b\"], \"share\": 0.25}}"),
        AML_OK);
    assert_true(o.flag && *o.goal == -0.5 && o.seed == UINT64_MAX && o.timeout == 90);
    assert_string_equal(o.title, "t");
    assert_int_equal(o.threads, 7); /* null: not given */
    assert_int_equal(o.trials, 3);
    assert_int_equal(o.memory, 3u << 29);
    assert_int_equal(o.length, 4);
    assert_string_equal(o.in.mode, "slow");
    assert_string_equal(o.in.names[1], "b");
    assert_null(o.in.names[2]);
    assert_true(o.in.share == 0.25);
    assert_int_equal(
        read_keys(&o, a, "{\"title\": \"t\", \"timeout\": 5, \"in\": {\"names\": \"only\"}}"),
        AML_OK);
    assert_string_equal(o.in.names[0], "only");
    assert_null(o.in.names[1]);
    assert_true(o.timeout == 5 && !o.goal);
    aml_arena_free(a);
}

static void errors_say_where_and_what(void **state) {
    static const struct {
        const char *text;
        size_t line, column;
        const char *message, *help;
    } bad[] = {
        {"[]", 1, 1, "the document must be an object, found an empty list", ""},
        {"{\"titel\": \"t\"}", 1, 2, "unknown key `titel`", "`title`"},
        {"{\"zzzzzzzzz\": 1}", 1, 2, "unknown key", "flag, title, goal"},
        {"{\"share\": 1}", 1, 2, "unknown key `share`", "is a key of `in`"},
        {"{\"title\": \"t\",\n \"in\": {\"seed\": 1}}", 2, 9, "`in` has no key `seed`",
         "top of the document"},
        {"{}", 1, 1, "`title` is missing", "what it is"},
        {"{\"title\": null}", 1, 1, "`title` is missing", ""},
        {"{\"title\": 3}", 1, 11, "`title` must be a text, found 3", "what it is"},
        {"{\"title\": \"\"}", 1, 11, "not empty", ""},
        {"{\"flag\": \"yes\"}", 1, 10, "`flag` must be true or false, found the text `yes`", ""},
        {"{\"goal\": \"high\"}", 1, 10, "must be a number", ""},
        {"{\"threads\": 1000000000}", 1, 13, "an integer from 1 to 1024, found 1000000000", ""},
        {"{\"threads\": 1.5}", 1, 13, "an integer from 1 to 1024, found 1.5", ""},
        {"{\"trials\": 0}", 1, 12, "an integer of at least 1, found 0", ""},
        {"{\"trials\": 1e300}", 1, 12, "found 1e300", ""},
        {"{\"seed\": -1}", 1, 10, "an integer from 0 to 18446744073709551615, found -1", ""},
        {"{\"seed\": 18446744073709551616}", 1, 10, "found 18446744073709551616", ""},
        {"{\"seed\": 1.5}", 1, 10, "an integer", ""},
        {"{\"timeout\": \"soon\"}", 1, 13, "a time", ""},
        {"{\"timeout\": 0}", 1, 13, "a time", ""},
        {"{\"memory\": \"2X\"}", 1, 12, "a size", ""},
        {"{\"memory\": -5}", 1, 12, "a size", ""},
        {"{\"length\": 4}", 1, 12, "`length` must be a text, found 4", ""},
        {"{\"in\": 4}", 1, 8, "`in` must be an object, found 4", ""},
        {"{\"in\": {\"mode\": \"slwo\"}}", 1, 17, "`in.mode` cannot be `slwo`", "`slow`"},
        {"{\"in\": {\"names\": [\"a\", 3]}}", 1, 24, "`in.names[1]` must be a text", ""},
        {"{\"in\": {\"share\": 1}}", 1, 18, "a number between 0 and 1, found 1", ""},
        {"{\"flag\": 1, \"flag\": 2}", 1, 13, "duplicate key", ""},
        {"{} 1", 1, 4, "after the end", ""}};
    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        aml_arena *a = aml_arena_new(NULL);
        outer o;
        const aml_error *e = aml_last_error();
        aml_clear_error();
        assert_int_equal(read_keys(&o, a, bad[i].text), AML_ECONFIG);
        if (e->line != bad[i].line || e->column != bad[i].column ||
            !strstr(e->message, bad[i].message) || !strstr(e->help, bad[i].help))
            fail_msg("%s: %zu:%zu %s | %s", bad[i].text, e->line, e->column, e->message, e->help);
        assert_string_equal(e->file, "a.json");
        aml_arena_free(a);
    }
}

static void parameters_have_places(void **state) {
    static const aml_param params[] = {
        {.name = "rate", .kind = AML_REAL, .lo = 0, .hi = 1},
        {.name = "deep", .kind = AML_CHOICE, .choices = aml_flag_choices},
        {0}};
    static const char text[] = "{\"rate\": 0.5, \"deep\": true, \"rat\": 1,\n \"x\": 7}";
    aml_arena *a = aml_arena_new(NULL);
    aml_key_place at = {.keep = a, .path = "p"};
    aml_json *root;
    size_t i;
    double value;
    (void)state;
    assert_int_equal(aml_json_parse(&root, a, text, strlen(text), "p.json", 0, AML_ECONFIG), 0);
    assert_int_equal(aml_json_param_find(&i, aml_json_at(root, 1), params, "p"), AML_OK);
    assert_int_equal(i, 1);
    assert_int_equal(aml_json_param(&value, aml_json_at(root, 1), &params[1], &at), AML_OK);
    assert_true(value == 1);
    assert_int_equal(aml_json_param_find(&i, aml_json_at(root, 2), params, "p"), AML_ECONFIG);
    assert_non_null(strstr(aml_last_error()->help, "`rate`"));
    assert_int_equal(aml_json_param(&value, aml_json_at(root, 3), &params[0], &at), AML_ECONFIG);
    assert_int_equal(aml_last_error()->line, 2);
    assert_int_equal(aml_last_error()->column, 7);
    assert_string_equal(aml_last_error()->file, "p.json");
    aml_arena_free(a);
}

/* Every key of the table is in the schema, and the schema is JSON. */
static void schema_is_the_table(void **state) {
    aml_arena *a = aml_arena_new(NULL);
    aml_string s = {0};
    aml_json *root;
    (void)state;
    aml_keys_schema(&s, keys);
    assert_false(s.failed);
    assert_int_equal(aml_json_parse(&root, a, s.text, s.length, "schema", 0, AML_ECONFIG), AML_OK);
    const aml_json *properties = aml_json_find(root, "properties");
    assert_int_equal(properties->size, COUNT(keys) - 1);
    for (const aml_key *k = keys; k->name; k++) {
        const aml_json *p = aml_json_find(properties, k->name);
        assert_non_null(p);
        assert_true(aml_json_find(p, "type") || aml_json_find(p, "anyOf"));
        const aml_json *members = aml_json_find(p, "properties");
        for (const aml_key *m = k->keys; m && m->name; m++)
            assert_non_null(aml_json_find(members, m->name));
    }
    assert_string_equal(aml_json_at(aml_json_find(root, "required"), 0)->string, "title");
    assert_false(aml_json_bool(root, "additionalProperties", true));
    aml_string_free(&s);
    aml_arena_free(a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_arrive), cmocka_unit_test(errors_say_where_and_what),
        cmocka_unit_test(parameters_have_places), cmocka_unit_test(schema_is_the_table)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
