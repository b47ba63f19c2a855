// SPDX-License-Identifier: MIT
/*
 *   asker                                another worker
 *   gathering ── asked: whom, text ────► picks, acts
 *             ◄─ answered: count, ids ──
 *
 * Whom is an envelope without payload: what a send says about its receivers.
 * The same letter goes there and comes back; the last one ends the gathering.
 *
 * Connections are picked into an array first and acted upon afterwards, since
 * closing one changes the list it is in. The mark by which a broadcast leaves
 * connections out tells who is picked already.
 */
#include "hub/query.h"

#include "base/check.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/mem.h"
#include "hub/audience.h"

/* What one worker, or all together, have to say. */
struct findings {
    uint64_t count;
    struct sl_str ids;
};

struct gathering {
    struct findings findings;
    unsigned pending; /* letters on their way, and the asker itself */
    sl_query_cb done;
    void *user;
};

struct letter {
    struct gathering *gathering;
    unsigned asker; /* worker */
    enum sl_query_kind kind;
    struct sl_envelope *whom; /* owned */
    char *text;               /* owned */
    size_t text_len;
    struct findings findings;
};

/* ---- one worker ---- */

struct picked {
    struct sl_conn **conns;
    size_t count, cap;
};

static void pick(struct sl_conn *conn, const struct sl_envelope *whom,
                 void *user)
{
    (void)whom;
    struct picked *picked = user;
    if (sl_conn_is_closing(conn) || conn->overflowed)
        return;
    if (picked->count == picked->cap) {
        picked->cap = picked->cap == 0 ? 16 : 2 * picked->cap;
        picked->conns =
            sl_realloc(picked->conns, picked->cap * sizeof(struct sl_conn *));
    }
    conn->left_out = true;
    picked->conns[picked->count++] = conn;
}

static void act(struct sl_conn *conn, enum sl_query_kind kind,
                struct sl_slice text, struct findings *findings)
{
    switch (kind) {
    case SL_QUERY_COUNT: break;
    case SL_QUERY_IDS:
        sl_str_add_slice(&findings->ids, sl_conn_id(conn));
        break;
    case SL_QUERY_CLOSE:
        sl_conn_close(conn, SL_CLOSE_KICKED, text, false);
        break;
    }
}

static void work_out(struct sl_hub *hub, const struct sl_envelope *whom,
                     enum sl_query_kind kind, struct sl_slice text,
                     struct findings *findings)
{
    struct picked picked = { 0 };
    sl_audience_visit(hub, whom, pick, &picked);
    for (size_t i = 0; i < picked.count; i++) {
        picked.conns[i]->left_out = false;
        act(picked.conns[i], kind, text, findings);
    }
    findings->count += picked.count;
    sl_free(picked.conns);
}

/* ---- between workers ---- */

static void gather_one(struct gathering *gathering)
{
    sl_assert(gathering->pending > 0);
    if (--gathering->pending > 0)
        return;
    struct findings *all = &gathering->findings;
    sl_assert(all->ids.len % SL_ID_LEN == 0);
    gathering->done(gathering->user, 0, all->count, sl_str_slice(&all->ids));
    sl_str_release(&all->ids);
    sl_free(gathering);
}

static void on_answered(void *context, void *item)
{
    (void)context;
    struct letter *letter = item;
    struct gathering *gathering = letter->gathering;
    gathering->findings.count += letter->findings.count;
    sl_str_add_slice(&gathering->findings.ids,
                     sl_str_slice(&letter->findings.ids));
    sl_str_release(&letter->findings.ids);
    sl_envelope_free(letter->whom, true);
    sl_free(letter->text);
    sl_free(letter);
    gather_one(gathering);
}

static void on_asked(void *context, void *item)
{
    struct sl_world *world = context;
    struct letter *letter = item;
    struct sl_hub *hub = sl_hub_at(world, letter->whom->hub);
    if (hub != NULL)
        work_out(hub, letter->whom, letter->kind,
                 sl_slice_of(letter->text, letter->text_len),
                 &letter->findings);
    sl_bus_post(world->port, letter->asker, on_answered, letter);
}

static void ask(struct sl_bus_port *port, unsigned worker,
                const struct sl_envelope *whom, const struct sl_query *query,
                struct gathering *gathering)
{
    struct letter *letter = sl_alloc(sizeof(*letter));
    *letter = (struct letter){
        .gathering = gathering,
        .asker = sl_bus_worker(port),
        .kind = query->kind,
        .whom = sl_envelope_copy(whom),
        .text = sl_slice_dup(query->text),
        .text_len = query->text.len,
    };
    gathering->pending++;
    sl_bus_post(port, worker, on_asked, letter);
}

void sl_hub_query(struct sl_hub *hub, const struct sl_query *query,
                  sl_query_cb done, void *user)
{
    struct sl_bus_port *port = hub->world->port;
    struct sl_envelope whom = {
        .hub = hub->index,
        .audience = query->audience,
        .names = query->names,
        .name_count = query->name_count,
        .except = query->except,
        .except_count = query->except_count,
    };
    if (!sl_audience_is_good(&whom)) {
        done(user, SL_E_VALUE, 0, (struct sl_slice){ 0 });
        return;
    }
    struct gathering *gathering = sl_alloc(sizeof(*gathering));
    *gathering = (struct gathering){
        .pending = 1,
        .done = done,
        .user = user,
    };
    uint64_t workers = sl_bus_receivers(port, &whom);
    workers &= ~(UINT64_C(1) << sl_bus_worker(port));
    while (workers != 0) {
        ask(port, (unsigned)__builtin_ctzll(workers), &whom, query, gathering);
        workers &= workers - 1;
    }
    work_out(hub, &whom, query->kind, query->text, &gathering->findings);
    gather_one(gathering);
}
