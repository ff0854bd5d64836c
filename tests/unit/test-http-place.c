/* SPDX-License-Identifier: MIT */
/*
 * Where the client goes with a URL that nobody has configured: into the internet and to what is
 * listed, however an address is written and whatever a name says. The names are those of a hosts
 * file of our own, in a mount namespace. Who listens here must not even see a connection.
 */
#include "test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sched.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http-fixture.h"
#include "http/address.h"

#define N_LISTENERS 2

/* At 127.0.0.1 and 127.0.0.2, with one port. Who comes is counted, and hung up on. */
static struct listener { int fd, n_visitors; } listeners[N_LISTENERS];
static unsigned port;

static char hosts_path[] = "/tmp/test-http-place-XXXXXX";
static bool has_hosts;

static bool listen_at(struct listener *l, in_addr_t ip) {
        struct sockaddr_in address = { .sin_family = AF_INET,
                                       .sin_addr.s_addr = htonl(ip),
                                       .sin_port = htons((uint16_t)port) };
        socklen_t size = sizeof(address);

        l->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (bind(l->fd, (struct sockaddr *)&address, size) < 0 || listen(l->fd, 16) < 0)
                return false;
        assert_int_equal(getsockname(l->fd, (struct sockaddr *)&address, &size), 0);
        port = ntohs(address.sin_port);
        return true;
}

static int start_listeners(void **state) {
        for (int attempt = 0; attempt < 100; attempt++) {
                port = 0;
                if (listen_at(&listeners[0], INADDR_LOOPBACK) &&
                    listen_at(&listeners[1], INADDR_LOOPBACK + 1))
                        return 0;
                for (size_t i = 0; i < N_LISTENERS; i++)
                        fd_close(listeners[i].fd);
        }
        return -1;
}

static int stop_listeners(void **state) {
        for (size_t i = 0; i < N_LISTENERS; i++)
                fd_close(listeners[i].fd);
        return 0;
}

static int on_visitor(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        struct listener *l = userdata;
        int peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

        assert_true(peer >= 0);
        fd_close(peer);
        l->n_visitors++;
        return 0;
}

static void init(struct fixture *f, const char *addresses) {
        struct http_options options = default_options;
        struct http_address_list list;
        const char *reason;

        assert_int_equal(http_parse_addresses("Http", addresses, &list, &reason), 0);
        options.web_addresses = &list;
        *f = (struct fixture){ 0 };
        assert_int_equal(sd_event_new(&f->event), 0);
        assert_int_equal(poller_new(f->event, &f->poller), 0);
        assert_int_equal(http_client_new(f->poller, &options, &f->client), 0);
        for (size_t i = 0; i < N_LISTENERS; i++) {
                listeners[i].n_visitors = 0;
                assert_true(sd_event_add_io(f->event, NULL, listeners[i].fd, EPOLLIN, on_visitor,
                                            &listeners[i]) >= 0);
        }
}

/* Waits for its end; whoever has been to the listeners by then is counted. */
static enum http_failure get(struct fixture *f, const char *url, bool configured) {
        enum http_failure failure;
        struct try t = {
                .fixture = f,
                .request = { .method = "GET", .url = strdup(url), .configured = configured },
        };

        try_start(&t);
        try_wait(&t);
        while (sd_event_run(f->event, 0) > 0)
                ;
        assert_int_equal(t.n_leaving, 0);
        assert_false(t.response.left);
        assert_int_equal(t.response.status, 0);
        failure = t.response.failure;
        if (failure == HTTP_REFUSED_ADDRESS)
                assert_non_null(strstr(t.response.reason, "AllowAddress="));
        try_done(&t);
        return failure;
}

static int n_visitors(void) {
        return listeners[0].n_visitors + listeners[1].n_visitors;
}

/* PORT stands for the listeners'. Some lead to them, and to that end are tried as configured, too. */
/* clang-format off */
static const struct {
        const char *url;
        enum http_failure failure;
        bool leads;
} notations[] = {
        { "https://127.0.0.1:PORT/",                     HTTP_REFUSED_ADDRESS, true  },
        { "https://127.0.0.2:PORT/",                     HTTP_REFUSED_ADDRESS, true  },
        { "https://localhost:PORT/",                     HTTP_REFUSED_ADDRESS, true  },
        { "https://LocalHost:PORT/",                     HTTP_REFUSED_ADDRESS, true  },
        { "https://api.localhost:PORT/",                 HTTP_REFUSED_ADDRESS, true  },
        { "https://0.0.0.0:PORT/",                       HTTP_REFUSED_ADDRESS, true  },
        { "https://[::ffff:127.0.0.1]:PORT/",            HTTP_REFUSED_ADDRESS, true  },
        { "https://[::ffff:7f00:1]:PORT/",               HTTP_REFUSED_ADDRESS, true  },
        { "HTTPS://127.0.0.1:PORT/",                     HTTP_REFUSED_ADDRESS, true  },
        { "https://[::1]:PORT/",                         HTTP_REFUSED_ADDRESS, false },
        { "https://[::]:PORT/",                          HTTP_REFUSED_ADDRESS, false },
        { "https://10.0.0.1/",                           HTTP_REFUSED_ADDRESS, false },
        { "https://169.254.169.254/latest/meta-data/",   HTTP_REFUSED_ADDRESS, false },
        { "https://[fd00:ec2::254]/",                    HTTP_REFUSED_ADDRESS, false },
        { "https://[fe80::1]/",                          HTTP_REFUSED_ADDRESS, false },
        { "https://[64:ff9b::7f00:1]:PORT/",             HTTP_REFUSED_ADDRESS, false },
        { "https://0x7f.1:PORT/",                        HTTP_REFUSED_URL,     false },
        { "https://0x7f000001:PORT/",                    HTTP_REFUSED_URL,     false },
        { "https://2130706433:PORT/",                    HTTP_REFUSED_URL,     false },
        { "https://017700000001:PORT/",                  HTTP_REFUSED_URL,     false },
        { "https://0177.0.0.1:PORT/",                    HTTP_REFUSED_URL,     false },
        { "https://127.1:PORT/",                         HTTP_REFUSED_URL,     false },
        { "https://127%2e0.0.1:PORT/",                   HTTP_REFUSED_URL,     false },
        { "https://%6cocalhost:PORT/",                   HTTP_REFUSED_URL,     false },
        { "https://[::1%25lo]:PORT/",                    HTTP_REFUSED_URL,     false },
        { "https://user@127.0.0.1:PORT/",                HTTP_REFUSED_URL,     false },
        { "https://user:word@127.0.0.1:PORT/",           HTTP_REFUSED_URL,     false },
        { "https://public.example@127.0.0.1:PORT/",      HTTP_REFUSED_URL,     false },
        { "https://127.0.0.1:PORT@public.example/",      HTTP_REFUSED_URL,     false },
        { "https://public.example:443\\@127.0.0.1:PORT/", HTTP_REFUSED_URL,    false },
        { "https://127.0.0.1:PORT\\@public.example/",    HTTP_REFUSED_URL,     false },
        { "https:\\\\127.0.0.1:PORT/",                   HTTP_REFUSED_URL,     false },
        { "https:/127.0.0.1:PORT/",                      HTTP_REFUSED_URL,     false },
        { "https:///127.0.0.1:PORT/",                    HTTP_REFUSED_URL,     false },
        { "https://127.0.0.1:PORT#@public.example/",     HTTP_REFUSED_URL,     false },
        { "https://public.example#@127.0.0.1:PORT/",     HTTP_REFUSED_URL,     false },
        { " https://127.0.0.1:PORT/",                    HTTP_REFUSED_URL,     false },
        { "https://127.0.0.1:PORT/\r\nHost: x",          HTTP_REFUSED_URL,     false },
        { "https://127.0.0.1\t:PORT/",                   HTTP_REFUSED_URL,     false },
        /* U+FF11 and its like, U+24DB, U+3002: digits, an l and a full stop, to IDNA. */
        { "https://\xef\xbc\x91\xef\xbc\x92\xef\xbc\x97.0.0.1:PORT/", HTTP_REFUSED_URL, false },
        { "https://\xe2\x93\x9bocalhost:PORT/",          HTTP_REFUSED_URL,     false },
        { "https://127\xe3\x80\x82""0.0.1:PORT/",        HTTP_REFUSED_URL,     false },
        { "http://127.0.0.1:PORT/",                      HTTP_REFUSED_URL,     false },
        { "http://localhost:PORT/",                      HTTP_REFUSED_URL,     false },
        { "//127.0.0.1:PORT/",                           HTTP_REFUSED_URL,     false },
        { "127.0.0.1:PORT/",                             HTTP_REFUSED_URL,     false },
        { "file:///etc/passwd",                          HTTP_REFUSED_URL,     false },
        { "gopher://127.0.0.1:PORT/_x",                  HTTP_REFUSED_URL,     false },
        { "dict://127.0.0.1:PORT/x",                     HTTP_REFUSED_URL,     false },
        { "ftp://127.0.0.1:PORT/",                       HTTP_REFUSED_URL,     false },
        { "smtp://127.0.0.1:PORT/",                      HTTP_REFUSED_URL,     false },
        { "ws://127.0.0.1:PORT/",                        HTTP_REFUSED_URL,     false },
};
/* clang-format on */

static void put_port(const char *text, char *ret, size_t size) {
        const char *at = strstr(text, "PORT");

        if (at)
                snprintf(ret, size, "%.*s%u%s", (int)(at - text), text, port, at + strlen("PORT"));
        else
                snprintf(ret, size, "%s", text);
}

static void test_notations(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(notations); i++) {
                enum http_failure failure;
                struct fixture f;
                char url[128];

                put_port(notations[i].url, url, sizeof(url));
                init(&f, "");
                failure = get(&f, url, /* configured= */ false);
                if (failure != notations[i].failure || n_visitors() > 0)
                        fail_msg("%s: failure %d, %d visitors", url, (int)failure, n_visitors());
                if (notations[i].leads) {
                        failure = get(&f, url, /* configured= */ true);
                        if (failure != HTTP_NOT_CONNECTED || n_visitors() != 1)
                                fail_msg("%s leads nowhere: %d", url, (int)failure);
                }
                fixture_done(&f);
        }
}

static void test_what_is_listed(void **state) {
        static const struct {
                const char *addresses;
                bool first, second;
        } cases[] = {
                { "", false, false },
                { "127.0.0.1", true, false },
                { "127.0.0.1:PORT", true, false },
                { "127.0.0.1:1", false, false },
                { "127.0.0.0/8", true, true },
                { "127.0.0.2/31:PORT 10.0.0.0/8", false, true },
                { "[::]/0 10.0.0.0/8", false, false },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                char addresses[64], url[64];
                struct fixture f;

                put_port(cases[i].addresses, addresses, sizeof(addresses));
                init(&f, addresses);
                for (size_t k = 0; k < N_LISTENERS; k++) {
                        bool listed = k == 0 ? cases[i].first : cases[i].second;

                        snprintf(url, sizeof(url), "https://127.0.0.%zu:%u/", k + 1, port);
                        assert_int_equal(get(&f, url, /* configured= */ false),
                                         listed ? HTTP_NOT_CONNECTED : HTTP_REFUSED_ADDRESS);
                        assert_int_equal(listeners[k].n_visitors, listed);
                }
                fixture_done(&f);
        }
}

static void write_hosts(const char *text) {
        FILE *f = fopen(hosts_path, "w");

        assert_non_null(f);
        fprintf(f, "%s\n", text);
        assert_int_equal(fclose(f), 0);
}

/* What looks like any name of the internet leads here, among others, or from now on. */
static void test_names(void **state) {
        static const struct {
                const char *hosts, *name;
                enum http_failure failure;
                int visitors[N_LISTENERS]; /* with the second listed */
        } cases[] = {
                { "127.0.0.1 public.example", "public.example", HTTP_REFUSED_ADDRESS, { 0, 0 } },
                { "127.0.0.2 public.example", "public.example", HTTP_NOT_CONNECTED, { 0, 1 } },
                { "127.0.0.1 public.example\n127.0.0.2 public.example",
                  "public.example",
                  HTTP_NOT_CONNECTED,
                  { 0, 1 } },
                { "127.0.0.2 public.example\n127.0.0.1 public.example",
                  "public.example",
                  HTTP_NOT_CONNECTED,
                  { 0, 1 } },
                { "::1 public.example\n127.0.0.1 public.example",
                  "public.example",
                  HTTP_REFUSED_ADDRESS,
                  { 0, 0 } },
                { "169.254.169.254 public.example",
                  "public.example",
                  HTTP_REFUSED_ADDRESS,
                  { 0, 0 } },
                { "127.0.0.1 public.example.", "public.example.", HTTP_REFUSED_ADDRESS, { 0, 0 } },
                { "127.0.0.1 localhost.", "localhost.", HTTP_REFUSED_ADDRESS, { 0, 0 } },
                { "127.0.0.1 xn--localhost-", "xn--localhost-", HTTP_REFUSED_ADDRESS, { 0, 0 } },
        };
        char url[64];

        if (!has_hosts)
                skip();
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct fixture f;

                write_hosts(cases[i].hosts);
                snprintf(url, sizeof(url), "https://%s:%u/", cases[i].name, port);
                init(&f, "127.0.0.2");
                assert_int_equal(get(&f, url, /* configured= */ false), cases[i].failure);
                for (size_t k = 0; k < N_LISTENERS; k++)
                        assert_int_equal(listeners[k].n_visitors, cases[i].visitors[k]);
                fixture_done(&f);
        }
}

/* Rebinding: the name is asked anew, and has another answer than when it was found good. */
static void test_a_name_that_changes(void **state) {
        struct fixture f;
        char url[64];

        if (!has_hosts)
                skip();
        snprintf(url, sizeof(url), "https://public.example:%u/", port);
        for (int n = 0; n < 4; n++) {
                bool is_good = n % 2 == 0;

                write_hosts(is_good ? "127.0.0.2 public.example" : "127.0.0.1 public.example");
                init(&f, "127.0.0.2");
                assert_int_equal(get(&f, url, /* configured= */ false),
                                 is_good ? HTTP_NOT_CONNECTED : HTTP_REFUSED_ADDRESS);
                assert_int_equal(listeners[0].n_visitors, 0);
                assert_int_equal(listeners[1].n_visitors, is_good);
                fixture_done(&f);
        }
}

/* Needs to be root. */
static bool take_hosts(void) {
        int fd = mkstemp(hosts_path);

        if (fd < 0)
                return false;
        fd_close(fd);
        return unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", "", MS_REC | MS_PRIVATE, NULL) == 0 &&
               mount(hosts_path, "/etc/hosts", "", MS_BIND, NULL) == 0;
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_notations),
                cmocka_unit_test(test_what_is_listed),
                cmocka_unit_test(test_names),
                cmocka_unit_test(test_a_name_that_changes),
        };
        int r;

        if (sodium_init() < 0)
                return 1;
        has_hosts = take_hosts();
        r = cmocka_run_group_tests(tests, start_listeners, stop_listeners);
        (void)unlink(hosts_path);
        return r;
}
