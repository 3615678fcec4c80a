/* test_ranks.c: messages between ranks, and what is no message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "automl/engine/ranks.h"

static void open_pair(int ends[2]) {
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
}

static void messages_arrive_whole(void **state) {
    (void)state;
    static unsigned char bytes[50000];
    int ends[2];
    aml_message m;
    open_pair(ends);
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (unsigned char)(i * 7);
    assert_int_equal(aml_message_send(ends[0], AML_MESSAGE_RESULT, bytes, sizeof bytes), AML_OK);
    assert_int_equal(aml_message_send(ends[0], AML_MESSAGE_END, NULL, 0), AML_OK);
    assert_int_equal(aml_message_receive(&m, ends[1], 1), AML_OK);
    assert_int_equal(m.kind, AML_MESSAGE_RESULT);
    assert_int_equal(m.size, sizeof bytes);
    assert_memory_equal(m.data, bytes, sizeof bytes);
    aml_message_free(&m);
    assert_int_equal(aml_message_receive(&m, ends[1], 1), AML_OK);
    assert_true(m.kind == AML_MESSAGE_END && m.size == 0);
    aml_message_free(&m);
    assert_int_equal(aml_message_receive(&m, ends[1], 0.01), AML_EAGAIN);
    close(ends[0]);
    assert_int_equal(aml_message_receive(&m, ends[1], 1), AML_EIO);
    close(ends[1]);
}

static void a_closed_end_is_told(void **state) {
    (void)state;
    int ends[2];
    open_pair(ends);
    close(ends[1]);
    assert_int_equal(aml_message_send(ends[0], AML_MESSAGE_END, NULL, 0), AML_EIO);
    close(ends[0]);
}

/* What is sent by somebody who is no rank: kinds that are none, lengths beyond reason, half a message. */
static void what_is_no_message_is_refused(void **state) {
    (void)state;
    static const unsigned char wrong[][12] = {
        {0},
        {'G', 'E', 'T', ' ', '/'},
        {AML_MESSAGE_TRIAL, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255}};
    aml_message m;
    int ends[2];
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        open_pair(ends);
        assert_int_equal(write(ends[0], wrong[i], 12), 12);
        assert_int_equal(aml_message_receive(&m, ends[1], 1), AML_EIO);
        assert_null(m.data);
        close(ends[0]);
        close(ends[1]);
    }
    for (size_t n = 1; n < 16; n++) {
        const unsigned char half[16] = {AML_MESSAGE_GO, 0, 0, 0, 8};
        open_pair(ends);
        assert_int_equal(write(ends[0], half, n), (ssize_t)n);
        close(ends[0]);
        assert_int_equal(aml_message_receive(&m, ends[1], 1), AML_EIO);
        assert_null(m.data);
        close(ends[1]);
    }
}

/* A process that MPI has not started is alone. */
static void nobody_else_is_no_ranks(void **state) {
    (void)state;
    aml_ranks *r = (aml_ranks *)1;
    assert_int_equal(aml_ranks_join(&r), AML_OK);
    assert_null(r);
    assert_int_equal(aml_ranks_number(NULL), 0);
    assert_int_equal(aml_ranks_count(NULL), 1);
    assert_int_equal(aml_ranks_lost(NULL), 0);
    aml_ranks_leave(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_arrive_whole),
        cmocka_unit_test(a_closed_end_is_told),
        cmocka_unit_test(what_is_no_message_is_refused),
        cmocka_unit_test(nobody_else_is_no_ranks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
