// SPDX-License-Identifier: MIT
/*
 * What is printed tells of every setting, fits a terminal, has no macro of
 * roff in its sentences, and is what deploy/settings.md holds.
 */
#include "host/help.h"

#include "host/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

typedef void (*print_cb)(const struct sl_setting_table *, struct sl_str *);

static const char *print(print_cb printer, struct sl_str *out)
{
    printer(&sl_config_table, out);
    return sl_str_cstr(out);
}

static void tell_of_every_setting(void **state)
{
    (void)state;
    struct sl_str help = { 0 }, manual = { 0 }, page = { 0 };
    print(sl_help_print, &help);
    print(sl_help_print_manual, &manual);
    print(sl_help_print_settings, &page);
    for (unsigned i = 0; i < sl_config_table.count; i++) {
        const struct sl_setting *setting = &sl_config_table.settings[i];
        struct sl_str name = { 0 };
        sl_setting_print_flag(setting, &name);
        assert_non_null(strstr(help.ptr, sl_str_cstr(&name)));
        /* The first words of its sentence, which no line break parts. */
        char words[16];
        snprintf(words, sizeof(words), "%.8s", setting->help);
        assert_non_null(strstr(manual.ptr, words));
        sl_str_clear(&name);
        sl_str_add_fmt(&name, "\n| `%s` | ", setting->name);
        assert_non_null(strstr(page.ptr, sl_str_cstr(&name)));
        assert_non_null(strstr(page.ptr, setting->help));
        sl_str_release(&name);
    }
    sl_str_release(&help);
    sl_str_release(&manual);
    sl_str_release(&page);
}

static void help_fits_a_terminal(void **state)
{
    (void)state;
    struct sl_str out = { 0 };
    for (const char *at = print(sl_help_print, &out); *at != '\0';) {
        size_t len = strcspn(at, "\n");
        if (len > 80 || (len > 0 && at[len - 1] == ' '))
            fail_msg("\"%.*s\" is too long or ends in a blank", (int)len, at);
        assert_int_equal(at[len], '\n');
        at += len + 1;
    }
    assert_non_null(strstr(out.ptr, "  --head-timeout SECONDS  How long"));
    assert_non_null(strstr(out.ptr, "arrive. [10]\n"));
    sl_str_release(&out);
}

static void a_long_flag_has_its_own_line(void **state)
{
    (void)state;
    struct sl_str out = { 0 };
    print(sl_help_print, &out);
    assert_non_null(strstr(out.ptr, "--shutdown-timeout SECONDS\n"
                                    "                          How long"));
    sl_str_release(&out);
}

static void manual_is_roff(void **state)
{
    (void)state;
    static const char *const macros[] = { ".TH ", ".SH ", ".SS ", ".TP",
                                          ".B " };
    struct sl_str out = { 0 };
    for (const char *at = print(sl_help_print_manual, &out); *at != '\0';) {
        size_t len = strcspn(at, "\n");
        bool known = *at != '.' && *at != '\'';
        for (size_t i = 0; i < SL_COUNT(macros); i++)
            known = known || strncmp(at, macros[i], strlen(macros[i])) == 0;
        if (!known)
            fail_msg("\"%.*s\" is no macro of man(7)", (int)len, at);
        /* A bare dash would be set as a hyphen, which nobody can paste. */
        for (size_t i = 0; i + 1 < len; i++)
            if (at[i] == '-' && at[i + 1] == '-')
                fail_msg("\"%.*s\" has a bare dash", (int)len, at);
        at += len + 1;
    }
    assert_non_null(strstr(out.ptr, "\n\\fB\\-\\-head\\-timeout\\fR "
                                    "\\fISECONDS\\fR\n"));
    sl_str_release(&out);
}

static void dots_and_backslashes_are_text(void **state)
{
    (void)state;
    static const struct sl_setting setting = { .name = "x",
                                               .group = "G",
                                               .kind = SL_SETTING_PATH,
                                               .fallback = "C:\\",
                                               .help = ".hidden folder." };
    const struct sl_setting_table table = { .settings = &setting, .count = 1 };
    struct sl_str out = { 0 };
    sl_help_print_manual(&table, &out);
    assert_non_null(strstr(sl_str_cstr(&out), "\n\\&.hidden folder.\n"));
    assert_non_null(strstr(out.ptr, "Default: C:\\e.\n"));
    sl_str_release(&out);
}

static void bars_do_not_end_a_cell(void **state)
{
    (void)state;
    static const struct sl_setting setting = {
        .name = "x", .group = "G", .kind = SL_SETTING_PATH, .help = "One | two."
    };
    const struct sl_setting_table table = { .settings = &setting, .count = 1 };
    struct sl_str out = { 0 };
    sl_help_print_settings(&table, &out);
    assert_non_null(
        strstr(sl_str_cstr(&out), "| `x` | a path | none | One \\| two. |\n"));
    sl_str_release(&out);
}

/* Mended by: signalua help-settings > deploy/settings.md */
static void the_page_is_what_the_program_prints(void **state)
{
    (void)state;
    struct sl_str out = { 0 }, page = { 0 };
    FILE *file = fopen(SL_SETTINGS_PAGE, "r");
    assert_non_null(file);
    for (int c = fgetc(file); c != EOF; c = fgetc(file))
        sl_str_add_char(&page, (char)c);
    fclose(file);
    assert_string_equal(sl_str_cstr(&page),
                        print(sl_help_print_settings, &out));
    sl_str_release(&out);
    sl_str_release(&page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tell_of_every_setting),
        cmocka_unit_test(help_fits_a_terminal),
        cmocka_unit_test(a_long_flag_has_its_own_line),
        cmocka_unit_test(manual_is_roff),
        cmocka_unit_test(dots_and_backslashes_are_text),
        cmocka_unit_test(bars_do_not_end_a_cell),
        cmocka_unit_test(the_page_is_what_the_program_prints),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
