// SPDX-License-Identifier: MIT
/*
 * Names of files and messages of scripts are any bytes, so every text goes out
 * as sl_write_text.
 */
#include "host/reload_page.h"

#include "base/check.h"
#include "wire/writer.h"

static void open_object(struct sl_writer *w, size_t count)
{
    int err = sl_write_object(w, count);
    sl_assert(err == 0); /* three levels at most */
}

static void open_array(struct sl_writer *w, const char *name, size_t count)
{
    int err = sl_write_key(w, sl_slice_str(name));
    if (err == 0)
        err = sl_write_array(w, count);
    sl_assert(err == 0);
}

static void add_text(struct sl_writer *w, const char *name,
                     struct sl_slice text)
{
    int err = sl_write_key(w, sl_slice_str(name));
    sl_assert(err == 0);
    sl_write_text(w, text);
}

static void add_uint(struct sl_writer *w, const char *name, uint64_t value)
{
    int err = sl_write_key(w, sl_slice_str(name));
    sl_assert(err == 0);
    sl_write_uint(w, value);
}

static struct sl_slice version_of(const struct sl_scripts *scripts)
{
    return sl_slice_str(scripts->snapshot.set.version);
}

static void add_last(struct sl_writer *w, const struct sl_reload *reload)
{
    static const char *const names[] = { "none", "committed", "failed" };
    bool any = reload->outcome != SL_RELOAD_NONE;
    open_object(w, any ? 7 : 3);
    add_text(w, "outcome", sl_slice_str(names[reload->outcome]));
    if (any) {
        add_text(w, "trigger", sl_slice_str(reload->trigger));
        add_uint(w, "time_ms", reload->wall_ms);
        add_uint(w, "took_ms", reload->took_ms);
        add_text(w, "changes", sl_str_slice(&reload->changes));
    }
    add_text(w, "version", version_of(reload->current));
    open_array(w, "errors", reload->error_count);
    SL_LIST_FOREACH(node, &reload->errors) {
        const struct sl_reload_error *error =
            SL_CONTAINER_OF(node, const struct sl_reload_error, node);
        sl_write_text(w, sl_slice_str(error->text));
    }
    sl_write_end(w);
    sl_write_end(w);
}

static void add_files(struct sl_writer *w, const struct sl_script_set *set)
{
    open_array(w, "files", set->file_count);
    for (unsigned i = 0; i < set->file_count; i++) {
        char version[9];
        sl_snapshot_file_version(&set->files[i], version);
        open_object(w, 2);
        add_text(w, "name", set->files[i].name);
        add_text(w, "version", sl_slice_str(version));
        sl_write_end(w);
    }
    sl_write_end(w);
}

static size_t count_kept(const struct sl_reload *reload)
{
    size_t count = 0;
    SL_LIST_FOREACH(node, &reload->kept) {
        (void)node;
        count++;
    }
    return count;
}

static void add_generations(struct sl_writer *w, const struct sl_reload *reload)
{
    open_array(w, "generations", count_kept(reload));
    SL_LIST_FOREACH(node, &reload->kept) {
        const struct sl_scripts *scripts =
            SL_CONTAINER_OF(node, const struct sl_scripts, node);
        open_object(w, 3);
        add_text(w, "version", version_of(scripts));
        add_uint(w, "workers", sl_scripts_holders(scripts));
        int err = sl_write_key(w, SL_SLICE("serves"));
        sl_assert(err == 0);
        sl_write_bool(w, scripts == reload->current);
        sl_write_end(w);
    }
    sl_write_end(w);
}

void sl_reload_page(const struct sl_reload *reload, struct sl_str *out)
{
    struct sl_writer w;
    sl_writer_init(&w, SL_PROTOCOL_JSON, out);
    open_object(&w, 4);
    add_text(&w, "version", version_of(reload->current));
    add_files(&w, &reload->current->snapshot.set);
    add_generations(&w, reload);
    int err = sl_write_key(&w, SL_SLICE("last_reload"));
    sl_assert(err == 0);
    add_last(&w, reload);
    sl_write_end(&w);
    sl_str_add_char(out, '\n');
}

void sl_reload_page_last(const struct sl_reload *reload, struct sl_str *out)
{
    struct sl_writer w;
    sl_writer_init(&w, SL_PROTOCOL_JSON, out);
    add_last(&w, reload);
    sl_str_add_char(out, '\n');
}
