/* past.c: earlier searches of the same space as a start for the next one. */
#include "search/parts/past.h"

#include <math.h>
#include <string.h>

#include "automl/core/sort.h"
#include "search/parts/krige.h"
#include "search/parts/layout.h"
#include "search/parts/points.h"
#include "search/parts/warp.h"

enum {
    MOST_SEARCHES = 20,
    FEWEST_POINTS = 4, /* of a search that teaches anything */
    MOST_POINTS = 100, /* of a process */
    LEARN_POINTS = 50, /* of them, for its hyperparameters */
    LEADERS = 10       /* columns that a search gives */
};
static const double least_gain = 0.02; /* in standard deviations of a search's better half */
static const double sharpness =
    8; /* log weight of a row that orders all pairs right, against half of them */

typedef struct matrix {
    const aml_space *space;
    const aml_told *told;
    aml_layout layout;
    size_t n, p, tried; /* rows, columns, this search's trials */
    double *configs;    /* p × space->n */
    double *x;          /* (p + tried) × layout.n */
    double *z;          /* n × (p + tried) */
    double *weight;     /* n, sum 1 */
    aml_arena *scratch;
} matrix;

/* ---- columns ---- */

static aml_status add_leaders(matrix *m, const aml_past_search *s) {
    uint32_t *order = AML_ARRAY(m->scratch, s->n, uint32_t);
    size_t d = m->space->n, added = 0;
    if (!order) return AML_ENOMEM;
    AML_TRY(aml_argsort(order, s->losses, s->n));
    for (size_t i = 0; i < s->n && added < LEADERS; i++) {
        const double *config = s->configs + order[i] * d;
        bool there = !aml_space_allows(m->space, config);
        for (size_t j = 0; j < m->p && !there; j++)
            there = aml_space_equal(m->space, m->configs + j * d, config);
        if (!there) memcpy(m->configs + d * m->p++, config, d * sizeof *config);
        added++;
    }
    return AML_OK;
}

static aml_status make_points(matrix *m, const aml_past_search *const *rows) {
    size_t d = m->space->n;
    m->configs = AML_ARRAY(m->scratch, m->n * LEADERS * d, double);
    if (!m->configs) return AML_ENOMEM;
    for (size_t k = 0; k < m->n; k++) AML_TRY(add_leaders(m, rows[k]));
    m->tried = m->told->n;
    m->x = AML_ARRAY(m->scratch, (m->p + m->tried) * m->layout.n, double);
    m->z = AML_ARRAY(m->scratch, m->n * (m->p + m->tried), double);
    m->weight = AML_ARRAY(m->scratch, m->n, double);
    if (!m->x || !m->z || !m->weight) return AML_ENOMEM;
    for (size_t j = 0; j < m->p + m->tried; j++)
        aml_layout_encode(m->x + j * m->layout.n, &m->layout, m->space,
                          j < m->p ? m->configs + j * d : m->told->records[j - m->p].config);
    return AML_OK;
}

/* ---- entries ---- */

/* What the search would have had at all points. */
static aml_status predict_row(matrix *m, size_t k, const aml_past_search *s) {
    aml_krige g;
    aml_warp warp;
    size_t most = s->n < MOST_POINTS ? s->n : MOST_POINTS, all = m->p + m->tried;
    bool *taken = AML_ARRAY(m->scratch, s->n, bool);
    double *x = AML_ARRAY(m->scratch, m->layout.n, double),
           *variance = AML_ARRAY(m->scratch, all, double);
    if (!taken || !x || !variance) return AML_ENOMEM;
    AML_TRY(aml_warp_new(&warp, s->losses, s->n, m->scratch));
    AML_TRY(aml_krige_new(&g, most, m->layout.n, m->layout.scale, m->layout.n_scales, m->scratch));
    aml_pick_subset(taken, s->losses, s->n, most);
    for (size_t i = 0; i < s->n; i++) {
        if (!taken[i]) continue;
        aml_layout_encode(x, &m->layout, m->space, s->configs + i * m->space->n);
        aml_krige_add(&g, x, aml_warp_apply(&warp, s->losses[i]));
    }
    AML_TRY(aml_krige_learn(&g, LEARN_POINTS, m->scratch));
    AML_TRY(aml_krige_factorise(&g));
    return aml_krige_predict(m->z + k * all, variance, &g, m->x, all, m->scratch);
}

/* ---- weights ---- */

/* The share of pairs of this search's trials that the row has in the order in which they came out, less that of the others. */
static double agreement(const matrix *m, const double *z) {
    const aml_record *r = m->told->records;
    double right = 0, pairs = 0;
    for (size_t i = 0; i < m->tried; i++)
        for (size_t j = 0; j < i && aml_has_loss(&r[i]); j++) {
            if (!aml_has_loss(&r[j]) || !(r[i].loss < r[j].loss || r[i].loss > r[j].loss)) continue;
            pairs++;
            right += (r[i].loss < r[j].loss) == (z[i] < z[j]) ? 1 : -1;
        }
    /* as if four more pairs had told nothing: three trials prove little */
    return right / (pairs + 4);
}

static void weigh_rows(matrix *m) {
    double sum = 0;
    for (size_t k = 0; k < m->n; k++) {
        m->weight[k] = exp(sharpness * agreement(m, m->z + k * (m->p + m->tried) + m->p));
        sum += m->weight[k];
    }
    for (size_t k = 0; k < m->n; k++) m->weight[k] /= sum;
}

/* ---- choice ---- */

/* How much better than all that was tried the column is expected to be; with nothing tried, than what is usual. */
static double gain_of(const matrix *m, size_t column) {
    double gain = 0;
    for (size_t k = 0; k < m->n; k++) {
        const double *z = m->z + k * (m->p + m->tried);
        double best = INFINITY;
        for (size_t i = 0; i < m->tried; i++)
            if (m->told->records[i].state != AML_TRIAL_FAILED) best = fmin(best, z[m->p + i]);
        gain += m->weight[k] * (isinf(best) ? -z[column] : fmax(best - z[column], 0));
    }
    return gain;
}

static bool choose(double *config, const matrix *m) {
    double most = least_gain;
    bool found = false;
    for (size_t j = 0; j < m->p; j++) {
        const double *at = m->configs + j * m->space->n;
        double gain = gain_of(m, j);
        if (!(gain > most) || aml_is_told(m->space, m->told, at)) continue;
        most = gain;
        memcpy(config, at, m->space->n * sizeof *config);
        found = true;
    }
    return found;
}

aml_status aml_past_pick(bool *found, double *config, const aml_space *space, const aml_told *told,
                         aml_arena *scratch) {
    const aml_groups whole = {1, 0, false};
    const aml_past_search *rows[MOST_SEARCHES];
    matrix m = {.space = space, .told = told, .scratch = scratch};
    *found = false;
    for (size_t k = told->n_past; k-- > 0 && m.n < MOST_SEARCHES;) /* the last one is the newest */
        if (told->past[k].n >= FEWEST_POINTS) rows[m.n++] = &told->past[k];
    AML_TRY(aml_layout_new(&m.layout, space, &whole, 0, scratch));
    if (!m.n || !m.layout.n) return AML_OK;
    AML_TRY(make_points(&m, rows));
    for (size_t k = 0; k < m.n; k++) AML_TRY(predict_row(&m, k, rows[k]));
    weigh_rows(&m);
    *found = choose(config, &m);
    return AML_OK;
}
