// SPDX-License-Identifier: MIT
/*
 * Command lines: what each gives, and what each wrong one is told.
 */
#include "host/cli.h"

#include "base/err.h"
#include "host/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define ARGS_MAX 12

/* Splits at blanks; the words live in `line`. */
static int parse(struct sl_cli *cli, const struct sl_setting_table *table,
                 char *line, struct sl_report *report)
{
    static char program[] = "signalua";
    char *argv[ARGS_MAX + 1] = { program };
    int argc = 1;
    char *save = NULL;
    for (char *word = strtok_r(line, " ", &save); word != NULL;
         word = strtok_r(NULL, " ", &save)) {
        assert_true(argc < ARGS_MAX);
        argv[argc++] = word;
    }
    return sl_cli_parse(cli, table, argc, argv, report);
}

static void expect_command(const char *text, enum sl_cli_command command,
                           const char *flags)
{
    char line[200];
    struct sl_cli cli;
    struct sl_report report = { 0 };
    strcpy(line, text);
    if (parse(&cli, &sl_config_table, line, &report) != 0)
        fail_msg("%s: %s", text, report.text);
    assert_int_equal(cli.command, command);
    struct sl_str out = { 0 };
    for (unsigned i = 0; i < cli.flag_count; i++)
        sl_str_add_fmt(&out, "%s%s=%s;", cli.flags[i].setting->name,
                       cli.flags[i].is_file ? "(file)" : "",
                       cli.flags[i].value);
    assert_string_equal(sl_str_cstr(&out), flags);
    sl_str_release(&out);
    sl_cli_release(&cli);
    assert_int_equal(cli.flag_count, 0);
}

static void commands_and_flags(void **state)
{
    (void)state;
    expect_command("", SL_CLI_SERVE, "");
    expect_command("serve", SL_CLI_SERVE, "");
    expect_command("--workers 2", SL_CLI_SERVE, "workers=2;");
    expect_command("serve --workers=2 --hubs=a=b", SL_CLI_SERVE,
                   "workers=2;hubs=a=b;");
    expect_command("--log-level warn serve --pod p", SL_CLI_SERVE,
                   "log_level=warn;pod=p;");
    expect_command("--www= --pod -x", SL_CLI_SERVE, "www=;pod=-x;");
    expect_command("--token-key-file k --token-key v", SL_CLI_SERVE,
                   "token_key(file)=k;token_key=v;");
    expect_command("check", SL_CLI_CHECK, "");
    expect_command("check my/hubs", SL_CLI_CHECK, "hubs=my/hubs;");
    expect_command("check --log-level off my/hubs", SL_CLI_CHECK,
                   "log_level=off;hubs=my/hubs;");
    expect_command("version", SL_CLI_VERSION, "");
    expect_command("--version", SL_CLI_VERSION, "");
    expect_command("help", SL_CLI_HELP, "");
    expect_command("--help", SL_CLI_HELP, "");
    expect_command("-h", SL_CLI_HELP, "");
    expect_command("check --help --nonsense", SL_CLI_HELP, "");
    expect_command("help-man", SL_CLI_HELP_MAN, "");
    expect_command("help-settings", SL_CLI_HELP_SETTINGS, "");
    expect_command("help-options", SL_CLI_HELP_OPTIONS, "");
}

static void expect_refusal(const char *text, const char *refusal)
{
    char line[400];
    struct sl_cli cli;
    struct sl_report report = { 0 };
    strcpy(line, text);
    assert_int_equal(parse(&cli, &sl_config_table, line, &report), SL_E_CONFIG);
    assert_string_equal(report.text, refusal);
    assert_int_equal(cli.flag_count, 0);
    assert_null(cli.flags);
}

static void takes_what_to_test(void **state)
{
    (void)state;
    char line[] = "test my/hubs tests --log-level off more_test.lua";
    struct sl_cli cli;
    struct sl_report report = { 0 };
    assert_int_equal(parse(&cli, &sl_config_table, line, &report), 0);
    assert_int_equal(cli.command, SL_CLI_TEST);
    assert_int_equal(cli.test_count, 2);
    assert_string_equal(cli.tests[0], "tests");
    assert_string_equal(cli.tests[1], "more_test.lua");
    assert_int_equal(cli.flag_count, 2);
    assert_string_equal(cli.flags[1].setting->name, "hubs");
    assert_string_equal(cli.flags[1].value, "my/hubs");
    sl_cli_release(&cli);
    assert_null(cli.tests);

    for (int i = 0; i < 2; i++) {
        char few[2][12] = { "test", "test hubs" };
        assert_int_equal(parse(&cli, &sl_config_table, few[i], &report),
                         SL_E_CONFIG);
        assert_string_equal(report.text,
                            "test wants the hubs' folder and what to run: "
                            "signalua test hubs tests");
    }
}

static void wrong_usage(void **state)
{
    (void)state;
    expect_refusal("sevre", "\"sevre\" is not a command: it is one of serve, "
                            "check, test, version, help");
    expect_refusal("hubs/", "\"hubs/\" is not a command: it is one of serve, "
                            "check, test, version, help");
    expect_refusal("serve hubs/", "\"hubs/\" is one word too many; a setting "
                                  "is given as --name value");
    expect_refusal("serve check", "\"check\" is one word too many; a setting "
                                  "is given as --name value");
    expect_refusal("check a b", "\"b\" is one word too many; a setting is "
                                "given as --name value");
    expect_refusal("--pod p --wokers 2",
                   "--wokers is not a setting; did you mean --workers");
    expect_refusal("--head_timeout=2",
                   "--head_timeout is not a setting; did you mean "
                   "--head-timeout");
    expect_refusal("--elephant",
                   "--elephant is not a setting; --help lists them all");
    expect_refusal("--", "-- is not a setting; --help lists them all");
    expect_refusal("-w 2", "-w is not a setting; --help lists them all");
    expect_refusal("--workers", "--workers has no value: it takes a whole "
                                "number from 0 to 64");
    expect_refusal("--workers --pod p", "--workers has no value: it takes a "
                                        "whole number from 0 to 64");
    expect_refusal("--token-key-file",
                   "--token-key-file has no value: it takes the path of a "
                   "file");
}

/* ---- switches: no setting of the program is one yet ---- */

struct sample {
    SL_SETTING_FIELD(FLAG, fast)
    SL_SETTING_FIELD(STRING, hubs)
};

static const struct sl_setting sample_settings[] = {
    { .name = "fast",
      .kind = SL_SETTING_FLAG,
      .fallback = "no",
      .offset = SL_SETTING_OFFSET(struct sample, FLAG, fast) },
    { .name = "hubs",
      .kind = SL_SETTING_STRING,
      .fallback = "h",
      .most = 9,
      .offset = SL_SETTING_OFFSET(struct sample, STRING, hubs) },
};

static const struct sl_setting_table sample_table = {
    .settings = sample_settings,
    .count = 2,
};

static void switches_need_no_value(void **state)
{
    (void)state;
    static const struct {
        const char *line, *value;
    } cases[] = {
        { "--fast", "yes" },           { "--fast --hubs x", "yes" },
        { "--fast no", "no" },         { "--fast=off", "off" },
        { "check --fast dir", "yes" }, { "--fast yes", "yes" },
    };
    for (size_t i = 0; i < SL_COUNT(cases); i++) {
        char line[100];
        struct sl_cli cli;
        strcpy(line, cases[i].line);
        assert_int_equal(parse(&cli, &sample_table, line, NULL), 0);
        assert_ptr_equal(cli.flags[0].setting, &sample_settings[0]);
        assert_string_equal(cli.flags[0].value, cases[i].value);
        sl_cli_release(&cli);
    }
}

static void version(void **state)
{
    (void)state;
    const struct sl_cli_library libraries[] = { { "libuv", "1.44.2" },
                                                { "LuaJIT", "2.1.0" } };
    struct sl_str out = { 0 };
    sl_cli_print_version(libraries, 2, &out);
    assert_string_equal(sl_str_cstr(&out), "signalua " SL_VERSION
                                           "\nlibuv 1.44.2\nLuaJIT 2.1.0\n");
    sl_str_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_and_flags),
        cmocka_unit_test(takes_what_to_test),
        cmocka_unit_test(wrong_usage),
        cmocka_unit_test(switches_need_no_value),
        cmocka_unit_test(version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
