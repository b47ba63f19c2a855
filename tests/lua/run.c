// SPDX-License-Identifier: MIT
/*
 * Runs one test file written in Lua: loads it as a hub, asks it for its tests
 * (tests/lua/lib/check.lua) and calls each as a client would. The clock moves
 * while a test waits. Arguments: the file, and lib/check.lua.
 */
#include "tests/lib/lua_rig.h"

#include <stdio.h>
#include <stdlib.h>

#define STEP_MS 10
#define STEPS_MAX 1000 /* ten seconds of the fake clock for one test */

static char *read_text(const char *path)
{
    struct sl_str text = { 0 };
    char chunk[4096];
    size_t len;
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        perror(path);
        exit(1);
    }
    while ((len = fread(chunk, 1, sizeof(chunk), file)) > 0)
        sl_str_add(&text, chunk, len);
    fclose(file);
    sl_str_cstr(&text);
    return text.ptr;
}

/* Calls a method and waits for its completion. */
static const char *call(struct lua_rig *rig, const char *name)
{
    const char *heard = lua_rig_call(rig, name, "[]");
    for (int i = 0; strstr(heard, "'type':3") == NULL; i++) {
        if (i == STEPS_MAX)
            return "'error':'did not end'";
        cluster_advance(&rig->cluster, STEP_MS);
        heard = peer_heard(&rig->a);
    }
    return heard;
}

/* The names stand in the result as ['one','two']. */
static int run_all(struct lua_rig *rig, char *names)
{
    int count = 0, failed = 0;
    char *rest = strchr(names, '[');
    for (char *name = strtok(rest, "[',]"); name != NULL && name[0] != '}';
         name = strtok(NULL, "[',]")) {
        const char *heard = call(rig, name);
        bool ok = strstr(heard, "'error':") == NULL;
        printf("%s %s%s%s\n", ok ? "ok  " : "FAIL", name, ok ? "" : ": ",
               ok ? "" : heard);
        if (!ok)
            printf("%s", lua_rig_logged(rig));
        count++;
        failed += !ok;
    }
    printf("%d tests, %d failed\n", count, failed);
    return count > 0 && failed == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    struct lua_rig rig;
    char *test = read_text(argv[1]), *lib = read_text(argv[2]);
    const char *slash = strrchr(argv[1], '/');
    lua_rig_init(&rig, 1);
    lua_rig_file(&rig, "lib/check.lua", lib);
    lua_rig_file(&rig, slash == NULL ? argv[1] : slash + 1, test);
    int status = lua_rig_load(&rig);
    if (status == 0) {
        lua_rig_join(&rig, &rig.a, 0, "a", "ann");
        char *names = strdup(lua_rig_call(&rig, "Tests", "[]"));
        status = run_all(&rig, names);
        free(names);
    } else {
        printf("%s", rig.errors.ptr);
    }
    lua_rig_release(&rig);
    free(test);
    free(lib);
    return status;
}
