/* SPDX-License-Identifier: MIT */
/*
 * TLS and HTTP/2 with a real nginx, which this test starts on sockets of its own: nginx takes over
 * the descriptors that its variable NGINX names, so that no port is guessed and nothing waited for.
 */
#include "test.h"

#include <arpa/inet.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "http-fixture.h"

#define EXIT_SKIP 77

enum server {
        SERVER_H2,
        SERVER_H1,
        SERVER_SHORT_LIVED, /* ends a connection after ten requests */
        SERVER_OTHER_NAME,
        SERVER_EXPIRED,
        SERVER_SELF_SIGNED,
        SERVER_UNKNOWN_ISSUER,
        SERVER_OLD_TLS,
        SERVER_NO_TLS,
        N_SERVERS,
};

/* clang-format off */
static const struct {
        const char *certificate, *listen, *more;
} servers[N_SERVERS] = {
        [SERVER_H2]             = { "good",    "ssl http2", "" },
        [SERVER_H1]             = { "good",    "ssl",       "" },
        [SERVER_SHORT_LIVED]    = { "good",    "ssl http2", "keepalive_requests 10;" },
        [SERVER_OTHER_NAME]     = { "other",   "ssl http2", "" },
        [SERVER_EXPIRED]        = { "expired", "ssl http2", "" },
        [SERVER_SELF_SIGNED]    = { "alone",   "ssl http2", "" },
        [SERVER_UNKNOWN_ISSUER] = { "issued",  "ssl http2", "" },
        [SERVER_OLD_TLS]        = { "good",    "ssl",
                                    "ssl_protocols TLSv1 TLSv1.1; ssl_ciphers ALL:@SECLEVEL=0;" },
        [SERVER_NO_TLS]         = { "good",    "",          "" },
};
/* clang-format on */

/* All but `alone` and `issued` are trusted, the latter with its authority behind it. Only `openssl ca` can date a certificate back. */
static const char make_certificates[] =
                "set -e; cd \"$0\"\n"
                "printf "
                "'[ca]\\ndefault_ca=c\\n[c]\\ndatabase=index\\nnew_certs_dir=.\\nserial="
                "serial\\ndefault_md="
                "sha256\\n"
                "policy=p\\ncopy_extensions=copy\\n[p]\\ncommonName=supplied\\n' >ca.conf\n"
                "make() {\n"
                "  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout $1.key"
                "    -subj /CN=$1 -addext subjectAltName=$2 -out $1.csr\n"
                "  : >index\n"
                "  openssl ca -batch -notext -config ca.conf -selfsign -keyfile $1.key -rand_serial"
                "    -startdate 20200101000000Z -enddate $3 -in $1.csr -out $1.pem\n"
                "}\n"
                "make good IP:127.0.0.1 20991231000000Z\n"
                "make other DNS:other.example 20991231000000Z\n"
                "make expired IP:127.0.0.1 20200201000000Z\n"
                "make alone IP:127.0.0.1 20991231000000Z\n"
                "new='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'\n"
                "openssl req $new -x509 -keyout authority.key -subj /CN=authority -days 36500"
                "  -addext basicConstraints=critical,CA:TRUE -out authority.pem\n"
                "openssl req $new -keyout issued.key -subj /CN=issued"
                "  -addext subjectAltName=IP:127.0.0.1 -out issued.csr\n"
                "openssl x509 -req -in issued.csr -CA authority.pem -CAkey authority.key"
                "  -set_serial 1 -days 36500 -copy_extensions copy -out issued.pem\n"
                "cat authority.pem >>issued.pem\n"
                "cat good.pem other.pem expired.pem >trusted.pem\n";

static struct {
        char directory[64], trusted[128];
        int fds[N_SERVERS], ports[N_SERVERS];
        pid_t pid;
} nginx;

static bool run_quietly(const char *const *argv) {
        int status;
        pid_t pid = fork();

        if (pid == 0) {
                if (freopen("/dev/null", "w", stdout) && freopen("/dev/null", "w", stderr))
                        execvp(argv[0], (char *const *)argv);
                _exit(127);
        }
        return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

static void open_socket(enum server s) {
        struct sockaddr_in address = { .sin_family = AF_INET,
                                       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t size = sizeof(address);

        nginx.fds[s] = socket(AF_INET, SOCK_STREAM, 0);
        assert_int_equal(bind(nginx.fds[s], (struct sockaddr *)&address, size), 0);
        assert_int_equal(listen(nginx.fds[s], 511), 0);
        assert_int_equal(getsockname(nginx.fds[s], (struct sockaddr *)&address, &size), 0);
        nginx.ports[s] = ntohs(address.sin_port);
}

static void write_configuration(void) {
        char path[128];
        FILE *f;

        snprintf(path, sizeof(path), "%s/nginx.conf", nginx.directory);
        f = fopen(path, "w");
        assert_non_null(f);
        fputs("daemon off; worker_processes 1; pid nginx.pid; error_log log;\n"
              "events { worker_connections 512; }\n"
              "http {\naccess_log off; keepalive_requests 100000; default_type text/plain;\n"
              "map $http_authorization $who {\n"
              "default nobody; \"Bearer token-of-ada\" ada; \"Bearer token-of-bob\" bob; }\n"
              "client_body_temp_path b; proxy_temp_path p; fastcgi_temp_path f;\n"
              "uwsgi_temp_path u; scgi_temp_path s;\n",
              f);
        for (enum server s = 0; s < N_SERVERS; s++)
                fprintf(f,
                        "server { listen 127.0.0.1:%d %s; %s\n"
                        "ssl_certificate %s.pem; ssl_certificate_key %s.key;\n"
                        "location / { return 200 \"$server_protocol $connection\"; }\n"
                        "location /who { return 200 \"$server_protocol $connection $who\"; }\n"
                        "location /echo {\n"
                        "  return 200 \"$server_protocol $connection $http_authorization\"; } }\n",
                        nginx.ports[s], servers[s].listen, servers[s].more, servers[s].certificate,
                        servers[s].certificate);
        fputs("}\n", f);
        assert_int_equal(fclose(f), 0);
}

static void run_nginx(pid_t parent) {
        char inherited[256] = "";

        for (enum server s = 0; s < N_SERVERS; s++)
                sprintf(inherited + strlen(inherited), "%d;", nginx.fds[s]);
        setenv("NGINX", inherited, 1);
        if (prctl(PR_SET_PDEATHSIG, SIGTERM) == 0 && getppid() == parent)
                execlp("nginx", "nginx", "-p", nginx.directory, "-c", "nginx.conf", "-e", "log",
                       NULL);
        _exit(127);
}

static int start_nginx(void **state) {
        const char *const certificates[] = { "sh", "-c", make_certificates, nginx.directory, NULL };
        pid_t parent = getpid();

        strcpy(nginx.directory, "/tmp/test-http-tls-XXXXXX");
        assert_non_null(mkdtemp(nginx.directory));
        snprintf(nginx.trusted, sizeof(nginx.trusted), "%s/trusted.pem", nginx.directory);
        assert_true(run_quietly(certificates));
        for (enum server s = 0; s < N_SERVERS; s++)
                open_socket(s);
        write_configuration();

        nginx.pid = fork();
        assert_true(nginx.pid >= 0);
        if (nginx.pid == 0)
                run_nginx(parent);
        for (enum server s = 0; s < N_SERVERS; s++)
                fd_close(nginx.fds[s]);
        return 0;
}

static int stop_nginx(void **state) {
        const char *const remove[] = { "rm", "-r", nginx.directory, NULL };

        kill(nginx.pid, SIGTERM); /* its worker ends with it */
        waitpid(nginx.pid, NULL, 0);
        return run_quietly(remove) ? 0 : -1;
}

static void init(struct fixture *f, const char *ca_file, unsigned max_connections) {
        struct http_options options = default_options;

        options.ca_file = ca_file;
        options.max_connections_per_host = max_connections;
        *f = (struct fixture){ 0 };
        assert_int_equal(sd_event_new(&f->event), 0);
        assert_int_equal(poller_new(f->event, &f->poller), 0);
        assert_int_equal(http_client_new(f->poller, &options, &f->client), 0);
}

static void prepare(struct try *t, struct fixture *f, enum server s) {
        *t = (struct try){ .fixture = f, .request = { .method = "GET", .configured = true } };
        assert_true(asprintf(&t->request.url, "https://127.0.0.1:%d/", nginx.ports[s]) > 0);
}

static void get(struct try *t, struct fixture *f, enum server s) {
        prepare(t, f, s);
        try_start(t);
        try_wait(t);
}

static void assert_answered(struct try *t, const char *protocol) {
        if (t->response.failure != HTTP_ANSWERED)
                fail_msg("failure %d: %s", (int)t->response.failure, t->response.reason);
        assert_int_equal(t->response.status, 200);
        assert_memory_equal(t->body, protocol, strlen(protocol));
}

static const struct {
        enum server server;
        const char *protocol;
} good[] = {
        { SERVER_H2, "HTTP/2.0 " },
        { SERVER_H1, "HTTP/1.1 " },
};

/* HTTP/2 where the peer has it; and either way one connection for one call after the other. */
static void test_protocol_and_reuse(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(good); i++) {
                struct fixture f;
                struct try first;

                init(&f, nginx.trusted, 256);
                get(&first, &f, good[i].server);
                assert_answered(&first, good[i].protocol);
                for (int n = 0; n < 20; n++) {
                        struct try t;

                        get(&t, &f, good[i].server);
                        assert_answered(&t, good[i].protocol);
                        assert_string_equal(t.body, first.body);
                        try_done(&t);
                }
                try_done(&first);
                fixture_done(&f);
        }
}

#define N_MANY 64

/* Returns how many connections the calls were answered on. */
static int count_connections(struct try *many) {
        int n = 0;

        for (int i = 0; i < N_MANY; i++) {
                int k = 0;

                while (strcmp(many[k].body, many[i].body) != 0)
                        k++;
                n += k == i;
        }
        return n;
}

/* Over HTTP/2 they share the first one's connection, even those that came before it was there. */
static void test_many_at_once(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(good); i++) {
                struct try many[N_MANY];
                struct fixture f;

                init(&f, nginx.trusted, 8);
                for (int n = 0; n < N_MANY; n++) {
                        prepare(&many[n], &f, good[i].server);
                        try_start(&many[n]);
                }
                for (int n = 0; n < N_MANY; n++) {
                        try_wait(&many[n]);
                        assert_answered(&many[n], good[i].protocol);
                }
                assert_in_range(count_connections(many), 1, good[i].server == SERVER_H2 ? 1 : 8);
                for (int n = 0; n < N_MANY; n++)
                        try_done(&many[n]);
                fixture_done(&f);
        }
}

/* The server says that this connection takes no more (GOAWAY): the next call opens a new one. */
static void test_a_server_that_goes_away(void **state) {
        struct fixture f;

        init(&f, nginx.trusted, 256);
        for (int n = 0; n < 35; n++) {
                struct try t;

                get(&t, &f, SERVER_SHORT_LIVED);
                assert_answered(&t, "HTTP/2.0 ");
                assert_int_equal(t.n_leaving, 1);
                try_done(&t);
        }
        fixture_done(&f);
}

/* A connection of HTTP/2 remembers: what is secret, but for a bearer, does not go over one. */
static void test_secrets_go_by_http_1(void **state) {
        for (int secret = 0; secret < 8; secret++) {
                struct secret *key;
                struct fixture f;

                init(&f, nginx.trusted, 256);
                assert_int_equal(secret_new("key", 3, &key), 0);
                for (int n = 0; n < 3; n++) {
                        bool is_secret = n == 1 && secret > 0;
                        struct try t;

                        prepare(&t, &f, SERVER_H2);
                        t.request.secret_answer = is_secret && secret & 1;
                        t.request.secret_url = is_secret && secret & 2;
                        if (is_secret && secret & 4)
                                assert_int_equal(http_request_secret_header(&t.request, "X-Key",
                                                                            key),
                                                 0);
                        try_start(&t);
                        try_wait(&t);
                        assert_answered(&t, is_secret ? "HTTP/1.1 " : "HTTP/2.0 ");
                        try_done(&t);
                }
                secret_free(key);
                fixture_done(&f);
        }
}

/* It ends with an answer that quotes our bearer, and with no other. */
static void test_quoted_bearers(void **state) {
        static const struct {
                const char *path;
                const char *bearer;
                bool ends;
        } cases[] = {
                { "", "0123456789abcdefghijklmnopqrstuv", false },
                { "echo", "0123456789abcdefghijklmnopqrstuv", true },
                { "echo", "short", true },
                { "", "short", false },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct secret *bearer;
                char connection[2][64];
                struct fixture f;

                init(&f, nginx.trusted, 256);
                assert_int_equal(secret_new(cases[i].bearer, strlen(cases[i].bearer), &bearer), 0);
                for (int n = 0; n < 2; n++) {
                        struct try t;

                        prepare(&t, &f, SERVER_H2);
                        t.request.bearer = bearer;
                        free(t.request.url);
                        assert_true(asprintf(&t.request.url, "https://127.0.0.1:%d/%s",
                                             nginx.ports[SERVER_H2], cases[i].path) > 0);
                        try_start(&t);
                        try_wait(&t);
                        assert_answered(&t, "HTTP/2.0 ");
                        assert_int_equal(sscanf(t.body, "HTTP/2.0 %63s", connection[n]), 1);
                        try_done(&t);
                }
                assert_int_equal(strcmp(connection[0], connection[1]) != 0, cases[i].ends);
                secret_free(bearer);
                fixture_done(&f);
        }
}

/* Who asks by that path, as whom; the answer says over which connection, and as whom. */
static void prepare_as(struct try *t, struct fixture *f, enum server s,
                       const struct secret *bearer) {
        prepare(t, f, s);
        free(t->request.url);
        assert_true(asprintf(&t->request.url, "https://127.0.0.1:%d/who", nginx.ports[s]) > 0);
        t->request.bearer = bearer;
}

/* Returns the number of the connection. */
static unsigned assert_answered_as(struct try *t, const char *protocol, const char *who) {
        unsigned connection;
        char said[16];

        assert_answered(t, protocol);
        assert_int_equal(sscanf(t->body, "%*s %u %15s", &connection, said), 2);
        assert_string_equal(said, who);
        return connection;
}

static const char *const users[] = { "ada", "bob", "nobody" };
#define N_USERS ELEMENTSOF(users)

static void make_bearers(struct secret *ret[static N_USERS]) {
        for (size_t i = 0; i < N_USERS - 1; i++) {
                char text[32];
                int n = snprintf(text, sizeof(text), "token-of-%s", users[i]);

                assert_int_equal(secret_new(text, (size_t)n, &ret[i]), 0);
        }
        ret[N_USERS - 1] = NULL;
}

static void free_bearers(struct secret *bearers[static N_USERS]) {
        for (size_t i = 0; i < N_USERS; i++)
                secret_free(bearers[i]);
}

/* One connection, and each request on it is its own user's, or nobody's. */
static void test_users_in_turn(void **state) {
        struct secret *bearers[N_USERS];

        make_bearers(bearers);
        for (size_t i = 0; i < ELEMENTSOF(good); i++) {
                unsigned connection, first = 0;
                struct fixture f;

                init(&f, nginx.trusted, 256);
                for (size_t n = 0; n < 8 * N_USERS; n++) {
                        struct try t;

                        prepare_as(&t, &f, good[i].server, bearers[n % N_USERS]);
                        try_start(&t);
                        try_wait(&t);
                        connection = assert_answered_as(&t, good[i].protocol, users[n % N_USERS]);
                        first = n == 0 ? connection : first;
                        assert_int_equal(connection, first);
                        try_done(&t);
                }
                fixture_done(&f);
        }
        free_bearers(bearers);
}

/* The same at once: over HTTP/2 on one connection, over HTTP/1 on some that are used again. */
static void test_users_at_once(void **state) {
        struct secret *bearers[N_USERS];

        make_bearers(bearers);
        for (size_t i = 0; i < ELEMENTSOF(good); i++) {
                unsigned connection, first = 0;
                struct try many[N_MANY];
                struct fixture f;

                init(&f, nginx.trusted, 4);
                for (size_t n = 0; n < N_MANY; n++) {
                        prepare_as(&many[n], &f, good[i].server, bearers[n % N_USERS]);
                        try_start(&many[n]);
                }
                for (size_t n = 0; n < N_MANY; n++) {
                        try_wait(&many[n]);
                        connection = assert_answered_as(&many[n], good[i].protocol,
                                                        users[n % N_USERS]);
                        first = n == 0 ? connection : first;
                        if (good[i].server == SERVER_H2)
                                assert_int_equal(connection, first);
                        try_done(&many[n]);
                }
                fixture_done(&f);
        }
        free_bearers(bearers);
}

/* Who may not open a connection to that address may not use one that another has opened. */
static void test_a_kept_connection_is_no_way_in(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(good); i++) {
                struct try t[3];
                struct fixture f;

                init(&f, nginx.trusted, 1);
                for (int n = 0; n < 3; n++) {
                        prepare(&t[n], &f, good[i].server);
                        t[n].request.configured = n != 1;
                        try_start(&t[n]);
                        try_wait(&t[n]);
                }
                assert_answered(&t[0], good[i].protocol);
                assert_int_equal(t[1].response.failure, HTTP_REFUSED_ADDRESS);
                assert_false(t[1].response.left);
                assert_int_equal(t[1].n_leaving, 0);
                assert_answered(&t[2], good[i].protocol);
                for (int n = 0; n < 3; n++)
                        try_done(&t[n]);
                fixture_done(&f);
        }
}

/* Whether it answers a client that trusts `ca_file`, and is content with TLS 1.0 or has no say. */
static bool answers_others(enum server s, const char *ca_file, bool old) {
        char url[64], path[128];
        CURL *e = curl_easy_init();
        long status = 0;

        snprintf(url, sizeof(url), "https://127.0.0.1:%d/", nginx.ports[s]);
        snprintf(path, sizeof(path), "%s/%s", nginx.directory, ca_file);
        assert_non_null(e);
        curl_easy_setopt(e, CURLOPT_URL, url);
        curl_easy_setopt(e, CURLOPT_CAINFO, path);
        curl_easy_setopt(e, CURLOPT_NOBODY, 1L);
        if (old) {
                curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_0);
                curl_easy_setopt(e, CURLOPT_SSL_CIPHER_LIST, "ALL:@SECLEVEL=0");
        }
        (void)curl_easy_perform(e);
        curl_easy_getinfo(e, CURLINFO_RESPONSE_CODE, &status);
        curl_easy_cleanup(e);
        return status == 200;
}

/* It is for what they are that the bad ones are not spoken to, and not because they are silent. */
static void test_who_would_answer(void **state) {
        assert_true(answers_others(SERVER_H2, "trusted.pem", /* old= */ false));
        assert_true(answers_others(SERVER_UNKNOWN_ISSUER, "authority.pem", /* old= */ false));
        assert_false(answers_others(SERVER_UNKNOWN_ISSUER, "trusted.pem", /* old= */ false));
        assert_true(answers_others(SERVER_SELF_SIGNED, "alone.pem", /* old= */ false));
        assert_true(answers_others(SERVER_OLD_TLS, "trusted.pem", /* old= */ true));
        assert_false(answers_others(SERVER_OLD_TLS, "trusted.pem", /* old= */ false));
}

/* Nothing leaves before the peer has proved who it is. */
static void test_who_is_not_trusted(void **state) {
        static const enum server bad[] = { SERVER_OTHER_NAME,  SERVER_EXPIRED,
                                           SERVER_SELF_SIGNED, SERVER_UNKNOWN_ISSUER,
                                           SERVER_OLD_TLS,     SERVER_NO_TLS };

        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                struct fixture f;
                struct try t;

                init(&f, nginx.trusted, 256);
                get(&t, &f, bad[i]);
                if (t.response.failure != HTTP_NOT_CONNECTED)
                        fail_msg("server %d: failure %d", (int)bad[i], (int)t.response.failure);
                assert_false(t.response.left);
                assert_int_equal(t.n_leaving, 0);
                assert_string_not_equal(t.response.reason, "");
                try_done(&t);
                fixture_done(&f);
        }
}

/* At that proxy is nobody; whoever heeds the variables asks there and gets no answer. */
static void test_proxies_of_the_environment(void **state) {
        static const char *const names[] = { "http_proxy", "https_proxy", "HTTPS_PROXY",
                                             "all_proxy", "ALL_PROXY" };
        static const char *const proxies[] = { "http://127.0.0.1:1", "socks5h://127.0.0.1:1" };

        for (size_t p = 0; p < ELEMENTSOF(proxies); p++) {
                for (size_t i = 0; i < ELEMENTSOF(names); i++)
                        assert_int_equal(setenv(names[i], proxies[p], 1), 0);
                assert_false(answers_others(SERVER_H2, "trusted.pem", /* old= */ false));
                for (size_t i = 0; i < ELEMENTSOF(good); i++) {
                        struct fixture f;
                        struct try t;

                        init(&f, nginx.trusted, 256);
                        get(&t, &f, good[i].server);
                        assert_answered(&t, good[i].protocol);
                        try_done(&t);
                        fixture_done(&f);
                }
        }

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                unsetenv(names[i]);
}

/* Without a file of its own, the client trusts the system's authorities and nobody else. */
static void test_the_system_does_not_know_us(void **state) {
        struct fixture f;
        struct try t;

        init(&f, NULL, 256);
        get(&t, &f, SERVER_H2);
        assert_int_equal(t.response.failure, HTTP_NOT_CONNECTED);
        try_done(&t);
        fixture_done(&f);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_protocol_and_reuse),
                cmocka_unit_test(test_many_at_once),
                cmocka_unit_test(test_a_server_that_goes_away),
                cmocka_unit_test(test_secrets_go_by_http_1),
                cmocka_unit_test(test_quoted_bearers),
                cmocka_unit_test(test_users_in_turn),
                cmocka_unit_test(test_users_at_once),
                cmocka_unit_test(test_a_kept_connection_is_no_way_in),
                cmocka_unit_test(test_who_would_answer),
                cmocka_unit_test(test_proxies_of_the_environment),
                cmocka_unit_test(test_who_is_not_trusted),
                cmocka_unit_test(test_the_system_does_not_know_us),
        };
        static const char *const needed[][3] = { { "nginx", "-v" }, { "openssl", "version" } };

        for (size_t i = 0; i < ELEMENTSOF(needed); i++)
                if (!run_quietly(needed[i])) {
                        printf("SKIP: there is no %s\n", needed[i][0]);
                        return EXIT_SKIP;
                }
        if (sodium_init() < 0)
                return EXIT_FAILURE;
        return cmocka_run_group_tests(tests, start_nginx, stop_nginx);
}
