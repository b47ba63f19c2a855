// SPDX-License-Identifier: MIT
/*
 * The settings of the program: the table is sound, the defaults are those that
 * the documents promise, scripts see all but the secrets.
 */
#include "host/config.h"

#include "base/err.h"
#include "base/log.h"
#include "wire/jwt.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const struct sl_setting_sources nowhere = { 0 };

static void the_table_is_sound(void **state)
{
    (void)state;
    struct sl_config config = { 0 };
    for (unsigned i = 0; i < sl_config_table.count; i++) {
        const struct sl_setting *setting = &sl_config_table.settings[i];
        size_t help_len = strlen(setting->help);
        for (const char *at = setting->name; *at != '\0'; at++)
            assert_true(islower((unsigned char)*at) || *at == '_');
        for (unsigned j = 0; j < i; j++)
            assert_string_not_equal(setting->name,
                                    sl_config_table.settings[j].name);
        assert_true(setting->least <= setting->most);
        assert_true(isupper((unsigned char)setting->help[0]));
        assert_int_equal(setting->help[help_len - 1], '.');
        /* Names that Kubernetes sets beside a Service, and the scripts'. */
        assert_string_not_equal(setting->name, "port");
        assert_null(strstr(setting->name, "port_"));
        assert_null(strstr(setting->name, "service_"));
        assert_null(strstr(setting->name, "app_"));
        if (setting->fallback != NULL)
            assert_int_equal(
                sl_setting_apply(setting, &config, setting->fallback, "", NULL),
                0);
    }
    sl_setting_table_clear(&sl_config_table, &config);
}

static void groups_stand_together(void **state)
{
    (void)state;
    for (unsigned i = 1; i < sl_config_table.count; i++) {
        const char *group = sl_config_table.settings[i].group;
        if (strcmp(group, sl_config_table.settings[i - 1].group) == 0)
            continue;
        for (unsigned j = 0; j < i; j++)
            assert_string_not_equal(group, sl_config_table.settings[j].group);
    }
}

static void defaults(void **state)
{
    (void)state;
    struct sl_config config;
    assert_int_equal(sl_config_load(&config, &nowhere, NULL), 0);
    assert_string_equal(config.hubs, "hubs");
    assert_null(config.www);
    assert_string_equal(config.listen, "127.0.0.1:8080");
    assert_string_equal(config.admin, "127.0.0.1:9090");
    assert_in_range(config.workers, 1, 8);
    assert_null(config.config);
    assert_null(config.token_key);
    assert_int_equal(config.shutdown_timeout_ms, 5000);
    assert_int_equal(config.log_level, SL_LOG_INFO);
    assert_int_equal(config.log_format, SL_LOG_AUTO);
    assert_int_equal(config.max_sockets, 0);
    assert_int_equal(config.backlog, 4096);
    assert_int_equal(config.head_max, 16384);
    assert_int_equal(config.body_max, 1048576);
    assert_int_equal(config.head_timeout_ms, 10000);
    assert_int_equal(config.idle_timeout_ms, 120000);
    assert_int_equal(config.store_max, 64 << 20);

    char host[256];
    assert_int_equal(gethostname(host, sizeof(host)), 0);
    assert_string_equal(config.pod, host);
    sl_config_release(&config);
}

static void choices_are_the_enums(void **state)
{
    (void)state;
    for (enum sl_log_level level = SL_LOG_DEBUG; level <= SL_LOG_OFF; level++) {
        struct sl_config config = { 0 };
        struct sl_str text = { 0 };
        sl_str_add_fmt(&text, "SIGNALUA_LOG_LEVEL=%s",
                       sl_log_level_name(level));
        char *environment[] = { (char *)(uintptr_t)sl_str_cstr(&text), NULL };
        assert_int_equal(sl_config_load(&config,
                                        &(struct sl_setting_sources){
                                            .environment = environment },
                                        NULL),
                         0);
        assert_int_equal(config.log_level, level);
        sl_config_release(&config);
        sl_str_release(&text);
    }
}

static const char *view(const struct sl_config *config, const char *name)
{
    for (unsigned i = 0; i < config->view_count; i++)
        if (strcmp(config->views[i].name, name) == 0)
            return config->views[i].value;
    return NULL;
}

static void scripts_see_all_but_secrets(void **state)
{
    (void)state;
    struct sl_config config;
    char *environment[] = { "SIGNALUA_TOKEN_KEY=0123456789abcdef",
                            "SIGNALUA_JWT_KEY=0123456789abcdef0123456789abcdef",
                            "SIGNALUA_HEAD_MAX=2k",
                            "SIGNALUA_ADMIN=off",
                            "SIGNALUA_WORKERS=3",
                            "SIGNALUA_POD=one",
                            "SIGNALUA_HEAD_TIMEOUT=1500ms",
                            NULL };
    assert_int_equal(
        sl_config_load(
            &config, &(struct sl_setting_sources){ .environment = environment },
            NULL),
        0);
    assert_string_equal(config.token_key, "0123456789abcdef");
    assert_null(view(&config, "token_key"));
    assert_null(view(&config, "jwt_key"));
    assert_int_equal(config.view_count, sl_config_table.count - 2);
    assert_null(config.admin);
    assert_string_equal(view(&config, "admin"), "off");
    assert_string_equal(view(&config, "head_max"), "2048");
    assert_string_equal(view(&config, "head_timeout"), "1.5");
    assert_string_equal(view(&config, "workers"), "3");
    assert_string_equal(view(&config, "pod"), "one");
    assert_string_equal(view(&config, "www"), "");
    assert_string_equal(view(&config, "log_level"), "info");
    sl_config_release(&config);
    sl_config_release(&config);
}

static void a_refused_configuration_holds_nothing(void **state)
{
    (void)state;
    struct sl_config config, zero = { 0 };
    struct sl_report report = { 0 };
    char *environment[] = { "SIGNALUA_TOKEN_KEY=0123456789abcdef",
                            "SIGNALUA_LOG_LEVEL=loud", NULL };
    assert_int_equal(
        sl_config_load(
            &config, &(struct sl_setting_sources){ .environment = environment },
            &report),
        SL_E_CONFIG);
    assert_string_equal(report.text,
                        "log_level = \"loud\" (from SIGNALUA_LOG_LEVEL) is "
                        "wrong: it takes one of debug, info, warn, error, off");
    assert_memory_equal(&config, &zero, sizeof(zero));
}

/* What their kind does not say: keys that are no keys, origins that no browser
 * sends. The key is in no text. */
static void keys_and_origins_are_looked_at(void **state)
{
    (void)state;
    char file[] = "/tmp/signalua-key-XXXXXX", variable[128], text[512];
    int fd = mkstemp(file);
    assert_int_equal(write(fd, "tooshort\n", 9), 9);
    close(fd);
    snprintf(variable, sizeof(variable), "SIGNALUA_JWT_KEY_FILE=%s", file);
    snprintf(text, sizeof(text),
             "jwt_key_file = \"%s\" (from SIGNALUA_JWT_KEY_FILE) is wrong: it "
             "is a secret of fewer than 32 bytes, and neither PEM nor a JWK",
             file);
    const struct {
        char *variable;
        const char *text;
    } cases[] = {
        { variable, text },
        { (char[]){ "SIGNALUA_JWT_KEY=tooshort" },
          "jwt_key (from SIGNALUA_JWT_KEY) is wrong: it is a secret of fewer "
          "than 32 bytes, and neither PEM nor a JWK" },
        { (char[]){ "SIGNALUA_JWT_KEY_FILE=/nowhere/key" },
          "jwt_key_file = \"/nowhere/key\" (from SIGNALUA_JWT_KEY_FILE) gives "
          "no secret: No such file or directory" },
        { (char[]){ "SIGNALUA_CORS_ORIGIN=https://a,*" },
          "cors_origin = \"https://a,*\" (from SIGNALUA_CORS_ORIGIN) is wrong: "
          "it has a wildcard: each origin is listed as it is" },
    };
    for (size_t i = 0; i < SL_COUNT(cases); i++) {
        struct sl_config config;
        struct sl_report report = { .line = 0 };
        char *environment[] = { cases[i].variable, NULL };
        const struct sl_setting_sources sources = { .environment =
                                                        environment };
        assert_int_equal(sl_config_load(&config, &sources, &report),
                         SL_E_CONFIG);
        assert_string_equal(report.text, cases[i].text);
    }
    unlink(file);
}

static void identity_comes_from_the_settings(void **state)
{
    (void)state;
    struct sl_config config;
    struct sl_jwt_setup jwt;
    assert_int_equal(sl_config_load(&config, &nowhere, NULL), 0);
    sl_config_jwt(&config, &jwt);
    assert_int_equal(jwt.key.len, 0);
    assert_int_equal(jwt.issuer_count, 0);
    assert_string_equal(jwt.user_claim, "sub");
    assert_int_equal(jwt.skew_ms, 30000);
    sl_config_release(&config);
    char *environment[] = { "SIGNALUA_JWT_KEY=0123456789abcdef0123456789abcdef",
                            "SIGNALUA_JWT_ISSUER=a, b",
                            "SIGNALUA_JWT_AUDIENCE=c", NULL };
    const struct sl_setting_sources sources = { .environment = environment };
    assert_int_equal(sl_config_load(&config, &sources, NULL), 0);
    sl_config_jwt(&config, &jwt);
    assert_int_equal(jwt.key.len, 32);
    assert_int_equal(jwt.issuer_count, 2);
    assert_string_equal(jwt.issuers[1], "b");
    assert_int_equal(jwt.audience_count, 1);
    sl_config_release(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_is_sound),
        cmocka_unit_test(groups_stand_together),
        cmocka_unit_test(defaults),
        cmocka_unit_test(choices_are_the_enums),
        cmocka_unit_test(scripts_see_all_but_secrets),
        cmocka_unit_test(keys_and_origins_are_looked_at),
        cmocka_unit_test(identity_comes_from_the_settings),
        cmocka_unit_test(a_refused_configuration_holds_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
