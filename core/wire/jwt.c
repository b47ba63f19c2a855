// SPDX-License-Identifier: MIT
/*
 * The header is read by us before cjose sees the token: a repeated member, a
 * `crit` (extensions that we would have to understand) and an algorithm that
 * no key of ours is for end it there. cjose reads the header anew when it
 * verifies, so both readings of `alg` are compared. Claims are looked at only
 * when the signature is right.
 */
#include "wire/jwt.h"

#include "base/base64.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/str.h"
#include "wire/json.h"
#include "wire/jwt_keys.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <openssl/err.h>

#define YEAR_10000_S 253402300800 /* times beyond it mean "never" */

struct sl_jwt {
    struct sl_jwt_keys keys;
    struct sl_jwt_setup setup; /* without its key */
    char *user_claim;          /* owned */
    struct sl_json json;       /* how claims will be read again */
};

struct sl_jwt *sl_jwt_new(const struct sl_jwt_setup *setup,
                          struct sl_report *report)
{
    struct sl_jwt_keys keys;
    if (sl_jwt_keys_read(&keys, setup->key, report) != 0)
        return NULL;
    struct sl_jwt *jwt = sl_zalloc(sizeof(*jwt));
    jwt->keys = keys;
    jwt->setup = *setup;
    jwt->setup.key = (struct sl_slice){ 0 };
    jwt->user_claim = sl_strdup(setup->user_claim);
    sl_json_init(&jwt->json);
    return jwt;
}

void sl_jwt_free(struct sl_jwt *jwt)
{
    if (jwt == NULL)
        return;
    sl_jwt_keys_release(&jwt->keys);
    sl_json_release(&jwt->json);
    sl_free(jwt->user_claim);
    sl_free(jwt);
}

static int forged(const char **why, const char *text)
{
    *why = text;
    return SL_E_FORGED;
}

/* ---- the header ---- */

/* Returns owned; NULL: not an object, or a member stands twice. */
static json_t *read_object(struct sl_slice text)
{
    json_t *object =
        json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES, NULL);
    if (object != NULL && !json_is_object(object)) {
        json_decref(object);
        object = NULL;
    }
    return object;
}

static int find_alg(const char *name)
{
    for (int i = 0; name != NULL && i < SL_JWT_ALG_COUNT; i++)
        if (strcmp(name, sl_jwt_alg_names[i]) == 0)
            return i;
    return -1;
}

/* cjose overlooks padding and what else is none of the alphabet: a token that
 * can be written in several ways would be several tokens to whoever compares
 * them. */
static bool is_plain(struct sl_slice token)
{
    for (size_t i = 0; i < token.len; i++) {
        char c = token.ptr[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
            !(c >= '0' && c <= '9') && c != '-' && c != '_' && c != '.')
            return false;
    }
    return token.len > 0;
}

/* Three parts, none of them empty; *header is the first. */
static bool has_shape(struct sl_slice token, struct sl_slice *header)
{
    if (!is_plain(token))
        return false;
    const char *first = memchr(token.ptr, '.', token.len);
    if (first == NULL)
        return false;
    size_t rest = token.len - (size_t)(first + 1 - token.ptr);
    const char *second = memchr(first + 1, '.', rest);
    const char *end = token.ptr + token.len;
    *header = sl_slice_of(token.ptr, (size_t)(first - token.ptr));
    return second != NULL && header->len > 0 && second > first + 1 &&
           second + 1 < end &&
           memchr(second + 1, '.', (size_t)(end - second - 1)) == NULL;
}

/* The algorithm, or negative. *kid: owned, NULL: none. */
static int read_header(struct sl_slice encoded, char **kid, const char **why)
{
    struct sl_str text = { 0 };
    json_t *header = NULL;
    if (sl_base64url_decode(&text, encoded) == 0)
        header = read_object(sl_str_slice(&text));
    sl_str_release(&text);
    if (header == NULL)
        return forged(why, "its header does not read");
    int alg = find_alg(json_string_value(json_object_get(header, "alg")));
    const char *id = json_string_value(json_object_get(header, "kid"));
    if (json_object_get(header, "crit") != NULL)
        alg = forged(why, "it asks for extensions (crit)");
    else if (alg < 0)
        alg = forged(why, "its algorithm is not supported");
    else if (id != NULL)
        *kid = sl_strdup(id);
    json_decref(header);
    return alg;
}

/* ---- the signature ---- */

/* A key with an id is for tokens that name it, or name none. */
static bool fits(const struct sl_jwt_key *key, int alg, const char *kid)
{
    cjose_err err;
    const char *own = cjose_jwk_get_kid(key->jwk, &err);
    return (key->algs & 1u << alg) != 0 &&
           (kid == NULL || own == NULL || strcmp(kid, own) == 0);
}

/* A token is imported for each try: cjose keeps the digest in it. */
static cjose_jws_t *try_key(const struct sl_jwt_key *key, int alg,
                            struct sl_slice token)
{
    cjose_err err;
    cjose_jws_t *jws = cjose_jws_import(token.ptr, token.len, &err);
    if (jws == NULL)
        return NULL;
    const char *read =
        cjose_header_get(cjose_jws_get_protected(jws), CJOSE_HDR_ALG, &err);
    if (read != NULL && strcmp(read, sl_jwt_alg_names[alg]) == 0 &&
        cjose_jws_verify(jws, key->jwk, &err))
        return jws;
    cjose_jws_release(jws);
    return NULL;
}

/* Returns owned; NULL: no key of ours has signed it. */
static cjose_jws_t *verify(const struct sl_jwt *jwt, int alg, const char *kid,
                           struct sl_slice token, const char **why)
{
    const char *fault = "no key is for its algorithm and key id";
    for (unsigned i = 0; i < jwt->keys.count; i++) {
        const struct sl_jwt_key *key = &jwt->keys.items[i];
        if (!fits(key, alg, kid))
            continue;
        cjose_jws_t *jws = try_key(key, alg, token);
        if (jws != NULL)
            return jws;
        fault = "its signature is wrong";
    }
    *why = fault;
    ERR_clear_error(); /* what is left there would be taken for TLS's */
    return NULL;
}

/* ---- the claims ---- */

static bool is_among(const json_t *value, char *const *list, unsigned count)
{
    const char *text = json_string_value(value);
    for (unsigned i = 0; text != NULL && i < count; i++)
        if (strcmp(text, list[i]) == 0)
            return true;
    return false;
}

static bool is_for_us(const struct sl_jwt *jwt, const json_t *claims)
{
    const struct sl_jwt_setup *setup = &jwt->setup;
    const json_t *aud = json_object_get(claims, "aud");
    if (setup->audience_count == 0 ||
        is_among(aud, setup->audiences, setup->audience_count))
        return true;
    for (size_t i = 0; i < json_array_size(aud); i++)
        if (is_among(json_array_get(aud, i), setup->audiences,
                     setup->audience_count))
            return true;
    return false;
}

/* NumericDate (RFC 7519, 2), which may have a fraction. False: it is none. */
static bool read_time(const json_t *value, uint64_t *time_ms)
{
    if (!json_is_number(value))
        return false;
    double seconds = json_number_value(value);
    if (!(seconds >= 0))
        return false;
    if (seconds > YEAR_10000_S)
        seconds = YEAR_10000_S;
    *time_ms = (uint64_t)llround(seconds * 1000);
    return true;
}

/* *expires_ms: when we stop taking it. */
static int check_times(const struct sl_jwt *jwt, const json_t *claims,
                       uint64_t wall_ms, uint64_t *expires_ms, const char **why)
{
    const json_t *nbf = json_object_get(claims, "nbf");
    uint64_t skew_ms = jwt->setup.skew_ms, begins_ms = 0;
    if (!read_time(json_object_get(claims, "exp"), expires_ms))
        return forged(why, "it does not say when it expires (exp)");
    if (nbf != NULL && !read_time(nbf, &begins_ms))
        return forged(why, "its nbf is no time");
    *expires_ms += skew_ms;
    if (wall_ms >= *expires_ms) {
        *why = "it has expired";
        return SL_E_EXPIRED;
    }
    if (wall_ms + skew_ms < begins_ms) {
        *why = "it is not valid yet";
        return SL_E_EXPIRED;
    }
    return 0;
}

static struct sl_identity *make_identity(const struct sl_jwt *jwt,
                                         const json_t *claims,
                                         struct sl_slice text,
                                         uint64_t expires_ms)
{
    const json_t *user = json_object_get(claims, jwt->user_claim);
    struct sl_slice id = { 0 };
    char number[32];
    if (json_is_string(user)) {
        id = sl_slice_of(json_string_value(user), json_string_length(user));
    } else if (json_is_integer(user)) {
        snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT,
                 json_integer_value(user));
        id = sl_slice_str(number);
    }
    return sl_identity_new(id, text, expires_ms);
}

static int check_claims(struct sl_jwt *jwt, struct sl_slice text,
                        uint64_t wall_ms, struct sl_identity **identity,
                        const char **why)
{
    struct sl_value value;
    uint64_t expires_ms;
    json_t *claims = read_object(text);
    int err = 0;
    if (claims == NULL || sl_json_read(&jwt->json, text, &value) != 0)
        err = forged(why, "its claims do not read");
    else if (jwt->setup.issuer_count > 0 &&
             !is_among(json_object_get(claims, "iss"), jwt->setup.issuers,
                       jwt->setup.issuer_count))
        err = forged(why, "its issuer is another");
    else if (!is_for_us(jwt, claims))
        err = forged(why, "its audience is another");
    else
        err = check_times(jwt, claims, wall_ms, &expires_ms, why);
    if (err == 0)
        *identity = make_identity(jwt, claims, text, expires_ms);
    json_decref(claims);
    return err;
}

/* ---- all of it ---- */

int sl_jwt_verify(struct sl_jwt *jwt, struct sl_slice token, uint64_t wall_ms,
                  struct sl_identity **identity, const char **why)
{
    struct sl_slice header;
    char *kid = NULL;
    *identity = NULL;
    if (token.len > SL_JWT_TEXT_MAX) {
        *why = "it is too large";
        return SL_E_TOO_LARGE;
    }
    if (!has_shape(token, &header))
        return forged(why, "it is no signed token");
    int alg = read_header(header, &kid, why);
    if (alg < 0)
        return alg;
    cjose_jws_t *jws = verify(jwt, alg, kid, token, why);
    sl_free(kid);
    if (jws == NULL)
        return SL_E_FORGED;
    uint8_t *claims = NULL;
    size_t len = 0;
    cjose_err cjose;
    int err = cjose_jws_get_plaintext(jws, &claims, &len, &cjose)
                  ? check_claims(jwt, sl_slice_of(claims, len), wall_ms,
                                 identity, why)
                  : forged(why, "its claims do not read");
    cjose_jws_release(jws);
    return err;
}
