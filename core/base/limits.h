// SPDX-License-Identifier: MIT
/*
 * Every fixed bound, its unit and its reason. What a user would want to change
 * is a setting (host/config.def) or a hub option (hub/options.def) instead.
 */
#pragma once

/* ---- loop ---- */
#define SL_READ_BUF_SIZE 65536 /* bytes; one per worker, reads land here */
#define SL_RUNQ_BUDGET 4096    /* tasks per loop turn, then I/O is looked at */
#define SL_WRITE_IOV_MAX 64    /* slices in one vectored write */
#define SL_TAIL_BLOCK 512      /* bytes; least size of a queue's own block */
#define SL_TAIL_BLOCK_MAX 16384 /* bytes; to which later blocks of a turn grow */
#define SL_TURN_ROUNDS 4       /* times a turn looks for work its flush made */
#define SL_NET_KEEP_MAX 256    /* free streams, blocks ... a loop keeps each */
#define SL_ACCEPT_TURN 64      /* sockets accepted before others get a turn */
#define SL_ACCEPT_REST_MS 100  /* pause when descriptors have run out */
#define SL_ACCEPT_WARN_MS 10000 /* between two log lines about that */

#define SL_MAILBOX_KEEP_MAX 4096 /* letters a mailbox keeps room for; a burst
                                    over it gives the memory back */

#define SL_PEER_TIMEOUT_MS 60000 /* a peer that answers no probe is gone */
#define SL_PUSH_BYTES 131072     /* queued within one turn before it is written
                                    without waiting for the turn's end */

/* ---- http ---- */
#define SL_HTTP_HEADERS_MAX 100      /* headers in one request */
#define SL_HTTP_ROUTE_PATH_MAX 1024  /* bytes of a path that is looked up */
#define SL_STATIC_FILE_MAX (64 << 20) /* bytes of one static file */
#define SL_STATIC_CACHE_MAX (16 << 20) /* bytes of cached files, per worker */
#define SL_HTTP_FRAMING_PER_BYTE 8 /* bytes of chunk framing for each byte of a
                                      body, beyond as many as a head may have */
#define SL_HTTP_HELD_MAX 16384  /* bytes of requests that came too early; then
                                   reading pauses until they are answered */
#define SL_HTTP_QUEUE_MAX 262144 /* bytes of answers that wait; beyond it the
                                    next pipelined request does */
#define SL_HTTP_LINGER_MS 2000  /* how long a closing connection waits for the
                                   peer's end */
#define SL_HTTP_REQUESTS_KEPT 64 /* request objects kept for reuse; others that
                                    are parsed or answered at once come from
                                    the allocator */
#define SL_HTTP_TEXT_KEPT 16384 /* bytes of head or body kept in one of those */

/* ---- hub protocol ---- */
#define SL_JSON_DEPTH_MAX 64      /* nesting; as the reference server */
#define SL_STREAM_IDS_MAX 64      /* upload streams of one invocation */
#define SL_SCRATCH_KEEP_MAX (1 << 20) /* bytes of a worker's scratch kept */

/* ---- identity ---- */
#define SL_JWT_TEXT_MAX 8192     /* bytes of a bearer token; over it is no
                                    identity but a store of something */
#define SL_JWT_KEYS_MAX 32       /* keys at a time, each may have to be tried */
#define SL_JWT_SECRET_MIN 32     /* bytes of an HMAC secret (RFC 7518, 3.2) */
#define SL_JWT_RSA_BITS_MIN 2048 /* of an RSA key (RFC 7518, 3.3) */

/* ---- connections ---- */
#define SL_WAITING_CALLS_MAX 64     /* invocations waiting for a slot before
                                       reading from that client pauses */
#define SL_WAITING_BYTES_MAX 262144 /* bytes of those */
#define SL_GROUP_NAME_MAX 1024      /* bytes of a group name */
#define SL_USER_ID_MAX 1024         /* bytes of a user id */
#define SL_RATE_COUNT_MAX 1000000   /* messages that a rate may allow at once */
#define SL_TARGET_NAMES_MAX 65536   /* names in one send (clients, groups) */
#define SL_CLAIMS_MAX (1 << 20)     /* tokens remembered per pod */
#define SL_FRAME_TIMEOUT_MS 30000   /* a begun WebSocket frame may take this
                                       long, and a second more for each */
#define SL_FRAME_RATE_MIN 4096      /* bytes of its payload */
#define SL_FRAME_READERS_MAX 16384  /* per worker: frames begun and not ended;
                                       each holds 4.3 KB */
#define SL_ACK_PERIOD_MS 1000       /* from a counted message of a stateful
                                       connection to its acknowledgement */
#define SL_REPLAY_STALL_MS 5000     /* what is held for want of an
                                       acknowledgement waits this long */
#define SL_AWAY_MAX 16384           /* connections per pod that lost their
                                       transport and may come back; each holds
                                       1 KB and what was sent to it */
#define SL_AWAY_BYTES_MAX (64 << 20) /* bytes of messages kept for those */
#define SL_CLOSE_TIMEOUT_MS 5000    /* a closing handshake may take this long */
#define SL_EARLY_BYTES_MAX 65536    /* sent by POST before the transport that
                                       it is for connected */
#define SL_EARLY_TOTAL_MAX (16 << 20) /* bytes of those, per worker */

/* ---- scripts ---- */
#define SL_LUA_DEPTH_MAX 64       /* nesting of a value that Lua sends */
#define SL_HUBS_MAX 256           /* hub files */
#define SL_SCRIPT_FILE_MAX (1 << 20)      /* bytes of one script */
#define SL_SCRIPTS_BYTES_MAX (64 << 20)   /* bytes of all scripts */
#define SL_RELOAD_TIMEOUT_MS 5000 /* to prepare; a worker that takes longer is
                                     held by a script */
#define SL_RELOAD_ERRORS_MAX 64   /* errors of one reload that are told */
#define SL_WATCH_QUIET_MS 50      /* without a change: what is being written is
                                     complete */
#define SL_WATCH_DELAY_MAX_MS 500 /* ... but changes without end wait no longer */
#define SL_WATCH_ENTRIES_MAX 4096 /* files and folders that are looked at */
#define SL_WATCH_CHECK_MS 1000    /* between two looks at the folder, for what
                                     the system does not tell */
#define SL_METHOD_NAME_MAX 256    /* bytes of a hub method's name */
#define SL_DECLARED_ARGS_MAX 64   /* types in one methods.X.args */
#define SL_CALL_ARGS_MAX 1000     /* arguments bound to one call; a Lua stack
                                     holds 8,000 slots */
#define SL_COROUTINES_IDLE_MAX 1024 /* kept for reuse; each holds about 1 KB */
#define SL_IGNORED_CANCELS_MAX 1000 /* waits a cancelled coroutine may begin */
#define SL_ASK_TIMEOUT_MS 30000   /* a client's answer, unless :timeout says
                                     how long */
#define SL_STREAM_TURN_ITEMS 1024 /* items that the streams of a worker send
                                     together before others get a turn, */
#define SL_STREAM_TURN_LEAST 16   /* and each of them may send at least */
#define SL_LUA_ITEMS_MAX (1 << 24) /* what signalua.array's n may promise */
#define SL_ORDERED_NAMES_MAX 1024 /* an object with more fields is written in
                                     no order */
#define SL_ROUTINES_MAX 2000 /* hub methods, hooks, timers that metrics tell
                                apart, over all reloads */
#define SL_WATCHDOG_TICK_MS 100 /* at most between two looks at the workers */
#define SL_WATCHDOG_REST_MS 10000 /* before the same method is named again in
                                     the log, unless it goes over script_limit */
#define SL_LOG_FIELDS_MAX 32      /* fields of a script's log line */
#define SL_ROUTE_HEADERS_MAX 32   /* headers in the answer of a route */
#define SL_ROUTES_LEFT_MAX 1000   /* of a worker: functions of routes that go on
                                     though their client has left. One that
                                     never ends would cost memory for each
                                     client that asks and goes */
#define SL_SERIES_MAX 1000        /* metrics of scripts, per worker, each set of
                                     labels one; a page of them is 1 MB */
#define SL_SERIES_BOUNDS_MAX 32   /* buckets of a histogram */
#define SL_WORKERS_MAX 64         /* the worker masks are 64 bits wide */

/* ---- hubs under test (signalua test) ---- */
#define SL_TEST_TURNS_MAX 500    /* of the loop, at one moment: a script that
                                    takes more does not come to rest */
#define SL_TEST_TURN_TASKS 1000  /* tasks of one turn */
#define SL_TEST_STORE_MAX (64 << 20) /* bytes of the store */
#define SL_TEST_FILES_MAX 4096   /* test files of one run */
#define SL_TEST_LOG_MAX (1 << 20) /* bytes of log shown or given to a test */

/* ---- store ---- */
#define SL_STORE_SWEEP_MAX 16 /* expired keys that one write removes: more than
                                 it can add, little enough to wait for */

/* ---- settings and files ---- */
#define SL_SETTING_TEXT_MAX 4096   /* bytes of one setting's value */
#define SL_LIST_ITEMS_MAX 64       /* items of one setting */
#define SL_SECRET_FILE_MAX 65536   /* bytes of a file that holds a secret */
#define SL_WORKERS_AUTO_MAX 8      /* workers unless told: more have not shown
                                      to help and each costs a Lua state */
#define SL_SCRIPTS_MAX 4096        /* Lua files below the hubs folder */
#define SL_SCRIPT_DEPTH_MAX 16     /* folders below it, one in another */
