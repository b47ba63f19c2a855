// SPDX-License-Identifier: MIT
/*
 * Stateful connections on several workers that lose their transport at any
 * point: in the middle of a message, with messages under way in both
 * directions, several times in a row, while others send to them and ask them,
 * streams and uploads run. Each seed is another order of things. The promise: nothing is lost,
 * nothing is repeated, nothing overtakes.
 *
 * The client below is the other end of the protocol: it numbers, keeps and
 * acknowledges as an official one does (spec: stateful-reconnect).
 */
#include "base/limits.h"
#include "tests/lib/expect.h"

#include <stdio.h>
#include <stdlib.h>

#define WORKERS 3
#define CLIENTS 5
#define ROUNDS 400
#define KEPT_MAX 1024 /* messages of one client, in all */
#define LIMIT 600     /* bytes; some ten messages */

struct client {
    struct peer peer;
    bool away, synced;    /* synced: the sequence message has come */
    char *kept[KEPT_MAX]; /* what it sent, from number 1 on */
    unsigned sent, confirmed;
    uint64_t received_next, received_most; /* of the server's messages */
    unsigned calls, results;               /* Echo: asked and answered */
    unsigned said;                         /* SendAll: the next number */
    unsigned heard[CLIENTS];               /* the next number of each sender */
    unsigned stream, item; /* the stream it reads, 0: none; its next item */
    unsigned streams;
    unsigned uploads, upload_left; /* begun; items still to be sent */
    bool uploading;
    uint64_t sum, sum_wanted;
    unsigned asked, answered; /* questions to others, and their answers */
};

struct crowd {
    struct cluster cluster;
    struct client clients[CLIENTS];
    unsigned cuts, repeated;
};

static void tune(struct sl_hub_options *options)
{
    options->stateful_reconnect_buffer = LIMIT;
}

/* ---- the client's sending ---- */

/* `arrives` of 4 quarters of its bytes reach the server. */
static void say(struct client *client, const char *text, unsigned arrives)
{
    struct sl_str line = { 0 };
    assert_in_range(client->sent, 0, KEPT_MAX - 1);
    client->kept[client->sent++] = sl_strdup(text);
    sl_str_add_fmt(&line, "%s\n", text);
    if (arrives < 4)
        line.ptr[line.len * arrives / 4] = '\0';
    if (!client->away)
        peer_say_raw(&client->peer, line.ptr);
    sl_str_release(&line);
}

/* The next piece of an upload, or a new one. */
static void upload_something(struct client *client, unsigned count,
                             unsigned arrives)
{
    char text[160];
    if (!client->uploading) {
        client->uploading = true;
        client->upload_left = count;
        client->sum_wanted = count * (count + 1) / 2;
        snprintf(text, sizeof(text),
                 "{'type':1,'invocationId':'u%u','target':'Sum','arguments':[],"
                 "'streamIds':['%u']}",
                 client->uploads, client->uploads);
        client->uploads++;
    } else if (client->upload_left > 0) {
        snprintf(text, sizeof(text), "{'type':2,'invocationId':'%u','item':%u}",
                 client->uploads - 1, client->upload_left--);
    } else {
        client->uploading = false;
        client->sum += client->sum_wanted;
        snprintf(text, sizeof(text), "{'type':3,'invocationId':'%u'}",
                 client->uploads - 1);
    }
    say(client, text, arrives);
}

static void ask_something(struct crowd *crowd, struct client *client,
                          unsigned arrives)
{
    char text[160];
    unsigned other = cluster_random(&crowd->cluster, CLIENTS);
    snprintf(text, sizeof(text),
             "{'type':1,'invocationId':'a%u','target':'Ask','arguments':"
             "['%s',%u]}",
             client->asked, crowd->clients[other].peer.id, client->asked);
    client->asked++;
    say(client, text, arrives);
}

static void say_something(struct crowd *crowd, unsigned index, unsigned arrives)
{
    char text[160];
    struct client *client = &crowd->clients[index];
    unsigned kind = cluster_random(&crowd->cluster, 12);
    if (kind == 11)
        return ask_something(crowd, client, arrives);
    if (kind > 7)
        return upload_something(client, kind - 8, arrives);
    if (kind < 4) {
        unsigned number = client->calls++;
        snprintf(text, sizeof(text),
                 "{'type':1,'invocationId':'%u','target':'Echo','arguments':"
                 "[%u]}",
                 number, number);
    } else if (kind < 7 || client->stream != 0) {
        snprintf(text, sizeof(text),
                 "{'type':1,'target':'SendAll','arguments':['%u %u']}", index,
                 client->said++);
    } else {
        client->stream = 1 + cluster_random(&crowd->cluster, 30);
        client->item = 0;
        snprintf(text, sizeof(text),
                 "{'type':4,'invocationId':'s%u','target':'Count','arguments':"
                 "[%u]}",
                 client->streams++, client->stream);
    }
    say(client, text, arrives);
}

static void acknowledge(struct client *client)
{
    char text[64];
    if (client->away || client->received_most == 0)
        return;
    snprintf(text, sizeof(text), "{'type':8,'sequenceId':%llu}",
             (unsigned long long)client->received_most);
    peer_say(&client->peer, text);
}

/* ---- what it hears ---- */

static uint64_t number_behind(const char *line, const char *name)
{
    const char *at = strstr(line, name);
    assert_non_null(at);
    return strtoull(at + strlen(name), NULL, 10);
}

static void answer(struct client *client, const char *line)
{
    char text[96];
    unsigned long long id = number_behind(line, "'invocationId':'s");
    unsigned long long what = number_behind(line, "'arguments':[");
    snprintf(text, sizeof(text),
             "{'type':3,'invocationId':'s%llu','result':%llu}", id, what);
    say(client, text, 4);
}

static void on_result(struct client *client, const char *line)
{
    assert_null(strstr(line, "error"));
    switch (line[strlen("{'type':3,'invocationId':'")]) {
    case 's':
        assert_int_equal(client->item, client->stream);
        client->stream = 0;
        break;
    case 'u': client->sum -= number_behind(line, "'result':"); break;
    case 'a':
        /* In any order: others may be slow to answer. */
        assert_int_equal(number_behind(line, "'result':"),
                         number_behind(line, "'invocationId':'a"));
        client->answered++;
        break;
    default:
        assert_int_equal(number_behind(line, "'result':"), client->results++);
    }
}

static void on_counted(struct crowd *crowd, struct client *client,
                       const char *line)
{
    if (client->received_next++ <= client->received_most) {
        crowd->repeated++;
        return;
    }
    client->received_most++;
    if (strncmp(line, "{'type':2,", 10) == 0) {
        assert_true(client->stream > 0);
        assert_int_equal(number_behind(line, "'item':"), client->item++);
    } else if (strncmp(line, "{'type':3,", 10) == 0) {
        on_result(client, line);
    } else if (strstr(line, "'target':'What'") != NULL) {
        answer(client, line);
    } else {
        unsigned sender = (unsigned)number_behind(line, "'arguments':['");
        assert_in_range(sender, 0, CLIENTS - 1);
        unsigned number = (unsigned)strtoul(strchr(line, ' '), NULL, 10);
        assert_int_equal(number, client->heard[sender]++);
    }
}

static void on_line(struct crowd *crowd, struct client *client,
                    const char *line)
{
    if (strncmp(line, "{'type':8,", 10) == 0) {
        unsigned number = (unsigned)number_behind(line, "'sequenceId':");
        assert_in_range(number, client->confirmed, client->sent);
        client->confirmed = number;
    } else if (strncmp(line, "{'type':9,", 10) == 0) {
        assert_false(client->synced);
        client->synced = true;
        client->received_next = number_behind(line, "'sequenceId':");
        assert_in_range(client->received_next, 1, client->received_most + 1);
    } else if (strcmp(line, "{'type':6}") != 0) {
        assert_null(strstr(line, "'type':7"));
        assert_true(client->synced);
        on_counted(crowd, client, line);
    }
}

/* The first `most` messages of what has come; the rest of it is lost. */
static void listen_to(struct crowd *crowd, struct client *client, unsigned most)
{
    char *rest, *line = sl_strdup(peer_heard(&client->peer)), *text = line;
    while (most-- > 0 && (rest = strchr(line, '\n')) != NULL) {
        *rest = '\0';
        on_line(crowd, client, line);
        line = rest + 1;
    }
    sl_free(text);
}

/* ---- losing and finding again ---- */

static void cut(struct crowd *crowd, unsigned index)
{
    struct client *client = &crowd->clients[index];
    listen_to(crowd, client, cluster_random(&crowd->cluster, 6));
    say_something(crowd, index, cluster_random(&crowd->cluster, 5));
    assert_true(peer_cut(&client->peer));
    peer_heard(&client->peer); /* the rest is lost */
    client->away = true;
    crowd->cuts++;
}

/* Also where the old transport still lives. */
static void come_back(struct crowd *crowd, unsigned index)
{
    char text[64];
    struct client *client = &crowd->clients[index];
    listen_to(crowd, client, client->away ? 0 : UINT32_MAX);
    peer_heard(&client->peer); /* what the old one still brings */
    assert_true(peer_return(&client->peer));
    client->away = client->synced = false;
    snprintf(text, sizeof(text), "{'type':9,'sequenceId':%u}",
             client->confirmed + 1);
    peer_say(&client->peer, text);
    for (unsigned i = client->confirmed; i < client->sent; i++)
        peer_say(&client->peer, client->kept[i]);
}

static void act(struct crowd *crowd)
{
    unsigned index = cluster_random(&crowd->cluster, CLIENTS);
    struct client *client = &crowd->clients[index];
    unsigned kind = cluster_random(&crowd->cluster, 16);
    if (client->away && kind < 5)
        come_back(crowd, index);
    else if (kind == 0)
        cut(crowd, index);
    else if (kind == 1)
        come_back(crowd, index); /* the old transport is alive */
    else if (kind < 6)
        listen_to(crowd, client, UINT32_MAX);
    else if (kind < 8)
        acknowledge(client);
    else if (client->sent < KEPT_MAX)
        say_something(crowd, index, 4);
    /* The server gives up on a client that acknowledges nothing for 5 s. */
    if (cluster_random(&crowd->cluster, 12) == 0)
        cluster_advance(&crowd->cluster, cluster_random(&crowd->cluster, 200));
}

/* Everybody is there, and hears until nothing comes any more. */
static void come_to_rest(struct crowd *crowd)
{
    for (unsigned i = 0; i < CLIENTS; i++)
        if (crowd->clients[i].away)
            come_back(crowd, i);
    for (unsigned i = 0; i < CLIENTS; i++)
        while (crowd->clients[i].uploading)
            upload_something(&crowd->clients[i], 0, 4);
    for (unsigned round = 0; round < 1000; round++) {
        bool busy = false;
        cluster_settle(&crowd->cluster);
        for (unsigned i = 0; i < CLIENTS; i++) {
            struct client *client = &crowd->clients[i];
            busy |= client->peer.heard.len > 0;
            listen_to(crowd, client, UINT32_MAX);
            acknowledge(client);
            busy |= client->peer.heard.len > 0;
        }
        if (!busy)
            return;
    }
    fail_msg("it does not come to rest");
}

static void run_seed(uint64_t seed, unsigned *cuts, unsigned *repeated)
{
    struct crowd *crowd = sl_zalloc(sizeof(*crowd));
    cluster_init(&crowd->cluster,
                 (struct cluster_options){
                     .worker_count = WORKERS, .seed = seed, .tune = tune });
    for (unsigned i = 0; i < CLIENTS; i++) {
        struct client *client = &crowd->clients[i];
        char name[16];
        snprintf(name, sizeof(name), "c%u", i);
        peer_join_stateful(&client->peer,
                           cluster_worker(&crowd->cluster, 0, i % WORKERS),
                           name);
        client->received_next = 1;
        client->synced = true;
    }
    for (unsigned round = 0; round < ROUNDS; round++) {
        act(crowd);
        if (cluster_random(&crowd->cluster, 3) == 0)
            cluster_turn(cluster_worker(
                &crowd->cluster, 0, cluster_random(&crowd->cluster, WORKERS)));
    }
    come_to_rest(crowd);
    for (unsigned i = 0; i < CLIENTS; i++) {
        struct client *client = &crowd->clients[i];
        assert_int_equal(client->results, client->calls);
        assert_int_equal(client->stream, 0);
        assert_int_equal(client->sum, 0);
        assert_int_equal(client->answered, client->asked);
        for (unsigned s = 0; s < CLIENTS; s++)
            assert_int_equal(client->heard[s], crowd->clients[s].said);
    }
    *cuts += crowd->cuts;
    *repeated += crowd->repeated;
    for (unsigned i = 0; i < CLIENTS; i++) {
        peer_release(&crowd->clients[i].peer);
        for (unsigned n = 0; n < crowd->clients[i].sent; n++)
            sl_free(crowd->clients[i].kept[n]);
    }
    cluster_settle(&crowd->cluster);
    for (unsigned w = 0; w < WORKERS; w++) {
        struct cluster_worker *worker = cluster_worker(&crowd->cluster, 0, w);
        assert_int_equal(worker->hub.live_calls, 0);
        assert_int_equal(cluster_metric(worker, SL_M_AWAY), 0);
        assert_int_equal(cluster_metric(worker, SL_M_AWAY_BYTES), 0);
        assert_int_equal(cluster_metric(worker, SL_M_AWAY_DROPPED), 0);
        assert_int_equal(sl_world_conn_count(&worker->world), 0);
    }
    cluster_release(&crowd->cluster);
    sl_free(crowd);
}

static void test_cut_anywhere(void **state)
{
    (void)state;
    unsigned cuts = 0, repeated = 0;
    for (uint64_t seed = 1; seed <= 200; seed++)
        run_seed(seed * UINT64_C(0x9e3779b97f4a7c15), &cuts, &repeated);
    assert_true(cuts > 2000); /* else it shows nothing */
    assert_true(repeated > 2000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cut_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
