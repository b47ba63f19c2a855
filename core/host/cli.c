// SPDX-License-Identifier: MIT
/*
 * One pass over argv. The first word that is no flag is the command; `check`
 * and `test` take one more, the folder, which is the setting `hubs` by another
 * way; `test` takes any number after it.
 */
#include "host/cli.h"

#include "base/check.h"
#include "base/err.h"
#include "base/mem.h"

static const struct {
    const char *name;
    enum sl_cli_command command;
} commands[] = {
    { "serve", SL_CLI_SERVE },
    { "check", SL_CLI_CHECK },
    { "test", SL_CLI_TEST },
    { "version", SL_CLI_VERSION },
    { "help", SL_CLI_HELP },
    { "help-man", SL_CLI_HELP_MAN },
    { "help-settings", SL_CLI_HELP_SETTINGS },
    { "help-options", SL_CLI_HELP_OPTIONS },
};

struct parse {
    struct sl_cli *cli;
    const struct sl_setting_table *table;
    struct sl_report *report;
    char **argv;
    int argc;
    int at;
    bool has_command;
    const char *folder; /* of check and test */
};

static int find_command(const char *word)
{
    for (size_t i = 0; i < SL_COUNT(commands); i++)
        if (strcmp(commands[i].name, word) == 0)
            return (int)i;
    return -1;
}

static void add_test(struct sl_cli *cli, const char *path)
{
    cli->tests =
        sl_realloc(cli->tests, (cli->test_count + 1) * sizeof(*cli->tests));
    cli->tests[cli->test_count++] = path;
}

static int read_word(struct parse *parse, const char *word)
{
    int command = parse->has_command ? -1 : find_command(word);
    if (command >= 0) {
        parse->cli->command = commands[command].command;
        parse->has_command = true;
        return 0;
    }
    if (!parse->has_command) {
        sl_report_set(parse->report, NULL, 0,
                      "\"%.100s\" is not a command: it is one of serve, check, "
                      "test, version, help",
                      word);
        return SL_E_CONFIG;
    }
    bool tests = parse->cli->command == SL_CLI_TEST;
    if ((tests || parse->cli->command == SL_CLI_CHECK) &&
        parse->folder == NULL) {
        parse->folder = word;
        return 0;
    }
    if (tests) {
        add_test(parse->cli, word);
        return 0;
    }
    sl_report_set(parse->report, NULL, 0,
                  "\"%.100s\" is one word too many; a setting is given as "
                  "--name value",
                  word);
    return SL_E_CONFIG;
}

static void add_flag(struct sl_cli *cli, struct sl_setting_given given)
{
    cli->flags =
        sl_realloc(cli->flags, (cli->flag_count + 1) * sizeof(*cli->flags));
    cli->flags[cli->flag_count++] = given;
}

static int refuse_unknown(struct parse *parse, struct sl_slice name)
{
    const struct sl_setting *nearest =
        sl_setting_table_nearest(parse->table, name);
    struct sl_str hint = { 0 };
    if (nearest != NULL) {
        sl_str_add_lit(&hint, "did you mean ");
        sl_setting_print_flag(nearest, &hint);
    } else {
        sl_str_add_lit(&hint, "--help lists them all");
    }
    sl_report_set(parse->report, NULL, 0, "--%.*s is not a setting; %s",
                  (int)(name.len < 100 ? name.len : 100), name.ptr,
                  sl_str_cstr(&hint));
    sl_str_release(&hint);
    return SL_E_CONFIG;
}

static bool is_yes_or_no(const char *word)
{
    static const char *const words[] = { "yes", "no",  "true", "false",
                                         "on",  "off", "1",    "0" };
    for (size_t i = 0; i < SL_COUNT(words); i++)
        if (strcmp(words[i], word) == 0)
            return true;
    return false;
}

/* "--name=value", "--name value"; a setting of yes and no also "--name". */
static int read_flag(struct parse *parse, const char *text)
{
    struct sl_slice name = sl_slice_of(text, strcspn(text, "="));
    struct sl_setting_given given = { 0 };
    given.setting =
        sl_setting_table_find_flag(parse->table, name, &given.is_file);
    if (given.setting == NULL)
        return refuse_unknown(parse, name);

    bool is_switch = given.setting->kind == SL_SETTING_FLAG && !given.is_file;
    const char *next =
        parse->at + 1 < parse->argc ? parse->argv[parse->at + 1] : NULL;
    if (text[name.len] == '=') {
        given.value = text + name.len + 1;
    } else if (is_switch && (next == NULL || !is_yes_or_no(next))) {
        given.value = "yes";
    } else if (next == NULL || strncmp(next, "--", 2) == 0) {
        struct sl_str takes = { 0 };
        sl_setting_print_expected(given.setting, &takes);
        sl_report_set(
            parse->report, NULL, 0, "--%.*s has no value: it takes %s",
            (int)name.len, name.ptr,
            given.is_file ? "the path of a file" : sl_str_cstr(&takes));
        sl_str_release(&takes);
        return SL_E_CONFIG;
    } else {
        given.value = next;
        parse->at++;
    }
    add_flag(parse->cli, given);
    return 0;
}

static int read_argument(struct parse *parse)
{
    const char *text = parse->argv[parse->at];
    if (strcmp(text, "--help") == 0 || strcmp(text, "-h") == 0) {
        parse->cli->command = SL_CLI_HELP;
        parse->at = parse->argc;
        return 0;
    }
    if (strcmp(text, "--version") == 0) {
        parse->cli->command = SL_CLI_VERSION;
        parse->has_command = true;
        return 0;
    }
    if (strncmp(text, "--", 2) == 0)
        return read_flag(parse, text + 2);
    if (text[0] == '-' && text[1] != '\0') {
        sl_report_set(parse->report, NULL, 0,
                      "%.100s is not a setting; --help lists them all", text);
        return SL_E_CONFIG;
    }
    return read_word(parse, text);
}

int sl_cli_parse(struct sl_cli *cli, const struct sl_setting_table *table,
                 int argc, char **argv, struct sl_report *report)
{
    struct parse parse = {
        .cli = cli, .table = table, .report = report, .argv = argv, .argc = argc
    };
    *cli = (struct sl_cli){ .command = SL_CLI_SERVE };
    int err = 0;
    for (parse.at = 1; err == 0 && parse.at < argc; parse.at++)
        err = read_argument(&parse);
    if (err == 0 && cli->command == SL_CLI_TEST && cli->test_count == 0) {
        sl_report_set(report, NULL, 0,
                      "test wants the hubs' folder and what to run: signalua "
                      "test hubs tests");
        err = SL_E_CONFIG;
    }
    if (err == 0 && parse.folder != NULL) {
        struct sl_setting_given given = { .value = parse.folder };
        given.setting =
            sl_setting_table_find_name(table, SL_SLICE("hubs"), &given.is_file);
        sl_assert(given.setting != NULL);
        add_flag(cli, given);
    }
    if (err != 0)
        sl_cli_release(cli);
    return err;
}

void sl_cli_release(struct sl_cli *cli)
{
    sl_free(cli->flags);
    sl_free(cli->tests);
    *cli = (struct sl_cli){ 0 };
}

void sl_cli_print_version(const struct sl_cli_library *libraries,
                          unsigned count, struct sl_str *out)
{
    sl_str_add_lit(out, "signalua " SL_VERSION "\n");
    for (unsigned i = 0; i < count; i++)
        sl_str_add_fmt(out, "%s %s\n", libraries[i].name, libraries[i].version);
}
