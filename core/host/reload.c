// SPDX-License-Identifier: MIT
/*
 * Two rounds of letters: prepare, then commit or drop. A worker that stays
 * silent fails the reload at a deadline; its answer is still waited for before
 * the next reload begins, so that letters of two never mix.
 */
#include "host/reload.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "host/reload_page.h"
#include "host/worker_hubs.h"
#include "http/http.h"

/* A letter to a worker, and back. */
struct order {
    struct sl_reload *reload;
    struct sl_worker *worker;
    const struct sl_script_set *set;
    struct sl_list errors;
    int err;
};

struct asker {
    struct sl_list node;
    struct sl_http_request *request;
};

/* ---- texts of errors ---- */

static void free_errors(struct sl_list *errors)
{
    struct sl_list *node;
    while ((node = sl_list_pop_front(errors)) != NULL) {
        struct sl_reload_error *error =
            SL_CONTAINER_OF(node, struct sl_reload_error, node);
        sl_free(error->text);
        sl_free(error);
    }
}

static void add_error(struct sl_list *errors, const char *text)
{
    struct sl_reload_error *error = sl_zalloc(sizeof(*error));
    error->text = sl_strdup(text);
    sl_list_push_back(errors, &error->node);
}

static bool has_error(const struct sl_list *errors, const char *text)
{
    SL_LIST_FOREACH(node, errors) {
        if (strcmp(SL_CONTAINER_OF(node, struct sl_reload_error, node)->text,
                   text) == 0)
            return true;
    }
    return false;
}

static void fail(struct sl_reload *reload, const char *text)
{
    reload->failed = true;
    if (has_error(&reload->errors, text) ||
        reload->error_count == SL_RELOAD_ERRORS_MAX)
        return;
    reload->error_count++;
    add_error(&reload->errors, text);
    sl_log_error("scripts not reloaded", SL_F_STR("error", text),
                 SL_F_STR("version", reload->current->snapshot.set.version));
}

static void on_report(void *user, const struct sl_report *report)
{
    char text[SL_REPORT_FILE_MAX + SL_REPORT_TEXT_MAX + 32];
    sl_report_format(report, text, sizeof(text));
    add_error(user, text);
}

/* ---- states of the folder ---- */

static struct sl_scripts *read_scripts(const char *folder,
                                       struct sl_report *report, int *err)
{
    struct sl_scripts *scripts = sl_zalloc(sizeof(*scripts));
    *err = sl_snapshot_read(&scripts->snapshot, folder, report);
    if (*err != 0) {
        sl_free(scripts);
        return NULL;
    }
    scripts->snapshot.set.holders = &scripts->holders;
    return scripts;
}

static void free_scripts(struct sl_scripts *scripts)
{
    sl_list_remove(&scripts->node);
    sl_snapshot_release(&scripts->snapshot);
    sl_free(scripts);
}

static void sweep(struct sl_reload *reload)
{
    SL_LIST_FOREACH_SAFE(node, &reload->kept) {
        struct sl_scripts *scripts =
            SL_CONTAINER_OF(node, struct sl_scripts, node);
        if (scripts != reload->current && scripts != reload->next &&
            sl_scripts_holders(scripts) == 0)
            free_scripts(scripts);
    }
}

static bool is_same(const struct sl_script_set *a,
                    const struct sl_script_set *b)
{
    if (a->file_count != b->file_count)
        return false;
    for (unsigned i = 0; i < a->file_count; i++)
        if (!sl_slice_eq(a->files[i].name, b->files[i].name) ||
            !sl_slice_eq(a->files[i].text, b->files[i].text))
            return false;
    return true;
}

static void add_change(struct sl_str *out, const char *sign,
                       struct sl_slice name)
{
    sl_str_add_fmt(out, "%s%s%.*s", out->len > 0 ? ", " : "", sign,
                   (int)name.len, name.ptr);
}

/* Both are sorted by name. */
static void compare(struct sl_str *out, const struct sl_script_set *old,
                    const struct sl_script_set *new)
{
    unsigned i = 0, j = 0;
    sl_str_clear(out);
    while (i < old->file_count || j < new->file_count) {
        const struct sl_script_file *a = &old->files[i], *b = &new->files[j];
        int order = i == old->file_count   ? 1
                    : j == new->file_count ? -1
                                           : strcmp(a->name.ptr, b->name.ptr);
        if (order < 0)
            add_change(out, "-", a->name);
        else if (order > 0)
            add_change(out, "+", b->name);
        else if (!sl_slice_eq(a->text, b->text))
            add_change(out, "", a->name);
        i += order <= 0;
        j += order >= 0;
    }
}

void sl_reload_describe(struct sl_reload *reload, struct sl_str *out)
{
    sweep(reload);
    sl_reload_page(reload, out);
}

/* ---- the end of a reload ---- */

static void answer_all(struct sl_reload *reload)
{
    struct sl_str body = { 0 };
    sl_reload_page_last(reload, &body);
    struct sl_list *node;
    while ((node = sl_list_pop_front(&reload->asking)) != NULL) {
        struct asker *asker = SL_CONTAINER_OF(node, struct asker, node);
        asker->request->on_gone = NULL;
        sl_http_answer(asker->request,
                       &(struct sl_http_answer){
                           .status = reload->failed ? 422 : 200,
                           .content_type = SL_SLICE("application/json"),
                           .body = sl_str_slice(&body),
                       });
        sl_free(asker);
    }
    sl_str_release(&body);
}

static void tell_end(struct sl_reload *reload, const char *old)
{
    uint64_t now_ms = sl_clock_monotonic_ms(&sl_clock_system);
    reload->took_ms = now_ms - reload->began_ms;
    reload->wall_ms = sl_clock_wall_ms(&sl_clock_system);
    reload->outcome = reload->failed ? SL_RELOAD_FAILED : SL_RELOAD_COMMITTED;
    sl_metric_add(reload->metrics,
                  reload->failed ? SL_M_RELOADS_FAILED : SL_M_RELOADS, 1);
    if (!reload->failed)
        sl_log_info("scripts reloaded",
                    SL_F_STR("version", reload->current->snapshot.set.version),
                    SL_F_STR("old_version", old),
                    SL_F_SLICE("changes", sl_str_slice(&reload->changes)),
                    SL_F_STR("trigger", reload->trigger),
                    SL_F_INT("ms", (int64_t)reload->took_ms));
    answer_all(reload);
}

/* Nothing is under way any more. */
static void rest(struct sl_reload *reload)
{
    reload->next = NULL;
    reload->committing = false;
    sweep(reload);
    if (!reload->again || reload->stopped)
        return;
    reload->again = false;
    sl_reload_start(reload, reload->again_trigger);
}

/* ---- the rounds ---- */

static void send_all(struct sl_reload *reload, sl_letter_cb deliver)
{
    for (unsigned i = 0; i < reload->worker_count; i++) {
        struct order *order = sl_zalloc(sizeof(*order));
        order->reload = reload;
        order->worker = &reload->workers[i];
        order->set = &reload->next->snapshot.set;
        sl_list_init(&order->errors);
        sl_loop_post(&order->worker->loop,
                     (struct sl_letter){ .deliver = deliver,
                                         .context = order->worker,
                                         .item = order });
    }
    reload->answers_due = reload->worker_count;
}

static void on_answer(void *context, void *item);

static void answer(struct order *order)
{
    sl_loop_post(order->reload->loop,
                 (struct sl_letter){ .deliver = on_answer,
                                     .context = order->reload,
                                     .item = order });
}

static void on_prepare(void *context, void *item)
{
    struct order *order = item;
    order->err =
        order->worker->stopping
            ? SL_E_CANCELLED
            : sl_worker_prepare(context, order->set, on_report, &order->errors);
    answer(order);
}

static void on_commit(void *context, void *item)
{
    sl_worker_commit(context);
    answer(item);
}

static void on_drop(void *context, void *item)
{
    sl_worker_drop(context);
    answer(item);
}

static void take_answer(struct sl_reload *reload, struct order *order)
{
    SL_LIST_FOREACH(node, &order->errors)
        fail(reload, SL_CONTAINER_OF(node, struct sl_reload_error, node)->text);
    if (order->err != 0)
        reload->failed = true;
}

static void on_deadline(struct sl_wheel_entry *entry)
{
    struct sl_reload *reload =
        SL_CONTAINER_OF(entry, struct sl_reload, deadline);
    fail(reload, "a worker did not answer in time: a script holds it");
    tell_end(reload, NULL);
}

/* Every worker has prepared, or could not. */
static void decide(struct sl_reload *reload)
{
    bool told = !sl_wheel_is_set(&reload->deadline);
    sl_wheel_cancel(&reload->loop->wheel, &reload->deadline);
    reload->committing = true;
    if (!reload->failed) {
        send_all(reload, on_commit);
        return;
    }
    if (!told)
        tell_end(reload, NULL);
    send_all(reload, on_drop);
}

static void on_answer(void *context, void *item)
{
    struct sl_reload *reload = context;
    struct order *order = item;
    sl_assert(reload->answers_due > 0);
    if (!reload->stopped)
        take_answer(reload, order);
    free_errors(&order->errors);
    sl_free(order);
    if (--reload->answers_due > 0 || reload->stopped)
        return;
    if (!reload->committing) {
        decide(reload);
        return;
    }
    if (!reload->failed) {
        struct sl_scripts *old = reload->current;
        reload->current = reload->next;
        tell_end(reload, old->snapshot.set.version);
    }
    rest(reload);
}

/* ---- the beginning ---- */

/* It failed before: nothing has changed since. */
static bool is_known(const struct sl_reload *reload,
                     const struct sl_scripts *scripts)
{
    return is_same(&scripts->snapshot.set, &reload->current->snapshot.set) ||
           (reload->tried_version[0] != '\0' &&
            strcmp(reload->tried_version, scripts->snapshot.set.version) == 0);
}

static void begin(struct sl_reload *reload, const char *trigger)
{
    reload->trigger = trigger;
    reload->began_ms = sl_clock_monotonic_ms(&sl_clock_system);
    reload->failed = false;
    reload->error_count = 0;
    free_errors(&reload->errors);
    sl_str_clear(&reload->changes);
}

/* Nothing can be read: nothing changes. */
static void fail_reading(struct sl_reload *reload,
                         const struct sl_report *report)
{
    char text[SL_REPORT_FILE_MAX + SL_REPORT_TEXT_MAX + 32];
    fail(reload, sl_report_format(report, text, sizeof(text)));
    tell_end(reload, NULL);
}

void sl_reload_start(struct sl_reload *reload, const char *trigger)
{
    bool forced = strcmp(trigger, "watch") != 0;
    if (reload->stopped)
        return;
    if (reload->answers_due > 0) {
        if (!reload->again || forced)
            reload->again_trigger = trigger;
        reload->again = true;
        return;
    }
    struct sl_report report = { 0 };
    int err;
    struct sl_scripts *next = read_scripts(reload->folder, &report, &err);
    if (next == NULL && !forced && reload->outcome == SL_RELOAD_FAILED &&
        reload->unreadable)
        return;
    reload->unreadable = next == NULL;
    if (next != NULL && !forced && is_known(reload, next)) {
        if (is_same(&next->snapshot.set, &reload->current->snapshot.set))
            reload->tried_version[0] = '\0'; /* mended: a new try is one */
        sl_list_init(&next->node);
        free_scripts(next);
        return;
    }
    sl_list_splice_back(&reload->asking, &reload->waiting);
    begin(reload, trigger);
    if (next == NULL) {
        fail_reading(reload, &report);
        return;
    }
    reload->next = next;
    sl_list_push_back(&reload->kept, &next->node);
    memcpy(reload->tried_version, next->snapshot.set.version,
           sizeof(reload->tried_version));
    compare(&reload->changes, &reload->current->snapshot.set,
            &next->snapshot.set);
    send_all(reload, on_prepare);
    sl_wheel_set(&reload->loop->wheel, &reload->deadline,
                 reload->loop->wheel.now_ms + SL_RELOAD_TIMEOUT_MS);
}

static void on_gone(struct sl_http_request *request)
{
    struct asker *asker = request->tag;
    sl_list_remove(&asker->node);
    sl_free(asker);
}

void sl_reload_ask(struct sl_reload *reload, struct sl_http_request *request)
{
    struct asker *asker = sl_zalloc(sizeof(*asker));
    asker->request = request;
    request->tag = asker;
    request->on_gone = on_gone;
    sl_list_push_back(&reload->waiting, &asker->node);
    sl_reload_start(reload, "admin");
}

/* ---- life ---- */

int sl_reload_init(struct sl_reload *reload, const char *folder,
                   struct sl_report *report)
{
    int err;
    *reload = (struct sl_reload){ .folder = folder };
    sl_list_init(&reload->kept);
    sl_list_init(&reload->asking);
    sl_list_init(&reload->waiting);
    sl_list_init(&reload->errors);
    sl_wheel_entry_init(&reload->deadline, on_deadline);
    reload->current = read_scripts(folder, report, &err);
    if (err == 0)
        sl_list_push_back(&reload->kept, &reload->current->node);
    return err;
}

void sl_reload_attach(struct sl_reload *reload, struct sl_loop *loop,
                      struct sl_metrics *metrics, struct sl_worker *workers,
                      unsigned worker_count)
{
    reload->loop = loop;
    reload->metrics = metrics;
    reload->workers = workers;
    reload->worker_count = worker_count;
}

void sl_reload_stop(struct sl_reload *reload)
{
    reload->stopped = true;
    if (reload->loop != NULL)
        sl_wheel_cancel(&reload->loop->wheel, &reload->deadline);
}

void sl_reload_release(struct sl_reload *reload)
{
    sl_assert(sl_list_empty(&reload->asking));
    free_errors(&reload->errors);
    sl_str_release(&reload->changes);
    SL_LIST_FOREACH_SAFE(node, &reload->kept)
        free_scripts(SL_CONTAINER_OF(node, struct sl_scripts, node));
}
