/* arrow.c: the public doors for Arrow's tables. What comes in is consumed, whatever happens. */
#include "automl/core/arrow.h"

#include <string.h>

#include "automl/core/call.h"
#include "automl/core/par.h"
#include "automl/engine/model.h"

/* One array with its schema, or a stream. */
typedef struct source {
    struct ArrowArray *array;
    struct ArrowSchema *schema;
    struct ArrowArrayStream *stream;
} source;

static void drop(source s) {
    if (s.array && s.array->release) s.array->release(s.array);
    if (s.schema && s.schema->release) s.schema->release(s.schema);
    if (s.stream && s.stream->release) s.stream->release(s.stream);
    if (s.array) s.array->release = NULL;
    if (s.schema) s.schema->release = NULL;
    if (s.stream) s.stream->release = NULL;
}

static aml_status check(source s) {
    bool there = s.stream ? s.stream->release != NULL
                          : s.array && s.schema && s.array->release && s.schema->release;
    if (there) return AML_OK;
    return aml_help(aml_fail(AML_EUSAGE, "the Arrow data have been released"), NULL,
                    "export them again: they can be read once");
}

static aml_status read_source(aml_frame **out, source s, const aml_arrow_plan *plan) {
    if (s.stream) return aml_arrow_read_stream(out, s.stream, plan);
    return aml_arrow_read(out, s.array, s.schema, plan);
}

/* What may not be NULL; the rest is consumed nevertheless. */
static aml_status need(const void *pointer, const char *function, const char *name, source s) {
    if (pointer) return AML_OK;
    drop(s);
    return aml_call_lacks(function, name);
}
#define NEED(pointer, s) AML_TRY(need(pointer, __func__, #pointer, s))

/* `status`: of what came before. */
static aml_status consume(aml_frame **out, source s, const aml_arrow_plan *plan,
                          aml_status status) {
    *out = NULL;
    if (!status) status = check(s);
    if (status) {
        drop(s);
        return status;
    }
    return read_source(out, s, plan);
}

/* ---- frames */

static aml_status read_frame(aml_frame **out, source s, const aml_arrow_options *options) {
    aml_arrow_options o = {.size = sizeof o};
    if (options) {
        aml_status status = aml_call_options(&o, sizeof o, options, "aml_arrow_options");
        if (status) drop(s);
        AML_TRY(status);
    }
    aml_memory account = {.limit = aml_memory_share(o.memory_limit)};
    aml_arrow_plan plan = {
        .skip = o.skip, .categories = o.categories, .account = o.memory_limit ? &account : NULL};
    aml_par_init();
    AML_TRY(consume(out, s, &plan, AML_OK));
    aml_arena_leave((*out)->arena);
    return AML_OK;
}

aml_status aml_frame_from_arrow(aml_frame **out, struct ArrowArray *array,
                                struct ArrowSchema *schema, const aml_arrow_options *options) {
    const source s = {.array = array, .schema = schema};
    NEED(out, s);
    *out = NULL;
    NEED(array, s);
    NEED(schema, s);
    return read_frame(out, s, options);
}

aml_status aml_frame_from_arrow_stream(aml_frame **out, struct ArrowArrayStream *stream,
                                       const aml_arrow_options *options) {
    const source s = {.stream = stream};
    NEED(out, s);
    *out = NULL;
    NEED(stream, s);
    return read_frame(out, s, options);
}

/* ---- rows for a model */

static aml_status read_rows(aml_frame **out, const aml_model *m, source s, const char *const *keep,
                            bool with_target) {
    aml_arena *scratch = aml_arena_new(NULL);
    aml_schema schema = {0};
    aml_status status = scratch ? aml_model_predicts(m) : AML_ENOMEM;
    if (!status) status = aml_model_columns(&schema, m, keep, with_target, scratch);
    status = consume(out, s, &(aml_arrow_plan){.schema = &schema}, status);
    aml_arena_free(scratch);
    return status;
}

aml_status aml_model_read_arrow(aml_frame **out, const aml_model *m, struct ArrowArray *array,
                                struct ArrowSchema *schema, const char *const *keep,
                                int with_target) {
    const source s = {.array = array, .schema = schema};
    NEED(out, s);
    *out = NULL;
    NEED(m, s);
    NEED(array, s);
    NEED(schema, s);
    return read_rows(out, m, s, keep, with_target != 0);
}

aml_status aml_model_read_arrow_stream(aml_frame **out, const aml_model *m,
                                       struct ArrowArrayStream *stream, const char *const *keep,
                                       int with_target) {
    const source s = {.stream = stream};
    NEED(out, s);
    *out = NULL;
    NEED(m, s);
    NEED(stream, s);
    return read_rows(out, m, s, keep, with_target != 0);
}
