/* csv_write.c: fields of CSV output. */
#include <string.h>

#include "automl/core/csv.h"

static bool needs_quotes(const char *text, size_t n) {
    if (n && (text[0] == ' ' || text[n - 1] == ' ')) return true;
    for (size_t i = 0; i < n; i++)
        if (text[i] == ',' || text[i] == '"' || text[i] == '\n' || text[i] == '\r') return true;
    return false;
}

static bool is_formula(const char *text, size_t n) {
    double x;
    return n && text[0] && strchr("=+-@\t\r", text[0]) && !aml_parse_double(&x, text, n);
}

void aml_csv_put(aml_string *s, const char *text, size_t length, bool neutralise) {
    bool formula = neutralise && is_formula(text, length), quote = needs_quotes(text, length);
    if (quote) aml_string_put(s, "\"");
    if (formula) aml_string_put(s, "'");
    for (size_t i = 0, from = 0; quote && i < length; i++) {
        bool last = i + 1 == length;
        if (text[i] != '"' && !last) continue;
        aml_string_add(s, text + from, i + 1 - from);
        if (text[i] == '"') aml_string_put(s, "\"");
        from = i + 1;
    }
    if (!quote) aml_string_add(s, text, length);
    else aml_string_put(s, "\"");
}
