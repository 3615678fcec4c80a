/* json_keys.h: reads a JSON object by a table of its known keys. The table is the only place where a key is described:
 * reader, messages and JSON Schema (draft 2020-12) are made from it.
 *
 * A text from outside the document (json_edit.h) becomes a number or a flag, in the document too, where its key wants one.
 *
 * What is wrong gives AML_ECONFIG with file, line and column, the path of the key ("limits.max_trials"), what is expected
 * and what was found; an unknown key, the nearest known one or the object where it belongs. null is as good as no key. */
#ifndef AML_CORE_JSON_KEYS_H
#define AML_CORE_JSON_KEYS_H

#include "automl/core/json.h"

/* The type of a key is that of the member it is read into. Texts and lists live as long as the document. */
typedef enum aml_key_type {
    AML_KEY_FLAG = 1, /* bool */
    AML_KEY_TEXT,     /* const char *: not empty */
    AML_KEY_TEXTS,    /* const char *const *: NULL-ended; a list of texts, or one text */
    AML_KEY_REAL,     /* double */
    AML_KEY_REAL_AT,  /* const double *: NULL = not given */
    AML_KEY_INT,      /* int */
    AML_KEY_COUNT,    /* size_t */
    AML_KEY_SEED,     /* uint64_t */
    AML_KEY_SECONDS,  /* double, more than 0: a number, or "90s", "1h30m" */
    AML_KEY_BYTES,    /* size_t, more than 0: a number, or "512M", "2G" */
    AML_KEY_OBJECT,   /* a struct that `keys` describe */
    AML_KEY_OWN       /* what `read` makes of it */
} aml_key_type;

typedef struct aml_key aml_key;

/* What a reader needs to know beside the value. */
typedef struct aml_key_place {
    aml_arena *keep;  /* where lists go: that of the document */
    const char *path; /* of the value, "limits.max_trials", "learners[2]"; "" = the document */
    const aml_key
        *root; /* the table of the document, to find where a misplaced key belongs; or NULL */
} aml_key_place;

/* Tables end with a row without a name. Range: lo … hi inclusive, without them where `open`; both 0 = none. */
struct aml_key {
    const char *name;
    const char *summary; /* one sentence: in messages and in the schema */
    aml_key_type type;
    size_t member; /* offset; within that of the object around it */
    double lo, hi;
    bool open, required;
    const char *(*word)(
        size_t i);       /* TEXT, TEXTS: the words allowed, NULL after the last; or NULL = any */
    const aml_key *keys; /* OBJECT */
    /* OWN: `to` is the member; and the schema of a value, a JSON object, is appended. */
    aml_status (*read)(void *to, const aml_json *x, const aml_key_place *at);
    void (*schema)(aml_string *out);
};

/* Reads the members of `object` into the struct `out`; members without a key stay as they are. */
aml_status aml_keys_read(void *out, const aml_json *object, const aml_key *keys,
                         const aml_key_place *at);
/* One value of a key; `to` is its member. */
aml_status aml_key_read(void *to, const aml_json *x, const aml_key *key, const aml_key_place *at);

/* The place of a member, or of element i of a list. A path that memory is too short for is left out. */
aml_key_place aml_key_member(const aml_key_place *at, const char *name);
aml_key_place aml_key_element(const aml_key_place *at, size_t i);

/* For readers of their own. "`limits.timeout` must be <what>, found the text `abc`"; help may be NULL. */
aml_status aml_key_expected(const aml_json *x, const aml_key_place *at, const char *what,
                            const char *help);
aml_status aml_key_need(const aml_json *x, aml_json_type type, const aml_key_place *at);
/* "there is no learner `gbtd`", with the nearest of the words, or all of them. The place is that of the value, or of the
 * key where the word is one. */
aml_status aml_key_unknown(const aml_json *x, bool is_key, const char *what,
                           const char *(*word)(size_t i));
aml_status aml_key_unknown_of(const aml_json *x, bool is_key, const char *what,
                              const char *const *words, size_t n);

/* The schema of an object with these keys: "type", "properties", "required", "additionalProperties". */
void aml_keys_schema(aml_string *out, const aml_key *keys);
void aml_keys_schema_members(aml_string *out, const aml_key *keys); /* without the braces */

#endif
