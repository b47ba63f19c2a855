// SPDX-License-Identifier: MIT
/*
 * The pod's directory: which workers hold connections of which hub, group and
 * user, and on which worker a connection lives. The only mutable state that
 * workers share, behind small locks; all functions may be called by any
 * thread. Names are copied.
 *
 * Worker masks have bit n for worker n.
 */
#pragma once

#include "base/slice.h"
#include "wire/protocol.h"

#include <stdint.h>

struct sl_directory;

struct sl_directory *sl_directory_new(void);
void sl_directory_free(struct sl_directory *directory);

/* The index of a hub identity (its backplane name); made when new. Indexes are
 * small and never reused. */
uint32_t sl_directory_hub(struct sl_directory *directory, struct sl_slice name);

/* A connection that completed its handshake comes and goes. Duplicate ids in
 * one hub: SL_E_EXISTS. */
int sl_directory_add_conn(struct sl_directory *directory, uint32_t hub,
                          struct sl_slice id, unsigned worker,
                          enum sl_protocol_id protocol);
void sl_directory_remove_conn(struct sl_directory *directory, uint32_t hub,
                              struct sl_slice id, unsigned worker,
                              enum sl_protocol_id protocol);

/* The worker, or -1: not on this pod. */
int sl_directory_find_conn(struct sl_directory *directory, uint32_t hub,
                           struct sl_slice id);

/* Workers with connections of the hub. No lock. */
uint64_t sl_directory_hub_workers(struct sl_directory *directory, uint32_t hub);

/* Connections of the hub on this pod that speak the protocol. No lock. */
uint32_t sl_directory_protocol_count(struct sl_directory *directory,
                                     uint32_t hub,
                                     enum sl_protocol_id protocol);

enum sl_set_kind { SL_SET_GROUP, SL_SET_USER };

/* The first local member of a group or user came to a worker, the last one
 * left it. */
void sl_directory_join(struct sl_directory *directory, enum sl_set_kind kind,
                       uint32_t hub, struct sl_slice name, unsigned worker);
void sl_directory_leave(struct sl_directory *directory, enum sl_set_kind kind,
                        uint32_t hub, struct sl_slice name, unsigned worker);
uint64_t sl_directory_set_workers(struct sl_directory *directory,
                                  enum sl_set_kind kind, uint32_t hub,
                                  struct sl_slice name);
