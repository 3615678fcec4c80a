/* knowledge_write.c: writing the knowledge of past datasets. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "automl/core/io.h"
#include "search/parts/knowledge.h"

/* The four leading digits of x > 0 as a whole number from 1000 to 9999, and the power of ten
 * behind them. */
static int leading_digits(double x, int *exponent) {
    int e = (int)floor(log10(x)) - 3;
    /* in two steps: 10^(-e) alone may be beyond the range */
    double scaled = e < -200 ? x * 1e200 * pow(10, -e - 200)
                    : e < 0  ? x * pow(10, -e)
                             : x / pow(10, e);
    int digits = (int)lround(scaled);
    if (digits > 9999) digits = (int)lround(scaled / 10), e++;
    if (digits < 1000) digits = (int)lround(scaled * 10), e--;
    *exponent = e;
    return digits;
}

/* Four significant digits: "0.1235", "12.3", "1e-09", "123500". Reading and writing again changes
 * nothing. */
static void put_number(aml_string *s, double x) {
    int e;
    if (isnan(x)) {
        aml_string_put(s, "-");
        return;
    }
    if (fabs(x) < 1e-300) {
        aml_string_put(s, "0");
        return;
    }
    if (x < 0) aml_string_put(s, "-");
    int digits = leading_digits(fabs(x), &e);
    while (digits % 10 == 0) digits /= 10, e++;
    int length = digits > 999 ? 4 : digits > 99 ? 3 : digits > 9 ? 2 : 1;
    if (e >= 0 && length + e <= 7) aml_string_printf(s, "%d%.*s", digits, e, "0000000");
    else if (e < 0 && length + e > 0) {
        int unit = 1;
        for (int i = 0; i < -e; i++) unit *= 10;
        aml_string_printf(s, "%d.%0*d", digits / unit, -e, digits % unit);
    } else if (e < 0 && length + e > -4) {
        aml_string_printf(s, "0.%.*s%d", -e - length, "0000000", digits);
    } else {
        aml_string_printf(s, "%de%d", digits, e);
    }
}

static void put_numbers(aml_string *s, const double *x, size_t n) {
    for (size_t i = 0; i < n; i++) {
        aml_string_put(s, "\t");
        put_number(s, x[i]);
    }
    aml_string_put(s, "\n");
}

static void put_names(aml_string *s, const char *word, const char *const *names, size_t n) {
    aml_string_put(s, word);
    for (size_t i = 0; i < n; i++) aml_string_printf(s, "\t%s", names[i]);
    aml_string_put(s, "\n");
}

static void put_row(aml_string *s, const aml_knowledge *k, const aml_knowledge_table *t,
                    const aml_knowledge_row *row) {
    aml_string_printf(s, "row\t%s\t%u", row->dataset, (unsigned)row->family);
    put_numbers(s, row->features, k->n_features);
    for (size_t m = 0; m < t->n_metrics; m++) {
        aml_string_printf(s, "loss\t%s", t->metrics[m]);
        put_numbers(s, row->loss + m * t->n_pipelines, t->n_pipelines);
    }
    aml_string_put(s, "seconds");
    put_numbers(s, row->seconds_log, t->n_pipelines);
}

static void put_table(aml_string *s, const aml_knowledge *k, const aml_knowledge_table *t) {
    aml_string_printf(s, "table\t%s\n", t->name);
    put_names(s, "metrics", t->metrics, t->n_metrics);
    for (size_t i = 0; i < t->n_pipelines; i++) {
        const aml_pipeline *p = &t->pipelines[i];
        aml_string_put(s, "pipeline");
        for (size_t j = 0; j < p->n; j++)
            aml_string_printf(s, "\t%s=%s", p->settings[j].name, p->settings[j].value);
        aml_string_put(s, "\n");
    }
    for (size_t m = 0; m < t->n_metrics; m++) {
        if (!t->weights || !t->weights[m]) continue;
        aml_string_printf(s, "weights\t%s", t->metrics[m]);
        put_numbers(s, t->weights[m], k->n_features);
    }
    for (size_t i = 0; i < t->n_rows; i++) put_row(s, k, t, &t->rows[i]);
}

void aml_knowledge_write(aml_string *out, const aml_knowledge *k) {
    size_t begin = out->length;
    aml_string_printf(out, "automl-knowledge\t1\nprovenance\t%s\n", k->provenance);
    put_names(out, "features", k->features, k->n_features);
    for (size_t i = 0; i < k->n_tables; i++) put_table(out, k, &k->tables[i]);
    if (out->failed) return;
    aml_string_printf(out, "end\t%08x\n",
                      (unsigned)aml_crc32(0, out->text + begin, out->length - begin));
}

/* ---- merging ---- */

static bool same_names(const char *const *a, size_t n, const char *const *b, size_t m) {
    bool same = n == m;
    for (size_t i = 0; i < n && same; i++) same = !strcmp(a[i], b[i]);
    return same;
}

static bool same_pipeline(const aml_pipeline *a, const aml_pipeline *b) {
    bool same = a->n == b->n;
    for (size_t i = 0; i < a->n && same; i++)
        same = !strcmp(a->settings[i].name, b->settings[i].name) &&
               !strcmp(a->settings[i].value, b->settings[i].value);
    return same;
}

/* Pipelines of a, then those that only b has; where[j] = place of b's pipeline j. */
static aml_status merge_pipelines(aml_knowledge_table *t, size_t *where,
                                  const aml_knowledge_table *a, const aml_knowledge_table *b,
                                  aml_arena *keep) {
    aml_pipeline *all = AML_ARRAY(keep, a->n_pipelines + b->n_pipelines, aml_pipeline);
    if (!all) return AML_ENOMEM;
    if (a->n_pipelines) memcpy(all, a->pipelines, a->n_pipelines * sizeof *all);
    t->n_pipelines = a->n_pipelines;
    for (size_t j = 0; j < b->n_pipelines; j++) {
        size_t i = 0;
        while (i < t->n_pipelines && !same_pipeline(&all[i], &b->pipelines[j])) i++;
        if (i == t->n_pipelines) all[t->n_pipelines++] = b->pipelines[j];
        where[j] = i;
    }
    t->pipelines = all;
    return AML_OK;
}

/* A row over the merged pipelines from a's row, b's row, or both; one may be NULL. */
static aml_status merge_row(aml_knowledge_row *out, const aml_knowledge_table *t, size_t n_a,
                            const aml_knowledge_row *a, size_t n_b, const aml_knowledge_row *b,
                            const size_t *where, aml_arena *keep) {
    size_t p = t->n_pipelines;
    double *loss = AML_ARRAY(keep, t->n_metrics * p, double), *seconds = AML_ARRAY(keep, p, double);
    if (!loss || !seconds) return AML_ENOMEM;
    for (size_t i = 0; i < t->n_metrics * p; i++) loss[i] = NAN;
    for (size_t i = 0; i < p; i++) seconds[i] = NAN;
    for (size_t i = 0; a && i < n_a; i++) {
        for (size_t m = 0; m < t->n_metrics; m++) loss[m * p + i] = a->loss[m * n_a + i];
        seconds[i] = a->seconds_log[i];
    }
    for (size_t j = 0; b && j < n_b; j++) {
        for (size_t m = 0; m < t->n_metrics; m++)
            if (!isnan(b->loss[m * n_b + j])) loss[m * p + where[j]] = b->loss[m * n_b + j];
        if (!isnan(b->seconds_log[j])) seconds[where[j]] = b->seconds_log[j];
    }
    *out = b ? *b : *a;
    out->loss = loss;
    out->seconds_log = seconds;
    return AML_OK;
}

static aml_status merge_tables(aml_knowledge_table *t, const aml_knowledge_table *a,
                               const aml_knowledge_table *b, aml_arena *keep) {
    if (!same_names(a->metrics, a->n_metrics, b->metrics, b->n_metrics))
        return aml_fail(AML_EDATA, "the tables `%s` of the two knowledges have other metrics",
                        a->name);
    size_t *where = AML_ARRAY(keep, b->n_pipelines, size_t), i = 0, j = 0;
    aml_knowledge_row *rows = AML_ARRAY(keep, a->n_rows + b->n_rows, aml_knowledge_row);
    if (!where || !rows) return AML_ENOMEM;
    *t = *a;
    AML_TRY(merge_pipelines(t, where, a, b, keep));
    for (t->n_rows = 0; i < a->n_rows || j < b->n_rows; t->n_rows++) {
        int order = i == a->n_rows   ? 1
                    : j == b->n_rows ? -1
                                     : strcmp(a->rows[i].dataset, b->rows[j].dataset);
        const aml_knowledge_row *from_a = order <= 0 ? &a->rows[i++] : NULL;
        const aml_knowledge_row *from_b = order >= 0 ? &b->rows[j++] : NULL;
        AML_TRY(merge_row(&rows[t->n_rows], t, a->n_pipelines, from_a, b->n_pipelines, from_b,
                          where, keep));
    }
    t->rows = rows;
    return AML_OK;
}

aml_status aml_knowledge_merge(aml_knowledge **out, const aml_knowledge *a, const aml_knowledge *b,
                               aml_arena *keep) {
    if (!same_names(a->features, a->n_features, b->features, b->n_features))
        return aml_fail(AML_EDATA, "the two knowledges have other meta-features");
    aml_knowledge *k = aml_copy(keep, a, sizeof *a);
    aml_knowledge_table *tables = AML_ARRAY(keep, a->n_tables + b->n_tables, aml_knowledge_table);
    if (!k || !tables) return AML_ENOMEM;
    for (size_t i = 0; i < a->n_tables; i++) {
        const aml_knowledge_table *other = aml_knowledge_find(b, a->tables[i].name);
        tables[i] = a->tables[i];
        if (other) AML_TRY(merge_tables(&tables[i], &a->tables[i], other, keep));
    }
    for (size_t j = 0; j < b->n_tables; j++)
        if (!aml_knowledge_find(a, b->tables[j].name)) tables[k->n_tables++] = b->tables[j];
    k->tables = tables;
    *out = k;
    return AML_OK;
}
