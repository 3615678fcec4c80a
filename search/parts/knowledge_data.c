/* knowledge_data.c: the knowledge file inside the library.
 *
 * The assembler finds search/knowledge.tsv by the include path (the root of the sources). The
 * build must know that this object depends on that file: OBJECT_DEPENDS in CMake. */
#include "search/parts/knowledge.h"

#ifndef AML_KNOWLEDGE_FILE
#define AML_KNOWLEDGE_FILE "search/knowledge.tsv"
#endif

__asm__(".pushsection .rodata\n"
        ".balign 16\n"
        "aml_knowledge_begin:\n"
        ".incbin \"" AML_KNOWLEDGE_FILE "\"\n"
        "aml_knowledge_end:\n"
        ".byte 0\n"
        ".popsection\n");

extern const char aml_knowledge_begin[] __attribute__((visibility("hidden")));
extern const char aml_knowledge_end[] __attribute__((visibility("hidden")));

const char *aml_knowledge_text(size_t *size) {
    /* cppcheck-suppress comparePointers ; two labels of one object */
    *size = (size_t)(aml_knowledge_end - aml_knowledge_begin);
    return aml_knowledge_begin;
}
