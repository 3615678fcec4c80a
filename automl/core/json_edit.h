/* json_edit.h: what changes a document between reading and use: variables of the environment, and settings
 * "limits.max_trials=5" of a command line. Values that come so are texts without a type: whoever reads them by a table of
 * keys (json_keys.h) takes them as what the key wants. */
#ifndef AML_CORE_JSON_EDIT_H
#define AML_CORE_JSON_EDIT_H

#include "automl/core/json.h"

/* Puts variables into all texts: ${NAME}, ${NAME:-text for when it is not set or empty}; $$ is a dollar. AML_ECONFIG with
 * the place for a variable that is not set, or an unfinished ${. Keys stay as they are. */
aml_status aml_json_expand(aml_json *x, aml_arena *keep);

/* A text, quoted, that aml_json_expand leaves what it is; NULL when memory was short for it. */
void aml_json_put_unexpanded(aml_string *out, const char *text);

/* Sets one value: "key.key=value", in objects that are made where there are none. The value is JSON when it begins with
 * { [ or a quote or is null, else a text without a type. AML_EUSAGE for text of another form, AML_ECONFIG for a path
 * through what is no object, or broken JSON; messages name `option` ("--set") as their source. */
aml_status aml_json_set(aml_json *root, const char *setting, const char *option, aml_arena *keep);

/* A text without a type becomes the number or the flag that it spells; others stay texts. */
aml_status aml_json_settle(aml_json *x, aml_arena *keep);

#endif
