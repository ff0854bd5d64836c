/* SPDX-License-Identifier: MIT */
#include "actionctl/interrupt.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

static const int signals[] = { SIGHUP, SIGINT, SIGTERM };

/* Made before it is needed: a handler may do little more than write it. */
static char words[256];
static size_t n_words;

/* It dies of the signal in the end, so that a shell's loop ends with it. */
static void on_signal(int number) {
        ssize_t n = write(STDERR_FILENO, words, n_words);

        (void)n; /* there is nobody left to be told */
        (void)raise(number);
}

static void set_handler(void (*handler)(int number), int flags) {
        const struct sigaction action = { .sa_handler = handler, .sa_flags = flags };
        struct sigaction before;

        for (size_t i = 0; i < ELEMENTSOF(signals); i++)
                if (sigaction(signals[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
                        (void)sigaction(signals[i], &action, NULL);
}

void interrupt_begin(const char *sentence) {
        /* Behind ^C, or over what has been shown of the progress. */
        const char *clear = isatty(STDERR_FILENO) ? "\r\033[K" : "";

        snprintf(words, sizeof(words), "%sactionctl: interrupted: %s\n", clear, sentence);
        n_words = strlen(words);
        set_handler(on_signal, (int)SA_RESETHAND | SA_RESTART);
}

void interrupt_end(void) {
        set_handler(SIG_DFL, 0);
}
