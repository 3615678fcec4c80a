/* arrow.c: a table of Arrow arrays into a frame: chunks, columns, and who releases what. */
#include "automl/core/arrow.h"

#include <string.h>

/* A table under way. All of it is released at the end but what the frame has moved out. */
typedef struct table {
    struct ArrowSchema schema;
    struct ArrowArray *chunks; /* heap */
    size_t n_chunks, room, n;  /* rows */
    const aml_arrow_plan *plan;
    aml_arena *keep, *work;
    aml_column *columns;
    size_t p;
    const char **notes;
    size_t n_notes;
} table;

static void release_array(struct ArrowArray *a) {
    if (a->release) a->release(a);
    a->release = NULL;
}

static void release_schema(struct ArrowSchema *s) {
    if (s->release) s->release(s);
    s->release = NULL;
}

static void close_table(table *t) {
    for (size_t i = 0; i < t->n_chunks; i++) release_array(&t->chunks[i]);
    aml_free(t->chunks);
    release_schema(&t->schema);
    aml_arena_free(t->work);
}

/* The array is the table's, also when this fails. */
static aml_status add_chunk(table *t, struct ArrowArray *array) {
    struct ArrowArray mine = *array;
    array->release = NULL;
    if (t->n_chunks == t->room) {
        size_t room = t->room ? 2 * t->room : 4;
        struct ArrowArray *more = aml_realloc(t->chunks, room * sizeof *more);
        if (!more) release_array(&mine);
        if (!more) return AML_ENOMEM;
        t->chunks = more;
        t->room = room;
    }
    t->chunks[t->n_chunks++] = mine;
    if (mine.length < 0 || mine.offset < 0 || mine.n_children < 0)
        return aml_fail(AML_EDATA,
                        "the Arrow array has a negative length, offset or number of columns");
    if ((uint64_t)mine.length >= UINT32_MAX - t->n)
        return aml_help(aml_fail(AML_EDATA, "the table has 2^32 rows or more"), NULL,
                        "use fewer rows");
    t->n += (size_t)mine.length;
    return AML_OK;
}

/* ---- columns */

static bool is_table(const table *t) { return t->schema.format && !strcmp(t->schema.format, "+s"); }
static size_t width_of(const table *t) { return is_table(t) ? (size_t)t->schema.n_children : 1; }

static struct ArrowArray *child_of(const table *t, struct ArrowArray *chunk, size_t j) {
    return is_table(t) ? chunk->children[j] : chunk;
}

/* The rows of column j in a chunk; an array that is no table is its only column. */
static aml_status piece_of(arrow_piece *out, const table *t, struct ArrowArray *chunk, size_t j) {
    struct ArrowArray *a = child_of(t, chunk, j);
    size_t skip = is_table(t) ? (size_t)chunk->offset : 0;
    if (!a || a->length < 0 || a->offset < 0 ||
        (uint64_t)a->length < (uint64_t)chunk->length + skip)
        return aml_fail(AML_EDATA, "column %zu of an Arrow array is shorter than the table", j + 1);
    bool rows = is_table(t) && chunk->null_count != 0 && chunk->n_buffers > 0 && chunk->buffers;
    bool bits = a->null_count != 0 && a->n_buffers > 1 && a->buffers;
    *out = (arrow_piece){.array = a,
                         .valid = bits ? a->buffers[0] : NULL,
                         .rows = rows ? chunk->buffers[0] : NULL,
                         .first = (size_t)a->offset + skip,
                         .first_row = skip,
                         .n = (size_t)chunk->length};
    return AML_OK;
}

static aml_status pieces_of(arrow_column *c, table *t, size_t j) {
    arrow_piece *pieces = AML_ARRAY(t->work, t->n_chunks + 1, arrow_piece);
    if (!pieces) return AML_ENOMEM;
    c->pieces = pieces;
    for (size_t k = 0; k < t->n_chunks; k++) {
        if (t->chunks[k].length == 0) continue;
        AML_TRY(piece_of(&pieces[c->n_pieces], t, &t->chunks[k], j));
        AML_TRY(arrow_check_piece(c, &pieces[c->n_pieces]));
        c->n += pieces[c->n_pieces++].n;
    }
    return AML_OK;
}

static aml_status types_of(arrow_column *c, const struct ArrowSchema *s) {
    AML_TRY(arrow_type_of(&c->type, s, c->name));
    c->has_dictionary = s->dictionary != NULL;
    if (!c->has_dictionary) return AML_OK;
    if (c->type.class != ARROW_INT && c->type.class != ARROW_UINT)
        return aml_fail(AML_EDATA, "the dictionary of Arrow column `%s` has no whole numbers to it",
                        c->name);
    return arrow_type_of(&c->dictionary, s->dictionary, c->name);
}

static bool is_listed(const char *const *names, const char *name) {
    for (; names && *names; names++)
        if (!strcmp(*names, name)) return true;
    return false;
}

static const aml_schema_column *wanted(const aml_schema *schema, const char *name) {
    for (size_t i = 0; schema && i < schema->p; i++)
        if (!strcmp(schema->columns[i].name, name)) return &schema->columns[i];
    return NULL;
}

static aml_status note_rounded(table *t, const char *name) {
    char shown[280];
    const char *note =
        aml_printf(t->keep, "whole numbers beyond 2^53 lose their last digits in `%s`",
                   aml_printable(shown, sizeof shown, name, strlen(name), 60));
    if (!note) return AML_ENOMEM;
    t->notes[t->n_notes++] = note;
    return AML_OK;
}

static aml_status read_column(table *t, size_t j, const char *name, const aml_schema_column *want) {
    const struct ArrowSchema *s = is_table(t) ? t->schema.children[j] : &t->schema;
    arrow_column c = {.name = name, .account = t->plan->account};
    AML_TRY(types_of(&c, s));
    AML_TRY(pieces_of(&c, t, j));
    aml_column *out = &t->columns[t->p++];
    arrow_class class = c.type.class;
    bool text = class == ARROW_TEXT || class == ARROW_LARGE_TEXT || class == ARROW_TEXT_VIEW,
         truth = class == ARROW_BOOL && !(want && want->kind == AML_NUMBER), rounded = false;
    if (text || truth || c.has_dictionary) {
        aml_kind kind = want ? want->kind : is_listed(t->plan->categories, name) ? AML_CATEGORY : 0;
        return arrow_texts(out, &c, kind, want, t->keep);
    }
    AML_TRY(arrow_numbers(out, &rounded, &c, t->keep));
    return rounded ? note_rounded(t, name) : AML_OK;
}

/* The name of column j; c<k> where it has none. */
static const char *name_of(const table *t, size_t j) {
    const struct ArrowSchema *s = is_table(t) ? t->schema.children[j] : &t->schema;
    if (!s) return NULL;
    if (s->name && s->name[0]) return aml_strdup(t->keep, s->name);
    return aml_printf(t->keep, "c%zu", j + 1);
}

static aml_status check_name(const table *t, const char *name) {
    char shown[280];
    if (aml_utf8_valid(name, strlen(name)) < strlen(name))
        return aml_fail(AML_EDATA, "the name of an Arrow column is not UTF-8");
    for (size_t i = 0; i < t->p; i++)
        if (!strcmp(t->columns[i].name, name))
            return aml_help(aml_fail(AML_EDATA, "two columns are named `%s`",
                                     aml_printable(shown, sizeof shown, name, strlen(name), 60)),
                            NULL, "rename one of them");
    return AML_OK;
}

static aml_status read_columns(table *t) {
    size_t width = width_of(t);
    if (is_table(t) && (t->schema.n_children < 0 || (width && !t->schema.children)))
        return aml_fail(AML_EDATA, "the Arrow schema has no columns where it says so");
    for (size_t k = 0; is_table(t) && k < t->n_chunks; k++)
        if (t->chunks[k].n_children != t->schema.n_children)
            return aml_fail(AML_EDATA, "an Arrow array has %lld columns, its schema %zu",
                            (long long)t->chunks[k].n_children, width);
    t->columns = AML_ARRAY(t->keep, width + 1, aml_column);
    t->notes = AML_ARRAY(t->keep, width + 1, const char *);
    if (!t->columns || !t->notes) return AML_ENOMEM;
    for (size_t j = 0; j < width; j++) {
        const char *name = name_of(t, j);
        if (!name) return AML_ENOMEM;
        const aml_schema_column *want = wanted(t->plan->schema, name);
        if (is_listed(t->plan->skip, name) || (t->plan->schema && !want)) continue;
        AML_TRY(check_name(t, name));
        AML_TRY(read_column(t, j, name, want));
    }
    return AML_OK;
}

static aml_status make_frame(aml_frame **out, table *t) {
    if (!t->keep || !t->work) return AML_ENOMEM;
    AML_TRY(read_columns(t));
    aml_frame *f = AML_NEW(t->keep, aml_frame);
    if (!f) return AML_ENOMEM;
    *f = (aml_frame){.n = t->n,
                     .p = t->p,
                     .columns = t->columns,
                     .source = "memory",
                     .arena = t->keep,
                     .notes = t->notes,
                     .n_notes = t->n_notes};
    *out = f;
    return AML_OK;
}

static table open_table(const aml_arrow_plan *plan) {
    return (table){
        .plan = plan, .keep = aml_arena_new(plan->account), .work = aml_arena_new(plan->account)};
}

/* `status`: whether all chunks came. */
static aml_status finish(aml_frame **out, table *t, aml_status status) {
    *out = NULL;
    if (!status) status = make_frame(out, t);
    if (status) aml_arena_free(t->keep);
    close_table(t);
    return status;
}

aml_status aml_arrow_read(aml_frame **out, struct ArrowArray *array, struct ArrowSchema *schema,
                          const aml_arrow_plan *plan) {
    table t = open_table(plan);
    t.schema = *schema;
    schema->release = NULL;
    return finish(out, &t, add_chunk(&t, array));
}

/* ---- streams */

static aml_status explain(struct ArrowArrayStream *s, int code) {
    char shown[2048];
    const char *why = s->get_last_error ? s->get_last_error(s) : NULL;
    if (!why) why = strerror(code);
    aml_fail(AML_EIO, "the Arrow stream failed: %s",
             aml_printable(shown, sizeof shown, why, strlen(why), 400));
    return AML_EIO;
}

static aml_status read_chunks(table *t, struct ArrowArrayStream *s) {
    int code = s->get_schema(s, &t->schema);
    if (code) {
        t->schema.release = NULL;
        return explain(s, code);
    }
    for (;;) {
        struct ArrowArray chunk = {.release = NULL};
        code = s->get_next(s, &chunk);
        if (code) return explain(s, code);
        if (!chunk.release) return AML_OK;
        AML_TRY(add_chunk(t, &chunk));
    }
}

aml_status aml_arrow_read_stream(aml_frame **out, struct ArrowArrayStream *stream,
                                 const aml_arrow_plan *plan) {
    struct ArrowArrayStream mine = *stream;
    stream->release = NULL;
    table t = open_table(plan);
    aml_status status = t.keep && t.work ? read_chunks(&t, &mine) : AML_ENOMEM;
    status = finish(out, &t, status);
    mine.release(&mine);
    return status;
}
