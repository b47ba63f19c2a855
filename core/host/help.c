// SPDX-License-Identifier: MIT
/*
 * Three writers over one table. Settings of one group stand together in it, so
 * a title is written whenever the group changes.
 */
#include "host/help.h"

#include "hub/options.h"
#define WIDTH 80
#define HELP_COLUMN 26 /* where the sentences begin */
#define ABOUT "SignalR hubs written in Lua"

struct command {
    const char *name, *argument, *help;
};

static const struct command commands[] = {
    { "serve", "", "Serve the hubs folder. This is what happens by default." },
    { "check", "[DIR]",
      "Load the scripts of a folder without serving them; print "
      "file:line: message for each error." },
    { "test", "DIR TESTS...",
      "Run test files (of folders: *_test.lua and *_spec.lua) against the hubs "
      "of DIR, without a server." },
    { "version", "", "Print the versions of the program and its libraries." },
    { "help", "", "Print this text, as --help does." },
    { NULL, NULL, NULL },
};

static bool begins_group(const struct sl_setting_table *table, unsigned i)
{
    return i == 0 ||
           strcmp(table->settings[i].group, table->settings[i - 1].group) != 0;
}

/* "--head-timeout SECONDS" */
static void add_flag(struct sl_str *out, const struct sl_setting *setting)
{
    sl_setting_print_flag(setting, out);
    sl_str_add_char(out, ' ');
    sl_setting_print_takes(setting, out);
}

/* Empty and none are no news; a sentence that begins "By default" says it. */
static bool has_default(const struct sl_setting *setting)
{
    return setting->fallback != NULL && setting->fallback[0] != '\0';
}

/* ---- --help ---- */

static void pad(struct sl_str *out, size_t line_at, size_t column)
{
    while (out->len - line_at < column)
        sl_str_add_char(out, ' ');
}

/* Words from HELP_COLUMN on, behind what the line at line_at holds. */
static void add_wrapped(struct sl_str *out, size_t line_at, const char *text)
{
    if (out->len - line_at + 2 > HELP_COLUMN) {
        sl_str_add_char(out, '\n');
        line_at = out->len;
    }
    pad(out, line_at, HELP_COLUMN);
    while (*text != '\0') {
        size_t len = strcspn(text, " ");
        if (out->len - line_at + len > WIDTH) {
            while (out->ptr[out->len - 1] == ' ')
                out->len--;
            sl_str_add_char(out, '\n');
            line_at = out->len;
            pad(out, line_at, HELP_COLUMN);
        }
        sl_str_add(out, text, len);
        text += len;
        while (*text == ' ')
            text++;
        if (*text != '\0')
            sl_str_add_char(out, ' ');
    }
    sl_str_add_char(out, '\n');
}

static void add_commands(struct sl_str *out)
{
    for (const struct command *command = commands; command->name != NULL;
         command++) {
        size_t line_at = out->len;
        sl_str_add_fmt(out, "  %s %s", command->name, command->argument);
        add_wrapped(out, line_at, command->help);
    }
}

static void add_setting(struct sl_str *out, const struct sl_setting *setting)
{
    struct sl_str text = { 0 };
    size_t line_at = out->len;
    sl_str_add_lit(out, "  ");
    add_flag(out, setting);
    sl_str_add_fmt(&text, "%s", setting->help);
    if (has_default(setting))
        sl_str_add_fmt(&text, " [%s]", setting->fallback);
    add_wrapped(out, line_at, sl_str_cstr(&text));
    sl_str_release(&text);
}

void sl_help_print(const struct sl_setting_table *table, struct sl_str *out)
{
    sl_str_add_lit(out, "signalua: " ABOUT "\n\n"
                        "usage: signalua [COMMAND] [--SETTING VALUE]...\n\n");
    add_commands(out);
    for (unsigned i = 0; i < table->count; i++) {
        if (begins_group(table, i))
            sl_str_add_fmt(out, "\n%s [default]\n", table->settings[i].group);
        add_setting(out, &table->settings[i]);
    }
    sl_str_add_lit(
        out,
        "\nA setting is spelt alike everywhere: --head-timeout 5 as a flag,\n"
        "SIGNALUA_HEAD_TIMEOUT=5 in the environment, head_timeout = 5 in the\n"
        "configuration file. The flag wins over the environment, that over the "
        "file.\n"
        "A SECRET may also be read from a file: --token-key-file PATH.\n"
        "Seconds may be 0.5, 500ms or 2m; bytes 65536, 64k or 1m.\n");
}

/* ---- the manual page ---- */

/* A dash as it is typed, no text taken for a macro. */
static void add_roff(struct sl_str *out, const char *text)
{
    if (*text == '.' || *text == '\'')
        sl_str_add_lit(out, "\\&");
    for (; *text != '\0'; text++) {
        if (*text == '\\')
            sl_str_add_lit(out, "\\e");
        else if (*text == '-')
            sl_str_add_lit(out, "\\-");
        else
            sl_str_add_char(out, *text);
    }
}

static void add_manual_setting(struct sl_str *out,
                               const struct sl_setting *setting)
{
    struct sl_str name = { 0 }, takes = { 0 };
    sl_setting_print_flag(setting, &name);
    sl_setting_print_takes(setting, &takes);
    sl_str_add_lit(out, ".TP\n\\fB");
    add_roff(out, sl_str_cstr(&name));
    sl_str_add_lit(out, "\\fR \\fI");
    add_roff(out, sl_str_cstr(&takes));
    sl_str_add_lit(out, "\\fR\n");
    add_roff(out, setting->help);
    sl_str_add_char(out, '\n');
    if (has_default(setting)) {
        sl_str_add_lit(out, "Default: ");
        add_roff(out, setting->fallback);
        sl_str_add_lit(out, ".\n");
    }
    sl_str_release(&name);
    sl_str_release(&takes);
}

static void add_manual_commands(struct sl_str *out)
{
    sl_str_add_lit(out, ".SH COMMANDS\n");
    for (const struct command *command = commands; command->name != NULL;
         command++) {
        sl_str_add_fmt(out, ".TP\n\\fB%s\\fR %s\n", command->name,
                       command->argument);
        add_roff(out, command->help);
        sl_str_add_char(out, '\n');
    }
}

static const char manual_head[] =
    ".TH SIGNALUA 1 \"\" \"signalua " SL_VERSION "\" \"User Commands\"\n"
    ".SH NAME\n"
    "signalua \\- " ABOUT "\n"
    ".SH SYNOPSIS\n"
    ".B signalua\n"
    "[\\fICOMMAND\\fR] [\\fB\\-\\-\\fISETTING\\fR \\fIVALUE\\fR]...\n"
    ".SH DESCRIPTION\n"
    "Serves a folder of Lua scripts to SignalR clients: one script is one\n"
    "hub, its functions are what clients call.\n";

static const char manual_tail[] =
    ".SH ENVIRONMENT\n"
    "Every setting may be given in the environment: \\fBSIGNALUA_\\fR and its\n"
    "name in capitals, as in \\fBSIGNALUA_HEAD_TIMEOUT=5\\fR. A flag wins\n"
    "over the environment, the environment over the configuration file.\n"
    "Variables that begin with \\fBSIGNALUA_APP_\\fR are left to scripts.\n"
    ".SH FILES\n"
    "The configuration file holds Lua assignments, one setting each, as in\n"
    "\\fBhead_timeout = 5\\fR. A secret may stand in a file of its own, which\n"
    "\\fB\\-\\-token\\-key\\-file\\fR, \\fBSIGNALUA_TOKEN_KEY_FILE\\fR or\n"
    "\\fBtoken_key_file\\fR names.\n"
    ".SH SIGNALS\n"
    "\\fBSIGTERM\\fR and \\fBSIGINT\\fR stop the server in order.\n"
    ".SH EXIT STATUS\n"
    "0: stopped in order, or nothing wrong was found. 1: a script or the\n"
    "system was at fault. 2: a wrong setting or command.\n";

void sl_help_print_manual(const struct sl_setting_table *table,
                          struct sl_str *out)
{
    sl_str_add_lit(out, manual_head);
    add_manual_commands(out);
    sl_str_add_lit(out, ".SH SETTINGS\n");
    for (unsigned i = 0; i < table->count; i++) {
        if (begins_group(table, i))
            sl_str_add_fmt(out, ".SS %s\n", table->settings[i].group);
        add_manual_setting(out, &table->settings[i]);
    }
    sl_str_add_lit(out, manual_tail);
}

/* ---- the page of settings ---- */

/* A bar would end the cell of the table. */
static void add_cell(struct sl_str *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '|')
            sl_str_add_char(out, '\\');
        sl_str_add_char(out, *text);
    }
}

static void add_row(struct sl_str *out, const struct sl_setting *setting)
{
    struct sl_str text = { 0 };
    sl_str_add_fmt(out, "| `%s` | ", setting->name);
    sl_setting_print_expected(setting, &text);
    add_cell(out, sl_str_cstr(&text));
    sl_str_release(&text);
    if (has_default(setting))
        sl_str_add_fmt(out, " | `%s` | ", setting->fallback);
    else
        sl_str_add_lit(out, " | none | ");
    add_cell(out, setting->help);
    sl_str_add_lit(out, " |\n");
}

static const char page_head[] =
    "# Settings\n"
    "\n"
    "Written by `signalua help-settings`; a test holds the two together.\n"
    "\n"
    "A setting is spelt alike everywhere: `--head-timeout 5` as a flag,\n"
    "`SIGNALUA_HEAD_TIMEOUT=5` in the environment, `head_timeout = 5` in the\n"
    "configuration file, which holds Lua assignments:\n"
    "\n"
    "```lua\n"
    "listen = \"0.0.0.0:8080\"\n"
    "head_timeout = 5\n"
    "log_level = \"warn\"\n"
    "```\n"
    "\n"
    "A flag wins over the environment, that over the file, that over the\n"
    "default. A wrong value is refused wherever it stands, with exit status 2, "
    "and\n"
    "so is an unknown flag or name in the file; an unknown variable\n"
    "`SIGNALUA_…` is a warning, and `SIGNALUA_APP_…` is left to scripts. A "
    "secret\n"
    "may stand in a file of its own: `--token-key-file`,\n"
    "`SIGNALUA_TOKEN_KEY_FILE`, `token_key_file`.\n";

void sl_help_print_settings(const struct sl_setting_table *table,
                            struct sl_str *out)
{
    sl_str_add_lit(out, page_head);
    for (unsigned i = 0; i < table->count; i++) {
        if (begins_group(table, i))
            sl_str_add_fmt(out,
                           "\n## %s\n\n"
                           "| setting | takes | default | meaning |\n"
                           "|---|---|---|---|\n",
                           table->settings[i].group);
        add_row(out, &table->settings[i]);
    }
}

static void add_option_value(const struct sl_option_info *info, double value,
                             struct sl_str *out)
{
    if (info->kind == SL_OPTION_FLAG)
        sl_str_add_fmt(out, "%s", value != 0 ? "true" : "false");
    else
        sl_str_add_fmt(out, "%.10g", value);
}

void sl_help_print_options(struct sl_str *out)
{
    sl_str_add_lit(out, "| option | default | from | to | meaning |\n"
                        "|---|---|---|---|---|\n");
    for (unsigned i = 0; i < sl_option_count; i++) {
        const struct sl_option_info *info = &sl_option_infos[i];
        const double values[] = { info->initial, info->least, info->most };
        sl_str_add_fmt(out, "| `%s` |", info->name);
        for (size_t v = 0; v < SL_COUNT(values); v++) {
            sl_str_add_char(out, ' ');
            add_option_value(info, values[v], out);
            sl_str_add_lit(out, " |");
        }
        sl_str_add_fmt(out, " %s |\n", info->text);
    }
}
