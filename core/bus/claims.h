// SPDX-License-Identifier: MIT
/*
 * Claimed connection tokens of the pod. A token is claimed by the first
 * request that carries it; the claim lives as long as the connection and then
 * at least until the token itself can no longer be claimed, so that no token
 * ever revives a closed connection. Any thread; one small lock.
 */
#pragma once

#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

struct sl_claims;

struct sl_claims *sl_claims_new(unsigned count_max);
void sl_claims_free(struct sl_claims *claims);

/* 0: claimed for this worker. SL_E_CLAIMED: somebody has or had it (*owner
 * gets the owner, or -1 when its connection is gone). SL_E_FULL. The token is
 * forgotten at the earliest at expires_ms (wall clock) once released. */
int sl_claims_take(struct sl_claims *claims, struct sl_slice token,
                   unsigned worker, uint64_t now_ms, uint64_t expires_ms,
                   int *owner);

/* Whether the token is claimed or remembered; *owner as above. */
bool sl_claims_owner(struct sl_claims *claims, struct sl_slice token,
                     int *owner);

/* The connection is gone. */
void sl_claims_drop(struct sl_claims *claims, struct sl_slice token,
                    uint64_t now_ms);

/* Claims held, and tokens remembered as used. */
unsigned sl_claims_count(struct sl_claims *claims);
