/* signature.c: kinds and level counts of columns. */
#include "featurize/parts/signature.h"

aml_status aml_signature_of(aml_signature *out, const aml_table *x, aml_arena *keep) {
    uint8_t *kind = AML_ARRAY(keep, x->p, uint8_t);
    uint32_t *n_levels = AML_ARRAY(keep, x->p, uint32_t);
    if (!kind || !n_levels) return AML_ENOMEM;
    for (size_t j = 0; j < x->p; j++) {
        kind[j] = (uint8_t)x->features[j].kind;
        if (x->features[j].kind == AML_CATEGORY) n_levels[j] = x->features[j].n_levels;
    }
    *out = (aml_signature){x->p, kind, n_levels};
    return AML_OK;
}

aml_status aml_signature_check(const aml_signature *s, const aml_table *x) {
    if (s->p != x->p)
        return aml_fail(AML_EDATA, "a step fitted on %zu columns got %zu", s->p, x->p);
    for (size_t j = 0; j < s->p; j++) {
        const aml_feature *f = &x->features[j];
        if (f->kind != s->kind[j] || (f->kind == AML_CATEGORY && f->n_levels != s->n_levels[j]))
            return aml_fail(AML_EDATA, "column `%s` is not of the kind that its step was fitted on",
                            f->name);
    }
    return AML_OK;
}

void aml_signature_save(const aml_signature *s, aml_writer *w) {
    aml_put_u8s(w, s->kind, s->p);
    for (size_t j = 0; j < s->p; j++)
        if (s->kind[j] == AML_CATEGORY) aml_put_u32(w, s->n_levels[j]);
}

aml_status aml_signature_load(aml_signature *out, aml_reader *r, aml_arena *keep) {
    size_t p = 0;
    const uint8_t *kind = aml_get_u8s(r, keep, SIZE_MAX, &p);
    if (!kind) return r->status;
    uint32_t *n_levels = AML_ARRAY(keep, p, uint32_t);
    if (!n_levels) return AML_ENOMEM;
    for (size_t j = 0; j < p; j++) {
        if (kind[j] != AML_NUMBER && kind[j] != AML_CATEGORY && kind[j] != AML_TEXT &&
            kind[j] != AML_DATETIME)
            return aml_reader_fail(r, "column %zu of a step has no known kind", j);
        if (kind[j] == AML_CATEGORY) n_levels[j] = aml_get_u32(r);
    }
    *out = (aml_signature){p, kind, n_levels};
    return r->status;
}
