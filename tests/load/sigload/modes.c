// SPDX-License-Identifier: MIT
/* The modes by name, and the one that only connects. */
#include "modes.h"

void sl_mode_open_ready(struct sl_load *load, struct sl_conn *conn)
{
    sl_client_mark_ready(&load->client, conn);
}

static void on_message(struct sl_load *load, struct sl_conn *conn,
                       const struct sl_message *message, uint64_t now_ns)
{
    (void)now_ns;
    sl_client_fault(&load->client, "connection %u got a message of type %d",
                    conn->index, message->type);
}

const struct sl_mode sl_mode_connect = {
    .unit = "-",
    .on_open = sl_mode_open_ready,
    .on_message = on_message,
};

const struct sl_mode *sl_mode_find(enum sl_mode_kind kind)
{
    static const struct sl_mode *const modes[SL_MODE_COUNT] = {
        [SL_MODE_CONNECT] = &sl_mode_connect,
        [SL_MODE_ECHO] = &sl_mode_echo,
        [SL_MODE_BROADCAST] = &sl_mode_broadcast,
        [SL_MODE_GROUP] = &sl_mode_broadcast,
        [SL_MODE_BACKPLANE] = &sl_mode_broadcast,
        [SL_MODE_STREAM] = &sl_mode_stream,
        [SL_MODE_CHURN] = &sl_mode_churn,
    };
    return modes[kind];
}
