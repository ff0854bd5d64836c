/* SPDX-License-Identifier: MIT */
#include "http/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* An IPv4 address in bits, or those of an IPv6 address with which a block begins. */
struct block {
        uint32_t bits;
        unsigned prefix;
};

#define V4(a, b, c, d) ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (d))

/* What is not globally reachable: iana.org/assignments/iana-ipv4-special-registry, and multicast. */
/* clang-format off */
static const struct block special_v4[] = {
        { V4(  0,   0,   0, 0),  8 }, /* this network */
        { V4( 10,   0,   0, 0),  8 }, /* private */
        { V4(100,  64,   0, 0), 10 }, /* behind a carrier's NAT */
        { V4(127,   0,   0, 0),  8 }, /* loopback */
        { V4(169, 254,   0, 0), 16 }, /* link-local, and clouds' metadata */
        { V4(172,  16,   0, 0), 12 }, /* private */
        { V4(192,   0,   0, 0), 24 }, /* protocol assignments */
        { V4(192,   0,   2, 0), 24 }, /* documentation */
        { V4(192,  88,  99, 0), 24 }, /* 6to4 relays */
        { V4(192, 168,   0, 0), 16 }, /* private */
        { V4(198,  18,   0, 0), 15 }, /* benchmarks */
        { V4(198,  51, 100, 0), 24 }, /* documentation */
        { V4(203,   0, 113, 0), 24 }, /* documentation */
        { V4(224,   0,   0, 0),  3 }, /* multicast, reserved, broadcast */
};

/* The same of global unicast, 2000::/3; all else is special. Here too, what leads to IPv4. */
static const struct block special_v6[] = {
        { 0x20010000, 23 }, /* protocol assignments, Teredo */
        { 0x20010db8, 32 }, /* documentation */
        { 0x20020000, 16 }, /* 6to4 */
        { 0x3fff0000, 20 }, /* documentation */
};
/* clang-format on */

static const uint16_t mail_ports[] = { 25, 465, 587, 2525 };

static bool is_in(uint32_t address, const struct block *blocks, size_t n_blocks) {
        for (size_t i = 0; i < n_blocks; i++)
                if ((address ^ blocks[i].bits) >> (32 - blocks[i].prefix) == 0)
                        return true;
        return false;
}

/* RFC 6052 §2.1: behind this is an IPv4 address, which a network without IPv4 is reached by. */
static const uint8_t translated[12] = { 0x00, 0x64, 0xff, 0x9b };

static bool is_public(int family, const uint8_t *bytes) {
        uint32_t head = V4(bytes[0], bytes[1], bytes[2], bytes[3]);

        if (family == AF_INET)
                return !is_in(head, special_v4, ELEMENTSOF(special_v4));
        if (memcmp(bytes, translated, sizeof(translated)) == 0)
                return is_public(AF_INET, bytes + sizeof(translated));
        return head >> 29 == 1 && !is_in(head, special_v6, ELEMENTSOF(special_v6));
}

static bool is_port_for(uint16_t port, enum http_address_use use) {
        if (use == HTTP_ADDRESS_WEB)
                return true;
        for (size_t i = 0; i < ELEMENTSOF(mail_ports); i++)
                if (mail_ports[i] == port)
                        return true;
        return false;
}

/* Whether a and b begin with the same bits. */
static bool begin_alike(const uint8_t *a, const uint8_t *b, unsigned n_bits) {
        unsigned n = n_bits / 8, rest = n_bits % 8;

        return memcmp(a, b, n) == 0 && (rest == 0 || (a[n] ^ b[n]) >> (8 - rest) == 0);
}

bool http_address_is_allowed(const struct sockaddr *address, enum http_address_use use,
                             const struct http_address_list *listed) {
        uint8_t bytes[sizeof(struct in6_addr)];
        int family = address->sa_family;
        uint16_t port;

        if (family == AF_INET) {
                const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)address;

                memcpy(bytes, &v4->sin_addr, sizeof(v4->sin_addr));
                port = ntohs(v4->sin_port);
        } else if (family == AF_INET6) {
                const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)address;

                memcpy(bytes, &v6->sin6_addr, sizeof(v6->sin6_addr));
                port = ntohs(v6->sin6_port);
        } else
                return false;

        if (is_public(family, bytes) && is_port_for(port, use))
                return true;
        for (size_t i = 0; i < listed->n; i++) {
                const struct http_address_rule *rule = &listed->rules[i];

                if (rule->family == family && begin_alike(rule->bytes, bytes, rule->prefix) &&
                    (rule->port > 0 ? rule->port == port : is_port_for(port, use)))
                        return true;
        }
        return false;
}

/* Reads digits up to `max` and moves behind them. Returns 0 or -EINVAL. */
static int read_number(const char **text, unsigned max, unsigned *ret) {
        size_t n = strspn(*text, "0123456789");

        if (n == 0 || n > 5 || (n > 1 && **text == '0'))
                return -EINVAL;
        *ret = (unsigned)strtoul(*text, NULL, 10);
        *text += n;
        return *ret <= max ? 0 : -EINVAL;
}

static bool has_bits_behind(const struct http_address_rule *rule, unsigned n_bits) {
        for (unsigned i = rule->prefix; i < n_bits; i++)
                if (rule->bytes[i / 8] >> (7 - i % 8) & 1)
                        return true;
        return false;
}

int http_address_rule_parse(const char *text, struct http_address_rule *ret) {
        struct http_address_rule rule = { .family = *text == '[' ? AF_INET6 : AF_INET };
        unsigned n_bits = rule.family == AF_INET6 ? 128 : 32, port = 0;
        char address[INET6_ADDRSTRLEN] = "";
        size_t n;

        text += rule.family == AF_INET6;
        n = strcspn(text, rule.family == AF_INET6 ? "]" : "/:");
        if (n >= sizeof(address) || (rule.family == AF_INET6 && text[n] != ']'))
                return -EINVAL;
        memcpy(address, text, n);
        text += n + (rule.family == AF_INET6);
        if (inet_pton(rule.family, address, rule.bytes) != 1)
                return -EINVAL;

        rule.prefix = n_bits;
        if (*text == '/') {
                text++;
                if (read_number(&text, n_bits, &rule.prefix) < 0)
                        return -EINVAL;
        }
        if (*text == ':') {
                text++;
                if (read_number(&text, UINT16_MAX, &port) < 0 || port == 0)
                        return -EINVAL;
        }
        if (*text || has_bits_behind(&rule, n_bits))
                return -EINVAL;
        rule.port = (uint16_t)port;
        *ret = rule;
        return 0;
}

int http_parse_addresses(const char *section, const char *value, void *target,
                         const char **ret_reason) {
        struct http_address_list *list = target;

        list->n = 0;
        for (const char *p = value + strspn(value, " "); *p; p += strspn(p, " ")) {
                char one[64];
                size_t size = strcspn(p, " ");

                if (list->n == HTTP_MAX_ADDRESSES) {
                        *ret_reason = "names too many addresses";
                        return -E2BIG;
                }
                snprintf(one, sizeof(one), "%.*s", (int)size, p);
                if (size >= sizeof(one) ||
                    http_address_rule_parse(one, &list->rules[list->n]) < 0) {
                        *ret_reason = "is not a list of addresses or networks, with a port or "
                                      "without, such as 10.1.0.0/16 127.0.0.1:2525 [fd00::]/8";
                        return -EINVAL;
                }
                list->n++;
                p += size;
        }
        return 0;
}
