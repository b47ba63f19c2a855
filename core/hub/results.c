// SPDX-License-Identifier: MIT
/*
 * A question lives with the asker, a debt with the connection that is asked;
 * both on one worker, or letters between them:
 *
 *   asker                           the connection's worker
 *   question ── asked: message ───► debt ──► the client
 *            ◄─ answered ─────────        ◄── its completion
 *            ── forgotten ────────►       (gave up)
 *
 * The asker draws the id and encodes the message for every protocol somebody
 * on the pod speaks, since it does not know the connection's. Worker w of n
 * draws s(w+1), s(w+1+n), ...: unique on the pod, and s1, s2, ... with one.
 * An answer travels as the client's bytes and is parsed where it is read.
 */
#include "hub/results.h"

#include "base/check.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/mem.h"
#include "hub/error_text.h"
#include "hub/internal.h"

#include <stdio.h>

#define ASK_ID_SIZE 24 /* "s" and 64 bits in decimal */

struct question {
    struct sl_list node;      /* in world->asking */
    struct sl_map_node by_id; /* in hub->questions; key is wire_id */
    struct sl_hub *hub;
    sl_slot_id id;
    char wire_id[ASK_ID_SIZE];
    char conn_id[SL_ID_LEN + 1];
    int worker; /* whom it was sent to */
    sl_answer_cb answer;
    void *user;
};

struct debt {
    struct sl_map_node by_id; /* in hub->debts */
    struct sl_list node;      /* in flows->debts */
    struct sl_conn *conn;
    unsigned asker; /* worker */
    sl_slot_id question;
    char wire_id[ASK_ID_SIZE];
};

/* What a letter carries; those of each kind use what they need. */
struct note {
    uint32_t hub;
    unsigned asker;
    sl_slot_id question;
    char wire_id[ASK_ID_SIZE];
    char conn_id[SL_ID_LEN + 1];
    struct sl_str message[SL_PROTOCOL_COUNT]; /* asked */
    int err;                                  /* answered */
    enum sl_protocol_id protocol;             /* of the payload */
    struct sl_str payload;                    /* answered: a completion */
};

static void free_note(struct note *note)
{
    for (unsigned i = 0; i < SL_PROTOCOL_COUNT; i++)
        sl_str_release(&note->message[i]);
    sl_str_release(&note->payload);
    sl_free(note);
}

/* ---- the asker's side ---- */

static struct question *take_question(struct sl_world *world, sl_slot_id id)
{
    struct question *question = sl_slots_get(&world->questions, id);
    if (question == NULL)
        return NULL;
    sl_slots_remove(&world->questions, id);
    sl_list_remove(&question->node);
    sl_map_remove(&question->hub->questions, &question->by_id);
    return question;
}

static void tell_lost(struct sl_slice conn_id, int err, sl_answer_cb answer,
                      void *user)
{
    struct sl_str text = { 0 };
    if (err == SL_E_CLOSED)
        sl_error_disconnected(&text, conn_id);
    else
        sl_error_no_connection(&text, conn_id);
    answer(user, err, NULL, sl_str_slice(&text));
    sl_str_release(&text);
}

static void tell_answer(const struct question *question,
                        const struct sl_message *message)
{
    struct sl_slice none = { 0 };
    sl_answer_cb answer = question->answer;
    if (message->has_error)
        answer(question->user, SL_E_SCRIPT, NULL, message->error);
    else if (message->value_bad)
        answer(question->user, SL_E_BINDING, NULL, sl_error_result_unread);
    else if (sl_value_kind(&message->value) == SL_VALUE_NONE)
        answer(question->user, SL_E_SCRIPT, NULL, sl_error_no_result);
    else
        answer(question->user, 0, &message->value, none);
}

static void on_answered(void *context, void *item)
{
    struct sl_world *world = context;
    struct note *note = item;
    struct question *question = take_question(world, note->question);
    struct sl_message message;
    struct sl_hub_error error;
    if (question == NULL) {
        free_note(note);
        return;
    }
    if (note->err != 0) {
        tell_lost(sl_slice_str(question->conn_id), note->err, question->answer,
                  question->user);
    } else {
        /* It was parsed once already, by the connection's worker. */
        int err = sl_hub_protocol_get(note->protocol)
                      ->parse(&world->reader, sl_str_slice(&note->payload),
                              &message, &error);
        sl_assert(err == 0);
        tell_answer(question, &message);
    }
    sl_free(question);
    free_note(note);
}

/* ---- the connection's side ---- */

static void add_debt(struct sl_conn *conn, const char *wire_id, unsigned asker,
                     sl_slot_id question)
{
    struct debt *debt = sl_alloc(sizeof(*debt));
    *debt = (struct debt){ .conn = conn, .asker = asker, .question = question };
    memcpy(debt->wire_id, wire_id, ASK_ID_SIZE);
    debt->by_id.key = sl_slice_str(debt->wire_id);
    sl_map_add(&conn->entry->hub->debts, &debt->by_id);
    sl_list_push_back(&sl_flows_of(conn)->debts, &debt->node);
    sl_conn_owe(conn, true);
}

static void free_debt(struct debt *debt)
{
    struct sl_conn *conn = debt->conn;
    sl_map_remove(&conn->entry->hub->debts, &debt->by_id);
    sl_list_remove(&debt->node);
    sl_free(debt);
    sl_conn_owe(conn, false);
}

static struct debt *find_debt(struct sl_hub *hub, struct sl_slice wire_id)
{
    struct sl_map_node *node = sl_map_find(&hub->debts, wire_id);
    return node == NULL ? NULL : SL_CONTAINER_OF(node, struct debt, by_id);
}

static void reply(struct sl_world *world, unsigned asker, struct note *note)
{
    if (asker == sl_bus_worker(world->port))
        on_answered(world, note);
    else
        sl_bus_post(world->port, asker, on_answered, note);
}

static void on_asked(void *context, void *item)
{
    struct sl_world *world = context;
    struct note *note = item;
    struct sl_hub *hub = sl_hub_at(world, note->hub);
    struct sl_conn *conn =
        hub == NULL ? NULL : sl_hub_conn(hub, sl_slice_str(note->conn_id));
    if (conn != NULL && !sl_conn_is_closing(conn)) {
        struct sl_str *message = &note->message[conn->protocol->id];
        /* Without a message it came after that was encoded. */
        if (message->len > 0) {
            add_debt(conn, note->wire_id, note->asker, note->question);
            sl_conn_send_copy(conn, sl_str_slice(message));
            free_note(note);
            return;
        }
    }
    note->err = SL_E_CLOSED;
    reply(world, note->asker, note);
}

static void on_forgotten(void *context, void *item)
{
    struct note *note = item;
    struct sl_hub *hub = sl_hub_at(context, note->hub);
    struct debt *debt =
        hub == NULL ? NULL : find_debt(hub, sl_slice_str(note->wire_id));
    if (debt != NULL && debt->question == note->question)
        free_debt(debt);
    free_note(note);
}

/* ---- who answers what another one was asked ---- */

static void accuse(struct sl_conn *conn, struct sl_slice wire_id)
{
    struct sl_str text = { 0 };
    if (sl_conn_is_closing(conn) || conn->overflowed)
        return;
    sl_error_wrong_answerer(&text, sl_conn_id(conn), wire_id);
    sl_conn_break(conn, SL_CLOSE_PROTOCOL, sl_error_operation,
                  sl_str_slice(&text));
    sl_str_release(&text);
}

static void on_accused(void *context, void *item)
{
    struct note *note = item;
    struct sl_hub *hub = sl_hub_at(context, note->hub);
    struct sl_conn *conn =
        hub == NULL ? NULL : sl_hub_conn(hub, sl_slice_str(note->conn_id));
    if (conn != NULL)
        accuse(conn, sl_slice_str(note->wire_id));
    free_note(note);
}

/* Somebody answers that; with the asker. note->asker is who wants to know. */
static void on_suspected(void *context, void *item)
{
    struct sl_world *world = context;
    struct note *note = item;
    struct sl_hub *hub = sl_hub_at(world, note->hub);
    struct sl_map_node *node = NULL;
    if (hub != NULL)
        node = sl_map_find(&hub->questions, sl_slice_str(note->wire_id));
    /* Unknown: answered or given up meanwhile, and nobody's then. */
    if (node == NULL ||
        strcmp(SL_CONTAINER_OF(node, struct question, by_id)->conn_id,
               note->conn_id) == 0)
        free_note(note);
    else if (note->asker == sl_bus_worker(world->port))
        on_accused(world, note);
    else
        sl_bus_post(world->port, note->asker, on_accused, note);
}

/* The number in "s17"; 0: no id of ours. */
static uint64_t number_of(struct sl_slice wire_id)
{
    uint64_t number = 0;
    if (wire_id.len < 2 || wire_id.len >= 20 || wire_id.ptr[0] != 's')
        return 0;
    for (size_t i = 1; i < wire_id.len; i++) {
        if (wire_id.ptr[i] < '0' || wire_id.ptr[i] > '9')
            return 0;
        number = number * 10 + (uint64_t)(wire_id.ptr[i] - '0');
    }
    return number;
}

/* No connection of this worker owes that answer; one of another may, as whose
 * worker drew the id knows. */
static void suspect(struct sl_conn *conn, struct sl_slice wire_id)
{
    struct sl_world *world = sl_conn_world(conn);
    unsigned workers = sl_bus_worker_count(world->port);
    uint64_t number = number_of(wire_id);
    if (workers == 1 || number == 0)
        return;
    struct note *note = sl_zalloc(sizeof(*note));
    note->hub = conn->entry->hub->index;
    note->asker = sl_bus_worker(world->port);
    memcpy(note->wire_id, wire_id.ptr, wire_id.len);
    memcpy(note->conn_id, conn->id, SL_ID_LEN);
    unsigned asker = (unsigned)((number - 1) % workers);
    if (asker == note->asker)
        on_suspected(world, note);
    else
        sl_bus_post(world->port, asker, on_suspected, note);
}

void sl_results_answer(struct sl_conn *conn, const struct sl_message *message,
                       struct sl_slice payload)
{
    struct sl_world *world = sl_conn_world(conn);
    struct debt *debt = find_debt(conn->entry->hub, message->invocation_id);
    if (debt == NULL) {
        suspect(conn, message->invocation_id);
        return;
    }
    if (debt->conn != conn) {
        accuse(conn, message->invocation_id);
        return;
    }
    unsigned asker = debt->asker;
    sl_slot_id id = debt->question;
    free_debt(debt);
    if (asker == sl_bus_worker(world->port)) {
        struct question *question = take_question(world, id);
        if (question != NULL)
            tell_answer(question, message);
        sl_free(question);
        return;
    }
    struct note *note = sl_zalloc(sizeof(*note));
    note->question = id;
    note->protocol = conn->protocol->id;
    sl_str_add_slice(&note->payload, payload);
    reply(world, asker, note);
}

void sl_results_leave(struct sl_conn *conn)
{
    struct sl_world *world = sl_conn_world(conn);
    if (conn->flows == NULL)
        return;
    while (!sl_list_empty(&conn->flows->debts)) {
        struct debt *debt =
            SL_CONTAINER_OF(conn->flows->debts.next, struct debt, node);
        unsigned asker = debt->asker;
        struct note *note = sl_zalloc(sizeof(*note));
        note->question = debt->question;
        note->err = SL_E_CLOSED;
        free_debt(debt);
        reply(world, asker, note);
    }
}

/* ---- asking ---- */

static int encode(struct sl_str *out, const struct sl_ask *ask,
                  const struct sl_hub_protocol *protocol, const char *wire_id)
{
    return protocol->write_invocation(out, sl_slice_str(wire_id), ask->target,
                                      ask->arg_count, ask->args,
                                      ask->args_user);
}

static int encode_all(struct sl_hub *hub, const struct sl_ask *ask,
                      struct note *note)
{
    struct sl_directory *directory = sl_bus_directory(hub->world->port);
    int err = 0;
    for (unsigned i = 0; i < SL_PROTOCOL_COUNT && err == 0; i++) {
        enum sl_protocol_id id = (enum sl_protocol_id)i;
        if (sl_directory_protocol_count(directory, hub->index, id) > 0)
            err = encode(&note->message[i], ask, sl_hub_protocol_get(id),
                         note->wire_id);
    }
    return err;
}

static struct question *add_question(struct sl_hub *hub,
                                     const struct sl_ask *ask,
                                     const char *wire_id, int worker)
{
    struct sl_world *world = hub->world;
    struct question *question = sl_zalloc(sizeof(*question));
    memcpy(question->wire_id, wire_id, ASK_ID_SIZE);
    memcpy(question->conn_id, ask->conn_id.ptr, SL_ID_LEN);
    question->worker = worker;
    question->hub = hub;
    question->by_id.key = sl_slice_str(question->wire_id);
    sl_map_add(&hub->questions, &question->by_id);
    question->id = sl_slots_add(&world->questions, question);
    sl_list_init(&question->node);
    sl_list_push_back(&world->asking, &question->node);
    return question;
}

static int ask_here(struct sl_conn *conn, const struct sl_ask *ask,
                    const char *wire_id, struct question **asked)
{
    struct sl_world *world = sl_conn_world(conn);
    unsigned self = sl_bus_worker(world->port);
    struct sl_str *out = &world->scratch;
    size_t start = out->len;
    int err = encode(out, ask, conn->protocol, wire_id);
    if (err < 0)
        return err;
    struct question *question =
        add_question(conn->entry->hub, ask, wire_id, (int)self);
    add_debt(conn, wire_id, self, question->id);
    sl_conn_send_copy(conn, sl_slice_of(out->ptr + start, out->len - start));
    out->len = start;
    *asked = question;
    return 0;
}

static int ask_there(struct sl_hub *hub, const struct sl_ask *ask,
                     const char *wire_id, struct question **asked)
{
    struct sl_bus_port *port = hub->world->port;
    int worker = sl_directory_find_conn(sl_bus_directory(port), hub->index,
                                        ask->conn_id);
    if (worker < 0 || (unsigned)worker == sl_bus_worker(port))
        return SL_E_NOT_FOUND;
    struct note *note = sl_zalloc(sizeof(*note));
    note->hub = hub->index;
    note->asker = sl_bus_worker(port);
    memcpy(note->wire_id, wire_id, ASK_ID_SIZE);
    memcpy(note->conn_id, ask->conn_id.ptr, SL_ID_LEN);
    int err = encode_all(hub, ask, note);
    if (err < 0) {
        free_note(note);
        return err;
    }
    *asked = add_question(hub, ask, wire_id, worker);
    note->question = (*asked)->id;
    sl_bus_post(port, (unsigned)worker, on_asked, note);
    return 0;
}

static int ask_somewhere(struct sl_hub *hub, const struct sl_ask *ask,
                         struct question **asked)
{
    /* No id of ours has another length (or a zero byte inside). */
    if (ask->conn_id.len != SL_ID_LEN ||
        memchr(ask->conn_id.ptr, '\0', SL_ID_LEN) != NULL)
        return SL_E_NOT_FOUND;
    struct sl_bus_port *port = hub->world->port;
    uint64_t number =
        hub->asked++ * sl_bus_worker_count(port) + sl_bus_worker(port) + 1;
    char wire_id[ASK_ID_SIZE] = { 0 };
    snprintf(wire_id, sizeof(wire_id), "s%llu", (unsigned long long)number);
    struct sl_conn *conn = sl_hub_conn(hub, ask->conn_id);
    if (conn == NULL)
        return ask_there(hub, ask, wire_id, asked);
    if (sl_conn_is_closing(conn))
        return SL_E_CLOSED;
    return ask_here(conn, ask, wire_id, asked);
}

sl_slot_id sl_hub_ask(struct sl_hub *hub, const struct sl_ask *ask,
                      sl_answer_cb answer, void *user)
{
    struct question *question = NULL;
    int err = ask_somewhere(hub, ask, &question);
    if (err == SL_E_NOT_FOUND || err == SL_E_CLOSED) {
        tell_lost(ask->conn_id, err, answer, user);
        return 0;
    }
    if (err < 0) {
        answer(user, err, NULL, sl_slice_str(sl_err_text(err)));
        return 0;
    }
    question->answer = answer;
    question->user = user;
    return question->id;
}

void sl_hub_ask_cancel(struct sl_hub *hub, sl_slot_id id)
{
    struct sl_world *world = hub->world;
    struct question *question = take_question(world, id);
    if (question == NULL)
        return;
    struct note *note = sl_zalloc(sizeof(*note));
    note->hub = hub->index;
    note->question = id;
    memcpy(note->wire_id, question->wire_id, ASK_ID_SIZE);
    if ((unsigned)question->worker == sl_bus_worker(world->port))
        on_forgotten(world, note);
    else
        sl_bus_post(world->port, (unsigned)question->worker, on_forgotten,
                    note);
    sl_free(question);
}

/* Nobody is left to be told. */
void sl_results_release(struct sl_world *world)
{
    struct sl_list *node;
    while ((node = sl_list_pop_front(&world->asking)) != NULL) {
        struct question *question =
            SL_CONTAINER_OF(node, struct question, node);
        sl_map_remove(&question->hub->questions, &question->by_id);
        sl_free(question);
    }
    sl_slots_release(&world->questions);
}
