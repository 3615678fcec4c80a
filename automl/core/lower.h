/* lower.h: the intermediate form of a fitted pipeline: a list of operations of few kinds, in an order in which they can
 * be run, each of which makes values from earlier ones. Plug-ins append to it (`lower` in learner.h and step.h); writers
 * of other formats (automl/export) read it and know nothing of plug-ins.
 *
 * It says what happens to ONE row, and it says it exactly: a writer that does in IEEE arithmetic what stands here, in
 * the order that stands here and without fused multiply-adds where none are named, predicts the same bits as the engine.
 *
 * A value has a type:
 *
 *   number   float32; NaN = missing. Widened to double wherever a formula says "double"
 *   code     int32: 0 … width-1 are levels; -1 = missing, -2 = none of them (unseen)
 *   time     double, seconds since 1970-01-01T00:00:00; NaN = missing
 *   text     bytes; missing = none
 *   sparse   float32 numbers in `width` columns most of which are 0: a list of (column, value), columns upwards
 *   design   what a learner sees: `width` float32 numbers and one sparse row of `sparse` columns
 *   vector   `width` doubles
 *
 * to_float(x) is (float)x of a double brought into ±3e38 first; NaN stays NaN. limit(x) is x within ±1e30f and 0 for
 * NaN, in float. row(code) is the row of a table of levels: code, or `width` when -1, or `width` + 1 when -2. Sums run
 * upwards from 0 (or from what is said) in the type that is said.
 *
 * Attributes are finite but for tables of numbers, which may hold NaN (null in JSON), and thresholds of trees, which may be infinite
 * ("inf" and "-inf" in JSON).
 *
 * Operations: what they take -> what they make; their attributes.
 *
 *   input            -> number | code | time | text     a column of the caller: column (its name), levels (of a code).
 *                       A number is to_float of a double; a code is the place of the cell's text among the levels.
 *   missing          any -> number                      1 where it is NaN, -1 or no bytes, else 0
 *   missing_pattern  any … -> number, code              how many are missing, and which pattern: h = 1 (64 bits, wrapping);
 *                       for input i that is missing h = (h + place[i] + 1) * 0x9FB21C651E98DF25, h ^= h >> 29. The level
 *                       is the place of (double)(h >> 12) in hash (upwards), else -2
 *   recode           code -> code                       table[row(code)]
 *   lookup           code -> number …                   table[row(code) * n + i] for i < n; null = NaN
 *   one_hot          code -> number …                   output place[code] is 1, the others are 0; place -1 and codes below
 *                       0 make all 0
 *   few_values       number -> code                     the place of the number in value (upwards, by ==); NaN -1, else -2
 *   arithmetic       number a, number b -> number       sign "*", "+", "-", "/": to_float(a sign b) in double; "/" by 0 is NaN
 *   cross            code, code -> code                 l where first[l] = row(a) and second[l] = row(b) (pairs sorted), else -2
 *   within           number x, code -> number           with t = table from row(code) * n on: relation "ratio": NaN if t[0]
 *                       is 0, else to_float((double)x / t[0]); "difference": to_float((double)x - t[0]), n = 1. "rank": NaN
 *                       for NaN, else the float32 sum over n knots of 1 where t < x, 0.5 where t = x, divided by n
 *   impute           number -> number                   value for NaN
 *   scale            number -> number                   double v = (x - center) * factor; then v > clip ? clip : v < -clip ? -clip
 *                       : v, as float
 *   scale_power      number -> number                   the same of y in place of x: Yeo-Johnson's transformation, with
 *                       u = copysign(log1p(|x|), x): u ≥ 0: p = lambda, else p = 2 - lambda; |p| < 1e-8: |u|, else
 *                       expm1(p |u|) / p; negative where u < 0
 *   scale_grid       number -> number                   NaN for NaN; score[0] up to grid[0], score[last] from grid[last] on; else
 *                       between the last grid[i] ≤ x and grid[i + 1]: double share = (x - grid[i]) / (grid[i + 1] - grid[i]),
 *                       score[i] + share * (score[i + 1] - score[i]); then clip as for scale
 *   date             time -> number …                   output i is part[i] ("days" … "minute_cos"), see below
 *   items            text -> number …                   of a list of items parted by `separator`: how many, then 1 for each of
 *                       `item` that is among them, else 0
 *   text_form        text -> number × 5                 log1p(characters), log1p(words), shares of digits, capitals and
 *                       punctuation among the characters (0 of none)
 *   terms            text -> sparse                     its words and pairs of words (set 1) or runs of 3 to 5 characters (2),
 *                       hashed to 32 bits (words.h says how), the first `bits` of which are looked for in bucket (upwards):
 *                       place k is column k. double tf = count, or 1 + log(count) if sublinear; w = tf * idf[k]; as float,
 *                       then all times 1 / sqrt(sum of w²) in double, as float
 *   indicator        code -> sparse                     one entry 1 in column place[code]; none for place -1 and codes below 0
 *   project          number … (m) -> number … (k)       double d = (x - center) * factor, 0 for NaN; to_float(sum over m of d *
 *                       matrix[m * k + i])
 *   project_sparse   sparse … -> number … (k)           to_float(sum over entries of (double)value * matrix[column * k + i]); columns
 *                       of several inputs stand one behind the other
 *   distances        number … (m) -> number … (k)       d as for project; to_float(sqrt(sum over m of (d - point[i * m + j])²))
 *   design           number | code …, sparse … -> design    a code becomes (float)code, NaN below 0; columns of several sparse
 *                       rows stand one behind the other
 *
 * Learners. D stands for the design: x[j] its numbers, then sparse entries.
 *
 *   constant         -> vector                          value
 *   linear           D -> vector (k)                    double z[c] = coef[(p + q) * k + c]; then + limit(x[j]) * coef[j * k + c] for
 *                       j upwards; then the same for sparse entries, coef[(p + column) * k + c]
 *   bayes            D -> vector (k)                    z = constant; - d² * scale[j * k + c] (as (d * d) * scale) with
 *                       d = limit(x[j]) - mean[j * k + c]; then + |limit(value)| * count[column * k + c] for sparse entries
 *   trees            D -> vector (k)                    base, then tree by tree in double. Nodes of all trees lie in arrays, tree t
 *                       from first_node[t] on, its root. child 0 = leaf: adds value to output (t mod k), or, with count > 0,
 *                       (double)share[s] to output class[s] for s = first … first + count - 1. Otherwise the next node is child when the
 *                       row goes left, else child + 1. Feature u stands for x[feature[u]], from p on for the sparse column
 *                       feature[u] - p (0 where there is no entry). Numbers go left when ≤ value. With n_levels[u] > 0 it is a
 *                       category: code = level_code[first_code[u] + x], 0 when x is not in 0 … n_levels[u] - 1; left is bit
 *                       (code % 32) of set[8 * s + code / 32]. NaN and code 0 go left when missing_left
 *   neighbours       D (p) -> vector                    see below
 *   network          D -> vector                        see below
 *
 * Vectors.
 *
 *   affine           vector -> vector                   scale * z[c] + offset[c]
 *   clamp            vector -> vector                   fmax(low, fmin(high, z))
 *   divide           vector -> vector                   z / by
 *   difference       vector (2) -> vector (1)           z[1] - z[0]
 *   exp              vector -> vector                   exp(z)
 *   sigmoid          vector -> vector                   1 / (1 + exp(-z)); stable 1: e = exp(-|z|), z ≥ 0 ? 1 / (1 + e) : e / (1 + e)
 *   softmax          vector -> vector                   e[c] = exp(z[c] - the largest), divided by their sum
 *   vote             vector (k) -> vector               z[c] -> keep * z[c] / total + floor (left to right), 1 / k when total is not
 *                       above 0; total 0 stands for the sum of z
 *   mean             vector … -> vector                 sum of weight[i] * z_i, from 0, i upwards
 *   temperature      vector -> vector                   softmax of slope * log(p limited to 1e-7 … 1)
 *   platt            vector (1) -> vector               1 / (1 + exp(-(slope * log(p / (1 - p)) + offset))), p limited to 1e-7 … 1 - 1e-7
 *   isotonic         vector (1) -> vector               p limited to 0 … 1, between the last from[i] ≤ p (i < n - 1) and the next:
 *                       to[i] + (width > 0 ? (p - from[i]) / width : 0) * (to[i + 1] - to[i]), width = from[i + 1] - from[i]
 *
 * Date parts. Seconds are brought into ±1e13 and floored; days = their floor division by 86400; the calendar is the proleptic
 * Gregorian. days = time / 86400 (not floored); year; month 1 … 12; day 1 … 31; weekday 0 = Monday; yearday 1 … 366; hour; minute of
 * the day. X_sin and X_cos are of the double 2 pi (v - first) / period: month 1, 12; day 1, 31; weekday 0, 7; yearday 1, 365.25;
 * minute 0, 1440. All as float; NaN for NaN.
 *
 * neighbours. row: n × p float32, y and w: n doubles, k, classes (0: a number is predicted), by_distance, prior. Query q[j] =
 * limit(x[j]) within ±1e15f. Squared distances in float32: s[j mod 4] += (row - q)² for j upwards, then (s0 + s1) + (s2 + s3). The k least,
 * ties by the lower row, nearest first. In double: vote[i] = 1, or by_distance 1 / sqrt(d) (if the nearest is at 0: 1 for
 * those at 0, 0 for others); raw their sum; vote[i] *= w * (k / raw), total their sum. Number: sum of vote[i] / total * y.
 * Classes: out[c] = prior[c], + vote[i] for each neighbour of class c, then / (total + 1); of two classes only the second, at most 1.
 *
 * network. In float32 throughout. Ramps: o[c] = (x[source[c]] - origin[c]) * slope[c], NaN to low, within low[c] … high[c]; x is the number,
 * NaN 0. The first `plain` become o / sqrtf(1 + o * o * 0.0625f). Waves: turns = frequency * o[source] + phase within ±1e6, less the nearest
 * integer (even); 1 - 2 s² with s = sin(pi t) by the polynomial in learners/parts/nn_kernels.c. Layer 0: z = sum over inputs upwards by
 * fused multiply-adds of o[i] * weight[0][i * width + u]; then, not fused, + b * term_weight[t * width + u] for each sparse entry whose
 * column is term[t], with b = u / sqrtf(1 + u * u * 0.0625f), u = value within ±1e6 (NaN 0) * term_factor; for each member a = act(z * scale + bias). Further layers: the same from the member's a,
 * plus the a before when residual. Head: out = fused sum of a * head[(m * width + u) * outputs + o]; with one output 16 sums, unit u to sum u mod
 * 16, without fusing, added in halves; + head_bias. Link by member ("value", "logistic" 1 / (1 + exp(-z)), "softmax": exp(z - largest)
 * times 1 / sum, of more than 64 outputs divided by it), exp as in learners/parts/exp_f32.h. In double: sum over members / members; for
 * softmax divided by its sum. */
#ifndef AML_CORE_LOWER_H
#define AML_CORE_LOWER_H

#include "automl/core/arena.h"

typedef enum aml_ir_type {
    AML_IR_NUMBER,
    AML_IR_CODE,
    AML_IR_TIME,
    AML_IR_TEXT,
    AML_IR_SPARSE,
    AML_IR_DESIGN,
    AML_IR_VECTOR
} aml_ir_type;
extern const char *const aml_ir_types[]; /* "number" … */

#define AML_OPS(X)                                                                                 \
    X(INPUT, "input")                                                                              \
    X(MISSING, "missing")                                                                          \
    X(MISSING_PATTERN, "missing_pattern") X(RECODE, "recode") X(LOOKUP, "lookup")                  \
        X(ONE_HOT, "one_hot") X(FEW_VALUES, "few_values") X(ARITHMETIC, "arithmetic")              \
            X(CROSS, "cross") X(WITHIN, "within") X(IMPUTE, "impute") X(SCALE, "scale")            \
                X(SCALE_POWER, "scale_power") X(SCALE_GRID, "scale_grid") X(DATE, "date")          \
                    X(ITEMS, "items") X(TEXT_FORM, "text_form") X(TERMS, "terms")                  \
                        X(INDICATOR, "indicator") X(PROJECT, "project")                            \
                            X(PROJECT_SPARSE, "project_sparse") X(DISTANCES, "distances")          \
                                X(DESIGN, "design") X(CONSTANT, "constant") X(LINEAR, "linear") X( \
                                    BAYES, "bayes") X(TREES, "trees") X(NEIGHBOURS, "neighbours")  \
                                    X(NETWORK, "network") X(AFFINE, "affine") X(CLAMP, "clamp")    \
                                        X(DIVIDE, "divide") X(DIFFERENCE, "difference")            \
                                            X(EXP, "exp") X(SIGMOID, "sigmoid")                    \
                                                X(SOFTMAX, "softmax") X(VOTE, "vote")              \
                                                    X(MEAN, "mean") X(TEMPERATURE, "temperature")  \
                                                        X(PLATT, "platt") X(ISOTONIC, "isotonic")

typedef enum aml_op_kind {
#define AML_OP_ENUM(name, text) AML_OP_##name,
    AML_OPS(AML_OP_ENUM)
#undef AML_OP_ENUM
        AML_N_OPS
} aml_op_kind;
extern const char *const aml_op_names[];

/* Attributes are arrays of n items; a scalar is one item. */
typedef enum aml_attr_type { AML_F32, AML_F64, AML_I32, AML_U32, AML_U8, AML_TEXTS } aml_attr_type;

typedef struct aml_attr {
    const char *name;
    aml_attr_type type;
    bool scalar;
    size_t n;
    union {
        const void *any;
        const float *f32;
        const double *f64;
        const int32_t *i32;
        const uint32_t *u32;
        const uint8_t *u8;
        const char *const *texts;
    } v; /* borrowed, or in the form's arena */
    struct aml_attr *next;
} aml_attr;

typedef struct aml_op {
    aml_op_kind kind;
    uint32_t n_in, first_out, n_out; /* outputs are values first_out … first_out + n_out - 1 */
    const uint32_t *in;              /* values */
    aml_attr *attrs;                 /* in the order they were given */
} aml_op;

typedef struct aml_ir_value {
    aml_ir_type type;
    uint32_t width;   /* code: levels; sparse: columns; design: numbers; vector: length; else 1 */
    uint32_t sparse;  /* design: sparse columns */
    const char *name; /* of a feature: as the engine calls it; else NULL */
} aml_ir_value;

/* After a failed call `status` stays set and further calls do nothing: check once at the end. */
typedef struct aml_ir {
    aml_arena *keep;
    aml_status status;
    uint32_t n_ops, n_values, op_room, value_room;
    aml_op *ops;
    aml_ir_value *values;
} aml_ir;

void aml_ir_start(aml_ir *ir, aml_arena *keep);

/* Begins an operation on n_in values (copied); attributes and outputs are added to the last one begun. */
AML_PLUGIN void aml_ir_op(aml_ir *ir, aml_op_kind kind, const uint32_t *in, size_t n_in);
AML_PLUGIN void aml_ir_op1(aml_ir *ir, aml_op_kind kind, uint32_t in);
/* The next output; returns its number. */
AML_PLUGIN uint32_t aml_ir_out(aml_ir *ir, aml_ir_type type, size_t width);
static inline uint32_t aml_ir_number(aml_ir *ir) { return aml_ir_out(ir, AML_IR_NUMBER, 1); }

/* Attributes. Arrays are borrowed: they live as long as the form (a fitted part's, or in ir->keep). */
AML_PLUGIN void aml_ir_f32(aml_ir *ir, const char *name, double x);
AML_PLUGIN void aml_ir_f64(aml_ir *ir, const char *name, double x);
AML_PLUGIN void aml_ir_u32(aml_ir *ir, const char *name, size_t x);
AML_PLUGIN void aml_ir_text(aml_ir *ir, const char *name, const char *text);
AML_PLUGIN void aml_ir_array(aml_ir *ir, const char *name, aml_attr_type type, const void *v,
                             size_t n);
/* Room for a new array of n items as an attribute, zeroed; NULL when memory is short. */
AML_PLUGIN void *aml_ir_new(aml_ir *ir, const char *name, aml_attr_type type, size_t n);
size_t aml_attr_size(aml_attr_type type); /* of an item */

/* Reading. The attribute must be there. */
const aml_attr *aml_op_attr(const aml_op *op, const char *name);
const aml_attr *aml_op_find(const aml_op *op, const char *name); /* NULL when it is not */
double aml_op_real(const aml_op *op, const char *name);          /* of a numeric scalar */
const char *aml_op_text(const aml_op *op, const char *name);

/* The columns between steps, in the order of the step's tables (step.h): values of type number, code, time and text,
 * and values of type sparse, the runs of sparse columns one behind the other. */
typedef struct aml_ir_table {
    size_t n, n_sparse;
    uint32_t *column, *sparse;
} aml_ir_table;

/* A step's new table, made column by column. */
typedef struct aml_ir_columns {
    aml_ir *ir;
    const aml_ir_table *from;
    aml_ir_table to;
    size_t room, sparse_room;
} aml_ir_columns;
AML_PLUGIN aml_ir_columns
aml_ir_columns_of(aml_ir *ir, const aml_ir_table *from);        /* none yet, sparse as before */
AML_PLUGIN void aml_ir_push(aml_ir_columns *c, uint32_t value); /* by its type */

#endif
