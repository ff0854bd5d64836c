/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Where a host that a user names may lead to: into the internet, and not into the networks that
 * only this machine can reach. It is the address itself that is looked at, at the moment it is
 * connected to, since a name may say one thing now and another one later. Pure.
 */

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is looked for there: it says which ports are meant where none is named. */
enum http_address_use {
        HTTP_ADDRESS_MAIL, /* 25, 465, 587 and 2525 */
        HTTP_ADDRESS_WEB,  /* any */
};

/* One that the configuration lets through. */
struct http_address_rule {
        int family;
        uint8_t bytes[sizeof(struct in6_addr)];
        unsigned prefix; /* so many of its bits count */
        uint16_t port;   /* 0: those of the use */
};

#define HTTP_MAX_ADDRESSES 16

struct http_address_list {
        struct http_address_rule rules[HTTP_MAX_ADDRESSES];
        size_t n;
};

/*
 * Reads "10.1.2.3", "10.0.0.0/8", "127.0.0.1:2525" or, for IPv6, "[fd00::]/8", "[::1]:2525".
 * Returns 0 or -EINVAL, also where bits are set that do not count.
 */
int http_address_rule_parse(const char *text, struct http_address_rule *ret);

/*
 * AllowAddress=, for a table of configuration keys: `target` is a struct http_address_list. A list
 * replaces the one before it, so that a drop-in can empty it.
 */
int http_parse_addresses(const char *section, const char *value, void *target,
                         const char **ret_reason);

/* Whether it is a public unicast address with a port for that use, or one that is listed. */
bool http_address_is_allowed(const struct sockaddr *address, enum http_address_use use,
                             const struct http_address_list *listed);
