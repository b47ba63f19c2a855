// SPDX-License-Identifier: MIT
/*
 * Chained buckets, doubled when there are more nodes than buckets and halved
 * when less than one in eight is used: the distance between the two keeps a map
 * that breathes around one size from being rebuilt all the time. Nodes carry
 * their hash, so a rebuild reads no key.
 *
 * The hash is SipHash-1-3 (Aumasson and Bernstein; the reduced rounds are what
 * Rust and Python use for the same purpose): connection ids and group names
 * come from clients, who must not be able to aim at one bucket.
 */
#include "base/map.h"

#include "base/check.h"
#include "base/mem.h"
#include "base/random.h"

#include <endian.h>
#include <pthread.h>

#define BUCKETS_MIN 8u
#define BUCKETS_MAX (1u << 31)

/* ---- hash ---- */

struct sip {
    uint64_t v0, v1, v2, v3;
};

static uint64_t rotl(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}

/* Inlined by force: compilers see many callers and call it, which trebles the
 * price of a short key. */
static inline __attribute__((always_inline)) void sip_round(struct sip *s)
{
    s->v0 += s->v1;
    s->v2 += s->v3;
    s->v1 = rotl(s->v1, 13) ^ s->v0;
    s->v3 = rotl(s->v3, 16) ^ s->v2;
    s->v0 = rotl(s->v0, 32);
    s->v2 += s->v1;
    s->v0 += s->v3;
    s->v1 = rotl(s->v1, 17) ^ s->v2;
    s->v3 = rotl(s->v3, 21) ^ s->v0;
    s->v2 = rotl(s->v2, 32);
}

static void sip_word(struct sip *s, uint64_t word)
{
    s->v3 ^= word;
    sip_round(s);
    s->v0 ^= word;
}

/* Up to eight bytes, little-endian, the rest zero. */
static uint64_t load_le(const char *ptr, size_t len)
{
    uint64_t word = 0;
    memcpy(&word, ptr, len);
    return le64toh(word);
}

uint64_t sl_hash_keyed(uint64_t secret0, uint64_t secret1, struct sl_slice key)
{
    struct sip s = {
        .v0 = secret0 ^ 0x736f6d6570736575,
        .v1 = secret1 ^ 0x646f72616e646f6d,
        .v2 = secret0 ^ 0x6c7967656e657261,
        .v3 = secret1 ^ 0x7465646279746573,
    };
    size_t whole = key.len & ~(size_t)7;
    for (size_t i = 0; i < whole; i += 8)
        sip_word(&s, load_le(key.ptr + i, 8));
    uint64_t tail = (uint64_t)key.len << 56;
    if (key.len > whole)
        tail |= load_le(key.ptr + whole, key.len - whole);
    sip_word(&s, tail);
    s.v2 ^= 0xff;
    for (int i = 0; i < 3; i++)
        sip_round(&s);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

/* Written once, before the first hash of any thread; read-only from then. */
static uint64_t secret[2];
static pthread_once_t secret_once = PTHREAD_ONCE_INIT;

static void make_secret(void)
{
    sl_random_bytes(secret, sizeof(secret));
}

uint64_t sl_hash(struct sl_slice key)
{
    pthread_once(&secret_once, make_secret);
    return sl_hash_keyed(secret[0], secret[1], key);
}

/* ---- map ---- */

static struct sl_map_node **bucket_of(const struct sl_map *map, uint32_t hash)
{
    return &map->buckets[hash & (map->bucket_count - 1)];
}

static void resize(struct sl_map *map, uint32_t bucket_count)
{
    struct sl_map_node **old = map->buckets;
    uint32_t old_count = map->bucket_count;
    sl_assert(map->visiting == 0);

    map->buckets = sl_zalloc(bucket_count * sizeof(struct sl_map_node *));
    map->bucket_count = bucket_count;
    for (uint32_t i = 0; i < old_count; i++) {
        struct sl_map_node *node = old[i];
        while (node != NULL) {
            struct sl_map_node *next = node->next;
            struct sl_map_node **bucket = bucket_of(map, node->hash);
            node->next = *bucket;
            *bucket = node;
            node = next;
        }
    }
    sl_free(old);
}

static void shrink(struct sl_map *map)
{
    uint32_t bucket_count = map->bucket_count;
    while (bucket_count > BUCKETS_MIN && map->count < bucket_count / 8)
        bucket_count /= 2;
    if (bucket_count != map->bucket_count)
        resize(map, bucket_count);
}

void sl_map_init(struct sl_map *map)
{
    *map = (struct sl_map){ 0 };
}

void sl_map_release(struct sl_map *map)
{
    sl_assert(map->visiting == 0);
    sl_free(map->buckets);
    sl_map_init(map);
}

struct sl_map_node *sl_map_find(const struct sl_map *map, struct sl_slice key)
{
    if (map->count == 0)
        return NULL;
    uint32_t hash = (uint32_t)sl_hash(key);
    struct sl_map_node *node = *bucket_of(map, hash);
    while (node != NULL && !(node->hash == hash && sl_slice_eq(node->key, key)))
        node = node->next;
    return node;
}

void sl_map_add(struct sl_map *map, struct sl_map_node *node)
{
    sl_assert(map->visiting == 0);
    sl_assert(map->count < UINT32_MAX);
    if (map->bucket_count == 0)
        resize(map, BUCKETS_MIN);
    else if (map->count >= map->bucket_count && map->bucket_count < BUCKETS_MAX)
        resize(map, map->bucket_count * 2);

    node->hash = (uint32_t)sl_hash(node->key);
    struct sl_map_node **bucket = bucket_of(map, node->hash);
    node->next = *bucket;
    *bucket = node;
    map->count++;
}

void sl_map_remove(struct sl_map *map, struct sl_map_node *node)
{
    sl_assert(map->count > 0);
    struct sl_map_node **link = bucket_of(map, node->hash);
    while (*link != node) {
        sl_assert(*link != NULL);
        link = &(*link)->next;
    }
    *link = node->next;
    node->next = NULL;
    map->count--;
    if (map->visiting == 0)
        shrink(map);
}

void sl_map_foreach(struct sl_map *map,
                    void (*visit)(struct sl_map_node *node, void *user),
                    void *user)
{
    map->visiting++;
    for (uint32_t i = 0; i < map->bucket_count; i++) {
        struct sl_map_node *node = map->buckets[i];
        while (node != NULL) {
            struct sl_map_node *next = node->next;
            visit(node, user);
            node = next;
        }
    }
    if (--map->visiting == 0)
        shrink(map);
}
