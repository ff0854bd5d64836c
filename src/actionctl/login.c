/* SPDX-License-Identifier: MIT */
/*
 * auth login: sends a person to the platform and waits for the way back: over a listener, by a
 * pasted address, or by a code that is entered on another device.
 */
#include "actionctl/ctl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "actionctl/browser.h"
#include "actionctl/flow.h"
#include "actionctl/interrupt.h"
#include "actionctl/listener.h"
#include "actionctl/output.h"
#include "actionctl/page.h"
#include "actionctl/prompt.h"
#include "base/clock.h"

#define CALLBACK_PATH "/oauth/callback"
#define PASTE_TRIES 5

static const char nothing_connected[] = "nothing was connected";
static const char maybe_connected[] = "'actionctl auth status' tells whether it was connected";

struct login {
        const struct ctl *ctl;
        struct flow flow;
        struct redirect redirect;
        struct listener *listener; /* owned */
        struct outcome outcome;
        int code;
};

static void login_done(struct login *l) {
        flow_done(&l->flow);
        redirect_done(&l->redirect);
        listener_free(l->listener);
        outcome_done(&l->outcome);
}

/* ---- what is said ---- */

/* With --json stdout is the engine's. */
static FILE *talk(const struct login *l) {
        return l->ctl->json ? stderr : stdout;
}

static void say(const struct login *l, const char *before, const char *text) {
        _cleanup_(buffer_done) struct buffer clean = { 0 };

        output_clean(text, &clean);
        fprintf(talk(l), "%s%s\n", before, clean.data ?: "");
        fflush(talk(l));
}

static void show_progress(void *userdata) {
        const struct login *l = userdata;
        uint64_t now_usec = clock_usec(CLOCK_BOOTTIME), left_sec = 0;

        if (l->flow.until_usec > now_usec)
                left_sec = (l->flow.until_usec - now_usec) / USEC_PER_SEC;
        output_progress("Waiting for the browser, %u:%02u left", (unsigned)(left_sec / 60),
                        (unsigned)(left_sec % 60));
}

static void print_fact(const struct outcome_fact *f, FILE *to) {
        for (size_t i = 0; i < f->n_values; i++) {
                _cleanup_(buffer_done) struct buffer clean = { 0 };

                output_clean(f->values[i], &clean);
                fprintf(to, "  %-13s %s\n", i == 0 ? f->name : "", clean.data ?: "");
        }
}

/* What the page says; but why it failed has been told, with what to do about it. */
static int conclude(struct login *l) {
        const struct outcome *o = &l->outcome;

        if (l->code == CTL_SUCCESS) {
                say(l, outcome_title(o), ".");
                for (size_t i = 0; i < o->n_facts; i++)
                        print_fact(&o->facts[i], talk(l));
                if (o->kind == OUTCOME_PARTLY)
                        output_note("%s %s", outcome_text(o), outcome_next(o));
        } else if (o->kind == OUTCOME_FAILED)
                output_note("%s", outcome_title(o));
        else
                output_note("%s: %s", outcome_title(o), outcome_text(o));
        return l->code;
}

static int expired(void) {
        output_error("the time for this consent is over: nothing was connected");
        return CTL_RETRY;
}

/* ---- by a pasted address ---- */

static int refuse_paste(int r) {
        output_error("%s", r == -EKEYREJECTED
                                           ? "that is the end of another login: this one's address "
                                             "has another 'state'"
                                           : "that is not where the browser ends: its address has "
                                             "'state=' and 'code=' in it");
        return CTL_USAGE;
}

/* One line from stdin, and what comes of it. Returns -EAGAIN when another may be tried. */
static int take_paste(struct login *l, const char *question) {
        _cleanup_(secret_freep) struct secret *url = NULL;
        int r;

        interrupt_begin(nothing_connected);
        r = prompt_line(question, REDIRECT_MAX, l->flow.until_usec, &url);
        interrupt_end();
        if (r == -ETIME)
                return expired();
        if (r == 0)
                r = redirect_check(url->data, l->flow.state);
        else if (r != -ENODATA || !prompt_possible()) {
                output_error("cannot read the address: %s", prompt_reason(r));
                return CTL_USAGE;
        }
        if (r < 0) {
                r = refuse_paste(r);
                return prompt_possible() ? -EAGAIN : r;
        }
        interrupt_begin(maybe_connected);
        l->code = flow_finish(l->ctl, &l->flow, url->data, &l->outcome);
        interrupt_end();
        return conclude(l);
}

static int login_by_paste(struct login *l) {
        int r = -EAGAIN;

        say(l, "Open this link in a browser, and consent:\n\n  ", l->flow.authorization_url);
        fputs("\nThe browser ends at an address that it may not be able to show. That address is\n"
              "what is needed here, all of it.\n",
              talk(l));
        fflush(talk(l));
        for (unsigned i = 0; i < PASTE_TRIES && r == -EAGAIN; i++)
                r = take_paste(l, "Its address: ");
        return r == -EAGAIN ? CTL_USAGE : r;
}

/* ---- by the listener ---- */

static void on_redirect(const char *target, struct buffer *page, void *userdata) {
        struct login *l = userdata;
        _cleanup_(buffer_done) struct buffer url = { 0 };

        output_progress(NULL);
        buffer_printf(&url, "http://%s%s", l->redirect.authority, target);
        if (buffer_error(&url) == 0)
                l->code = flow_finish(l->ctl, &l->flow, url.data, &l->outcome);
        page_render(&l->outcome, page);
}

/* Returns whether there is a browser at work that comes back by itself. */
static bool send_to_browser(struct login *l) {
        const char *obstacle = browser_obstacle_here();
        int r = 0;

        if (!obstacle)
                r = browser_open(l->flow.authorization_url);
        if (!obstacle && r == 0) {
                say(l, "Your browser opens. If it does not, this is the link:\n\n  ",
                    l->flow.authorization_url);
                return true;
        }
        if (obstacle)
                output_note("no browser is opened, since %s", obstacle);
        else
                output_note("no browser can be opened: %s", strerror(-r));
        say(l, "Open this link in a browser on this machine, and consent:\n\n  ",
            l->flow.authorization_url);
        return false;
}

static int wait_for_redirect(struct login *l, bool paste) {
        const struct listener_wait wait = {
                .redirect = &l->redirect,
                .state = l->flow.state,
                .until_usec = l->flow.until_usec,
                .input_fd = paste ? STDIN_FILENO : -1,
                .on_tick = show_progress,
                .on_redirect = on_redirect,
                .userdata = l,
        };
        int r;

        show_progress(l);
        r = listener_wait(l->listener, &wait);
        output_progress(NULL);
        return r;
}

static int listen_for_redirect(struct login *l) {
        bool paste = !send_to_browser(l) && prompt_possible();
        int r;

        if (paste)
                fputs("\nIf the browser is elsewhere, paste the address here that it ends at.\n",
                      talk(l));
        fflush(talk(l));
        for (;;) {
                r = wait_for_redirect(l, paste);
                if (r == LISTENER_INPUT) {
                        r = take_paste(l, "");
                        if (r != -EAGAIN)
                                return r;
                        continue;
                }
                l->listener = listener_free(l->listener);
                switch (r) {
                case LISTENER_ANSWERED:
                        return conclude(l);
                case LISTENER_EXPIRED:
                        return expired();
                case LISTENER_INTERRUPTED:
                        output_error("interrupted: %s", nothing_connected);
                        return CTL_RETRY;
                default:
                        output_error("cannot wait for the browser: %s", strerror(-r));
                        return CTL_USAGE;
                }
        }
}

static int cannot_listen(uint16_t port, int r) {
        output_error("cannot listen on 127.0.0.1, port %u: %s", port, strerror(-r));
        fputs("Choose another with --port, or do without: --no-browser.\n", stderr);
        return CTL_USAGE;
}

/* The app has a redirect of its own, and no other will do. */
static int take_registered_redirect(struct login *l) {
        int r;

        l->listener = listener_free(l->listener);
        r = flow_start(l->ctl, FLOW_BROWSER, NULL, &l->flow);
        if (r != 0)
                return r;
        r = redirect_parse(l->flow.redirect_uri, &l->redirect);
        if (r == -EADDRNOTAVAIL)
                return 0; /* of another machine: a person brings back what it was given */
        if (r < 0)
                return cannot_listen(0, r);
        if (l->ctl->port > 0 && l->ctl->port != l->redirect.port)
                output_note("the app's redirect is registered with port %u, so that is what it is",
                            l->redirect.port);
        if (l->ctl->no_browser)
                return 0;
        r = listener_open(l->redirect.port, &l->listener);
        return r < 0 ? cannot_listen(l->redirect.port, r) : 0;
}

static int start_browser_flow(struct login *l) {
        char uri[sizeof("http://127.0.0.1:65535" CALLBACK_PATH)];
        int r;

        r = listener_open((uint16_t)l->ctl->port, &l->listener);
        if (r < 0)
                return cannot_listen((uint16_t)l->ctl->port, r);
        snprintf(uri, sizeof(uri), "http://127.0.0.1:%u" CALLBACK_PATH, listener_port(l->listener));
        r = flow_start(l->ctl, FLOW_BROWSER, uri, &l->flow);
        if (r == -EADDRNOTAVAIL)
                return take_registered_redirect(l);
        if (r != 0)
                return r;
        r = redirect_parse(l->flow.redirect_uri, &l->redirect);
        if (r == 0 && l->redirect.port == listener_port(l->listener))
                return 0;
        output_error("the engine sends the browser back to another address than it was asked to");
        return CTL_REFUSED;
}

static int login_by_browser(struct login *l) {
        int r;

        r = start_browser_flow(l);
        if (r != 0)
                return r;
        if (l->ctl->no_browser || !l->redirect.authority) {
                l->listener = listener_free(l->listener);
                return login_by_paste(l);
        }
        return listen_for_redirect(l);
}

/* ---- on another device ---- */

static int login_by_device(struct login *l) {
        int r;

        r = flow_start(l->ctl, FLOW_DEVICE, NULL, &l->flow);
        if (r != 0)
                return r;
        say(l, "On any device, open\n\n  ", l->flow.verification_uri);
        say(l, "\nand enter this code:\n\n  ", l->flow.user_code);
        if (l->flow.verification_uri_complete)
                say(l, "\nOr open this link, which holds the code:\n\n  ",
                    l->flow.verification_uri_complete);
        output_progress("Waiting for the consent");
        interrupt_begin(maybe_connected);
        l->code = flow_finish(l->ctl, &l->flow, NULL, &l->outcome);
        interrupt_end();
        output_progress(NULL);
        return conclude(l);
}

int ctl_auth_login(const struct ctl *ctl) {
        _cleanup_(login_done) struct login l = { .ctl = ctl, .code = CTL_USAGE };

        if (ctl->device && (ctl->no_browser || ctl->port > 0))
                return output_usage("--device needs neither --no-browser nor --port");
        return ctl->device ? login_by_device(&l) : login_by_browser(&l);
}
