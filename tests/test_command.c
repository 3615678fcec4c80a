/* test_command.c: templates of commands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "automl/tune/command.h"

static const char *const params[] = {"lr", "depth", "name", "gone", "seed", NULL};
static const char *const inputs[] = {"data", NULL}, *const outputs[] = {"model", NULL};
static const aml_command_names names = {params, inputs, outputs};

static const char *value(const void *arg, const char *kind, const char *name) {
    (void)arg;
    if (!strcmp(kind, "inputs")) return "/d/x.csv";
    if (!strcmp(kind, "outputs")) return "/o/model";
    if (!strcmp(kind, "trial")) return !strcmp(name, "trial") ? "7" : NULL;
    if (!strcmp(name, "lr")) return "0.1";
    if (!strcmp(name, "depth")) return "3";
    if (!strcmp(name, "name")) return "a b'; rm -rf $HOME";
    return NULL;
}

static const char *const args[] = {"--lr", "0.1", "--name", "a b", NULL};
static const aml_command_values values = {value, NULL, args};

/* The words with bars between them, or the message of the failure. */
static const char *filled(const char *text, bool shell) {
    static char out[2048];
    aml_arena *arena = aml_arena_new(NULL);
    aml_json source = {
        .type = AML_JSON_STRING, .string = text, .file = "s.json", .line = 3, .column = 9};
    aml_command *c;
    size_t n = 0;
    assert_non_null(arena);
    out[0] = 0;
    aml_status status = aml_command_read(&c, &source, NULL, shell, &names, arena);
    if (status) {
        assert_int_equal(status, AML_ECONFIG);
        assert_int_equal(aml_last_error()->line, 3);
        snprintf(out, sizeof out, "%s (%s)", aml_last_error()->message, aml_last_error()->help);
    } else {
        const char *const *words = aml_command_fill(c, &values, arena);
        for (size_t i = 0; words[i]; i++)
            n += (size_t)snprintf(out + n, sizeof out - n, "%s%s", i ? "|" : "", words[i]);
    }
    aml_arena_free(arena);
    return out;
}

static void words(void **state) {
    static const char *const cases[][2] = {
        {"train --lr {lr} --depth={depth}", "train|--lr|0.1|--depth=3"},
        {"  a 'b  c' \"d \\\" e\" f\\ g ''", "a|b  c|d \" e|f g|"},
        {"x ${{search_space.lr}} ${{ search_space.depth }} ${{inputs.data}} ${{outputs.model}}",
         "x|0.1|3|/d/x.csv|/o/model"},
        {"x {name}", "x|a b'; rm -rf $HOME"}, /* one word, whatever is in it */
        {"x -{name}-", "x|-a b'; rm -rf $HOME-"},
        {"x '{lr}' {{lr}} {} {1} '{\"a\": {\"b\": 1}}' }} {a b}",
         "x|0.1|{lr}|{}|{1}|{\"a\": {\"b\": 1}}|}}|{a|b}"},
        {"x {trial} {args} y{args}", "x|7|--lr|0.1|--name|a b|y--lr 0.1 --name a b"},
        {"x --a {lr} --gone {gone} --b", "x|--a|0.1|--b"},
        {"x --gone={gone} y {gone}", "x|y"},
        {"x a{lr}b{depth}c", "x|a0.1b3c"},
        {"{name} {lr}", "a b'; rm -rf $HOME|0.1"},
        {"x '$HOME' \"*\" \\> '|'", "x|$HOME|*|>||"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(filled(cases[i][0], false), cases[i][1]);
}

static void shell(void **state) {
    (void)state;
    assert_string_equal(filled("x {lr} > y; echo ${HOME} {name} '{gone}{lr}' {args}", true),
                        "/bin/sh|-c|x 0.1 > y; echo ${HOME} 'a b'\\''; rm -rf $HOME' '''0.1' --lr "
                        "0.1 --name 'a b'");
}

static void wrong(void **state) {
    (void)state;
    assert_non_null(strstr(filled("x {dept}", false), "did you mean {depth}?"));
    assert_non_null(strstr(filled("awk {print}", false), "{{print}}"));
    assert_non_null(strstr(filled("x ${{inputs.dat}}", false), "did you mean {data}?"));
    assert_non_null(strstr(filled("x 'abc", false), "not closed"));
    assert_non_null(strstr(filled("x > y", false), "`>`"));
    assert_non_null(strstr(filled("x $HOME", false), "shell"));
    assert_non_null(strstr(filled(" ", false), "empty"));
}

static void lists(void **state) {
    static const char *const line[] = {"x", "> {lr}", "", NULL};
    aml_arena *arena = aml_arena_new(NULL);
    aml_command *c;
    (void)state;
    assert_int_equal(aml_command_read(&c, NULL, line, false, &names, arena), AML_OK);
    const char *const *w = aml_command_fill(c, &values, arena);
    assert_string_equal(w[1], "> 0.1");
    assert_string_equal(w[2], "");
    assert_null(w[3]);
    assert_true(aml_command_uses(c, "lr"));
    assert_false(aml_command_uses(c, "depth"));
    assert_string_equal(aml_command_fill_text("{lr}/{trial}{gone}", &values, arena), "0.1/7");
    aml_arena_free(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(words), cmocka_unit_test(shell),
                                       cmocka_unit_test(wrong), cmocka_unit_test(lists)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
