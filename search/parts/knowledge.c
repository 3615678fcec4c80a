/* knowledge.c: reading the knowledge of past datasets. */
#include "search/parts/knowledge.h"

#include <math.h>
#include <string.h>

#include "automl/core/io.h"

enum { VERSION = 1, MAX_FIELDS = 1 << 16, MAX_NAME = 200 };

typedef struct field {
    const char *text;
    size_t length;
} field;

typedef struct reader {
    const char *text, *file;
    size_t size, at, line;
    aml_arena *keep;
    field *fields; /* of the current line */
    size_t n;
} reader;

#define REFUSE(r, ...) aml_fail_at(AML_EDATA, (r)->file, (r)->line, 0, __VA_ARGS__)

static bool is_word(field f, const char *word) {
    return f.length == strlen(word) && !memcmp(f.text, word, f.length);
}

/* ---- lines and fields ---- */

/* The next line's fields; a line ends with a newline. */
static aml_status next_line(reader *r) {
    const char *begin = r->text + r->at, *stop = memchr(begin, '\n', r->size - r->at);
    r->line++;
    if (!stop) return REFUSE(r, "the knowledge ends in the middle of a line");
    r->at = (size_t)(stop - r->text) + 1;
    r->n = 0;
    for (const char *c = begin;; c++) {
        if (c != stop && *c != '\t') continue;
        if (r->n == MAX_FIELDS) return REFUSE(r, "the line has more than %d fields", MAX_FIELDS);
        r->fields[r->n++] = (field){begin, (size_t)(c - begin)};
        if (c == stop) return AML_OK;
        begin = c + 1;
    }
}

static bool next_is(const reader *r, const char *word) {
    size_t length = strlen(word);
    return r->size - r->at > length && !memcmp(r->text + r->at, word, length) &&
           (r->text[r->at + length] == '\t' || r->text[r->at + length] == '\n');
}

/* A line that starts with `word` and has n fields behind it (SIZE_MAX = any number). */
static aml_status expect(reader *r, const char *word, size_t n) {
    AML_TRY(next_line(r));
    if (!is_word(r->fields[0], word)) return REFUSE(r, "a line `%s` was expected here", word);
    if (n != SIZE_MAX && r->n - 1 != n)
        return REFUSE(r, "`%s` has %zu fields, not %zu", word, r->n - 1, n);
    return AML_OK;
}

static aml_status get_name(const char **out, reader *r, field f) {
    bool fine =
        f.length >= 1 && f.length <= MAX_NAME && aml_utf8_valid(f.text, f.length) == f.length;
    for (size_t i = 0; i < f.length && fine; i++) fine = (unsigned char)f.text[i] >= ' ';
    if (!fine) return REFUSE(r, "a name is empty, too long or not text");
    *out = aml_strndup(r->keep, f.text, f.length);
    return *out ? AML_OK : AML_ENOMEM;
}

static aml_status get_names(const char *const **out, size_t *n, reader *r) {
    const char **names = AML_ARRAY(r->keep, r->n, const char *);
    if (!names) return AML_ENOMEM;
    *n = r->n - 1;
    for (size_t i = 0; i < *n; i++) {
        AML_TRY(get_name(&names[i], r, r->fields[i + 1]));
        for (size_t j = 0; j < i; j++)
            if (!strcmp(names[i], names[j])) return REFUSE(r, "`%s` stands here twice", names[i]);
    }
    *out = names;
    return AML_OK;
}

/* Fields from `first` on as numbers. */
static aml_status get_numbers(double *out, reader *r, size_t first) {
    for (size_t i = first; i < r->n; i++) {
        field f = r->fields[i];
        if (is_word(f, "-")) out[i - first] = NAN;
        else if (!aml_parse_double(&out[i - first], f.text, f.length) || !isfinite(out[i - first]))
            return REFUSE(r, "field %zu is not a number", i + 1);
    }
    return AML_OK;
}

/* ---- records ---- */

static aml_status read_pipeline(aml_pipeline *p, reader *r) {
    aml_setting *settings = AML_ARRAY(r->keep, r->n, aml_setting);
    if (!settings) return AML_ENOMEM;
    *p = (aml_pipeline){r->n - 1, settings};
    if (!p->n) return REFUSE(r, "a pipeline has no settings");
    for (size_t i = 0; i < p->n; i++) {
        field f = r->fields[i + 1], name = f;
        const char *equals = memchr(f.text, '=', f.length);
        if (!equals) return REFUSE(r, "field %zu is not of the form name=value", i + 2);
        name.length = (size_t)(equals - f.text);
        f.text = equals + 1;
        f.length -= name.length + 1;
        AML_TRY(get_name(&settings[i].name, r, name));
        AML_TRY(get_name(&settings[i].value, r, f));
    }
    return AML_OK;
}

static aml_status read_weights(const double **weights, const aml_knowledge *k,
                               aml_knowledge_table *t, reader *r) {
    size_t m = 0;
    AML_TRY(expect(r, "weights", k->n_features + 1));
    while (m < t->n_metrics && !is_word(r->fields[1], t->metrics[m])) m++;
    if (m == t->n_metrics) return REFUSE(r, "weights for a metric that the table does not have");
    if (weights[m]) return REFUSE(r, "weights for `%s` stand here twice", t->metrics[m]);
    double *w = AML_ARRAY(r->keep, k->n_features, double);
    if (!w) return AML_ENOMEM;
    weights[m] = w;
    AML_TRY(get_numbers(w, r, 2));
    for (size_t i = 0; i < k->n_features; i++)
        if (isnan(w[i])) return REFUSE(r, "weights have no gaps");
    return AML_OK;
}

static aml_status read_row(aml_knowledge_row *row, const char *before, const aml_knowledge *k,
                           const aml_knowledge_table *t, reader *r) {
    double family, *features = AML_ARRAY(r->keep, k->n_features, double);
    double *loss = AML_ARRAY(r->keep, t->n_metrics * t->n_pipelines, double);
    double *seconds = AML_ARRAY(r->keep, t->n_pipelines, double);
    if (!features || !loss || !seconds) return AML_ENOMEM;
    AML_TRY(expect(r, "row", k->n_features + 2));
    AML_TRY(get_name(&row->dataset, r, r->fields[1]));
    if (before && strcmp(before, row->dataset) >= 0)
        return REFUSE(r, "row `%s` is not behind `%s`: rows are sorted", row->dataset, before);
    if (!aml_parse_double(&family, r->fields[2].text, r->fields[2].length) || family < 0 ||
        family > UINT32_MAX || family != floor(family))
        return REFUSE(r, "the family of row `%s` is not a whole number", row->dataset);
    AML_TRY(get_numbers(features, r, 3));
    for (size_t m = 0; m < t->n_metrics; m++) {
        AML_TRY(expect(r, "loss", t->n_pipelines + 1));
        if (!is_word(r->fields[1], t->metrics[m]))
            return REFUSE(r, "the loss of `%s` was expected here", t->metrics[m]);
        AML_TRY(get_numbers(loss + m * t->n_pipelines, r, 2));
    }
    AML_TRY(expect(r, "seconds", t->n_pipelines));
    AML_TRY(get_numbers(seconds, r, 1));
    row->family = (uint32_t)family;
    row->features = features;
    row->loss = loss;
    row->seconds_log = seconds;
    return AML_OK;
}

/* How many lines of the table that begins here start with `word`. */
static size_t count_records(const reader *r, const char *word) {
    reader scan = *r;
    size_t count = 0;
    while (scan.at < scan.size && !next_is(&scan, "table") && !next_is(&scan, "end")) {
        const char *stop = memchr(scan.text + scan.at, '\n', scan.size - scan.at);
        count += next_is(&scan, word);
        if (!stop) break;
        scan.at = (size_t)(stop - scan.text) + 1;
    }
    return count;
}

static aml_status read_table(aml_knowledge_table *t, const aml_knowledge *k, reader *r) {
    AML_TRY(expect(r, "table", 1));
    AML_TRY(get_name(&t->name, r, r->fields[1]));
    AML_TRY(expect(r, "metrics", SIZE_MAX));
    AML_TRY(get_names(&t->metrics, &t->n_metrics, r));
    t->n_pipelines = count_records(r, "pipeline");
    t->n_rows = count_records(r, "row");
    aml_pipeline *pipelines = AML_ARRAY(r->keep, t->n_pipelines, aml_pipeline);
    const double **weights = AML_ARRAY(r->keep, t->n_metrics, const double *);
    aml_knowledge_row *rows = AML_ARRAY(r->keep, t->n_rows, aml_knowledge_row);
    if (!pipelines || !weights || !rows) return AML_ENOMEM;
    for (size_t i = 0; i < t->n_pipelines; i++) {
        AML_TRY(expect(r, "pipeline", SIZE_MAX));
        AML_TRY(read_pipeline(&pipelines[i], r));
    }
    while (next_is(r, "weights")) AML_TRY(read_weights(weights, k, t, r));
    for (size_t i = 0; i < t->n_rows; i++)
        AML_TRY(read_row(&rows[i], i ? rows[i - 1].dataset : NULL, k, t, r));
    t->pipelines = pipelines;
    t->weights = weights;
    t->rows = rows;
    return AML_OK;
}

static aml_status read_end(reader *r) {
    char digits[16];
    uint32_t crc = aml_crc32(0, r->text, r->at);
    for (int i = 0; i < 8; i++) digits[i] = "0123456789abcdef"[crc >> (28 - 4 * i) & 15];
    digits[8] = 0;
    AML_TRY(expect(r, "end", 1));
    if (!is_word(r->fields[1], digits))
        return REFUSE(r, "the checksum of the knowledge does not match: the file is damaged");
    if (r->at != r->size) return REFUSE(r, "text follows the end of the knowledge");
    return AML_OK;
}

static aml_status read_tables(aml_knowledge *k, reader *r) {
    enum { MAX_TABLES = 16 };
    aml_knowledge_table *tables = AML_ARRAY(r->keep, MAX_TABLES, aml_knowledge_table);
    if (!tables) return AML_ENOMEM;
    k->tables = tables;
    while (next_is(r, "table")) {
        if (k->n_tables == MAX_TABLES) return REFUSE(r, "more than %d tables", MAX_TABLES);
        AML_TRY(read_table(&tables[k->n_tables], k, r));
        for (size_t i = 0; i < k->n_tables; i++)
            if (!strcmp(tables[i].name, tables[k->n_tables].name))
                return REFUSE(r, "table `%s` stands here twice", tables[i].name);
        k->n_tables++;
    }
    return AML_OK;
}

static aml_status read_all(aml_knowledge *k, reader *r) {
    AML_TRY(expect(r, "automl-knowledge", 1));
    if (!is_word(r->fields[1], "1"))
        return REFUSE(r, "knowledge of another version than %d", VERSION);
    AML_TRY(expect(r, "provenance", 1));
    AML_TRY(get_name(&k->provenance, r, r->fields[1]));
    AML_TRY(expect(r, "features", SIZE_MAX));
    AML_TRY(get_names(&k->features, &k->n_features, r));
    AML_TRY(read_tables(k, r));
    return read_end(r);
}

aml_status aml_knowledge_parse(aml_knowledge **out, const char *text, size_t size, const char *file,
                               aml_arena *keep) {
    reader r = {.text = text, .file = file, .size = size, .keep = keep};
    aml_knowledge *k = AML_NEW(keep, aml_knowledge);
    r.fields = aml_malloc(MAX_FIELDS * sizeof(field));
    aml_status status = k && r.fields ? read_all(k, &r) : AML_ENOMEM;
    aml_free(r.fields);
    if (!status) *out = k;
    return status;
}

const aml_knowledge_table *aml_knowledge_find(const aml_knowledge *k, const char *table) {
    for (size_t i = 0; i < k->n_tables; i++)
        if (!strcmp(k->tables[i].name, table)) return &k->tables[i];
    return NULL;
}
