// SPDX-License-Identifier: MIT
/*
 * A map of claims. A claim whose connection is gone stays as a tombstone until
 * its token has expired; a timer wheel of its own, turned by each call, says
 * when. The wheel never turns back: when the wall clock does, tombstones stay
 * longer, never shorter.
 */
#include "bus/claims.h"

#include "base/check.h"
#include "base/err.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/wheel.h"

#include <pthread.h>

#define GONE (-1) /* the owner of a tombstone */

struct claim {
    struct sl_map_node node;
    struct sl_wheel_entry expiry; /* set for tombstones */
    struct sl_claims *claims;
    uint64_t expires_ms;
    int owner; /* worker, or GONE */
    char token[];
};

struct sl_claims {
    pthread_mutex_t lock;
    struct sl_map map;
    struct sl_wheel wheel; /* wall clock */
    unsigned count_max;
};

static void remove_claim(struct claim *claim)
{
    sl_map_remove(&claim->claims->map, &claim->node);
    sl_free(claim);
}

static void on_expired(struct sl_wheel_entry *entry)
{
    remove_claim(SL_CONTAINER_OF(entry, struct claim, expiry));
}

static void turn(struct sl_claims *claims, uint64_t now_ms)
{
    if (now_ms > claims->wheel.now_ms)
        sl_wheel_advance(&claims->wheel, now_ms);
}

struct sl_claims *sl_claims_new(unsigned count_max)
{
    struct sl_claims *claims = sl_zalloc(sizeof(*claims));
    int err = pthread_mutex_init(&claims->lock, NULL);
    sl_assert(err == 0);
    sl_map_init(&claims->map);
    sl_wheel_init(&claims->wheel, 0);
    claims->count_max = count_max;
    return claims;
}

static void free_claim(struct sl_map_node *node, void *user)
{
    (void)user;
    struct claim *claim = SL_CONTAINER_OF(node, struct claim, node);
    sl_wheel_cancel(&claim->claims->wheel, &claim->expiry);
    remove_claim(claim);
}

void sl_claims_free(struct sl_claims *claims)
{
    if (claims == NULL)
        return;
    sl_map_foreach(&claims->map, free_claim, NULL);
    sl_map_release(&claims->map);
    pthread_mutex_destroy(&claims->lock);
    sl_free(claims);
}

static void add_claim(struct sl_claims *claims, struct sl_slice token,
                      unsigned worker, uint64_t expires_ms)
{
    struct claim *claim = sl_alloc(sizeof(*claim) + token.len);
    if (token.len > 0)
        memcpy(claim->token, token.ptr, token.len);
    claim->node.key = sl_slice_of(claim->token, token.len);
    sl_wheel_entry_init(&claim->expiry, on_expired);
    claim->claims = claims;
    claim->expires_ms = expires_ms;
    claim->owner = (int)worker;
    sl_map_add(&claims->map, &claim->node);
}

static struct claim *find_claim(struct sl_claims *claims, struct sl_slice token)
{
    struct sl_map_node *node = sl_map_find(&claims->map, token);
    return node == NULL ? NULL : SL_CONTAINER_OF(node, struct claim, node);
}

int sl_claims_take(struct sl_claims *claims, struct sl_slice token,
                   unsigned worker, uint64_t now_ms, uint64_t expires_ms,
                   int *owner)
{
    int err = 0;
    pthread_mutex_lock(&claims->lock);
    turn(claims, now_ms);
    struct claim *claim = find_claim(claims, token);
    if (claim != NULL) {
        *owner = claim->owner;
        err = SL_E_CLAIMED;
    } else if (claims->map.count >= claims->count_max) {
        err = SL_E_FULL;
    } else {
        add_claim(claims, token, worker, expires_ms);
    }
    pthread_mutex_unlock(&claims->lock);
    return err;
}

bool sl_claims_owner(struct sl_claims *claims, struct sl_slice token,
                     int *owner)
{
    pthread_mutex_lock(&claims->lock);
    const struct claim *claim = find_claim(claims, token);
    if (claim != NULL)
        *owner = claim->owner;
    pthread_mutex_unlock(&claims->lock);
    return claim != NULL;
}

void sl_claims_drop(struct sl_claims *claims, struct sl_slice token,
                    uint64_t now_ms)
{
    pthread_mutex_lock(&claims->lock);
    turn(claims, now_ms);
    struct claim *claim = find_claim(claims, token);
    if (claim != NULL && claim->owner != GONE) {
        claim->owner = GONE;
        if (claim->expires_ms <= claims->wheel.now_ms)
            remove_claim(claim);
        else
            sl_wheel_set(&claims->wheel, &claim->expiry, claim->expires_ms);
    }
    pthread_mutex_unlock(&claims->lock);
}

unsigned sl_claims_count(struct sl_claims *claims)
{
    pthread_mutex_lock(&claims->lock);
    unsigned count = claims->map.count;
    pthread_mutex_unlock(&claims->lock);
    return count;
}
