/* command.h: a command with {name} in its words, and the words of one trial.
 *
 * {lr} and ${{search_space.lr}} are the value of a parameter; {trial} the trial's number, {attempt} that of its
 * attempt (from 1), {slot} its place among those side by side (from 0: a GPU for each), {seed} a seed of its own, {output} its
 * folder, {params} a JSON file of its parameters there, ${{inputs.x}} and ${{outputs.x}} what the sweep says of
 * them. {args} as a word of its own becomes --name value for each parameter. {{lr}} is the text {lr}; braces around
 * what is no name, and the shell's ${name}, stay as they are. A placeholder stays inside its word, whatever the value: nothing is split again.
 *
 * A word with a parameter that the trial has not (it depends on another one) is left out, and with it the option, a word that
 * begins with '-', whose whole value it is: "--depth {depth}". For a shell the value is quoted where it must be, and
 * one that is not there is ''. */
#ifndef AML_TUNE_COMMAND_H
#define AML_TUNE_COMMAND_H

#include "automl/core/json.h"

typedef struct aml_command aml_command;

/* Names that may be asked for. Lists are NULL-ended. */
typedef struct aml_command_names {
    const char *const *params, *const *inputs, *const *outputs;
} aml_command_names;

/* The values for one trial; kind is "search_space", "inputs", "outputs" or "trial". NULL: it has none of that name. */
typedef struct aml_command_values {
    const char *(*value)(const void *arg, const char *kind, const char *name);
    const void *arg;
    const char *const *args; /* "--lr", "0.1", …, NULL-ended */
} aml_command_values;

/* A text is split into words as a shell would (quotes, backslash) unless it is for a shell; `source` has the place for errors,
 * or words are given. AML_ECONFIG for unknown names, an open quote, or what only a shell understands. */
aml_status aml_command_read(aml_command **out, const aml_json *source, const char *const *words,
                            bool shell, const aml_command_names *names, aml_arena *keep);
/* The words for a trial, NULL-ended, in `arena`. NULL: memory is short. */
const char *const *aml_command_fill(const aml_command *c, const aml_command_values *values,
                                    aml_arena *arena);
/* A text with the same placeholders, and no words: for the environment. */
aml_status aml_command_check_text(const aml_json *place, const char *text,
                                  const aml_command_names *names);
const char *aml_command_fill_text(const char *text, const aml_command_values *values,
                                  aml_arena *arena);
/* Is {name} of a parameter, or {args} or {params}, in it? */
bool aml_command_uses(const aml_command *c, const char *name);

/* Appends a word as a shell would have to read it. */
void aml_command_quote(aml_string *out, const char *word);

#endif
