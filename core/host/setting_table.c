// SPDX-License-Identifier: MIT
/*
 * Sources are applied from the weakest to the strongest, each value replacing
 * the one before. A variable that nobody knows is a warning only: the
 * environment is not ours alone. Kubernetes puts SIGNALUA_SERVICE_HOST,
 * SIGNALUA_PORT and more like these into every pod beside a Service named
 * signalua, and SIGNALUA_APP_* is left to scripts: those pass in silence.
 */
#include "host/setting_table.h"

#include "base/check.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define PREFIX "SIGNALUA_"
#define FILE_SUFFIX "file"
#define NAME_MAX_LEN 64 /* bytes of a name that is compared with ours */

/* ---- names ---- */

/* Equal when '-', '_' and the case are taken as the spelling wants them. */
static bool spelt_as(const char *name, struct sl_slice text, char separator,
                     bool upper)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = name[i];
        if (c == '\0')
            return false;
        if (c == '_')
            c = separator;
        else if (upper && c >= 'a' && c <= 'z')
            c = (char)(c - 'a' + 'A');
        if (c != text.ptr[i])
            return false;
    }
    return name[text.len] == '\0';
}

static const struct sl_setting *find(const struct sl_setting_table *table,
                                     struct sl_slice text, char separator,
                                     bool upper, bool *is_file)
{
    *is_file = false;
    for (unsigned i = 0; i < table->count; i++)
        if (spelt_as(table->settings[i].name, text, separator, upper))
            return &table->settings[i];

    size_t suffix_len = sizeof("_" FILE_SUFFIX) - 1;
    if (text.len <= suffix_len)
        return NULL;
    struct sl_slice stem = sl_slice_of(text.ptr, text.len - suffix_len);
    struct sl_slice suffix = sl_slice_of(text.ptr + stem.len, suffix_len);
    if (!spelt_as("_" FILE_SUFFIX, suffix, separator, upper))
        return NULL;
    for (unsigned i = 0; i < table->count; i++) {
        const struct sl_setting *setting = &table->settings[i];
        if (setting->kind == SL_SETTING_SECRET &&
            spelt_as(setting->name, stem, separator, upper)) {
            *is_file = true;
            return setting;
        }
    }
    return NULL;
}

const struct sl_setting *sl_setting_table_find_name(
    const struct sl_setting_table *table, struct sl_slice name, bool *is_file)
{
    return find(table, name, '_', false, is_file);
}

const struct sl_setting *sl_setting_table_find_flag(
    const struct sl_setting_table *table, struct sl_slice flag, bool *is_file)
{
    return find(table, flag, '-', false, is_file);
}

const struct sl_setting *sl_setting_table_find_variable(
    const struct sl_setting_table *table, struct sl_slice variable,
    bool *is_file)
{
    *is_file = false;
    if (!sl_slice_starts(variable, SL_SLICE(PREFIX)))
        return NULL;
    struct sl_slice name = sl_slice_of(variable.ptr + sizeof(PREFIX) - 1,
                                       variable.len - (sizeof(PREFIX) - 1));
    return find(table, name, '_', true, is_file);
}

void sl_setting_print_flag(const struct sl_setting *setting, struct sl_str *out)
{
    sl_str_add_lit(out, "--");
    for (const char *at = setting->name; *at != '\0'; at++)
        sl_str_add_char(out, *at == '_' ? '-' : *at);
}

void sl_setting_print_variable(const struct sl_setting *setting,
                               struct sl_str *out)
{
    sl_str_add_lit(out, PREFIX);
    for (const char *at = setting->name; *at != '\0'; at++)
        sl_str_add_char(out, *at >= 'a' && *at <= 'z' ? (char)(*at - 'a' + 'A')
                                                      : *at);
}

/* ---- the nearest name ---- */

static unsigned least_of(unsigned a, unsigned b, unsigned c)
{
    unsigned least = a < b ? a : b;
    return least < c ? least : c;
}

/* Levenshtein: single characters added, dropped or changed, over one row. */
static unsigned distance(const char *a, const char *b)
{
    unsigned row[NAME_MAX_LEN + 1];
    size_t b_len = strlen(b);
    sl_assert(b_len <= NAME_MAX_LEN);
    for (unsigned j = 0; j <= b_len; j++)
        row[j] = j;
    for (unsigned i = 1; a[i - 1] != '\0'; i++) {
        unsigned diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            unsigned above = row[j];
            row[j] = least_of(above + 1, row[j - 1] + 1,
                              diagonal + (a[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[b_len];
}

const struct sl_setting *sl_setting_table_nearest(
    const struct sl_setting_table *table, struct sl_slice name)
{
    char plain[NAME_MAX_LEN + 1];
    if (sl_slice_starts(name, SL_SLICE(PREFIX)))
        name = sl_slice_of(name.ptr + sizeof(PREFIX) - 1,
                           name.len - (sizeof(PREFIX) - 1));
    if (name.len == 0 || name.len > NAME_MAX_LEN)
        return NULL;
    for (size_t i = 0; i < name.len; i++)
        plain[i] = name.ptr[i] == '-'
                       ? '_'
                       : (char)sl_ascii_lower((unsigned char)name.ptr[i]);
    plain[name.len] = '\0';

    const struct sl_setting *nearest = NULL;
    /* Over a third of it wrong: another word, not a slip. */
    unsigned best = (unsigned)name.len / 3 + 2;
    for (unsigned i = 0; i < table->count; i++) {
        unsigned d = distance(plain, table->settings[i].name);
        if (d < best) {
            best = d;
            nearest = &table->settings[i];
        }
    }
    return nearest;
}

/* ---- loading ---- */

/* What the table says of the value that was just read. */
static int check(const struct sl_setting_table *table,
                 const struct sl_setting_given *given, const void *config,
                 const char *origin, struct sl_report *report)
{
    struct sl_report why = { .line = 0 };
    const struct sl_setting *setting = given->setting;
    if (table->check == NULL || table->check(setting, config, &why) == 0)
        return 0;
    if (setting->kind == SL_SETTING_SECRET && !given->is_file)
        sl_report_set(report, NULL, 0, "%s (from %s) is wrong: it %s",
                      setting->name, origin, why.text);
    else
        sl_report_set(report, NULL, 0,
                      "%s%s = \"%.200s\" (from %s) is wrong: it %s",
                      setting->name, given->is_file ? "_" FILE_SUFFIX : "",
                      given->value, origin, why.text);
    return SL_E_CONFIG;
}

/* How a setting was given by the source at hand. */
enum { SEEN_VALUE = 1, SEEN_FILE = 2 };

struct load {
    const struct sl_setting_table *table;
    void *config;
    struct sl_report *report;
    const char *path;    /* of the configuration file */
    unsigned char *seen; /* per setting; anew for each source */
    int err;             /* of the file's pairs */
};

/* Reads what a secret's file holds, without the line end that editors add. */
static int read_secret(const char *path, struct sl_str *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return -errno;
    ssize_t len;
    do {
        len = read(fd, sl_str_reserve(out, SL_SECRET_FILE_MAX),
                   SL_SECRET_FILE_MAX);
        if (len > 0)
            out->len += (size_t)len;
    } while (len > 0 && out->len < SL_SECRET_FILE_MAX);
    int err = len < 0 ? -errno : 0;
    close(fd);
    if (err == 0 && out->len >= SL_SECRET_FILE_MAX)
        return SL_E_TOO_LARGE;
    if (out->len > 0 && out->ptr[out->len - 1] == '\n')
        out->len--;
    if (out->len > 0 && out->ptr[out->len - 1] == '\r')
        out->len--;
    return err;
}

static int apply_secret_file(struct load *load,
                             const struct sl_setting *setting, const char *path,
                             const char *origin)
{
    struct sl_str secret = { 0 };
    const char *fault = NULL;
    int err = read_secret(path, &secret);
    if (err != 0)
        fault = sl_err_text(err);
    else if (secret.len == 0)
        fault = "it is empty";
    else if (memchr(secret.ptr, '\0', secret.len) != NULL)
        fault = "it holds a zero byte";

    if (fault == NULL) {
        err = sl_setting_apply(setting, load->config, sl_str_cstr(&secret),
                               origin, load->report);
    } else {
        err = SL_E_CONFIG;
        sl_report_set(load->report, NULL, 0,
                      "%s_file = \"%.200s\" (from %s) gives no secret: %s",
                      setting->name, path, origin, fault);
    }
    if (secret.ptr != NULL)
        explicit_bzero(secret.ptr, secret.cap);
    sl_str_release(&secret);
    return err;
}

static int apply(struct load *load, const struct sl_setting_given *given,
                 const char *origin)
{
    const struct sl_setting *setting = given->setting;
    unsigned char *seen = &load->seen[setting - load->table->settings];
    *seen |= given->is_file ? SEEN_FILE : SEEN_VALUE;
    if (*seen == (SEEN_VALUE | SEEN_FILE)) {
        sl_report_set(load->report, NULL, 0,
                      "%s is given twice, as a value and as a file (%s): give "
                      "one of the two",
                      setting->name, origin);
        return SL_E_CONFIG;
    }
    int err = given->is_file
                  ? apply_secret_file(load, setting, given->value, origin)
                  : sl_setting_apply(setting, load->config, given->value,
                                     origin, load->report);
    return err != 0
               ? err
               : check(load->table, given, load->config, origin, load->report);
}

static void begin_source(struct load *load)
{
    memset(load->seen, 0, load->table->count);
}

static int apply_defaults(struct load *load)
{
    for (unsigned i = 0; i < load->table->count; i++) {
        const struct sl_setting *setting = &load->table->settings[i];
        if (setting->fallback == NULL)
            continue;
        int err = sl_setting_apply(setting, load->config, setting->fallback,
                                   "the default", load->report);
        if (err != 0)
            return err;
    }
    return 0;
}

static int on_pair(void *user, const char *name, const char *value, int line)
{
    struct load *load = user;
    struct sl_slice key = sl_slice_str(name);
    struct sl_setting_given given = { .value = value };
    given.setting =
        sl_setting_table_find_name(load->table, key, &given.is_file);
    if (given.setting == NULL) {
        const struct sl_setting *nearest =
            sl_setting_table_nearest(load->table, key);
        sl_report_set(load->report, NULL, 0, "%.64s is not a setting%s%s", name,
                      nearest == NULL ? "" : "; did you mean ",
                      nearest == NULL ? "" : nearest->name);
        load->err = SL_E_CONFIG;
    } else if (strcmp(given.setting->name, "config") == 0) {
        sl_report_set(load->report, NULL, 0,
                      "config cannot stand in the configuration file itself");
        load->err = SL_E_CONFIG;
    } else {
        load->err = apply(load, &given, "the configuration file");
    }
    if (load->err != 0 && load->report != NULL) {
        struct sl_report inner = *load->report;
        sl_report_set(load->report, load->path, line, "%s", inner.text);
    }
    return load->err;
}

static int apply_file(struct load *load, sl_config_read_cb read_file)
{
    if (load->path == NULL)
        return 0;
    begin_source(load);
    if (read_file == NULL) {
        sl_report_set(load->report, load->path, 0,
                      "a configuration file cannot be read here");
        return SL_E_CONFIG;
    }
    return read_file(load->path, on_pair, load, load->report) == 0
               ? 0
               : SL_E_CONFIG;
}

static struct sl_slice variable_name(const char *variable)
{
    return sl_slice_of(variable, strcspn(variable, "="));
}

/* Kubernetes' variables of a Service called signalua, and the scripts' own. */
static bool is_foreign(struct sl_slice name)
{
    return sl_slice_starts(name, SL_SLICE(PREFIX "APP_")) ||
           sl_slice_starts(name, SL_SLICE(PREFIX "SERVICE_")) ||
           sl_slice_starts(name, SL_SLICE(PREFIX "PORT_")) ||
           sl_slice_eq(name, SL_SLICE(PREFIX "PORT"));
}

static void warn_unknown(struct load *load,
                         const struct sl_setting_sources *sources,
                         struct sl_slice name)
{
    if (sources->on_warning == NULL || is_foreign(name))
        return;
    const struct sl_setting *nearest =
        sl_setting_table_nearest(load->table, name);
    struct sl_str text = { 0 };
    if (nearest != NULL) {
        sl_str_add_lit(&text, "; did you mean ");
        sl_setting_print_variable(nearest, &text);
    }
    struct sl_report warning = { 0 };
    sl_report_set(&warning, NULL, 0,
                  "the environment variable %.*s is not a setting%s",
                  (int)(name.len < NAME_MAX_LEN ? name.len : NAME_MAX_LEN),
                  name.ptr, sl_str_cstr(&text));
    sl_str_release(&text);
    sources->on_warning(sources->user, &warning);
}

static int apply_environment(struct load *load,
                             const struct sl_setting_sources *sources)
{
    begin_source(load);
    for (char *const *at = sources->environment; at != NULL && *at != NULL;
         at++) {
        struct sl_slice name = variable_name(*at);
        if (!sl_slice_starts(name, SL_SLICE(PREFIX)) || (*at)[name.len] == '\0')
            continue;
        struct sl_setting_given given = { .value = *at + name.len + 1 };
        given.setting =
            sl_setting_table_find_variable(load->table, name, &given.is_file);
        if (given.setting == NULL) {
            warn_unknown(load, sources, name);
            continue;
        }
        /* An empty variable is what `docker run -e` and compose files leave
         * behind for one that is not set. */
        if (given.value[0] == '\0')
            continue;
        char *origin = sl_slice_dup(name);
        int err = apply(load, &given, origin);
        sl_free(origin);
        if (err != 0)
            return err;
    }
    return 0;
}

static int apply_flags(struct load *load,
                       const struct sl_setting_sources *sources)
{
    begin_source(load);
    for (unsigned i = 0; i < sources->flag_count; i++) {
        const struct sl_setting_given *given = &sources->flags[i];
        struct sl_str origin = { 0 };
        sl_setting_print_flag(given->setting, &origin);
        if (given->is_file)
            sl_str_add_lit(&origin, "-" FILE_SUFFIX);
        int err = apply(load, given, sl_str_cstr(&origin));
        sl_str_release(&origin);
        if (err != 0)
            return err;
    }
    return 0;
}

/* Flags and environment may come after the file, but they say where it is. */
static const char *find_path(const struct sl_setting_table *table,
                             const struct sl_setting_sources *sources)
{
    const char *path = NULL;
    bool is_file;
    const struct sl_setting *setting =
        sl_setting_table_find_name(table, SL_SLICE("config"), &is_file);
    for (char *const *at = sources->environment;
         setting != NULL && at != NULL && *at != NULL; at++) {
        struct sl_slice name = variable_name(*at);
        if ((*at)[name.len] == '=' &&
            sl_setting_table_find_variable(table, name, &is_file) == setting)
            path = *at + name.len + 1;
    }
    for (unsigned i = 0; i < sources->flag_count; i++)
        if (sources->flags[i].setting == setting)
            path = sources->flags[i].value;
    return path == NULL || path[0] == '\0' ? NULL : path;
}

int sl_setting_table_load(const struct sl_setting_table *table, void *config,
                          const struct sl_setting_sources *sources,
                          struct sl_report *report)
{
    struct load load = {
        .table = table,
        .config = config,
        .report = report,
        .path = find_path(table, sources),
        .seen = sl_zalloc(table->count),
    };
    int err = apply_defaults(&load);
    sl_assert(err == 0);
    err = apply_file(&load, sources->read_file);
    if (err == 0)
        err = apply_environment(&load, sources);
    if (err == 0)
        err = apply_flags(&load, sources);
    sl_free(load.seen);
    return err;
}

void sl_setting_table_clear(const struct sl_setting_table *table, void *config)
{
    for (unsigned i = 0; i < table->count; i++)
        sl_setting_clear(&table->settings[i], config);
}
