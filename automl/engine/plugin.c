/* plugin.c: parts that are registered at run time: what is asked of them, and shared objects of them. */
#include "automl/automl_plugin.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

#include "automl/core/call.h"
#include "automl/engine/compose.h"

enum { LONGEST_NAME = 40, MOST_CHOICES = 1000 };
enum { ALL_CAN = 2 * AML_READABLE - 1, ALL_STEP_FLAGS = 2 * AML_STEP_SELECTS - 1 };
enum { ALL_KINDS = AML_NUMBER | AML_CATEGORY | AML_TEXT | AML_DATETIME };

/* What is common to the contracts, which begin alike. */
typedef struct head {
    int abi;
    const char *name, *summary;
} head;

static const struct {
    const char *word;
    size_t size;
} kinds[] = {[AML_PLUGIN_LEARNER] = {"learner", sizeof(aml_learner)},
             [AML_PLUGIN_STEP] = {"step", sizeof(aml_step)},
             [AML_PLUGIN_SAMPLER] = {"sampler", sizeof(aml_sampler)},
             [AML_PLUGIN_SCHEDULER] = {"scheduler", sizeof(aml_scheduler)},
             [AML_PLUGIN_METRIC] = {"metric", sizeof(aml_metric)}};
enum { N_KINDS = sizeof kinds / sizeof *kinds };

/* ---- what every part has */

static bool is_name(const char *s) {
    size_t n = s ? strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_") : 0;
    return n && n <= LONGEST_NAME && !s[n] && s[0] >= 'a' && s[0] <= 'z';
}

static aml_status check_head(const head *h, const char *word) {
    char shown[200];
    if (h->abi != AML_ABI)
        return aml_help(aml_fail(AML_EUSAGE, "a %s has abi %d, not %d", word, h->abi, AML_ABI),
                        "it was compiled with the headers of another version",
                        "compile it with the automl_plugin.h of this one (%s)", aml_version());
    if (!h->name || !*h->name) return aml_fail(AML_EUSAGE, "a %s has no name", word);
    if (!is_name(h->name))
        return aml_help(
            aml_fail(AML_EUSAGE, "`%s` is no name for a %s",
                     aml_printable(shown, sizeof shown, h->name, strnlen(h->name, 45), 41), word),
            NULL, "write it as [a-z][a-z0-9_]*, at most %d bytes", LONGEST_NAME);
    if (!h->summary || !*h->summary)
        return aml_help(aml_fail(AML_EUSAGE, "%s `%s` has no summary", word, h->name), NULL,
                        "say in a line what it is");
    return AML_OK;
}

static aml_status lacks(const head *h, const char *word, const char *member) {
    return aml_fail(AML_EUSAGE, "%s `%s` has no %s", word, h->name, member);
}

static const char *param_fault(const aml_param *p) {
    if (!is_name(p->name)) return "is no name";
    if (!p->summary) return "has no summary";
    if (p->kind == AML_CHOICE) {
        size_t n = 0;
        while (p->choices && p->choices[n] && n < MOST_CHOICES) n++;
        if (!n || n == MOST_CHOICES) return "has no choices, or too many";
        return p->fallback >= 0 && p->fallback < (double)n ? NULL : "has no such default";
    }
    if (p->kind != AML_REAL && p->kind != AML_INT) return "is of no kind";
    if (!isfinite(p->lo) || !isfinite(p->hi) || !(p->lo <= p->hi)) return "has no range";
    if (p->log && !(p->lo > 0)) return "is logarithmic from 0 or below";
    return p->fallback >= p->lo && p->fallback <= p->hi ? NULL : "has a default out of its range";
}

static aml_status check_params(const head *h, const char *word, const aml_param *params) {
    for (size_t i = 0; params && params[i].name; i++) {
        const char *fault = i < AML_MAX_PARAMS ? param_fault(&params[i]) : "is one too many";
        for (size_t j = 0; j < i && !fault; j++)
            if (!strcmp(params[j].name, params[i].name)) fault = "is there twice";
        if (fault)
            return aml_fail(AML_EUSAGE, "parameter `%.40s` of %s `%s` %s", params[i].name, word,
                            h->name, fault);
    }
    return AML_OK;
}

static aml_status taken(const head *h, const char *word, bool is_taken) {
    if (!is_taken) return AML_OK;
    return aml_help(aml_fail(AML_EUSAGE, "there is a %s `%s` already", word, h->name), NULL,
                    "give it another name");
}

/* ---- what each kind has besides */

static aml_status check_tasks(const head *h, const char *word, unsigned tasks) {
    if (tasks && !(tasks & ~(unsigned)AML_ANY_TASK)) return AML_OK;
    return lacks(h, word, "tasks");
}

static aml_status check_learner(const aml_learner *l, const head *h) {
    const char *word = "learner";
    AML_TRY(check_tasks(h, word, l->tasks));
    AML_TRY(check_params(h, word, l->params));
    if (!l->fit) return lacks(h, word, "fit");
    if (!l->predict) return lacks(h, word, "predict");
    if (!l->save) return lacks(h, word, "save");
    if (!l->load) return lacks(h, word, "load");
    if (l->can & ~(unsigned)ALL_CAN)
        return aml_fail(AML_EUSAGE, "learner `%s` can what is not known: %#x", h->name,
                        l->can & ~(unsigned)ALL_CAN);
    if (l->can & AML_YARDSTICK)
        return aml_fail(AML_EUSAGE, "learner `%s`: there is one yardstick, the library's", h->name);
    return taken(h, word, aml_learner_find(h->name) != NULL);
}

static aml_status check_step(const aml_step *s, const head *h) {
    const char *word = "step";
    AML_TRY(check_params(h, word, s->params));
    if (!s->kinds || (s->kinds & ~(unsigned)ALL_KINDS)) return lacks(h, word, "kinds");
    if (s->flags & ~(unsigned)ALL_STEP_FLAGS) return lacks(h, word, "known flags");
    if (!s->fit) return lacks(h, word, "fit");
    if (!s->apply) return lacks(h, word, "apply");
    if (!s->save) return lacks(h, word, "save");
    if (!s->load) return lacks(h, word, "load");
    return taken(h, word, aml_step_find(h->name) != NULL);
}

static aml_status check_sampler(const aml_sampler *s, const head *h) {
    AML_TRY(check_params(h, "sampler", s->params));
    if (!s->suggest) return lacks(h, "sampler", "suggest");
    return taken(h, "sampler", aml_sampler_find(h->name) != NULL);
}

static aml_status check_scheduler(const aml_scheduler *s, const head *h) {
    AML_TRY(check_params(h, "scheduler", s->params));
    if (!s->keep_going && !s->keep_step) return lacks(h, "scheduler", "keep_going or keep_step");
    return taken(h, "scheduler", aml_scheduler_find(h->name) != NULL);
}

static aml_status check_metric(const aml_metric *m, const head *h) {
    AML_TRY(check_tasks(h, "metric", m->tasks));
    if (!m->score) return lacks(h, "metric", "score");
    if (isnan(m->best) || isnan(m->worst) || m->best == m->worst ||
        (m->best > m->worst) != m->higher_is_better)
        return lacks(h, "metric", "best and worst that fit higher_is_better");
    return taken(h, "metric", aml_metric_find(h->name) != NULL);
}

static aml_status check(aml_plugin_kind kind, const void *part) {
    const head *h = part;
    AML_TRY(check_head(h, kinds[kind].word));
    switch (kind) {
    case AML_PLUGIN_LEARNER: return check_learner(part, h);
    case AML_PLUGIN_STEP: return check_step(part, h);
    case AML_PLUGIN_SAMPLER: return check_sampler(part, h);
    case AML_PLUGIN_SCHEDULER: return check_scheduler(part, h);
    case AML_PLUGIN_METRIC: return check_metric(part, h);
    }
    return AML_EUSAGE;
}

static bool add(aml_plugin_kind kind, const void *part) {
    switch (kind) {
    case AML_PLUGIN_LEARNER: return aml_learner_add(part);
    case AML_PLUGIN_STEP: return aml_step_add(part);
    case AML_PLUGIN_SAMPLER: return aml_sampler_add(part);
    case AML_PLUGIN_SCHEDULER: return aml_scheduler_add(part);
    case AML_PLUGIN_METRIC: return aml_metric_add(part);
    }
    return false;
}

/* ---- registration */

static aml_status check_size(const char *word, size_t own, const void *part, size_t size) {
    const unsigned char *bytes = part;
    bool newer = false;
    if (size < sizeof(head) || size > 4096)
        return aml_fail(AML_EUSAGE, "%zu bytes are no %s", size, word);
    for (size_t i = own; i < size; i++) newer |= bytes[i] != 0;
    if (!newer) return AML_OK;
    return aml_help(aml_fail(AML_EUSAGE, "a %s has members that this version does not know", word),
                    "it was compiled with the headers of a newer version",
                    "compile it with the automl_plugin.h of this one (%s)", aml_version());
}

aml_status aml_register_part(aml_plugin_kind kind, const void *part, size_t size) {
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    AML_NEED(part);
    if ((size_t)kind < AML_PLUGIN_LEARNER || (size_t)kind >= N_KINDS)
        return aml_fail(AML_EUSAGE, "there is no kind of part with number %d", (int)kind);
    const char *word = kinds[kind].word;
    size_t own = kinds[kind].size;
    AML_TRY(check_size(word, own, part, size));
    void *copy = aml_calloc(1, own);
    if (!copy) return AML_ENOMEM;
    memcpy(copy, part, size < own ? size : own);
    pthread_mutex_lock(&lock);
    aml_status status = check(kind, copy);
    if (!status && !add(kind, copy))
        status = aml_fail(AML_EUSAGE, "there are %d %ss already", AML_MOST_PARTS, word);
    pthread_mutex_unlock(&lock);
    if (status) aml_free(copy);
    return status;
}

aml_status aml_plugin_load(const char *path) {
    AML_NEED(path);
    void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!object) return aml_fail(AML_ENOINPUT, "cannot load the plug-in: %s", dlerror());
    aml_status (*init)(void);
    void *symbol = dlsym(object, "aml_plugin_init");
    memcpy(&init, &symbol, sizeof init);
    if (symbol) return init(); /* what it has registered lies in the object, which stays */
    dlclose(object);
    return aml_help(aml_fail(AML_EDATA, "%s is no plug-in", path),
                    "it has no function aml_plugin_init", "automl_plugin.h says what it does");
}
