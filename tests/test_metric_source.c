/* test_metric_source.c: metrics in what programs print. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "automl/core/io.h"
#include "automl/tune/metric_line.h"
#include "automl/tune/metric_source.h"
#include "automl/tune/regex_size.h"

static void same(double a, double b) {
    assert_true((isnan(a) && isnan(b)) || (!(a < b) && !(a > b) && !isnan(a) && !isnan(b)));
}

static void numbers(void **state) {
    static const struct {
        const char *text;
        size_t length;
        double value;
    } cases[] = {{"0.5", 3, 0.5},
                 {"-1e-3,", 5, -1e-3},
                 {"+7 x", 2, 7},
                 {".5)", 2, 0.5},
                 {"5.", 2, 5},
                 {"93.5%", 4, 93.5},
                 {"nan", 3, NAN},
                 {"-Inf]", 4, -INFINITY},
                 {"Infinity", 8, INFINITY},
                 {"0.3. Then", 3, 0.3},
                 {"1.2.3", 0, 0},
                 {"3s", 0, 0},
                 {"x", 0, 0},
                 {"", 0, 0},
                 {"-", 0, 0},
                 {"nanny", 0, 0},
                 {"1e", 0, 0},
                 {"1e5", 3, 1e5},
                 {"0x1F", 0, 0},
                 {"1_000", 0, 0},
                 {"1e999", 5, INFINITY},
                 {"5\xff", 1, 5},
                 {"5\xc2\xb5s", 0, 0}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double x = 0;
        size_t n = aml_scan_number(&x, cases[i].text, strlen(cases[i].text));
        if (n != cases[i].length) fail_msg("%s: %zu", cases[i].text, n);
        if (n) same(x, cases[i].value);
    }
}

/* The value of `loss` in a line, by the step; NAN and step -1: not reported. */
static double loss_of(const char *line, aml_source_kind kind, double *step) {
    aml_metric_source s = {.name = "loss", .key = "loss", .kind = kind};
    aml_metric_track t = {0};
    bool found = aml_source_line(&t, &s, 1, line, strlen(line));
    *step = found ? t.step : -1;
    return found ? t.value : NAN;
}

static void lines(void **state) {
    static const struct {
        const char *line;
        double value, step; /* step -1: no report */
    } cases[] = {{"loss=0.5", 0.5, 1},
                 {"loss: 0.5", 0.5, 1},
                 {"epoch=3 loss = 0.25 acc=0.9", 0.25, 3},
                 {"Epoch: 12, loss : 1e-3, done.", 1e-3, 12},
                 {"{'loss': 0.3981, 'epoch': 2}", 0.3981, 2},
                 {"{\"loss\": 0.5, \"step\": 7}", 0.5, 7},
                 {"[tune-metric]: {\"loss\": 2, \"iteration\": 4}", 2, 4},
                 {"{\"loss\": NaN, \"step\": 1}", NAN, 1},
                 {"{\"loss\": -Infinity}", -INFINITY, 1},
                 {"{\"loss\": null}", NAN, 1},
                 {"{\"text\": \"NaN loss: 3\", \"loss\": 1}", 1, 1},
                 {"{\"loss\": \"high\"}", NAN, -1},
                 {"{\"val\": {\"loss\": 1}}", 1, 1}, /* a pair, in quotes */
                 {"12%|#  | 3/25 [00:01, loss=0.125]", 0.125, 1},
                 {"[LightGBM] Iteration:10, loss : 0.93", 0.93, 10},
                 {"loss=nan", NAN, 1},
                 {"loss=1e999", INFINITY, 1},
                 {"val_loss=0.5", NAN, -1},
                 {"test/loss: 0.5", NAN, -1},
                 {"loss_scale=2", NAN, -1},
                 {"loss is 0.5", NAN, -1},
                 {"loss=0.5.1", NAN, -1},
                 {"a \xff\xfe loss=0.5 \x80", 0.5, 1},
                 {"", NAN, -1}};
    double step;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double value = loss_of(cases[i].line, AML_SOURCE_PRINTED, &step);
        if (fabs(step - cases[i].step) > 0) fail_msg("%s: step %g", cases[i].line, step);
        if (step > 0) same(value, cases[i].value);
    }
    loss_of("loss=1", AML_SOURCE_JSON, &step);
    same(step, -1);
    loss_of("{\"loss\": 1}", AML_SOURCE_PAIR, &step); /* a pair in quotes too */
    same(step, 1);
    aml_metric_source s = {.name = "x", .key = "val.loss", .kind = AML_SOURCE_JSON, .stream = 2};
    aml_metric_track t = {0};
    const char *nested = "{\"val\": {\"loss\": 4}, \"loss\": 5}";
    assert_false(aml_source_line(&t, &s, 1, nested, strlen(nested)));
    assert_true(aml_source_line(&t, &s, 2, nested, strlen(nested)));
    same(t.value, 4);
}

static void regexes(void **state) {
    aml_metric_source s = {
        .name = "x", .key = "x", .kind = AML_SOURCE_REGEX, .group = 2, .step_group = 1};
    aml_metric_track t = {0};
    const char *line = "round 3 gave 0.75 today";
    (void)state;
    assert_int_equal(aml_source_regex(&s, "round ([0-9]+) gave ([-+.0-9e]+)"), AML_OK);
    assert_true(aml_source_line(&t, &s, 1, line, strlen(line)));
    same(t.value, 0.75);
    same(t.step, 3);
    assert_false(aml_source_line(&t, &s, 1, line, 8)); /* not beyond the end */
    assert_true(aml_source_line(&t, &s, 1, "round 4 gave e", 14));
    same(t.value, NAN);
    aml_source_close(&s);
    assert_int_equal(aml_source_regex(&s, "round ([0-9]+)"), AML_ECONFIG);
    assert_int_equal(aml_source_regex(&s, "round ([0-9]+"), AML_ECONFIG);
    assert_int_equal(aml_source_regex(&s, "loss (.+)++++++++++++++++++++++++++++"), AML_ECONFIG);
}

static const aml_process_result ended = {.end = AML_PROCESS_EXITED,
                                         .code = 3,
                                         .wall = 1.5,
                                         .cpu = 0.5,
                                         .peak_memory = 1000,
                                         .tail = {"los=0.5 accuracy: 3\n", ""},
                                         .n_tail = {20, 0}};

static void put(aml_metric_track *t, const aml_metric_source *s, const char *line) {
    assert_true(aml_source_line(t, s, 1, line, strlen(line)));
}

static void values(void **state) {
    char reason[256];
    aml_metric_source s = {.name = "loss", .key = "loss"};
    aml_metric_track t = {0};
    (void)state;
    same(aml_source_value(reason, sizeof reason, &t, &s, &ended), NAN);
    assert_string_equal(reason, "`loss` was never printed, but `los` was");
    put(&t, &s, "loss=3");
    put(&t, &s, "loss=nan");
    same(aml_source_value(reason, sizeof reason, &t, &s, &ended), NAN);
    assert_string_equal(reason, "`loss` is nan");
    put(&t, &s, "loss=1");
    put(&t, &s, "loss=2");
    same(aml_source_value(reason, sizeof reason, &t, &s, &ended), 2);
    assert_string_equal(reason, "");
    s.take = AML_TAKE_BEST;
    same(aml_source_value(reason, sizeof reason, &t, &s, &ended), 1);
    s.take = AML_TAKE_FIRST;
    same(aml_source_value(reason, sizeof reason, &t, &s, &ended), 3);
    put(&t, &s, "loss=2 loss=2");
    same(aml_source_value(reason, sizeof reason, &t, &s, &ended), 3);
    put(&t, &s, "loss=2 loss=5");
    same(aml_source_value(reason, sizeof reason, &t, &s, &ended), NAN);
    assert_non_null(strstr(reason, "twice"));
}

static double at_end(aml_source_kind kind, const char *text) {
    static const char path[] = BINARY_DIR "/test_metric_source.tmp";
    char reason[256];
    aml_metric_source s = {
        .name = "loss", .key = "loss", .kind = kind, .path = "test_metric_source.tmp"};
    aml_metric_track t = {0};
    if (text) assert_int_equal(aml_write_file(path, text, strlen(text)), AML_OK);
    else remove(path);
    aml_source_end(&t, &s, &ended, BINARY_DIR);
    remove(path);
    return aml_source_value(reason, sizeof reason, &t, &s, &ended);
}

static void ends(void **state) {
    (void)state;
    same(at_end(AML_SOURCE_EXIT_STATUS, NULL), 3);
    same(at_end(AML_SOURCE_WALL_TIME, NULL), 1.5);
    same(at_end(AML_SOURCE_CPU_TIME, NULL), 0.5);
    same(at_end(AML_SOURCE_PEAK_MEMORY, NULL), 1000);
    same(at_end(AML_SOURCE_FILE, NULL), NAN);
    same(at_end(AML_SOURCE_FILE, ""), NAN);
    same(at_end(AML_SOURCE_FILE, " 0.25\n"), 0.25);
    same(at_end(AML_SOURCE_FILE, "{\n \"loss\": 4,\n \"x\": {\"y\": 1}\n}\n"), 4);
    same(at_end(AML_SOURCE_FILE, "{\"loss\": 4}\n{\"loss\": 3}\n"), 3);
    same(at_end(AML_SOURCE_FILE, "acc=1\nloss=2\nend"), 2);
    same(at_end(AML_SOURCE_FILE, "nothing"), NAN);
}

/* Repetitions are written out; in sets and behind backslashes there are none. */
static void expressions_have_sizes(void **state) {
    static const struct {
        const char *pattern;
        double size;
    } known[] = {{"", 0},
                 {"loss", 4},
                 {"a|b", 3},
                 {"a++", 4},
                 {"(ab){3}", 9},
                 {"(a{10}b{2,}){1,5}", 70},
                 {"[]+{9}[:alpha:]]*", 1},
                 {"\\(+\\+{2}", 4},
                 {"a{,}b{x", 4},
                 {"((", 0},
                 {"(((a{1000}){1000}){1000}){1000}", 1.001001001e12}};
    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        double size = aml_regex_size(known[i].pattern);
        if (fabs(size - known[i].size) > 1e-2 * known[i].size)
            fail_msg("%s: %g, not %g", known[i].pattern, size, known[i].size);
    }
    char deep[1000] = {0};
    memset(deep, '(', sizeof deep - 1);
    assert_true(isinf(aml_regex_size(deep)));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers), cmocka_unit_test(lines),
        cmocka_unit_test(regexes), cmocka_unit_test(values),
        cmocka_unit_test(ends),    cmocka_unit_test(expressions_have_sizes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
