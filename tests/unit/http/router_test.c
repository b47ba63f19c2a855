// SPDX-License-Identifier: MIT
/*
 * Which handler a request reaches, and what it gets when there is none.
 */
#include "http/router.h"

#include "base/limits.h"
#include "tests/lib/test_http.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct test_http http;
static struct sl_http_router *router;

/* Answers with its name. */
static void handle(struct sl_http_request *request, void *user)
{
    sl_http_answer_text(request, 200, sl_slice_str(user));
}

static bool fall_back(struct sl_http_request *request, void *user)
{
    const char *name = user;
    if (!sl_slice_starts(request->url.path, sl_slice_str(name)))
        return false;
    sl_http_answer_text(request, 200, sl_slice_str(name));
    return true;
}

static int setup(void **state)
{
    (void)state;
    router = sl_http_router_new();
    test_http_open(&http, sl_http_router_handle, router);
    sl_http_router_add(router, SL_SLICE("GET"), SL_SLICE("/chat"), handle,
                       "get");
    sl_http_router_add(router, SL_SLICE("POST"), SL_SLICE("/Chat/"), handle,
                       "post");
    sl_http_router_add(router, SL_SLICE(""), SL_SLICE("/any"), handle, "any");
    sl_http_router_add(router, SL_SLICE("GET"), SL_SLICE("/"), handle, "root");
    sl_http_router_add_fallback(router, fall_back, "/files");
    sl_http_router_add_fallback(router, fall_back, "/f");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    test_http_close(&http);
    sl_http_router_free(router);
    sl_http_router_free(NULL);
    return 0;
}

static void reaches(const char *method, const char *path, const char *want)
{
    struct sl_str text = { 0 };
    sl_str_add_fmt(&text, "%s %s HTTP/1.1\r\nHost: a\r\n\r\n", method, path);
    struct sl_str got = test_http_ask(&http, sl_str_slice(&text));
    if (test_count(&got, want) != 1)
        fail_msg("%s %s: %s", method, path, got.ptr);
    sl_str_release(&got);
    sl_str_release(&text);
}

static void exact_paths(void **state)
{
    (void)state;
    reaches("GET", "/chat", "\r\n\r\nget");
    reaches("GET", "/CHAT/", "\r\n\r\nget");
    reaches("GET", "/%63hat?x=/any", "\r\n\r\nget");
    reaches("GET", "http://host/chat", "\r\n\r\nget");
    reaches("POST", "/chat", "\r\n\r\npost");
    reaches("DELETE", "/any", "\r\n\r\nany");
    reaches("GET", "/", "\r\n\r\nroot");
    reaches("HEAD", "/chat", "HTTP/1.1 200 OK\r\n");
}

static void wrong_methods(void **state)
{
    (void)state;
    reaches("DELETE", "/chat", "HTTP/1.1 405 Method Not Allowed\r\n");
    reaches("DELETE", "/chat", "Allow: GET, HEAD, POST\r\n");
    reaches("POST", "/", "Allow: GET, HEAD\r\n");
}

static void routes_of_one_user_go(void **state)
{
    (void)state;
    static char mine[] = "mine", others[] = "others";
    sl_http_router_add(router, SL_SLICE(""), SL_SLICE("/one"), handle, mine);
    sl_http_router_add(router, SL_SLICE(""), SL_SLICE("/two"), handle, others);
    sl_http_router_add(router, SL_SLICE(""), SL_SLICE("/two"), handle, mine);
    sl_http_router_remove(router, SL_SLICE("/ONE/"), others);
    reaches("GET", "/one", "\r\n\r\nmine");
    sl_http_router_remove(router, SL_SLICE("/ONE/"), mine);
    reaches("GET", "/one", "HTTP/1.1 404 ");
    sl_http_router_remove(router, SL_SLICE("/one"), mine);
    sl_http_router_remove(router, SL_SLICE("/two"), others);
    reaches("GET", "/two", "\r\n\r\nmine");
}

static void fallbacks_in_their_order(void **state)
{
    (void)state;
    reaches("GET", "/files/x", "\r\n\r\n/files");
    reaches("GET", "/fx", "\r\n\r\n/f");
}

static void unknown_paths(void **state)
{
    (void)state;
    reaches("GET", "/none", "HTTP/1.1 404 Not Found\r\n");
    reaches("GET", "/none", "Content-Length: 0\r\n");
    reaches("GET", "/chat//", "HTTP/1.1 404 ");
    reaches("GET", "/%2fchat", "HTTP/1.1 404 ");
    reaches("GET", "/chat%2F", "HTTP/1.1 404 ");
    reaches("GET", "/chat%", "HTTP/1.1 404 ");
    reaches("GET", "/chat%00", "HTTP/1.1 404 ");
    reaches("OPTIONS", "*", "HTTP/1.1 404 ");
    char path[SL_HTTP_ROUTE_PATH_MAX + 10];
    memset(path, 'x', sizeof(path));
    path[0] = '/';
    path[sizeof(path) - 1] = '\0';
    reaches("GET", path, "HTTP/1.1 404 ");
}

#define ROUTER_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROUTER_TEST(exact_paths),
        ROUTER_TEST(wrong_methods),
        ROUTER_TEST(routes_of_one_user_go),
        ROUTER_TEST(fallbacks_in_their_order),
        ROUTER_TEST(unknown_paths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
