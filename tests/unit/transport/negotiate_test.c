// SPDX-License-Identifier: MIT
/*
 * Negotiate, byte for byte but for the ids: versions, their mistakes, and the
 * transports that a hub's options leave. What is expected was seen on the
 * reference.
 */
#include "transport/negotiate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define NOW_MS 1764040000000ull
#define TRANSPORTS                                            \
    "\"availableTransports\":[{\"transport\":\"WebSockets\"," \
    "\"transferFormats\":[\"Text\",\"Binary\"]},"             \
    "{\"transport\":\"ServerSentEvents\","                    \
    "\"transferFormats\":[\"Text\"]},"                        \
    "{\"transport\":\"LongPolling\","                         \
    "\"transferFormats\":[\"Text\",\"Binary\"]}]"
#define NON_INTEGER \
    "{\"error\":\"The client requested a non-integer protocol version.\"}"

static struct sl_token_keys keys;
static char hub_name[] = "chat";
static struct sl_hub hub = { .name = hub_name };
static struct sl_hub_entry entry = { .hub = &hub };

static int set_up(void **state)
{
    (void)state;
    sl_token_keys_init(&keys, (struct sl_slice){ 0 });
    sl_hub_options_default(&entry.options);
    return 0;
}

static const char *negotiate(struct sl_str *out, const char *query)
{
    sl_str_clear(out);
    sl_negotiate_write(out, &entry, &keys, NOW_MS, sl_slice_str(query));
    return sl_str_cstr(out);
}

/* Cuts the value of a member out of the text and returns it. */
static void take_value(struct sl_str *text, const char *name, char *value)
{
    char *at = strstr(text->ptr, name);
    assert_non_null(at);
    at += strlen(name);
    char *end = strchr(at, '"');
    memcpy(value, at, (size_t)(end - at));
    value[end - at] = '\0';
    memmove(at, end, strlen(end) + 1);
}

static void assert_version_1(const char *query)
{
    struct sl_str out = { 0 };
    char id[64], token[64];
    negotiate(&out, query);
    take_value(&out, "\"connectionId\":\"", id);
    take_value(&out, "\"connectionToken\":\"", token);
    assert_string_equal(out.ptr,
                        "{\"negotiateVersion\":1,\"connectionId\":\"\","
                        "\"connectionToken\":\"\"," TRANSPORTS "}");
    struct sl_token seen;
    assert_int_equal(sl_token_verify(&keys, SL_SLICE("chat"),
                                     sl_slice_str(token), NOW_MS, 60000, &seen),
                     0);
    assert_string_equal(seen.conn_id, id);
    sl_str_release(&out);
}

static void assert_version_0(const char *query)
{
    struct sl_str out = { 0 };
    char id[64];
    negotiate(&out, query);
    take_value(&out, "\"connectionId\":\"", id);
    assert_string_equal(
        out.ptr,
        "{\"negotiateVersion\":0,\"connectionId\":\"\"," TRANSPORTS "}");
    struct sl_token seen;
    assert_int_equal(sl_token_verify(&keys, SL_SLICE("chat"), sl_slice_str(id),
                                     NOW_MS, 60000, &seen),
                     0);
    assert_true(seen.version0);
    sl_str_release(&out);
}

static void versions(void **state)
{
    (void)state;
    assert_version_0("");
    assert_version_0("negotiateVersion=0");
    assert_version_0("other=1");
    assert_version_1("negotiateVersion=1");
    assert_version_1("NEGOTIATEVERSION=1");
    assert_version_1("negotiateVersion=%201");
    assert_version_1("negotiateVersion=2");
    assert_version_1("negotiateVersion=99");
    assert_version_1("a=b&negotiateVersion=1&c=d");
}

static void stateful_reconnect_is_not_granted_unasked(void **state)
{
    (void)state;
    static const char *const values[] = {
        "", "1", "false", "yes", "truee", "true&useStatefulReconnect=true",
    };
    char query[128];
    for (size_t i = 0; i < SL_COUNT(values); i++) {
        snprintf(query, sizeof(query),
                 "negotiateVersion=1&useStatefulReconnect=%s", values[i]);
        assert_version_1(query);
    }
}

static void assert_stateful(const char *query)
{
    struct sl_str out = { 0 };
    char token[64];
    negotiate(&out, query);
    assert_ptr_equal(strstr(out.ptr, "{\"useStatefulReconnect\":true,"
                                     "\"negotiateVersion\":"),
                     out.ptr);
    bool version0 = strstr(out.ptr, "connectionToken") == NULL;
    take_value(&out, version0 ? "\"connectionId\":\"" : "Token\":\"", token);
    struct sl_token seen;
    assert_int_equal(sl_token_verify(&keys, SL_SLICE("chat"),
                                     sl_slice_str(token), NOW_MS, 60000, &seen),
                     0);
    assert_true(seen.stateful);
    sl_str_release(&out);
}

static void stateful_reconnect_is_granted_when_asked_for(void **state)
{
    (void)state;
    assert_stateful("negotiateVersion=1&useStatefulReconnect=true");
    assert_stateful("negotiateVersion=1&useStatefulReconnect=True");
    assert_stateful("negotiateVersion=1&USESTATEFULRECONNECT=%20TRUE");
    assert_stateful("negotiateVersion=0&useStatefulReconnect=true");
}

static void a_hub_without_a_buffer_grants_none(void **state)
{
    (void)state;
    entry.options.stateful_reconnect_buffer = 0;
    assert_version_1("negotiateVersion=1&useStatefulReconnect=true");
    sl_hub_options_default(&entry.options);
}

static void versions_that_are_no_integer(void **state)
{
    (void)state;
    static const char *const queries[] = {
        "negotiateVersion=",           "negotiateVersion=x",
        "negotiateVersion=1.0",        "negotiateVersion=99999999999",
        "negotiateVersion=2147483648", "negotiateVersion=-2147483649",
        "negotiateVersion=-",          "negotiateVersion=1&negotiateVersion=0",
        "negotiateVersion=1%200",
    };
    struct sl_str out = { 0 };
    for (size_t i = 0; i < SL_COUNT(queries); i++)
        assert_string_equal(negotiate(&out, queries[i]), NON_INTEGER);
    sl_str_release(&out);
}

static void negative_versions_are_named(void **state)
{
    (void)state;
    struct sl_str out = { 0 };
    assert_string_equal(negotiate(&out, "negotiateVersion=-1"),
                        "{\"error\":\"The client requested version '-1', but "
                        "the server does not support this version.\"}");
    sl_str_release(&out);
}

static void transports_that_the_hub_does_not_allow_are_left_out(void **state)
{
    (void)state;
    struct sl_str out = { 0 };
    entry.options.transports = 1u << SL_TRANSPORT_LONG_POLLING;
    assert_non_null(strstr(negotiate(&out, ""),
                           "\"availableTransports\":[{\"transport\":"
                           "\"LongPolling\",\"transferFormats\":"
                           "[\"Text\",\"Binary\"]}]"));
    sl_hub_options_default(&entry.options);
    sl_str_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(versions),
        cmocka_unit_test(stateful_reconnect_is_not_granted_unasked),
        cmocka_unit_test(stateful_reconnect_is_granted_when_asked_for),
        cmocka_unit_test(a_hub_without_a_buffer_grants_none),
        cmocka_unit_test(versions_that_are_no_integer),
        cmocka_unit_test(negative_versions_are_named),
        cmocka_unit_test(transports_that_the_hub_does_not_allow_are_left_out),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
