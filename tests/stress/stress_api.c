/* stress_api.c: random calls of automl.h, misuse included: whatever is called, with whatever, in whatever order, there is no
 * crash and no leak, a failure has a name, and hands nothing out.
 *
 *     stress_api SEED CALLS
 *
 * What is called is a function of the seed. Under AddressSanitizer leaks show at the end. What no library can survive is left
 * out: objects that were freed, arrays shorter than they are said to be, pointers to nowhere. */
#include <unistd.h>

#include "stress.h"

static void op_small(void) {
    aml_catalog_entry e = {.size = size_of(sizeof e)};
    double x;
    VALUE(aml_version()), VALUE(aml_status_name((aml_status)next()));
    VALUE(aml_catalog(number(), one_in(20) ? NULL : &e));
    VALUE(aml_suggest(text(), names())), VALUE(aml_read_number(one_in(20) ? NULL : &x, text()));
    if (one_in(50)) FREE_TEXT(aml_catalog_json());
    if (one_in(20)) CALL(aml_check_writable(output()));
    if (one_in(20)) CALL(aml_text_write(text(), output()));
    if (one_in(50)) CALL(aml_plugin_load(one_in(3) ? text() : path()));
}

static const op other_ops[] = {{150, op_small}, {0}};

/* ---- files to read, and objects that stay */

static void file(const char *at, const char *bytes, size_t n) {
    FILE *f = fopen(at, "w");
    if (!f || fwrite(bytes, 1, n, f) != n || fclose(f)) die("cannot write %s", at);
}

static void furnish(void) {
    static char csv[4000], model[1 << 20];
    size_t n = (size_t)snprintf(csv, sizeof csv, "x,c,y\n");
    for (int i = 0; i < 40; i++)
        n += (size_t)snprintf(csv + n, sizeof csv - n, "%d,%s,%d\n", i * 7 % 11,
                              i % 3 ? "red" : "blue", i % 2);
    file("t.csv", csv, n);
    file("broken.csv", "a,b\n1,2\n\"x,\n3\0", 14);
    file("e.json",
         "{\"data\":{\"train\":\"t.csv\",\"target\":\"y\"},\"limits\":{\"max_trials\":1}}", 66);
    file("s.json", "{\"columns\":[{\"name\":\"x\",\"kind\":\"category\"}]}", 45);
    file("f.json", "{\"mode\":\"off\"}", 14);
    aml_frame *f = NULL;
    aml_model *m = NULL;
    aml_train_options o = {.size = sizeof o, .target = "y", .trials = 2};
    if (aml_frame_read(&f, "t.csv", NULL) || aml_train(&m, f, &o) || aml_model_save(m, "m.automl"))
        die("%s", aml_last_error()->message);
    keep(MODEL, m);
    keep(FRAME, f);
    aml_store *s = NULL;
    if (aml_store_open(&s, "s.db", AML_STORE_CREATE)) die("%s", aml_last_error()->message);
    o.store = s;
    o.learners = (const char *const[]){"ridge", "naive_bayes", NULL};
    m = NULL;
    if (aml_train(&m, f, &o)) die("%s", aml_last_error()->message);
    put(MODEL, m);
    keep(STORE, s);
    FILE *saved = fopen("m.automl", "r");
    n = saved ? fread(model, 1, sizeof model, saved) : 0;
    if (saved) fclose(saved);
    file("cut.automl", model, n / 2);
}

/* ---- the loop */

static const op *const tables[] = {frame_ops,  training_ops, model_ops, document_ops,
                                   tuning_ops, store_ops,    other_ops, object_ops};
enum { TABLES = sizeof tables / sizeof *tables };

static size_t total_weight(void) {
    size_t total = 0;
    for (size_t t = 0; t < TABLES; t++)
        for (const op *o = tables[t]; o->weight; o++) total += (size_t)o->weight;
    return total;
}

static void run_one(size_t at) {
    for (size_t t = 0; t < TABLES; t++)
        for (const op *o = tables[t]; o->weight; o++) {
            if (at < (size_t)o->weight) {
                o->run();
                return;
            }
            at -= (size_t)o->weight;
        }
}

int main(int argc, char **argv) {
    char folder[] = "/tmp/automl_stress_XXXXXX", command[64];
    const char *seed = argc > 1 ? argv[1] : "1";
    size_t total = total_weight(), limit = argc > 2 ? strtoul(argv[2], NULL, 10) : 1000;
    if (!mkdtemp(folder) || chdir(folder) || !freopen("/dev/null", "w", stdout) ||
        !freopen("/dev/null", "r", stdin))
        return 1;
    chance_start(strtoul(seed, NULL, 10));
    furnish();
    while (calls_made() < limit) run_one(below(total));
    free_all();
    fprintf(stderr, "%zu calls, seed %s:", calls_made(), seed);
    say_what_was_made();
    fputc('\n', stderr);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command) != 0; /* allowed: a test that cleans up */
}
