/* regex_size.h: how large an extended regular expression becomes when it is compiled. */
#ifndef AML_TUNE_REGEX_SIZE_H
#define AML_TUNE_REGEX_SIZE_H

/* Characters, sets and groups of a pattern with all repetitions written out, as regcomp does: (ab){3} has 9, a++ has 4. A few dozen
 * characters may stand for more than memory holds. INFINITY where groups lie deeper than regcomp's stack should be asked to follow. */
double aml_regex_size(const char *pattern);

#endif
