// SPDX-License-Identifier: MIT
/*
 * One table of methods. A call owns copies of its arguments: the message is
 * gone when it runs.
 */
#include "tests/lib/c_hub.h"

#include "base/check.h"
#include "base/err.h"
#include "hub/conn.h"
#include "hub/hub.h"
#include "hub/results.h"
#include "hub/targets.h"

struct arg {
    bool is_text;
    int64_t number;
    char *text; /* owned */
    size_t len;
};

struct call {
    struct c_hub *hub;
    struct sl_invocation *invocation;
    const struct method *method;
    struct sl_list node; /* in hub->held */
    bool cancelled;
    int64_t at, sum; /* of a stream; of an upload */
    unsigned arg_count;
    struct arg args[C_HUB_ARGS_MAX];
};

struct method {
    const char *name;
    void (*run)(struct call *call);
    unsigned arg_count;
    bool numbers; /* its arguments must be numbers */
    bool stream;
    unsigned stream_params;
};

/* ---- ends of calls ---- */

static void free_call(struct call *call)
{
    sl_list_remove(&call->node);
    for (unsigned i = 0; i < call->arg_count; i++)
        sl_free(call->args[i].text);
    call->hub->live_calls--;
    sl_free(call);
}

static int write_arg(struct sl_writer *w, void *user)
{
    const struct arg *arg = user;
    if (arg->is_text)
        return sl_write_string(w, sl_slice_of(arg->text, arg->len));
    sl_write_int(w, arg->number);
    return 0;
}

static void end(struct call *call, sl_write_cb write, void *user)
{
    call->hub->running--;
    int err = sl_invocation_result(call->invocation, write, user);
    if (err < 0)
        sl_invocation_fail(call->invocation, SL_FAULT_ERROR,
                           sl_slice_str(sl_err_text(err)));
    free_call(call);
}

static void fail(struct call *call, enum sl_fault fault)
{
    call->hub->running--;
    sl_invocation_fail(call->invocation, fault,
                       sl_slice_of(call->args[0].text, call->args[0].len));
    free_call(call);
}

/* ---- methods ---- */

static void run_echo(struct call *call)
{
    end(call, write_arg, &call->args[0]);
}

static void run_add(struct call *call)
{
    struct arg sum = { .number = call->args[0].number + call->args[1].number };
    end(call, write_arg, &sum);
}

static void run_slow(struct call *call)
{
    sl_list_push_back(&call->hub->held, &call->node);
}

static struct sl_slice arg_text(const struct call *call, unsigned index)
{
    return sl_slice_of(call->args[index].text, call->args[index].len);
}

/* Sends the last argument to `names`, which may be NULL for all. */
static void send_last(struct call *call, enum sl_audience audience,
                      const struct sl_slice *names, unsigned name_count,
                      const struct sl_slice *except)
{
    struct sl_send send = {
        .audience = audience,
        .names = names,
        .name_count = name_count,
        .except = except,
        .except_count = except == NULL ? 0 : 1,
        .target = SL_SLICE("Hear"),
        .arg_count = 1,
        .args = write_arg,
        .user = &call->args[call->arg_count - 1],
    };
    int err = sl_hub_send(call->invocation->entry->hub, &send);
    struct arg outcome = { .number = err };
    end(call, err < 0 ? write_arg : NULL, &outcome);
}

static struct sl_slice caller_id(const struct call *call)
{
    return sl_conn_id(call->invocation->conn);
}

static void run_send_all(struct call *call)
{
    send_last(call, SL_TO_ALL, NULL, 0, NULL);
}

static void run_send_others(struct call *call)
{
    struct sl_slice id = caller_id(call);
    send_last(call, SL_TO_ALL, NULL, 0, &id);
}

static void run_send_all_except(struct call *call)
{
    struct sl_slice id = arg_text(call, 0);
    send_last(call, SL_TO_ALL, NULL, 0, &id);
}

static void run_send_caller(struct call *call)
{
    struct sl_slice id = caller_id(call);
    send_last(call, SL_TO_CLIENTS, &id, 1, NULL);
}

static void run_send_client(struct call *call)
{
    struct sl_slice id = arg_text(call, 0);
    send_last(call, SL_TO_CLIENTS, &id, 1, NULL);
}

static void run_send_user(struct call *call)
{
    struct sl_slice user = arg_text(call, 0);
    send_last(call, SL_TO_USERS, &user, 1, NULL);
}

static void run_send_group(struct call *call)
{
    struct sl_slice group = arg_text(call, 0);
    send_last(call, SL_TO_GROUPS, &group, 1, NULL);
}

static void run_send_groups(struct call *call)
{
    struct sl_slice groups[] = { arg_text(call, 0), arg_text(call, 1) };
    send_last(call, SL_TO_GROUPS, groups, 2, NULL);
}

static void on_group_done(void *user, int err)
{
    struct call *call = user;
    struct arg outcome = { .number = err };
    end(call, err < 0 ? write_arg : NULL, &outcome);
}

static void change_group(struct call *call, bool add, struct sl_slice id)
{
    sl_hub_change_group(call->invocation->entry->hub, add, arg_text(call, 0),
                        id, on_group_done, call);
}

static void run_join_group(struct call *call)
{
    change_group(call, true, caller_id(call));
}

static void run_leave_group(struct call *call)
{
    change_group(call, false, caller_id(call));
}

static void run_add_to(struct call *call)
{
    change_group(call, true, arg_text(call, 1));
}

static void run_remove_from(struct call *call)
{
    change_group(call, false, arg_text(call, 1));
}

static void run_abort(struct call *call)
{
    struct arg late = { .is_text = true, .text = (char[]){ "late" }, .len = 4 };
    struct sl_slice none = { 0 };
    sl_conn_abort(call->invocation->conn,
                  call->arg_count == 0 ? none : arg_text(call, 0));
    end(call, write_arg, &late);
}

static void run_throw(struct call *call)
{
    fail(call, SL_FAULT_ERROR);
}

static void run_throw_hub(struct call *call)
{
    fail(call, SL_FAULT_HUB_ERROR);
}

static int write_unwritable(struct sl_writer *w, void *user)
{
    (void)user;
    return sl_write_string(w, SL_SLICE("\xff"));
}

static void run_unwritable(struct call *call)
{
    end(call, write_unwritable, NULL);
}

/* ---- streams ---- */

static void end_stream(struct call *call)
{
    call->hub->running--;
    sl_invocation_end(call->invocation);
    free_call(call);
}

static int send_item(struct call *call)
{
    struct arg item = { .number = call->at++ };
    call->invocation->streaming = true;
    return sl_invocation_item(call->invocation, write_arg, &item);
}

#define COUNT_MAX 100000 /* a fuzzer may ask for any number */

static void run_count(struct call *call)
{
    int err = 0;
    while (err == 0 && call->at < call->args[0].number && call->at < COUNT_MAX)
        err = send_item(call);
    if (err != SL_E_FULL)
        end_stream(call);
}

static void run_hang(struct call *call)
{
    int err = send_item(call);
    sl_assert(err == 0 || err == SL_E_FULL);
}

static void run_break(struct call *call)
{
    int err = send_item(call);
    sl_assert(err == 0 || err == SL_E_FULL);
    fail(call, SL_FAULT_HUB_ERROR);
}

static void on_resume(struct sl_invocation *invocation)
{
    struct call *call = invocation->call;
    call->method->run(call);
}

static void run_nothing(struct call *call)
{
    (void)call;
}

static bool on_upload_item(struct sl_invocation *invocation, unsigned upload,
                           const struct sl_value *item)
{
    struct call *call = invocation->call;
    if (sl_value_kind(item) != SL_VALUE_INT)
        return false;
    call->sum += sl_value_int(item);
    call->at++;
    if (call->method->arg_count == 0 && call->method->run == run_nothing)
        sl_invocation_upload_taken(invocation, upload);
    return true;
}

static void on_upload_end(struct sl_invocation *invocation, unsigned upload,
                          bool failed, struct sl_slice error)
{
    (void)upload;
    struct call *call = invocation->call;
    struct arg sum = { .number = call->sum };
    if (!failed) {
        end(call, write_arg, &sum);
        return;
    }
    call->hub->running--;
    sl_invocation_fail(invocation, SL_FAULT_HUB_ERROR, error);
    free_call(call);
}

static void run_hold(struct call *call)
{
    sl_list_push_back(&call->hub->held, &call->node);
}

/* ---- client results ---- */

static void on_answer(void *user, int err, const struct sl_value *value,
                      struct sl_slice error)
{
    struct call *call = user;
    struct arg answer = { 0 };
    if (err == 0 && sl_value_kind(value) == SL_VALUE_INT) {
        answer.number = sl_value_int(value);
        end(call, write_arg, &answer);
    } else {
        call->hub->running--;
        sl_invocation_fail(call->invocation, SL_FAULT_HUB_ERROR, error);
        free_call(call);
    }
}

static void run_ask(struct call *call)
{
    struct sl_ask ask = {
        .conn_id = sl_slice_of(call->args[0].text, call->args[0].len),
        .target = SL_SLICE("What"),
        .arg_count = 1,
        .args = write_arg,
        .args_user = &call->args[1],
    };
    sl_invocation_release_slot(call->invocation);
    sl_hub_ask(call->invocation->entry->hub, &ask, on_answer, call);
}

static void run_null(struct call *call)
{
    end(call, NULL, NULL);
}

static const struct method methods[] = {
    { "Echo", run_echo, 1, false, false, 0 },
    { "Add", run_add, 2, true, false, 0 },
    { "Slow", run_slow, 1, false, false, 0 },
    { "SendAll", run_send_all, 1, false, false, 0 },
    { "SendOthers", run_send_others, 1, false, false, 0 },
    { "SendAllExcept", run_send_all_except, 2, false, false, 0 },
    { "SendCaller", run_send_caller, 1, false, false, 0 },
    { "SendClient", run_send_client, 2, false, false, 0 },
    { "SendUser", run_send_user, 2, false, false, 0 },
    { "SendGroup", run_send_group, 2, false, false, 0 },
    { "SendGroups", run_send_groups, 3, false, false, 0 },
    { "JoinGroup", run_join_group, 1, false, false, 0 },
    { "LeaveGroup", run_leave_group, 1, false, false, 0 },
    { "AddTo", run_add_to, 2, false, false, 0 },
    { "RemoveFrom", run_remove_from, 2, false, false, 0 },
    { "Abort", run_abort, 0, false, false, 0 },
    { "AbortWith", run_abort, 1, false, false, 0 },
    { "Throw", run_throw, 1, false, false, 0 },
    { "ThrowHub", run_throw_hub, 1, false, false, 0 },
    { "Unwritable", run_unwritable, 0, false, false, 0 },
    { "Stream", run_null, 0, false, true, 0 },
    { "Upload", run_null, 0, false, false, 1 },
    { "Count", run_count, 1, true, true, 0 },
    { "Hang", run_hang, 0, false, true, 0 },
    { "Break", run_break, 1, false, true, 0 },
    { "Sum", run_nothing, 0, false, false, 1 },
    { "Hold", run_hold, 0, false, false, 1 },
    { "Ask", run_ask, 2, false, false, 0 },
};

/* ---- the table of hub/script.h ---- */

static const struct method *find_method(struct sl_slice name)
{
    for (unsigned i = 0; i < SL_COUNT(methods); i++)
        if (sl_slice_eq_nocase(sl_slice_str(methods[i].name), name))
            return &methods[i];
    return NULL;
}

static bool take_arg(struct arg *arg, const struct sl_value *value,
                     bool number_wanted)
{
    switch (sl_value_kind(value)) {
    case SL_VALUE_INT: arg->number = sl_value_int(value); return true;
    case SL_VALUE_STRING: {
        struct sl_slice text = sl_value_string(value);
        arg->is_text = true;
        arg->text = sl_slice_dup(text);
        arg->len = text.len;
        return !number_wanted;
    }
    default: return false;
    }
}

static bool bind_args(struct call *call, const struct method *method,
                      const struct sl_message *message, struct sl_str *detail)
{
    if (message->args_bad) {
        sl_str_add_lit(detail, "InvalidDataException: Error binding "
                               "arguments.");
        return false;
    }
    size_t count = sl_value_count(&message->args);
    if (count != method->arg_count) {
        sl_str_add_fmt(detail,
                       "InvalidDataException: Invocation provides %zu "
                       "argument(s) but target expects %u.",
                       count, method->arg_count);
        return false;
    }
    struct sl_value_iter iter;
    struct sl_value value;
    sl_value_iter_init(&iter, &message->args);
    while (sl_value_next(&iter, NULL, &value)) {
        struct arg *arg = &call->args[call->arg_count++];
        if (!take_arg(arg, &value, method->numbers)) {
            sl_str_add_lit(detail, "InvalidDataException: Error binding "
                                   "arguments.");
            return false;
        }
    }
    return true;
}

static enum sl_prepared on_prepare(void *script,
                                   struct sl_invocation *invocation,
                                   const struct sl_message *message,
                                   struct sl_str *detail)
{
    const struct method *method = find_method(message->target);
    if (method == NULL)
        return SL_PREPARE_UNKNOWN;
    struct call *call = sl_zalloc(sizeof(*call));
    call->hub = script;
    call->hub->live_calls++;
    call->invocation = invocation;
    call->method = method;
    sl_list_init(&call->node);
    if (!bind_args(call, method, message, detail)) {
        free_call(call);
        return SL_PREPARE_UNBOUND;
    }
    invocation->call = call;
    invocation->name = sl_slice_str(method->name);
    invocation->method_is_stream = method->stream;
    invocation->stream_params = method->stream_params;
    return SL_PREPARED;
}

static void on_start(struct sl_invocation *invocation)
{
    struct call *call = invocation->call;
    struct c_hub *hub = call->hub;
    hub->started++;
    if (++hub->running > hub->most_running)
        hub->most_running = hub->running;
    call->method->run(call);
}

static void log_event(struct c_hub *hub, const char *event,
                      struct sl_slice what)
{
    sl_str_add_slice(&hub->log, sl_slice_str(event));
    sl_str_add_char(&hub->log, ' ');
    sl_str_add_slice(&hub->log, what);
    sl_str_add_char(&hub->log, '\n');
}

static void on_cancel(struct sl_invocation *invocation)
{
    struct call *call = invocation->call;
    call->cancelled = true;
    log_event(call->hub, "cancel", invocation->name);
    if (call->method->stream)
        end_stream(call);
}

static void on_drop(struct sl_invocation *invocation)
{
    struct call *call = invocation->call;
    log_event(call->hub, "drop", invocation->name);
    free_call(call);
}

/* The id without what fills it up. */
static struct sl_slice name_of(const struct sl_conn *conn)
{
    return sl_slice_of(conn->id, strcspn(conn->id, "-"));
}

static void greet(struct c_hub *hub, struct sl_conn *conn)
{
    struct sl_slice id = sl_conn_id(conn);
    struct arg greeting = { .is_text = true,
                            .text = (char *)(uintptr_t)hub->greeting,
                            .len = strlen(hub->greeting) };
    struct sl_send send = {
        .audience = SL_TO_CLIENTS,
        .names = &id,
        .name_count = 1,
        .target = SL_SLICE("Hear"),
        .arg_count = 1,
        .args = write_arg,
        .user = &greeting,
    };
    int err = sl_hub_send(conn->entry->hub, &send);
    sl_assert(err == 0);
}

static void on_connected(void *script, struct sl_conn *conn)
{
    struct c_hub *hub = script;
    log_event(hub, "connected", name_of(conn));
    if (hub->greeting != NULL)
        greet(hub, conn);
    if (hub->on_connected == C_HUB_AT_ONCE)
        sl_conn_connected_done(conn, true, (struct sl_slice){ 0 }, false);
    else if (hub->on_connected != C_HUB_HELD)
        sl_conn_connected_done(conn, false, SL_SLICE("not today"),
                               hub->on_connected == C_HUB_FAILS_HUB_ERROR);
}

static void on_cancel_connected(void *script, struct sl_conn *conn)
{
    log_event(script, "hurry", name_of(conn));
}

void c_hub_connected_end(struct sl_conn *conn, bool ok)
{
    sl_conn_connected_done(conn, ok, SL_SLICE("not today"), true);
}

static void on_disconnected(void *script, struct sl_conn *conn,
                            struct sl_slice error, enum sl_close_reason reason)
{
    struct c_hub *hub = script;
    sl_str_add_lit(&hub->log, "disconnected ");
    sl_str_add_slice(&hub->log, name_of(conn));
    sl_str_add_fmt(&hub->log, " %s%s", sl_close_reason_name(reason),
                   error.len > 0 ? ": " : "");
    sl_str_add_slice(&hub->log, error);
    sl_str_add_char(&hub->log, '\n');
    if (hub->on_disconnected == C_HUB_AT_ONCE)
        sl_conn_disconnected_done(conn);
}

static void on_forget(void *script, struct sl_conn *conn)
{
    log_event(script, "forget", name_of(conn));
}

const struct sl_script_ops c_hub_ops = {
    .prepare = on_prepare,
    .start = on_start,
    .cancel = on_cancel,
    .drop = on_drop,
    .resume = on_resume,
    .upload_item = on_upload_item,
    .upload_end = on_upload_end,
    .connected = on_connected,
    .cancel_connected = on_cancel_connected,
    .disconnected = on_disconnected,
    .forget = on_forget,
};

/* ---- the test's side ---- */

void c_hub_init(struct c_hub *hub, struct sl_world *world)
{
    *hub = (struct c_hub){ .world = world };
    sl_list_init(&hub->held);
}

bool c_hub_finish(struct c_hub *hub)
{
    if (sl_list_empty(&hub->held))
        return false;
    struct call *call = SL_CONTAINER_OF(hub->held.next, struct call, node);
    if (call->method->stream_params > 0) {
        call->args[0].number = call->sum;
        while (call->invocation->conn != NULL && call->at-- > 0)
            sl_invocation_upload_taken(call->invocation, 0);
    }
    end(call, write_arg, &call->args[0]);
    return true;
}

void c_hub_release(struct c_hub *hub)
{
    while (c_hub_finish(hub))
        ;
    sl_str_release(&hub->log);
}

const char *c_hub_log(struct c_hub *hub)
{
    const char *text = sl_str_cstr(&hub->log);
    sl_str_clear(&hub->log);
    return text;
}
