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

/* One that the configuration lets through. */
struct http_address_rule {
        int family;
        uint8_t bytes[sizeof(struct in6_addr)];
        unsigned prefix; /* so many of its bits count */
        uint16_t port;   /* 0: those for mail */
};

/*
 * Reads "10.1.2.3", "10.0.0.0/8", "127.0.0.1:2525" or, for IPv6, "[fd00::]/8", "[::1]:2525".
 * Returns 0 or -EINVAL, also where bits are set that do not count.
 */
int http_address_rule_parse(const char *text, struct http_address_rule *ret);

/*
 * Whether a mail server may be there: a public unicast address and a port for mail (25, 465, 587,
 * 2525), or what a rule lets through.
 */
bool http_address_is_allowed(const struct sockaddr *address, const struct http_address_rule *rules,
                             size_t n_rules);
