/* call.c: what the functions of automl.h check of what they are called with. */
#include "automl/core/call.h"

#include <string.h>

enum { LARGEST = 4096 }; /* bytes of a struct of the interface, of this version or a later one */

aml_status aml_call_lacks(const char *function, const char *argument) {
    return aml_help(aml_fail(AML_EUSAGE, "%s: `%s` is NULL", function, argument), NULL,
                    "automl.h says which arguments may be NULL");
}

aml_status aml_call_options(void *to, size_t size, const void *given, const char *name) {
    const unsigned char *bytes = given;
    size_t known;
    memcpy(&known, given, sizeof known);
    if (known < sizeof known || known > LARGEST || known % sizeof known)
        return aml_help(aml_fail(AML_EUSAGE, "%s.size is %zu", name, known), NULL,
                        "begin with %s o = {.size = sizeof o}", name);
    for (size_t i = size; i < known; i++)
        if (bytes[i])
            return aml_help(
                aml_fail(AML_EUSAGE, "%s has a member that this version does not know", name),
                "the program was compiled with the automl.h of a newer version",
                "install the newer library, or leave out its options");
    memset(to, 0, size);
    memcpy(to, given, known < size ? known : size);
    memcpy(to, &size, sizeof size);
    return AML_OK;
}

int aml_call_give(void *out, const void *result, size_t size) {
    size_t room;
    memcpy(&room, out, sizeof room);
    if (!room || room > size) room = size;
    if (room < sizeof room) return 1;
    memcpy(out, result, room);
    memcpy(out, &room, sizeof room);
    return 1;
}
