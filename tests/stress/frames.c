/* frames.c: calls that make frames and look at them. */
#include "stress.h"

/* Lent to frames: it stays as it is. */
static const double lent[ROWS] = {0, 1, 2, 3, 4, 5, 6, 0, 1, 2, 3, 4, 5, 6, 0,
                                  1, 2, 3, 4, 5, 6, 0, 1, 2, 3, 4, 5, 6, 0, 1};

static void op_builder(void) {
    static double numbers[ROWS];
    static const char *texts[ROWS];
    aml_frame_builder *b = get(BUILDER);
    bool odd = one_in(8);
    if (!b || one_in(3)) {
        put(BUILDER, VALUE(aml_frame_builder_new(one_in(8) ? below(ROWS + 1) : ROWS, NULL)));
        return;
    }
    for (size_t i = 0; i < ROWS; i++) {
        numbers[i] = odd && one_in(6) ? real() : (double)below(i % 3 ? 3 : 40) - 1;
        texts[i] = odd && one_in(6) ? text() : one_in(2) ? "red" : one_in(2) ? "blue" : "green";
    }
    if (one_in(3)) CALL(aml_frame_add_texts(b, name(), one_in(12) ? NULL : texts));
    else if (one_in(4)) CALL(aml_frame_borrow_numbers(b, name(), one_in(12) ? NULL : lent));
    else CALL(aml_frame_add_numbers(b, name(), one_in(12) ? NULL : numbers));
    if (!one_in(4)) return;
    forget(BUILDER, b);
    put(FRAME, VALUE(aml_frame_build(b)));
}

aml_read_options *read_options(any_size *room) {
    aml_read_options *o = (aml_read_options *)(void *)room->bytes;
    memset(room, one_in(40) ? 1 : 0, sizeof *room);
    *o = (aml_read_options){.size = size_of(sizeof *o), .threads = threads()};
    if (one_in(4)) o->separator = PICK(",;\t\"x");
    if (one_in(6)) o->decimal = PICK(".,x");
    if (one_in(4)) o->header = (int)below(4) - 1;
    if (one_in(4)) o->text = names();
    if (one_in(6)) o->memory_limit = number();
    if (one_in(6)) o->encoding = text();
    if (one_in(6)) o->quote = text();
    if (one_in(6)) o->ragged = one_in(2) ? "pad" : text();
    if (one_in(6)) o->skip_lines = number();
    if (one_in(6)) o->skip_footer = number();
    if (one_in(6)) o->schema = path();
    if (one_in(6)) o->thousands = text();
    if (one_in(6)) o->escape = text();
    return one_in(3) ? NULL : o;
}

static void op_read(void) {
    any_size room;
    aml_frame *f = NULL;
    if (one_in(20)) CALL(aml_frame_read(NULL, path(), NULL));
    else if (one_in(3))
        MAKE(FRAME, f,
             aml_model_read(&f, get(MODEL), path(), read_options(&room), names(), (int)below(2)));
    else MAKE(FRAME, f, aml_frame_read(&f, path(), read_options(&room)));
}

static void op_frame(void) {
    const aml_frame *f = get(FRAME);
    char cell[64];
    VALUE(aml_frame_rows_count(f));
    VALUE(aml_frame_columns_count(f));
    VALUE(aml_frame_column_name(f, number()));
    VALUE(aml_frame_note(f, number()));
    VALUE(aml_frame_text(one_in(9) ? NULL : cell, below(sizeof cell + 1), f, name(), number()));
    if (one_in(20)) CALL(aml_frame_write_schema(f, output()));
}

const op frame_ops[] = {{300, op_builder}, {60, op_read}, {200, op_frame}, {0}};
