/* metric_source.c: values of metrics from lines, files and the end of a command. */
#include "automl/tune/metric_source.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "automl/core/io.h"
#include "automl/tune/metric_line.h"
#include "automl/tune/regex_size.h"

enum { MAX_FILE = 16 << 20, MAX_REGEX_LINE = 8192, MAX_GROUPS = 10, MAX_REGEX = 10000 };

const char *aml_source_word(size_t i) {
    static const char *const words[] = {"printed",   "json",     "pair",
                                        "regex",     "file",     "exit_status",
                                        "wall_time", "cpu_time", "peak_memory"};
    return i < sizeof words / sizeof *words ? words[i] : NULL;
}

const char *aml_take_word(size_t i) {
    static const char *const words[] = {"last", "best", "first"};
    return i < sizeof words / sizeof *words ? words[i] : NULL;
}

bool aml_source_is_printed(aml_source_kind kind) { return kind <= AML_SOURCE_REGEX; }

aml_status aml_source_regex(aml_metric_source *source, const char *pattern) {
    char text[256];
    if (aml_regex_size(pattern) > MAX_REGEX) {
        aml_fail(AML_ECONFIG, "the regular expression `%.200s` is too large", pattern);
        return aml_help(AML_ECONFIG, "what is repeated counts as often as it may come",
                        "nest and repeat less: write a+ for a++, [0-9]+ for [0-9]{1,20000}");
    }
    int error = regcomp(&source->regex, pattern, REG_EXTENDED);
    if (error) {
        regerror(error, &source->regex, text, sizeof text);
        return aml_fail(AML_ECONFIG, "`%.200s` is not a regular expression: %s", pattern, text);
    }
    size_t most = (size_t)(source->group > source->step_group ? source->group : source->step_group);
    if (source->regex.re_nsub >= most && most < MAX_GROUPS) return AML_OK;
    size_t groups = source->regex.re_nsub;
    regfree(&source->regex);
    aml_fail(AML_ECONFIG, "the regular expression `%.200s` has %zu groups, not %zu", pattern,
             groups, most);
    return aml_help(AML_ECONFIG, "a group in parentheses holds the number",
                    "write it as in: loss is ([-+.0-9e]+)");
}

void aml_source_close(aml_metric_source *source) {
    if (source->kind == AML_SOURCE_REGEX) regfree(&source->regex);
}

/* ---- reports */

static void take(aml_metric_track *t, const aml_metric_source *s, double value, double step) {
    if (!t->reports) t->first = t->best = value;
    if (isnan(t->best) || (s->maximize ? value > t->best : value < t->best)) t->best = value;
    t->reports++;
    t->value = value;
    t->step = isnan(step) ? (double)t->reports : step;
}

static bool differ(double a, double b) { return isnan(a) != isnan(b) || a < b || a > b; }

static const char *const step_words[] = {"step", "epoch", "iteration", "iter", "round"};
enum { STEP_WORDS = sizeof step_words / sizeof *step_words };

static double pair_step(const aml_metric_source *s, const char *line, size_t n) {
    double step;
    size_t at = 0;
    if (s->step_key) return aml_scan_pair(&step, &at, line, n, s->step_key, false) ? step : NAN;
    for (size_t i = 0; i < STEP_WORDS; i++) {
        at = 0;
        if (aml_scan_pair(&step, &at, line, n, step_words[i], true)) return step;
    }
    return NAN;
}

static bool take_pair(aml_metric_track *t, const aml_metric_source *s, const char *line, size_t n) {
    double value, other;
    size_t at = 0;
    if (!aml_scan_pair(&value, &at, line, n, s->key, false)) return false;
    while (aml_scan_pair(&other, &at, line, n, s->key, false)) {
        if (!differ(value, other)) continue;
        t->ambiguous = true;
        t->other = other;
    }
    take(t, s, value, pair_step(s, line, n));
    return true;
}

static double json_step(const aml_metric_source *s, const aml_line_json *j) {
    double step;
    if (s->step_key) return aml_line_json_number(&step, j, s->step_key) ? step : NAN;
    for (size_t i = 0; i < STEP_WORDS; i++)
        if (aml_line_json_number(&step, j, step_words[i])) return step;
    return NAN;
}

static bool take_json(aml_metric_track *t, const aml_metric_source *s, const char *line, size_t n) {
    double value;
    aml_line_json *j = aml_line_json_new(line, n);
    bool found = j && aml_line_json_number(&value, j, s->key);
    if (found) take(t, s, value, json_step(s, j));
    aml_line_json_free(j);
    return found;
}

static double group_number(const char *line, const regmatch_t *m) {
    double x;
    size_t n = m->rm_so < 0 ? 0 : (size_t)(m->rm_eo - m->rm_so);
    return n && aml_scan_number(&x, line + m->rm_so, n) == n ? x : NAN;
}

/* A group that is no number is a value that is none: the expression said that it would be. */
static bool take_regex(aml_metric_track *t, const aml_metric_source *s, const char *line,
                       size_t n) {
    regmatch_t groups[MAX_GROUPS];
    groups[0] = (regmatch_t){.rm_eo = (regoff_t)(n < MAX_REGEX_LINE ? n : (size_t)MAX_REGEX_LINE)};
    if (regexec(&s->regex, line, MAX_GROUPS, groups, REG_STARTEND)) return false;
    double step = s->step_group ? group_number(line, &groups[s->step_group]) : NAN;
    take(t, s, group_number(line, &groups[s->group]), step);
    return true;
}

/* The last part of "a.b": what must be in the line in any case. */
static const char *last_part(const char *key) {
    const char *dot = strrchr(key, '.');
    return dot && dot[1] ? dot + 1 : key;
}

bool aml_source_line(aml_metric_track *track, const aml_metric_source *source, int stream,
                     const char *line, size_t length) {
    if (!aml_source_is_printed(source->kind) || (source->stream && source->stream != stream))
        return false;
    if (source->kind == AML_SOURCE_REGEX) return take_regex(track, source, line, length);
    const char *part = last_part(source->key);
    if (!memmem(line, length, part, strlen(part))) return false;
    if (source->kind != AML_SOURCE_PAIR && take_json(track, source, line, length)) return true;
    return source->kind != AML_SOURCE_JSON && take_pair(track, source, line, length);
}

/* ---- the end */

static void take_file(aml_metric_track *t, const aml_metric_source *s, const char *folder) {
    char path[4096], *text;
    size_t size;
    double value;
    snprintf(path, sizeof path, "%s%s%s", *s->path == '/' ? "" : folder, *s->path == '/' ? "" : "/",
             s->path);
    if (aml_read_file(&text, &size, path, MAX_FILE, NULL)) return;
    aml_line_json *whole = aml_line_json_new(text, size); /* one object, on many lines maybe */
    if (whole && aml_line_json_number(&value, whole, s->key)) {
        take(t, s, value, json_step(s, whole));
    } else { /* lines of any form; at last a number alone */
        aml_metric_source lines = *s;
        lines.kind = AML_SOURCE_PRINTED;
        for (size_t i = 0, n; i < size; i += n + 1) {
            const char *newline = memchr(text + i, '\n', size - i);
            n = newline ? (size_t)(newline - text) - i : size - i;
            aml_source_line(t, &lines, 1, text + i, n);
        }
        size_t skip = strspn(text, " \t\r\n"), rest = size - skip;
        while (rest && strchr(" \t\r\n", text[skip + rest - 1])) rest--;
        if (!t->reports && rest && aml_scan_number(&value, text + skip, rest) == rest)
            take(t, s, value, NAN);
    }
    aml_line_json_free(whole);
    aml_free(text);
}

void aml_source_end(aml_metric_track *track, const aml_metric_source *source,
                    const aml_process_result *r, const char *folder) {
    switch (source->kind) {
    case AML_SOURCE_FILE: take_file(track, source, folder); break;
    case AML_SOURCE_EXIT_STATUS:
        if (r->end == AML_PROCESS_EXITED) take(track, source, r->code, NAN);
        break;
    case AML_SOURCE_WALL_TIME: take(track, source, r->wall, NAN); break;
    case AML_SOURCE_CPU_TIME: take(track, source, r->cpu, NAN); break;
    case AML_SOURCE_PEAK_MEMORY: take(track, source, (double)r->peak_memory, NAN); break;
    case AML_SOURCE_PRINTED:
    case AML_SOURCE_JSON:
    case AML_SOURCE_PAIR:
    case AML_SOURCE_REGEX: break;
    }
}

/* A name printed with a number that is near the one that was missed. */
static bool find_meant(char *out, size_t size, const char *key, const aml_process_result *r) {
    for (int i = 0; i < 2; i++) {
        size_t from, length, at = 0;
        while (aml_scan_any_pair(&from, &length, &at, r->tail[i], r->n_tail[i])) {
            const char *names[1] = {out};
            snprintf(out, size, "%.*s", (int)length, r->tail[i] + from);
            if (strcmp(out, key) != 0 && aml_nearest(key, names, 1)) return true;
        }
    }
    return false;
}

static void say_missing(char *out, size_t size, const aml_metric_source *s,
                        const aml_process_result *r) {
    char meant[128], shown[4 * 64 + 4];
    if (s->kind == AML_SOURCE_FILE) {
        snprintf(out, size, "no `%.64s` in the file %.200s", s->key, s->path);
    } else if (s->kind == AML_SOURCE_REGEX) {
        snprintf(out, size, "no line matched the regular expression of `%.64s`", s->name);
    } else if (!aml_source_is_printed(s->kind)) {
        snprintf(out, size, "`%.64s` is not known", s->name);
    } else if (find_meant(meant, sizeof meant, s->key, r)) {
        aml_printable(shown, sizeof shown, meant, strlen(meant), 64);
        snprintf(out, size, "`%.64s` was never printed, but `%s` was", s->key, shown);
    } else {
        snprintf(out, size, "`%.64s` was never printed", s->key);
    }
}

double aml_source_value(char *reason, size_t size, const aml_metric_track *t,
                        const aml_metric_source *s, const aml_process_result *r) {
    char number[32], other[32];
    double value = s->take == AML_TAKE_BEST    ? t->best
                   : s->take == AML_TAKE_FIRST ? t->first
                                               : t->value;
    *reason = 0;
    if (!t->reports) {
        say_missing(reason, size, s, r);
        return NAN;
    }
    aml_format_double(number, value);
    if (t->ambiguous) {
        aml_format_double(other, t->other);
        snprintf(reason, size, "`%.64s` came twice on one line, with different values (one is %s)",
                 s->name, other);
    } else if (!isfinite(value)) {
        snprintf(reason, size, "`%.64s` is %s", s->name, number);
    }
    return *reason ? NAN : value;
}
