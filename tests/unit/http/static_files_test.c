// SPDX-License-Identifier: MIT
/*
 * Files of a folder made by the test: what is served and how, and every way
 * out of the folder that we could think of.
 */
#include "http/static_files.h"

#include "base/limits.h"
#include "http/router.h"
#include "tests/lib/test_http.h"

#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static struct test_http http;
static struct sl_http_router *router;
static struct sl_static_files *files;
static char root[64]; /* holds secret.txt and the served folder www */

static void write_file(const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", root, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void make_folder(const char *name)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", root, name);
    assert_int_equal(mkdir(path, 0700), 0);
}

static void make_link(const char *to, const char *name)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", root, name);
    assert_int_equal(symlink(to, path), 0);
}

static int setup(void **state)
{
    (void)state;
    snprintf(root, sizeof(root), "/tmp/static_files_test.XXXXXX");
    assert_non_null(mkdtemp(root));
    make_folder("www");
    make_folder("www/sub");
    make_folder("www/bare");
    write_file("secret.txt", "secret");
    write_file("www/index.html", "<index>");
    write_file("www/app.js", "script");
    write_file("www/noext", "bytes");
    write_file("www/empty.css", "");
    write_file("www/a b.txt", "blank");
    write_file("www/.hidden", "secret");
    write_file("www/sub/index.html", "<sub>");
    make_link("app.js", "www/inside.js");
    make_link("../secret.txt", "www/outside.txt");
    make_link("..", "www/up");
    char www[80];
    snprintf(www, sizeof(www), "%s/www", root);
    struct sl_report report = { 0 };
    files = sl_static_files_new(www, &report);
    assert_non_null(files);
    router = sl_http_router_new();
    sl_http_router_add_fallback(router, sl_static_files_handle, files);
    test_http_open(&http, sl_http_router_handle, router);
    return 0;
}

static int remove_one(const char *path, const struct stat *status, int flag,
                      struct FTW *place)
{
    (void)status;
    (void)flag;
    (void)place;
    return remove(path);
}

static int teardown(void **state)
{
    (void)state;
    test_http_close(&http);
    sl_http_router_free(router);
    sl_static_files_free(files);
    sl_static_files_free(NULL);
    return nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static struct sl_str ask(const char *method, const char *path,
                         const char *header)
{
    struct sl_str text = { 0 };
    sl_str_add_fmt(&text, "%s %s HTTP/1.1\r\nHost: a\r\n%s\r\n", method, path,
                   header);
    struct sl_str got = test_http_ask(&http, sl_str_slice(&text));
    sl_str_release(&text);
    return got;
}

static void gets(const char *path, const char *type, const char *body)
{
    struct sl_str got = ask("GET", path, "");
    char line[128];
    assert_has(&got, "HTTP/1.1 200 OK\r\n");
    snprintf(line, sizeof(line), "Content-Type: %s\r\n", type);
    assert_has(&got, line);
    assert_has(&got, "Cache-Control: no-cache\r\n");
    assert_has(&got, "X-Content-Type-Options: nosniff\r\n");
    assert_string_equal(strstr(got.ptr, "\r\n\r\n") + 4, body);
    sl_str_release(&got);
}

static void has_status(const char *path, const char *status)
{
    struct sl_str got = ask("GET", path, "");
    if (test_count(&got, status) != 1 || test_count(&got, "secret") != 0)
        fail_msg("%s: %s", path, got.ptr);
    sl_str_release(&got);
}

static void serves(void **state)
{
    (void)state;
    gets("/", "text/html; charset=utf-8", "<index>");
    gets("/index.html", "text/html; charset=utf-8", "<index>");
    gets("/app.js?v=1", "text/javascript; charset=utf-8", "script");
    gets("/%61pp.js", "text/javascript; charset=utf-8", "script");
    gets("/noext", "application/octet-stream", "bytes");
    gets("/empty.css", "text/css; charset=utf-8", "");
    gets("/a%20b.txt", "text/plain; charset=utf-8", "blank");
    gets("/sub/", "text/html; charset=utf-8", "<sub>");
    gets("/inside.js", "text/javascript; charset=utf-8", "script");
}

static void knows_types(void **state)
{
    (void)state;
    static const char *const types[][2] = {
        { "x.mjs", "text/javascript; charset=utf-8" },
        { "x.json", "application/json" },
        { "x.map", "application/json" },
        { "x.svg", "image/svg+xml" },
        { "x.png", "image/png" },
        { "x.JPG", "image/jpeg" },
        { "x.gif", "image/gif" },
        { "x.ico", "image/x-icon" },
        { "x.webp", "image/webp" },
        { "x.woff2", "font/woff2" },
        { "x.wasm", "application/wasm" },
        { "x.xml", "application/xml" },
        { "x.pdf", "application/pdf" },
    };
    for (size_t i = 0; i < SL_COUNT(types); i++) {
        char name[32];
        snprintf(name, sizeof(name), "www/%s", types[i][0]);
        write_file(name, "x");
        gets(name + 3, types[i][1], "x");
    }
}

static void no_path_leads_out(void **state)
{
    (void)state;
    static const char *const paths[] = {
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/..%5csecret.txt",
        "/sub/../../secret.txt",
        "/sub/%2e%2e/%2e%2e/secret.txt",
        "/up/secret.txt",
        "/outside.txt",
        "/.hidden",
        "/%2ehidden",
        "/./app.js",
        "/sub/./index.html",
        "//app.js",
        "/sub//index.html",
        "/app.js%00.txt",
        "/app.js%00",
        "/app.js/",
        "/app.js/x",
        "/bare",
        "/bare/",
        "/none",
        "/%zz",
        "/\\app.js",
    };
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < SL_COUNT(paths); i++)
            has_status(paths[i], "HTTP/1.1 404 Not Found\r\n");
        /* The second time as on a kernel without openat2. */
        sl_static_files_set_openat2(files, false);
    }
    gets("/sub/index.html", "text/html; charset=utf-8", "<sub>");
    has_status("/inside.js", "HTTP/1.1 404 "); /* then no link is followed */
}

static void folder_without_slash_is_redirected(void **state)
{
    (void)state;
    struct sl_str got = ask("GET", "/sub?x=1", "");
    assert_has(&got, "HTTP/1.1 301 ");
    assert_has(&got, "Location: /sub/?x=1\r\n");
    sl_str_release(&got);
}

static void etag_saves_the_body(void **state)
{
    (void)state;
    struct sl_str got = ask("GET", "/app.js", "");
    char *tag = strstr(got.ptr, "ETag: ") + 6;
    *strstr(tag, "\r\n") = '\0';
    char header[256];
    const char *const forms[] = { "%s", "\"x\", %s", "W/%s", "*" };
    for (size_t i = 0; i < SL_COUNT(forms); i++) {
        char value[128];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(value, sizeof(value), forms[i], tag);
#pragma GCC diagnostic pop
        snprintf(header, sizeof(header), "If-None-Match: %s\r\n", value);
        struct sl_str again = ask("GET", "/app.js", header);
        assert_has(&again, "HTTP/1.1 304 Not Modified\r\n");
        assert_has(&again, tag);
        assert_has_not(&again, "script");
        sl_str_release(&again);
    }
    struct sl_str other = ask("GET", "/app.js", "If-None-Match: \"x\"\r\n");
    assert_has(&other, "HTTP/1.1 200 OK\r\n");
    sl_str_release(&other);
    sl_str_release(&got);
}

static void changed_file_is_served_anew(void **state)
{
    (void)state;
    gets("/app.js", "text/javascript; charset=utf-8", "script");
    gets("/app.js", "text/javascript; charset=utf-8", "script");
    write_file("www/app.js", "changed script");
    gets("/app.js", "text/javascript; charset=utf-8", "changed script");
}

static void other_methods(void **state)
{
    (void)state;
    struct sl_str got = ask("HEAD", "/app.js", "");
    assert_has(&got, "HTTP/1.1 200 OK\r\n");
    assert_has(&got, "Content-Length: 6\r\n");
    assert_has_not(&got, "script\r");
    assert_string_equal(strstr(got.ptr, "\r\n\r\n"), "\r\n\r\n");
    sl_str_release(&got);
    got = ask("DELETE", "/app.js", "");
    assert_has(&got, "HTTP/1.1 405 ");
    assert_has(&got, "Allow: GET, HEAD\r\n");
    sl_str_release(&got);
    got = ask("DELETE", "/none", "");
    assert_has(&got, "HTTP/1.1 404 ");
    sl_str_release(&got);
}

static void odd_files_are_not_served(void **state)
{
    (void)state;
    char path[256];
    snprintf(path, sizeof(path), "%s/www/fifo", root);
    assert_int_equal(mkfifo(path, 0600), 0);
    has_status("/fifo", "HTTP/1.1 404 ");
    write_file("www/huge", "");
    snprintf(path, sizeof(path), "%s/www/huge", root);
    assert_int_equal(truncate(path, SL_STATIC_FILE_MAX + 1), 0);
    has_status("/huge", "HTTP/1.1 404 ");
}

static void cache_is_bounded(void **state)
{
    (void)state;
    enum { SIZE = SL_STATIC_CACHE_MAX / 5 };
    for (int i = 0; i < 7; i++) {
        char name[32], path[256];
        snprintf(name, sizeof(name), "www/%d.txt", i);
        write_file(name, "x");
        snprintf(path, sizeof(path), "%s/%s", root, name);
        assert_int_equal(truncate(path, SIZE), 0);
        struct sl_str got = ask("GET", name + 3, "");
        assert_true(got.len > SIZE);
        sl_str_release(&got);
        assert_true(sl_static_files_cached(files) <= SL_STATIC_CACHE_MAX);
    }
    assert_true(sl_static_files_cached(files) >= 4 * SIZE);
}

static void missing_folder_is_reported(void **state)
{
    (void)state;
    struct sl_report report = { 0 };
    assert_null(sl_static_files_new("/nonexistent/www", &report));
    assert_non_null(strstr(report.text, "/nonexistent/www"));
}

#define FILES_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILES_TEST(serves),
        FILES_TEST(knows_types),
        FILES_TEST(no_path_leads_out),
        FILES_TEST(folder_without_slash_is_redirected),
        FILES_TEST(etag_saves_the_body),
        FILES_TEST(changed_file_is_served_anew),
        FILES_TEST(other_methods),
        FILES_TEST(odd_files_are_not_served),
        FILES_TEST(cache_is_bounded),
        cmocka_unit_test(missing_folder_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
