// SPDX-License-Identifier: MIT
/*
 * One setting: its line in a table, and what its kind means: how a text is
 * read into the field of a struct, printed back, and explained when it is
 * wrong. Knows nothing of where texts come from. Main thread.
 */
#pragma once

#include "base/base.h"
#include "base/report.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum sl_setting_kind {
    SL_SETTING_STRING,  /* char *; least..most bytes, no control characters */
    SL_SETTING_PATH,    /* char * */
    SL_SETTING_ADDRESS, /* char *; HOST:PORT; NULL for the word of `words` */
    SL_SETTING_COUNT,   /* unsigned */
    SL_SETTING_BYTES, /* size_t; "65536", "64k", "1m", "2g" (powers of 1024) */
    SL_SETTING_SECONDS, /* uint64_t milliseconds; "10", "0.5", "500ms", "2m" */
    SL_SETTING_FLAG,    /* bool; yes no on off true false 1 0 */
    SL_SETTING_CHOICE,  /* unsigned: place among `words` */
    SL_SETTING_LIST,    /* struct sl_setting_list; at most `most` items */
    SL_SETTING_SECRET,  /* char *; never printed; may stand in a file */
};

/* What a line of a .def file declares in the struct, and where that lies:
 * SL_SETTING_FIELD(COUNT, workers) is `unsigned workers;`. */
#define SL_SETTING_FIELD(kind, name) SL_SETTING_FIELD_##kind(name)
#define SL_SETTING_FIELD_STRING(name) char *name;
#define SL_SETTING_FIELD_PATH(name) char *name;
#define SL_SETTING_FIELD_ADDRESS(name) char *name;
#define SL_SETTING_FIELD_COUNT(name) unsigned name;
#define SL_SETTING_FIELD_BYTES(name) size_t name;
#define SL_SETTING_FIELD_SECONDS(name) uint64_t name##_ms;
#define SL_SETTING_FIELD_FLAG(name) bool name;
#define SL_SETTING_FIELD_CHOICE(name) unsigned name;
#define SL_SETTING_FIELD_LIST(name) struct sl_setting_list name;
#define SL_SETTING_FIELD_SECRET(name) char *name;

#define SL_SETTING_OFFSET(type, kind, name) SL_SETTING_OFFSET_##kind(type, name)
#define SL_SETTING_OFFSET_STRING(type, name) offsetof(type, name)
#define SL_SETTING_OFFSET_PATH(type, name) offsetof(type, name)
#define SL_SETTING_OFFSET_ADDRESS(type, name) offsetof(type, name)
#define SL_SETTING_OFFSET_COUNT(type, name) offsetof(type, name)
#define SL_SETTING_OFFSET_BYTES(type, name) offsetof(type, name)
#define SL_SETTING_OFFSET_SECONDS(type, name) offsetof(type, name##_ms)
#define SL_SETTING_OFFSET_FLAG(type, name) offsetof(type, name)
#define SL_SETTING_OFFSET_CHOICE(type, name) offsetof(type, name)
#define SL_SETTING_OFFSET_LIST(type, name) offsetof(type, name)
#define SL_SETTING_OFFSET_SECRET(type, name) offsetof(type, name)

struct sl_setting_list {
    char **items; /* owned, as are the texts */
    unsigned count;
};

struct sl_setting {
    const char *name;  /* "head_timeout" */
    const char *group; /* title under which the help lists it */
    enum sl_setting_kind kind;
    const char *fallback; /* default, as text; NULL: none */
    int64_t least, most;  /* of a number (milliseconds for SECONDS), of a
                             text's bytes, of a list's items */
    const char *words;    /* separated by blanks; NULL: none */
    const char *help;     /* one sentence or two */
    size_t offset;        /* of the field in the struct */
};

/* Reads text into the field; frees what it held. An empty text takes the value
 * of a setting away that has no default. SL_E_CONFIG: the report has the name,
 * the value (not a secret's), `origin` ("--head-timeout") and what would be
 * right; file and line of the report are the caller's. */
int sl_setting_apply(const struct sl_setting *setting, void *config,
                     const char *text, const char *origin,
                     struct sl_report *report);

/* Frees and clears the field; a secret is overwritten first. */
void sl_setting_clear(const struct sl_setting *setting, void *config);

/* The value as text that sl_setting_apply reads back; nothing for one that has
 * none. Not for secrets. */
void sl_setting_print(const struct sl_setting *setting, const void *config,
                      struct sl_str *out);

/* "PATH", "SECONDS", "debug|info|..."; "seconds from 0.1 to 3600, ...". */
void sl_setting_print_takes(const struct sl_setting *setting,
                            struct sl_str *out);
void sl_setting_print_expected(const struct sl_setting *setting,
                               struct sl_str *out);
