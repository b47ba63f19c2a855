// SPDX-License-Identifier: MIT
/*
 * Most connections never stream and are never asked: what that needs is made
 * when the first of it comes.
 */
#include "base/check.h"
#include "base/mem.h"
#include "hub/internal.h"

struct sl_flows *sl_flows_of(struct sl_conn *conn)
{
    if (conn->flows != NULL)
        return conn->flows;
    struct sl_flows *flows = sl_zalloc(sizeof(*flows));
    sl_map_init(&flows->downloads);
    sl_map_init(&flows->uploads);
    sl_list_init(&flows->blocked);
    sl_list_init(&flows->orphans);
    sl_list_init(&flows->debts);
    conn->flows = flows;
    return flows;
}

void sl_flows_free(struct sl_conn *conn)
{
    struct sl_flows *flows = conn->flows;
    if (flows == NULL)
        return;
    sl_assert(flows->downloads.count == 0 && flows->uploads.count == 0);
    sl_assert(sl_list_empty(&flows->debts) && sl_list_empty(&flows->orphans));
    sl_map_release(&flows->downloads);
    sl_map_release(&flows->uploads);
    sl_free(flows);
    conn->flows = NULL;
}
