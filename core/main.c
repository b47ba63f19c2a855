// SPDX-License-Identifier: MIT
/*
 * signalua: the program. The one file that sees everything: it reads the
 * command line and the settings, and hands the host the script engine.
 *
 * Where to start reading: hub/dispatch.c, where a message becomes a call;
 * ARCHITECTURE.md has the map.
 */
#include "base/base.h"
#include "base/log.h"
#include "bindings/cmd_test.h"
#include "bindings/config_file.h"
#include "bindings/engine.h"
#include "host/cli.h"
#include "host/config.h"
#include "host/help.h"
#include "host/host.h"
#include "host/snapshot.h"
#include "net/loop.h"

#include <stdio.h>
#include <unistd.h>

static int print(struct sl_str *text)
{
    size_t written = fwrite(text->ptr, 1, text->len, stdout);
    bool ok = written == text->len && fflush(stdout) == 0;
    sl_str_release(text);
    return ok ? 0 : 1;
}

static int print_version(void)
{
    const struct sl_cli_library libraries[] = {
        { "libuv", uv_version_string() },
        { "LuaJIT", sl_lua_version() },
    };
    struct sl_str text = { 0 };
    sl_cli_print_version(libraries, SL_COUNT(libraries), &text);
    return print(&text);
}

static int print_help(void (*write)(const struct sl_setting_table *table,
                                    struct sl_str *out))
{
    struct sl_str text = { 0 };
    write(&sl_config_table, &text);
    return print(&text);
}

static int print_options(void)
{
    struct sl_str text = { 0 };
    sl_help_print_options(&text);
    return print(&text);
}

static void log_report(const char *what, const struct sl_report *report)
{
    char text[SL_REPORT_FILE_MAX + SL_REPORT_TEXT_MAX + 32];
    sl_report_format(report, text, sizeof(text));
    sl_log_error(what, SL_F_STR("error", text));
}

static void on_warning(void *user, const struct sl_report *warning)
{
    (void)user;
    sl_log_warn("unknown setting", SL_F_STR("warning", warning->text));
}

static int test(const struct sl_cli *cli, const struct sl_config *config)
{
    struct sl_snapshot snapshot;
    struct sl_report report = { 0 };
    if (sl_snapshot_read(&snapshot, config->hubs, &report) != 0) {
        log_report("no scripts", &report);
        return 1;
    }
    int status = sl_cmd_test(&(struct sl_cmd_test){
        .set = &snapshot.set,
        .folder = config->hubs,
        .paths = cli->tests,
        .path_count = cli->test_count,
        .settings = config->views,
        .setting_count = config->view_count,
        .log_level = (enum sl_log_level)config->log_level,
    });
    sl_snapshot_release(&snapshot);
    return status;
}

/* The commands that need settings. */
static int run(const struct sl_cli *cli)
{
    struct sl_config config = { 0 };
    struct sl_report report = { 0 };
    const struct sl_setting_sources sources = {
        .flags = cli->flags,
        .flag_count = cli->flag_count,
        .environment = environ,
        .read_file = sl_config_file_read,
        .on_warning = on_warning,
    };
    if (sl_config_load(&config, &sources, &report) != 0) {
        log_report("wrong setting", &report);
        return SL_CLI_WRONG_USAGE;
    }
    sl_log_setup(STDERR_FILENO, (enum sl_log_level)config.log_level,
                 (enum sl_log_format)config.log_format);
    int status = 0;
    if (cli->command == SL_CLI_CHECK)
        status = sl_host_check(&config, &sl_lua_engine_ops);
    else if (cli->command == SL_CLI_TEST)
        status = test(cli, &config);
    else
        status = sl_host_serve(&config, &sl_lua_engine_ops);
    sl_config_release(&config);
    return status;
}

static int run_command(const struct sl_cli *cli)
{
    switch (cli->command) {
    case SL_CLI_VERSION: return print_version();
    case SL_CLI_HELP: return print_help(sl_help_print);
    case SL_CLI_HELP_MAN: return print_help(sl_help_print_manual);
    case SL_CLI_HELP_SETTINGS: return print_help(sl_help_print_settings);
    case SL_CLI_HELP_OPTIONS: return print_options();
    case SL_CLI_SERVE:
    case SL_CLI_CHECK:
    case SL_CLI_TEST: break;
    }
    return run(cli);
}

int main(int argc, char **argv)
{
    struct sl_cli cli;
    struct sl_report report = { 0 };
    sl_log_setup(STDERR_FILENO, SL_LOG_INFO, SL_LOG_AUTO);
    sl_log_thread("main");
    if (sl_cli_parse(&cli, &sl_config_table, argc, argv, &report) != 0) {
        log_report("wrong usage", &report);
        return SL_CLI_WRONG_USAGE;
    }
    int status = run_command(&cli);
    sl_cli_release(&cli);
    return status;
}
