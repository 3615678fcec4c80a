/* menu.h: the final models that one run has to choose from, and the choice. */
#ifndef AML_ENGINE_MENU_H
#define AML_ENGINE_MENU_H

#include "automl/engine/choice.h"

enum { AML_BEST, AML_FAST, AML_SINGLE, AML_INTERPRETABLE, AML_MENU };

typedef struct aml_menu {
    aml_parts parts;
    aml_choice at[AML_MENU]; /* n = 0: there is none */
    size_t chosen;
} aml_menu;

/* The names of the entries, NULL-ended; "best" first. */
extern const char *const aml_menu_names[AML_MENU + 1];

/* The entry that the options prefer; AML_EUSAGE for a word that is none. */
aml_status aml_menu_find(size_t *out, const aml_train_options *o);

/* All entries, within the limits of the options; the preferred one within `tighter` (0 … 1) of them. AML_ECONFIG when it
 * cannot be had. Memory in ctx->keep. */
aml_status aml_menu_make(aml_menu *out, aml_study *s, double tighter);

/* What the model's users are told of the menu; us: of the model as it is, measured. */
aml_status aml_menu_tell(aml_study *s, const aml_menu *menu, double us, double bytes);

#endif
