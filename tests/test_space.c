/* test_space.c: search spaces of users: what both forms mean, constraints, and what is said of wrong ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "automl/tune/space.h"

static aml_arena *keep;

static const aml_user_space *parsed(const char *text, const char *rules) {
    aml_user_space *s;
    if (aml_user_space_parse(&s, text, rules, keep)) fail_msg("%s", aml_last_error()->message);
    return s;
}

static size_t find(const aml_user_space *s, const char *name) {
    for (size_t i = 0; i < s->space.n; i++)
        if (!strcmp(s->space.dims[i].name, name)) return i;
    fail_msg("no parameter %s", name);
    return 0;
}

enum { DRAWS = 4000, MOST = 32 };

/* Mean, least and greatest of the values that random configurations have. */
static void draw(double *mean, double *lo, double *hi, const aml_user_space *s, const char *name) {
    double config[MOST], sum = 0, n = 0;
    size_t i = find(s, name);
    aml_rng rng = aml_rng_stream(1, AML_RNG_TEST, 0, 0);
    *lo = INFINITY;
    *hi = -INFINITY;
    for (int k = 0; k < DRAWS; k++) {
        aml_space_random(config, &s->space, &rng);
        if (isnan(config[i])) continue;
        sum += config[i];
        n++;
        *lo = fmin(*lo, config[i]);
        *hi = fmax(*hi, config[i]);
    }
    *mean = sum / n;
}

static void expect_range(const char *text, double lo, double hi, double mean) {
    double m, a, b;
    draw(&m, &a, &b, parsed(text, NULL), "x");
    if (!(a >= lo && b <= hi && fabs(m - mean) < 0.03 * (hi - lo) && a < lo + 0.1 * (hi - lo) &&
          b > hi - 0.1 * (hi - lo)))
        fail_msg("%s: from %g to %g, mean %g", text, a, b, m);
}

/* ---- distributions ---- */

static void azure_types_mean_what_they_say(void **state) {
    (void)state;
    expect_range("{\"x\": {\"type\": \"uniform\", \"min_value\": -1, \"max_value\": 3}}", -1, 3, 1);
    expect_range("{\"x\": {\"type\": \"randint\", \"upper\": 5}}", 0, 4, 2);
    expect_range("{\"x\": {\"type\": \"quniform\", \"min_value\": 0, \"max_value\": 100, \"q\": "
                 "10}}",
                 0, 100, 50);
    /* exponents: exp(0) … exp(2); mean (e² - 1) / 2 */
    expect_range("{\"x\": {\"type\": \"loguniform\", \"min_value\": 0, \"max_value\": 2}}", 1,
                 exp(2), (exp(2) - 1) / 2);
    expect_range("{\"x\": {\"type\": \"qloguniform\", \"min_value\": 0, \"max_value\": 2, \"q\": "
                 "0.5}}",
                 1, 7.5, (exp(2) - 1) / 2);
    double mean, lo, hi;
    draw(&mean, &lo, &hi, parsed("{\"x\": {\"type\": \"normal\", \"mu\": 10, \"sigma\": 3}}", NULL),
         "x");
    assert_true(fabs(mean - 10) < 0.2 && lo < 4 && lo > -8 && hi > 16 && hi < 28);
    draw(&mean, &lo, &hi,
         parsed("{\"x\": {\"type\": \"lognormal\", \"mu\": 1, \"sigma\": 0.5}}", NULL), "x");
    assert_true(fabs(mean - exp(1.125)) < 0.1 && lo > 0);
    draw(&mean, &lo, &hi,
         parsed("{\"x\": {\"type\": \"qnormal\", \"mu\": 0, \"sigma\": 1, \"q\": 0.5}}", NULL),
         "x");
    assert_true(fabs(mean) < 0.1 && lo <= -2 && 2 * lo == floor(2 * lo));
    draw(&mean, &lo, &hi,
         parsed("{\"x\": {\"type\": \"qlognormal\", \"mu\": 1, \"sigma\": 1, \"q\": 2}}", NULL),
         "x");
    assert_true(lo == 0 && fmod(hi, 2) == 0); /* round(x / 2) * 2 of a small x */
}

/* The ends of quniform have half cells: round(uniform(0, 2)). */
static void quantised_ends_are_half_as_likely(void **state) {
    (void)state;
    const aml_user_space *s = parsed("x = quniform(0, 2, 1)", NULL);
    double config[1], count[3] = {0};
    aml_rng rng = aml_rng_stream(2, AML_RNG_TEST, 0, 0);
    for (int k = 0; k < DRAWS; k++) {
        aml_space_random(config, &s->space, &rng);
        count[(int)config[0]]++;
    }
    assert_true(fabs(count[0] / DRAWS - 0.25) < 0.03 && fabs(count[1] / DRAWS - 0.5) < 0.03);
    s = parsed("x = int(0, 2)", NULL); /* and those of int are not */
    memset(count, 0, sizeof count);
    for (int k = 0; k < DRAWS; k++) {
        aml_space_random(config, &s->space, &rng);
        count[(int)config[0]]++;
    }
    assert_true(fabs(count[0] / DRAWS - 1 / 3.) < 0.03);
}

static void further_types(void **state) {
    (void)state;
    expect_range("x = loguniform(1, 100)", 1, 100, 99 / log(100));
    expect_range("x = float(0, 1, step=0.25)", 0, 1, 0.5);
    expect_range("x = int(3, 12, 4)", 3, 11, 7);
    expect_range("x = int(1, 100, log)", 1, 100, 21.6);
    expect_range("{\"x\": {\"type\": \"log_float\", \"min\": 1, \"max\": 100}}", 1, 100,
                 99 / log(100));
    expect_range("{\"x\": {\"type\": \"int\", \"min\": -3, \"max\": 3}} // comment", -3, 3, 0);
    const aml_user_space *s = parsed("a = ordinal(low, mid, high); b = [1, 2, 4]; c = choice(4, 1, "
                                     "2); d = bool(); e = 'a b'; f = choice(x); g = 3",
                                     NULL);
    assert_true(!aml_dim_is_nominal(&s->space.dims[0]) && !aml_dim_is_nominal(&s->space.dims[1]));
    assert_true(aml_dim_is_nominal(&s->space.dims[2]) && aml_dim_is_nominal(&s->space.dims[3]));
    assert_string_equal(s->space.dims[4].param->choices[0], "a b");
    assert_true(aml_dim_values(&s->space.dims[5]) == 1 && aml_dim_values(&s->space.dims[3]) == 2);
    assert_int_equal(s->types[6][0], AML_JSON_NUMBER);
}

static void steps_are_without_rounding_errors(void **state) {
    (void)state;
    const aml_user_space *s = parsed("x = float(0, 1, step=0.1); y = quniform(-2, 2, 0.05)", NULL);
    double config[2];
    char text[32];
    aml_rng rng = aml_rng_stream(3, AML_RNG_TEST, 0, 0);
    for (int k = 0; k < 500; k++) {
        aml_space_random(config, &s->space, &rng);
        for (int i = 0; i < 2; i++) {
            assert_true(aml_format_double(text, config[i]) <= 5);
            double u = aml_dim_encode(&s->space.dims[i], config[i]);
            assert_true(aml_dim_decode(&s->space.dims[i], u) == config[i]);
        }
    }
}

static void encoding_is_the_distribution(void **state) {
    (void)state;
    const aml_user_space *s = parsed(
        "{\"n\": {\"type\": \"normal\", \"mu\": 5, \"sigma\": 2}, \"l\": {\"type\": \"lognormal\", "
        "\"mu\": 0, \"sigma\": 1}, \"q\": {\"type\": \"qlognormal\", \"mu\": 3, \"sigma\": 1, "
        "\"q\": 1}}",
        NULL);
    const aml_dim *d = s->space.dims;
    assert_true(fabs(aml_dim_encode(&d[0], 5) - 0.5) < 1e-12);
    assert_true(fabs(aml_dim_encode(&d[0], 7) - 0.841344746) < 1e-8);
    assert_true(fabs(aml_dim_encode(&d[1], 1) - 0.5) < 1e-12);
    assert_true(fabs(aml_dim_decode(&d[1], 0.841344746068543) - exp(1)) < 1e-9);
    for (int k = 1; k < 200; k++) assert_true(aml_dim_decode(&d[2], aml_dim_encode(&d[2], k)) == k);
    double from, to, sum = 0;
    for (int k = 0; k < 20000; k++) {
        aml_dim_cell(&from, &to, &d[2], k);
        sum += to - from;
    }
    assert_true(fabs(sum - 1) < 1e-6);
}

/* ---- conditions ---- */

static const char nested[] =
    "{\"model\": {\"type\": \"choice\", \"values\": [\n"
    "   {\"value\": \"svm\", \"space\": {\"C\": {\"type\": \"log_float\", \"min\": 0.01, \"max\": "
    "100},\n"
    "       \"kernel\": [\"linear\", {\"value\": \"poly\", \"space\": {\"degree\": {\"type\": "
    "\"int\", \"min\": 2, \"max\": 5}}}]}},\n"
    "   {\"value\": \"logistic\", \"space\": {\"C\": {\"type\": \"log_float\", \"min\": 0.1, "
    "\"max\": 10}}},\n"
    "   \"bayes\"]},\n"
    " \"weights\": {\"type\": \"uniform\", \"min_value\": 0, \"max_value\": 1, \"when\": "
    "{\"model\": \"bayes\"}}}";

static void nested_spaces_have_their_own(void **state) {
    (void)state;
    const aml_user_space *s = parsed(nested, NULL);
    assert_int_equal(s->space.n, 6);
    double config[6];
    size_t seen[4] = {0};
    aml_rng rng = aml_rng_stream(4, AML_RNG_TEST, 0, 0);
    for (int k = 0; k < 600; k++) {
        aml_space_random(config, &s->space, &rng);
        bool svm = config[0] == 0, logistic = config[0] == 1, bayes = config[0] == 2;
        assert_true(!isnan(config[1]) == svm && !isnan(config[2]) == svm);
        assert_true(!isnan(config[3]) == (svm && config[2] == 1));
        assert_true(!isnan(config[4]) == logistic && !isnan(config[5]) == bayes);
        seen[svm ? 0 : logistic ? 1 : 2]++;
        aml_string text = {0};
        aml_user_space_write(&text, s, config);
        aml_json *object;
        double back[6];
        assert_int_equal(aml_json_parse(&object, keep, text.text, text.length, "", 0, AML_EDATA),
                         0);
        assert_int_equal(aml_user_space_config(back, s, object, ""), AML_OK);
        assert_true(aml_space_equal(&s->space, config, back));
        aml_string_free(&text);
    }
    assert_true(seen[0] > 150 && seen[1] > 150 && seen[2] > 150);
}

static void several_values_may_bring_a_parameter(void **state) {
    (void)state;
    static const char *const texts[] = {
        "k = choice(a, b, c); x = uniform(0, 1) if k == a | c; y = int(1, 3) if k == b; x = int(5, "
        "9) "
        "if k == b",
        "{\"k\": [\"a\", \"b\", \"c\"], \"x\": {\"type\": \"uniform\", \"min_value\": 0, "
        "\"max_value\": "
        "1, \"when\": {\"k\": [\"a\", \"c\"]}}, \"y\": {\"type\": \"int\", \"min\": 1, \"max\": 3, "
        "\"when\": {\"k\": \"b\"}}}"};
    for (int t = 0; t < 2; t++) {
        const aml_user_space *s = parsed(texts[t], NULL);
        double config[4];
        aml_rng rng = aml_rng_stream(7, AML_RNG_TEST, 0, 0);
        for (int k = 0; k < 100; k++) {
            aml_space_random(config, &s->space, &rng);
            assert_int_equal(!isnan(config[1]), config[0] != 1);
            assert_int_equal(!isnan(config[2]), config[0] == 1);
        }
    }
    aml_user_space *s;
    assert_int_equal(aml_user_space_parse(
                         &s, "k = choice(a, b); x = 1 if k == a | b; x = 2 if k == b", NULL, keep),
                     AML_ECONFIG);
    assert_int_equal(aml_user_space_parse(&s, "k = choice(a, b); x = 1 if k == a | d", NULL, keep),
                     AML_ECONFIG);
}

/* ---- constraints ---- */

static bool allows(const char *rule, double a, double b, double kind) {
    const aml_user_space *s = parsed("a = uniform(-100, 100); b = int(-100, 100); kind = "
                                     "choice(x, y); z = uniform(0, 1) if kind == y",
                                     rule);
    double config[] = {a, b, kind, kind == 1 ? 0.5 : NAN};
    return aml_space_allows(&s->space, config);
}

static void constraints_are_arithmetic(void **state) {
    (void)state;
    assert_true(allows("a * b <= 6", 2, 3, 0) && !allows("a * b < 6", 2, 3, 0));
    assert_true(allows("a + b * 2 == 8", 2, 3, 0) && allows("(a + b) * 2 == 10", 2, 3, 0));
    assert_true(allows("-a ^ 2 == 4", 2, 3, 0) && allows("2 ^ 3 ^ a == 512", 2, 0, 0));
    assert_true(allows("a - b - 1 == -2", 2, 3, 0) && allows("12 / a / b == 2", 2, 3, 0));
    assert_true(allows("a % 3 == 2 and b % 2 = 1", 2, 3, 0));
    assert_true(allows("max(a, b, 7) == 7 and min(a, b) == 2", 2, 3, 0));
    assert_true(allows("sqrt(a * 8) == 4 && log2(b + 5) == 3", 2, 3, 0));
    assert_true(allows("not (a > b or b > 5)", 2, 3, 0) && allows("!(a > b) || 1 > 2", 2, 3, 0));
    assert_true(allows("kind == \"y\"", 0, 0, 1) && !allows("kind == 'y'", 0, 0, 0));
    assert_true(allows("kind != 'x' or a < 0", -1, 0, 0));
    assert_true(allows("1e-3 < a", 0.0011, 0, 0) && !allows("1e-3 < a", 0.0009, 0, 0));
    assert_true(allows("z > 0.9", 0, 0, 0) && !allows("z > 0.9", 0, 0, 1)); /* not there: holds */
    assert_true(allows("a < b; b < 5", 2, 3, 0) && !allows("a < b\nb < 5", 2, 6, 0));
    assert_true(allows("[\"a < b\", \"b < 5\"]", 2, 3, 0));
    assert_true(allows("", 9, 0, 0));
}

static void random_points_keep_to_them(void **state) {
    (void)state;
    const aml_user_space *s = parsed("batch = int(1, 1024, log); layers = int(1, 32)",
                                     "batch * layers <= 64; layers % 2 == 0");
    double config[2];
    aml_rng rng = aml_rng_stream(5, AML_RNG_TEST, 0, 0);
    for (int k = 0; k < 500; k++) {
        aml_space_random(config, &s->space, &rng);
        assert_true(config[0] * config[1] <= 64 && fmod(config[1], 2) == 0);
    }
}

/* ---- errors ---- */

static void errors_have_places_and_help(void **state) {
    (void)state;
    static const struct {
        const char *space, *rules, *message, *help;
        size_t line, column;
    } wrong[] = {
        {"", NULL, "empty", "loguniform", 1, 1},
        {"x", NULL, "expected `=`", "such as", 1, 2},
        {"x = unifrom(0, 1)", NULL, "no type `unifrom`", "`uniform`", 1, 5},
        {"x = uniform(0)", NULL, "needs max_value", "", 1, 5},
        {"x = uniform(0, 1, 2)", NULL, "no further value `2`", "", 1, 19},
        {"x = uniform(0, y)", NULL, "`y` is not a number", "", 1, 16},
        {"x = uniform(2, 1)", NULL, "2, is above 1", "", 1, 5},
        {"x = loguniform(0, 1)", NULL, "begins above 0", "1e-4", 1, 5},
        {"x = int(0.5, 2)", NULL, "not a range of integers", "float", 1, 5},
        {"x = uniform(0, 1) when y", NULL, "expected `if`", "", 1, 19},
        {"x = uniform(0, 1) if y == 1", NULL, "no parameter `y` above it", "above", 1, 22},
        {"k = choice(a, b)\nx = uniform(0, 1) if k == c", NULL, "no choice `c`", "", 2, 22},
        {"k = int(0, 1); x = uniform(0, 1) if k == 1", NULL, "not a choice", "", 1, 37},
        {"x = uniform(0, 1); x = 3", NULL, "second parameter `x`", "another name", 1, 24},
        {"x = choice(a, b, a)", NULL, "value `a` twice", "", 1, 5},
        {"x = choice('a, b)", NULL, "closing quote", "", 1, 12},
        {"x = quniform(0, 1, 0)", NULL, "q must be above 0", "", 1, 5},
        {"x = float(1, 2, step=0.5, log)", NULL, "steps on a logarithmic", "", 1, 5},
        {"{\"x\": {\"type\": \"uniform\", \"min_valu\": 0}}", NULL, "unknown key `min_valu`",
         "`min_value`", 1, 39},
        {"{\"x\": {\"min_value\": 0}}", NULL, "has no type", "", 1, 7},
        {"{\"x\": null}", NULL, "is null", "", 1, 7},
        {"{\"x\": {\"type\": \"normal\", \"mu\": 0, \"sigma\": 0}}", NULL, "sigma must be above",
         "", 1, 7},
        {"{\"x\": {\"type\": \"loguniform\", \"min_value\": 1, \"max_value\": 1000}}", NULL,
         "beyond what a number holds", "exponents", 1, 7},
        {"{\"x\": {\"type\": \"choice\", \"values\": [1, [2]]}}", NULL, "a value is", "space", 1,
         40},
        {"x = uniform(0, 1, log)", NULL, "takes no log", "log_ forms", 1, 5},
        {"x = int(1, 9, step=1.5)", NULL, "the step of integers", "", 1, 5},
        {"{\"x\": {\"type\": \"uniform\", \"min_value\": 0, \"max_value\": 1, \"q\": 1}}", NULL,
         "uniform takes no q", "", 1, 7},
        {"{\"x\": {\"type\": \"uniform\", \"min_value\": \"0\", \"max_value\": 1}}", NULL,
         "`min_value` must be a number", "", 1, 40},
        {"{\"x\": {\"type\": \"float\", \"min\": 0, \"min_value\": 0, \"max\": 1}}", NULL,
         "`min_value` says again", "leave one", 1, 48},
        {"{\"x\": {\"type\": \"float\", \"min\": 0, \"max\": 1, \"default\": [1]}}", NULL,
         "`default` must be a value", "", 1, 56},
        {"{\"x\": {\"type\": \"float\", \"min\": 1, \"max\": 2, \"log\": 1}}", NULL,
         "`log` is true or false", "", 1, 52},
        {"{\"k\": [1, 2], \"x\": {\"type\": \"float\", \"min\": 1, \"max\": 2, \"when\": 3}}", NULL,
         "`when` is an object", "booster", 1, 20},
        {"{\"k\": [1, 2], \"x\": {\"type\": \"float\", \"min\": 1, \"max\": 2, \"when\": {\"k\": "
         "[]}}}",
         NULL, "names no value", "", 1, 20},
        {"{\"k\": [1, 2], \"x\": {\"type\": \"float\", \"min\": 1, \"max\": 2, \"when\": {\"k\": "
         "[1, null]}}}",
         NULL, "`when` is an object", "list of values", 1, 20},
        {"x = uniform(0, 1)", "x <= y", "no parameter `y`", "", 1, 6},
        {"xx = uniform(0, 1)", "xy <= 1", "no parameter `xy`", "`xx`", 1, 1},
        {"x = uniform(0, 1)", "x + 1", "compares nothing", "such as", 1, 1},
        {"x = uniform(0, 1)", "x <= ", "it ends here", "", 1, 6},
        {"x = uniform(0, 1)", "x <= 1 1", "expected an operator", "", 1, 8},
        {"x = uniform(0, 1)", "(x <= 1", "expected `)`", "", 1, 8},
        {"x = uniform(0, 1)", "sin(x) < 1", "no function `sin`", "known are min", 1, 1},
        {"x = uniform(0, 1)", "lgo(x) < 1", "no function `lgo`", "`log`", 1, 1},
        {"x = uniform(0, 1)", "x < 1e", "`1e` is not a number", "", 1, 5},
        {"k = choice(a, b)", "2 * k < 1", "`k` is text", "==", 1, 5},
        {"k = choice(a, b)", "0 < k", "`k` is text", "==", 1, 5},
        {"k = choice(a, b)", "not k", "`k` is text", "==", 1, 5},
        {"k = choice(a, b)", "k == a or 'a' > k", "no parameter `a`", "quotes: \"a\"", 1, 6},
        {"k = choice(a, b)", "k == 'a' or 'a' > k", "`a` is text", "==", 1, 13},
        {"k = choice(a, b)", "abs(k) == 1", "`k` is text", "==", 1, 5},
        {"x = uniform(0, 1)", "sqrt(x, 1) < 1", "takes one number", "", 1, 1},
        {"x = uniform(0, 1)", "x < 1; x < 'a", "has no end", "", 1, 12},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        aml_user_space *s;
        aml_status status = aml_user_space_parse(&s, wrong[i].space, wrong[i].rules, keep);
        const aml_error *e = aml_last_error();
        if (status != AML_ECONFIG || !strstr(e->message, wrong[i].message) ||
            !strstr(e->help, wrong[i].help) || e->line != wrong[i].line ||
            e->column != wrong[i].column)
            fail_msg("%s | %s: %d, %zu:%zu %s | %s", wrong[i].space,
                     wrong[i].rules ? wrong[i].rules : "", status, e->line, e->column, e->message,
                     e->help);
    }
}

static const aml_json *json(const char *text) {
    aml_json *x;
    if (aml_json_parse(&x, keep, text, strlen(text), "here", 0, AML_ECONFIG))
        fail_msg("%s: %s", text, aml_last_error()->message);
    return x;
}

static void configurations_are_checked(void **state) {
    (void)state;
    static const struct {
        const char *config, *message, *help;
    } wrong[] = {{"[0.5]", "are an object", ""},
                 {"{\"xx\": [0.5]}", "must be a plain value", ""},
                 {"{\"xx\": 2}", "xx", ""},
                 {"{\"xy\": 0.5}", "no parameter `xy`", "`xx`"},
                 {"{\"k\": \"c\"}", "c", ""}};
    const aml_user_space *s = parsed("xx = uniform(0, 1); k = choice(a, b)", NULL);
    double config[2];
    assert_int_equal(aml_user_space_config(config, s, json("{\"k\": \"b\"}"), "here"), AML_OK);
    assert_true(config[1] == 1);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        aml_status status = aml_user_space_config(config, s, json(wrong[i].config), "here");
        const aml_error *e = aml_last_error();
        if (!status || !strstr(e->message, wrong[i].message) || !strstr(e->help, wrong[i].help))
            fail_msg("%s: %d, %s | %s", wrong[i].config, status, e->message, e->help);
    }
    aml_user_space *other;
    assert_int_equal(aml_user_space_read(&other, json("[1]"), NULL, "here", keep), AML_ECONFIG);
    assert_int_equal(aml_user_space_read(&other, json("{\"x\": [1, 2]}"), json("{}"), "here", keep),
                     AML_ECONFIG);
    assert_non_null(strstr(aml_last_error()->message, "a list of texts"));
    assert_int_equal(
        aml_user_space_read(&other, json("{\"x\": [1, 2]}"), json("[1]"), "here", keep),
        AML_ECONFIG);
    assert_non_null(strstr(aml_last_error()->message, "a constraint is a text"));
}

/* Valid texts with bytes changed, left out and doubled: read, or refused with a place. */
static void damaged_texts_are_refused(void **state) {
    (void)state;
    static const char *const spaces[] = {
        nested,
        "lr = loguniform(1e-4, 1e-1); k = choice(a, 'b c', \"d\")\nx = int(2, 10, 2) if k == a; y "
        "= quniform(0, 1, q=0.25, default=0.5); z = normal(0, 1); w = [1, 2, 4]; v = 'text'",
        "{\"x\": {\"type\": \"quniform\", \"min_value\": 0, \"max_value\": 1, \"q\": 0.1}, \"y\": "
        "3, "
        "\"z\": [1, true, \"a\"]}"};
    static const char rules[] = "a * (b + 2) <= 1e3 and not max(a, -b) == 2 ^ 3; x != 'y' or z > 1";
    static const char bytes[] = "(){}[]\"'=,;:0123456789.eE-+*/% \n_xX#\\";
    aml_rng rng = aml_rng_stream(6, AML_RNG_TEST, 0, 0);
    enum { TEXTS = 4000 };
    size_t fine = 0;
    for (size_t k = 0; k < TEXTS; k++) {
        char space[2048], rule[256];
        aml_mark mark = aml_arena_mark(keep);
        snprintf(space, sizeof space, "%s", spaces[k % 3]);
        snprintf(rule, sizeof rule, "%s", k % 2 ? rules : "");
        for (size_t m = aml_rng_below(&rng, 4); m; m--) {
            char *text = k % 2 && m % 2 ? rule : space;
            size_t n = strlen(text), at = n ? aml_rng_below(&rng, (uint32_t)n) : 0;
            if (n && aml_rng_below(&rng, 3))
                text[at] = bytes[aml_rng_below(&rng, sizeof bytes - 1)];
            else if (n) memmove(text + at, text + at + 1, n - at);
        }
        aml_user_space *s;
        aml_status status = aml_user_space_parse(&s, space, rule, keep);
        assert_true(status == AML_OK || (status == AML_ECONFIG && aml_last_error()->line));
        fine += status == AML_OK;
        double config[MOST];
        if (!status && s->space.n <= MOST) {
            aml_string text = {0};
            aml_space_random(config, &s->space, &rng);
            aml_user_space_write(&text, s, config);
            assert_false(text.failed);
            aml_string_free(&text);
        }
        aml_arena_release(keep, mark);
    }
    assert_true(fine > TEXTS / 20 && fine < TEXTS);
}

static void exponents_are_noted(void **state) {
    (void)state;
    const aml_user_space *s = parsed(
        "{\"lr\": {\"type\": \"loguniform\", \"min_value\": 0.001, \"max_value\": 0.1}}", NULL);
    assert_non_null(s->notes[0]);
    assert_non_null(strstr(s->notes[0], "exponents"));
    s = parsed("{\"lr\": {\"type\": \"loguniform\", \"min_value\": -6, \"max_value\": -1}}", NULL);
    assert_null(s->notes[0]);
}

static int make_arena(void **state) {
    (void)state;
    keep = aml_arena_new(NULL);
    return keep ? 0 : 1;
}
static int drop_arena(void **state) {
    (void)state;
    aml_arena_free(keep);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(azure_types_mean_what_they_say),
        cmocka_unit_test(quantised_ends_are_half_as_likely),
        cmocka_unit_test(further_types),
        cmocka_unit_test(steps_are_without_rounding_errors),
        cmocka_unit_test(encoding_is_the_distribution),
        cmocka_unit_test(nested_spaces_have_their_own),
        cmocka_unit_test(several_values_may_bring_a_parameter),
        cmocka_unit_test(constraints_are_arithmetic),
        cmocka_unit_test(random_points_keep_to_them),
        cmocka_unit_test(errors_have_places_and_help),
        cmocka_unit_test(configurations_are_checked),
        cmocka_unit_test(damaged_texts_are_refused),
        cmocka_unit_test(exponents_are_noted),
    };
    return cmocka_run_group_tests(tests, make_arena, drop_arena);
}
