/* cells.c: cells to columns. The rules are those of a CSV file that is read for a model. */
#include "automl/score/cells.h"

#include <math.h>
#include <string.h>

#include "automl/core/csv_values.h"
#include "featurize/parts/table.h"

static aml_cell cell_at(const aml_cells *c, size_t row, size_t j) {
    size_t at = row * c->p + j;
    if (c->cells) return c->cells[at];
    if (c->numbers) return (aml_cell){.number = c->numbers[at]};
    const char *text = c->texts[at] ? c->texts[at] : "";
    return (aml_cell){.text = text, .size = strlen(text)};
}

static aml_cell trimmed(aml_cell cell) {
    while (cell.size && cell.text[0] == ' ') cell.text++, cell.size--;
    while (cell.size && cell.text[cell.size - 1] == ' ') cell.size--;
    return cell;
}

static aml_status unreadable(const aml_cells *c, size_t row, const aml_schema_column *want,
                             const aml_cell *cell) {
    char shown[200], name[280], number[32];
    const char *text = cell->text ? cell->text : number;
    size_t size = cell->text ? cell->size : aml_format_double(number, cell->number);
    aml_fail(AML_EDATA, "column `%s` must hold a %s, but row %zu has `%s`",
             aml_printable(name, sizeof name, want->name, strlen(want->name), 60),
             aml_kind_name(want->kind), c->first + row + 1,
             aml_printable(shown, sizeof shown, text, size, 40));
    return aml_help(AML_EDATA, NULL, "mend the cell, or leave it empty (missing)");
}

/* ---- numbers */

/* Plain numbers may come as money, but not as percents or pounds. */
static bool is_other_unit(const csv_amount *a, const char *unit) {
    if (a->kind == CSV_NO_UNIT) return false;
    if (!unit) return a->kind != CSV_MONEY;
    return strlen(unit) != a->unit_size || memcmp(unit, a->unit, a->unit_size) != 0;
}

static bool read_number(double *out, aml_cell cell, const char *unit) {
    static const csv_dialect plain = {.separator = ',', .quote = '"', .decimal = '.'};
    csv_amount amount;
    if (!cell.text) {
        *out = cell.number;
        return !isinf(cell.number);
    }
    cell = trimmed(cell);
    *out = NAN;
    if (!cell.size) return true;
    if (csv_number(out, cell.text, cell.size, '.')) return isfinite(*out);
    if (aml_is_missing_text(cell.text, cell.size) || csv_missing_number(cell.text, cell.size))
        return true;
    if (!csv_amount_parse(&amount, cell.text, cell.size, &plain)) return false;
    *out = amount.value;
    return isfinite(amount.value) && !is_other_unit(&amount, unit);
}

static aml_status put_numbers(float *x, const aml_cells *c, size_t n, size_t j,
                              const aml_schema_column *want) {
    for (size_t i = 0; i < n; i++) {
        double v;
        aml_cell cell = cell_at(c, i, j);
        if (!read_number(&v, cell, want->unit)) return unreadable(c, i, want, &cell);
        x[i] = aml_to_float(v);
    }
    return AML_OK;
}

/* ---- dates */

static bool read_time(double *out, aml_cell cell, bool day_first) {
    if (!cell.text) {
        *out = cell.number;
        return !isinf(cell.number);
    }
    cell = trimmed(cell);
    *out = NAN;
    if (aml_is_missing_text(cell.text, cell.size)) return true;
    return csv_datetime(out, cell.text, cell.size, day_first, true) != CSV_NO_DATE ||
           csv_clock(out, cell.text, cell.size);
}

static aml_status put_times(double *time, const aml_cells *c, size_t n, size_t j,
                            const aml_schema_column *want) {
    for (size_t i = 0; i < n; i++) {
        aml_cell cell = cell_at(c, i, j);
        if (!read_time(&time[i], cell, want->day_first)) return unreadable(c, i, want, &cell);
    }
    return AML_OK;
}

/* ---- categories and texts */

/* The text of a cell; that of a number lies in `room`. Spellings of missing have none. */
static aml_cell text_of(aml_cell cell, char room[32]) {
    if (!cell.text) {
        cell.text = room;
        cell.size = isnan(cell.number) ? 0 : aml_format_double(room, cell.number);
    } else if (aml_is_missing_text(cell.text, cell.size)) {
        cell.size = 0;
    }
    return cell;
}

static void put_codes(int32_t *code, const aml_cells *c, size_t n, size_t j,
                      const aml_level_index *index) {
    for (size_t i = 0; i < n; i++) {
        char room[32];
        aml_cell cell = cell_at(c, i, j);
        if (cell.text) cell = trimmed(cell);
        cell = text_of(cell, room);
        code[i] = aml_level_find(index, cell.text, cell.size);
    }
}

static aml_status put_texts(aml_feature *f, const aml_cells *c, size_t n, size_t j,
                            aml_arena *keep) {
    char room[32];
    size_t bytes = 0;
    uint64_t *offset = aml_alloc_raw(keep, n + 1, sizeof *offset);
    for (size_t i = 0; i < n; i++) bytes += text_of(cell_at(c, i, j), room).size;
    char *to = aml_alloc_raw(keep, bytes + 8, 1);
    if (!offset || !to) return AML_ENOMEM;
    f->offset = offset;
    f->bytes = to;
    for (size_t i = 0; i < n; i++) {
        aml_cell cell = text_of(cell_at(c, i, j), room);
        offset[i] = (uint64_t)(to - f->bytes);
        if (cell.size) memcpy(to, cell.text, cell.size);
        to += cell.size;
    }
    offset[n] = bytes;
    return AML_OK;
}

/* ---- the table */

static aml_status put_column(aml_feature *f, const aml_cells *c, size_t n, size_t j,
                             const aml_schema *inputs, aml_arena *keep) {
    const aml_schema_column *want = &inputs->columns[j];
    if (want->kind == AML_NUMBER) {
        float *x = aml_alloc_raw(keep, n, sizeof *x);
        f->x = x;
        return x ? put_numbers(x, c, n, j, want) : AML_ENOMEM;
    }
    if (want->kind == AML_DATETIME) {
        double *time = aml_alloc_raw(keep, n, sizeof *time);
        f->time = time;
        return time ? put_times(time, c, n, j, want) : AML_ENOMEM;
    }
    if (want->kind == AML_TEXT) return put_texts(f, c, n, j, keep);
    int32_t *code = aml_alloc_raw(keep, n, sizeof *code);
    if (!code) return AML_ENOMEM;
    put_codes(code, c, n, j, &inputs->index[j]);
    f->code = code;
    f->levels = want->levels;
    f->n_levels = want->n_levels;
    return AML_OK;
}

aml_status aml_cells_table(aml_table *out, const aml_cells *c, size_t n, const aml_schema *inputs,
                           aml_ctx *ctx) {
    aml_feature *features = AML_ARRAY(ctx->keep, inputs->p + 1, aml_feature);
    if (!features) return AML_ENOMEM;
    *out = (aml_table){.n = n, .features = features};
    for (size_t j = 0; j < inputs->p; j++) {
        const aml_schema_column *want = &inputs->columns[j];
        if (want->kind == AML_IDENTIFIER) continue;
        aml_feature *f = &features[out->p++];
        *f = (aml_feature){.name = want->name, .kind = want->kind, .source = (uint32_t)j};
        AML_TRY(put_column(f, c, n, j, inputs, ctx->keep));
    }
    return AML_OK;
}
