// SPDX-License-Identifier: MIT
/*
 * The objects that Lua sees, one file each. Each open function adds its
 * primitives to the table on top of the stack; the embedded lua/signalua.lua
 * makes the module of it that authors know.
 */
#pragma once

#include "bindings/internal.h"
#include "wire/request_head.h"

struct sl_http_request;
struct sl_identity;

void sl_lua_hub_open(lua_State *L, struct sl_engine *engine);
void sl_lua_clients_open(lua_State *L, struct sl_engine *engine);
void sl_lua_invoke_open(lua_State *L, struct sl_engine *engine);
void sl_lua_groups_open(lua_State *L, struct sl_engine *engine);
void sl_lua_users_open(lua_State *L, struct sl_engine *engine);
void sl_lua_context_open(lua_State *L, struct sl_engine *engine);
void sl_lua_timer_open(lua_State *L, struct sl_engine *engine);
void sl_lua_task_open(lua_State *L, struct sl_engine *engine);
void sl_lua_stream_open(lua_State *L, struct sl_engine *engine);
void sl_lua_upload_open(lua_State *L, struct sl_engine *engine);
void sl_lua_store_open(lua_State *L, struct sl_engine *engine);
void sl_lua_log_open(lua_State *L, struct sl_engine *engine);
void sl_lua_json_open(lua_State *L, struct sl_engine *engine);
void sl_lua_metrics_open(lua_State *L, struct sl_engine *engine);
void sl_lua_names_open(lua_State *L, struct sl_engine *engine);
void sl_lua_config_open(lua_State *L, struct sl_engine *engine);
void sl_lua_route_open(lua_State *L, struct sl_engine *engine);
void sl_lua_reload_open(lua_State *L, struct sl_engine *engine);

/* Runs what the generation that serves now gave to signalua.on_reload. */
void sl_lua_reload_run(struct sl_engine *engine, const char *old_version);

/* Pushes a new self of the script. */
void sl_lua_push_self(lua_State *L, const struct sl_script *script,
                      sl_slot_id handle);

/* Shared by contexts and routes: a table of a query (decoded, the first value of
 * a name), and one header into the table on top. */
void sl_lua_push_query(lua_State *L, struct sl_engine *engine,
                       struct sl_slice query);
void sl_lua_set_header(lua_State *L, struct sl_header header);

/* Pushes a table of a request and of whose it is (NULL: nobody's). */
void sl_lua_push_request(lua_State *L, struct sl_engine *engine,
                         const struct sl_http_request *request,
                         const struct sl_identity *identity);

/* Seconds at the index, from `least` (0 or 0.001) up, as milliseconds. */
SL_RAISES uint64_t sl_lua_check_seconds(lua_State *L, int index, int level,
                                        lua_Number least);

/* Raises `what has no "key"`, the key at the index, and which of the names was
 * meant. name_at gives them one by one, NULL after the last. */
typedef const char *(*sl_name_at_cb)(unsigned at);
SL_RAISES int sl_lua_raise_unknown(lua_State *L, int level, const char *what,
                                   int index, sl_name_at_cb name_at);

/* Timers of a generation: begin to tick, and end. */
struct sl_timer;
void sl_timer_start(struct sl_timer *timer);
void sl_timer_stop(struct sl_timer *timer);

/* A request for a route of the current generation; false: none matches. */
bool sl_lua_route_run(struct sl_engine *engine,
                      struct sl_http_request *request,
                      struct sl_identity *identity);
