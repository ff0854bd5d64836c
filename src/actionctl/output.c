/* SPDX-License-Identifier: MIT */
#include "actionctl/output.h"

#include <errno.h>
#include <libsmartcols.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "actionctl/wrap.h"
#include "base/error.h"

#define MIN_COLUMN 8 /* narrower ones are not to be read */

static void put_clean(const char *text, FILE *to) {
        _cleanup_(buffer_done) struct buffer clean = { 0 };

        output_clean(text, &clean);
        if (clean.data)
                fputs(clean.data, to);
}

/* ---- stdout ---- */

static void put_scalar(const cJSON *value) {
        _cleanup_(buffer_done) struct buffer text = { 0 };

        if (cJSON_IsString(value)) {
                put_clean(value->valuestring, stdout);
                return;
        }
        json_print(value, &text);
        fputs(text.data ?: "", stdout);
}

/* Line by line, and in the margin what shows that it is one text: its lines may look like members. */
static void put_text(const char *text, unsigned level) {
        for (const char *end; *text; text = *end ? end + 1 : end) {
                _cleanup_(freep) char *line = NULL;
                size_t size;

                end = strchrnul(text, '\n');
                size = (size_t)(end - text);
                if (size > 0 && text[size - 1] == '\r')
                        size--;
                line = strndup(text, size);
                printf("\n%*s| ", (int)(level + 1) * 2, "");
                put_clean(line ?: "", stdout);
        }
}

/* The first member stands where the line is already: beside the dash of an element. */
static void put_value(const cJSON *value, unsigned level) {
        const cJSON *child;

        cJSON_ArrayForEach (child, value) {
                if (child != value->child)
                        printf("%*s", (int)level * 2, "");
                if (child->string)
                        put_clean(child->string, stdout);
                fputs(child->string ? ":" : "-", stdout);
                if (cJSON_IsString(child) && strchr(child->valuestring, '\n')) {
                        put_text(child->valuestring, level);
                        putchar('\n');
                        continue;
                }
                if (child->child && child->string)
                        printf("\n%*s", (int)(level + 1) * 2, "");
                else
                        putchar(' ');
                if (child->child) {
                        put_value(child, level + 1);
                        continue;
                }
                put_scalar(child);
                putchar('\n');
        }
}

void output_value(const cJSON *value) {
        if (value && value->child)
                put_value(value, 0);
        else if (value && !cJSON_IsObject(value)) {
                put_scalar(value);
                putchar('\n');
        }
}

void output_line(const char *line, size_t size) {
        for (size_t i = 0; i < size; i++) {
                unsigned char c = (unsigned char)line[i],
                              next = i + 1 < size ? (unsigned char)line[i + 1] : 0;

                if (c == 0x7f)
                        fputs("\\u007f", stdout);
                else if (c == 0xc2 && next < 0xa0) {
                        printf("\\u%04x", next);
                        i++;
                } else
                        putchar(c);
        }
        putchar('\n');
}

void output_json(const cJSON *value) {
        _cleanup_(buffer_done) struct buffer text = { 0 };

        json_print(value, &text);
        if (text.data)
                output_line(text.data, text.size);
}

int output_end(int code) {
        if (fflush(stdout) == 0 && !ferror(stdout))
                return code;
        output_error("cannot write the output: %s", strerror(errno));
        return code == CTL_SUCCESS ? CTL_USAGE : code;
}

struct libscols_table *output_table_new(const struct output_column *columns, size_t n) {
        struct libscols_table *table = scols_new_table();

        for (size_t i = 0; table && i < n; i++)
                scols_table_new_column(table, columns[i].name, columns[i].width, columns[i].flags);
        return table;
}

void output_table_add(struct libscols_table *table, const char *const *cells, size_t n) {
        struct libscols_line *line = table ? scols_table_new_line(table, NULL) : NULL;

        for (size_t i = 0; line && i < n; i++) {
                _cleanup_(buffer_done) struct buffer clean = { 0 };

                output_clean(cells[i], &clean);
                scols_line_set_data(line, i, clean.data ?: "");
        }
}

static const char *cell_text(struct libscols_table *table, size_t line, size_t column) {
        struct libscols_line *l = scols_table_get_line(table, line);

        return scols_cell_get_data(scols_line_get_cell(l, column)) ?: "";
}

static size_t natural_width(struct libscols_table *table, size_t column) {
        struct libscols_column *c = scols_table_get_column(table, column);
        size_t width = wrap_width(scols_cell_get_data(scols_column_get_header(c)) ?: "");

        for (size_t i = 0; i < scols_table_get_nlines(table); i++) {
                size_t n = wrap_width(cell_text(table, i, column));

                width = n > width ? n : width;
        }
        return width;
}

static void wrap_column(struct libscols_table *table, size_t column, size_t width) {
        struct libscols_column *c = scols_table_get_column(table, column);

        for (size_t i = 0; i < scols_table_get_nlines(table); i++) {
                _cleanup_(buffer_done) struct buffer lines = { 0 };

                wrap_words(cell_text(table, i, column), width, &lines);
                if (buffer_error(&lines) == 0 && lines.data)
                        scols_line_set_data(scols_table_get_line(table, i), column, lines.data);
        }
        scols_column_set_safechars(c, "\n");
        scols_column_set_wrapfunc(c, scols_wrapnl_chunksize, scols_wrapnl_nextchunk, NULL);
}

/*
 * The library breaks within words. The columns that may be wrapped share what the others leave: a
 * quarter of it at most for each but the last. Where that is too little it is the library's to do
 * what it can.
 */
static void wrap_table(struct libscols_table *table) {
        size_t n = scols_table_get_ncols(table), taken = n - 1, last = n, n_wrapped = 0, left;

        for (size_t i = 0; i < n; i++)
                if (scols_column_is_wrap(scols_table_get_column(table, i))) {
                        last = i;
                        n_wrapped++;
                } else
                        taken += natural_width(table, i);
        left = scols_table_get_termwidth(table);
        if (left < taken + n_wrapped * MIN_COLUMN)
                return;
        left -= taken;
        for (size_t i = 0; i < n; i++) {
                size_t width = left, natural;

                if (!scols_column_is_wrap(scols_table_get_column(table, i)))
                        continue;
                natural = natural_width(table, i);
                if (i != last)
                        width = natural < left / 4 ? natural : left / 4;
                if (width < MIN_COLUMN)
                        width = MIN_COLUMN;
                left -= width;
                wrap_column(table, i, width);
        }
}

void output_table_print(struct libscols_table *table) {
        if (table && isatty(STDOUT_FILENO))
                wrap_table(table);
        if (table)
                scols_print_table(table);
        scols_unref_table(table);
}

/* ---- stderr ---- */

static bool in_colour(void) {
        const char *no = getenv("NO_COLOR");

        return isatty(STDERR_FILENO) && !(no && *no);
}

static bool progress_stands;

static void clear_progress(void) {
        if (progress_stands)
                fputs("\r\033[K", stderr);
        progress_stands = false;
}

static void put_sentence(const char *colour, const char *format, va_list ap)
                __attribute__((__format__(__printf__, 2, 0)));

static void put_sentence(const char *colour, const char *format, va_list ap) {
        _cleanup_(buffer_done) struct buffer clean = { 0 };
        char text[2 * AE_MESSAGE_SIZE];

        vsnprintf(text, sizeof(text), format, ap);
        output_clean(text, &clean);
        clear_progress();
        if (in_colour())
                fprintf(stderr, "actionctl: %s%s\033[0m\n", colour, clean.data ?: "");
        else
                fprintf(stderr, "actionctl: %s\n", clean.data ?: "");
}

#define RED "\033[1;31m"
#define YELLOW "\033[33m"

void output_error(const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        put_sentence(RED, format, ap);
        va_end(ap);
}

void output_note(const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        put_sentence(YELLOW, format, ap);
        va_end(ap);
}

int output_usage(const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        put_sentence(RED, format, ap);
        va_end(ap);
        fputs("See 'actionctl --help', or 'actionctl VERB --help'.\n", stderr);
        return CTL_USAGE;
}

void output_progress(const char *format, ...) {
        va_list ap;

        if (!isatty(STDERR_FILENO))
                return;
        clear_progress();
        if (format) {
                progress_stands = true;
                va_start(ap, format);
                vfprintf(stderr, format, ap);
                va_end(ap);
        }
        fflush(stderr);
}

void output_request(const char *line) {
        fputs("> ", stderr);
        put_clean(line, stderr);
        fputc('\n', stderr);
}

/* ---- the engine's no ---- */

#define CTL_CREDENTIAL (CTL_AUTH_IMPORT | CTL_AUTH_TOKEN)

/*
 * What to do next, after which verbs: %p is the platform, with the account if one was named, and %a
 * the action. A code that is not here has said it in its message.
 */
/* clang-format off */
static const struct {
        enum ae_code code;
        unsigned verbs;
        const char *text;
} advice[] = {
        { AE_MESSAGE_TOO_LARGE,        CTL_ANY,                       "Send less at once, or raise MaxMessageBytes= of the engine." },
        { AE_UNKNOWN_OP,               CTL_ANY & ~CTL_PROVIDER,       "Is that the engine's socket? Else the engine is older than this actionctl." },
        { AE_UNKNOWN_OP,               CTL_PROVIDER,                  "Is that the vault's socket? Else the vault is older than this actionctl." },
        { AE_UNAUTHENTICATED,          CTL_ANY,                       "Give your token with --token-file, or in ACTION_ENGINE_TOKEN." },
        { AE_TOKEN_INVALID,            CTL_ANY,                       "See what it says with 'actionctl token inspect', and get a new one." },
        { AE_TOKEN_EXPIRED,            CTL_ANY,                       "Get a new token; 'actionctl token create' makes one where the key is." },
        { AE_FORBIDDEN,                CTL_ANY,                       "Ask whoever issues the tokens, or writes the policy, to allow it." },
        { AE_APPROVAL_REQUIRED,        CTL_PERFORM,                   "With --ask a person is asked: here, or by 'actionctl approvals' elsewhere." },
        { AE_UNSUPPORTED_PLATFORM,     CTL_ANY & ~CTL_AUTH_LOGIN,     "'actionctl actions' lists what there is." },
        { AE_INVALID_PAYLOAD,          CTL_ACTION,                    "'actionctl actions %a' describes the fields." },
        { AE_INVALID_PAYLOAD,          CTL_CREDENTIAL,                "What each platform takes stands in actionctl(1), under Credentials." },
        { AE_NOT_CONNECTED,            CTL_AUTH_REVOKE,               "'actionctl auth status' lists what is connected." },
        { AE_AUTHORIZATION_FAILED,     CTL_AUTH_LOGIN,                "Log in again with 'actionctl auth login %p'." },
        { AE_NOT_FOUND,                CTL_PROVIDER,                  "'actionctl provider list' lists what there is." },
        { AE_OUTCOME_UNKNOWN,          CTL_ANY,                       "It may have happened: look at the platform before you send it again." },
        { AE_INTERNAL,                 CTL_ANY & ~CTL_PROVIDER,       "The journal of the engine, or of the vault, has the detail." },
        { AE_INTERNAL,                 CTL_PROVIDER,                  "The vault's journal has the detail." },
};
/* clang-format on */

static void put_findings(const cJSON *errors, const char *whole) {
        const cJSON *finding;

        cJSON_ArrayForEach (finding, errors) {
                const char *path = json_string(finding, "path");
                const char *message = json_string(finding, "message");

                fputs("  ", stderr);
                put_clean(path && *path ? path : whole, stderr);
                fputc(' ', stderr);
                put_clean(message ?: "is not right", stderr);
                fputc('\n', stderr);
        }
}

int output_findings(const char *platform, const char *action_type, const cJSON *errors) {
        output_error("the payload does not match the schema of %s.%s; nothing was sent", platform,
                     action_type);
        put_findings(errors, "the payload");
        fprintf(stderr, "See 'actionctl actions %s %s'; --no-validate leaves it to the engine.\n",
                platform, action_type);
        return CTL_USAGE;
}

/* The way to a credential, of which a person needs the command alone, and once. */
static bool is_told(const cJSON *member, const char *message) {
        static const char *const links[] = { "authorization_url", "expires_at", "state" };

        for (size_t i = 0; i < ELEMENTSOF(links); i++)
                if (strcmp(links[i], member->string) == 0)
                        return true;
        return strcmp(member->string, "start") == 0 && cJSON_IsString(member) &&
               strstr(message, member->valuestring);
}

/* What else the error says, by its own words: details.by, upstream.status, ... */
static void put_members(const char *title, const cJSON *object, const char *message) {
        const cJSON *member;

        cJSON_ArrayForEach (member, object) {
                _cleanup_(buffer_done) struct buffer text = { 0 };

                if (message && member->string && is_told(member, message))
                        continue;
                if (cJSON_IsString(member))
                        output_clean(member->valuestring, &text);
                else
                        json_print(member, &text);
                fprintf(stderr, "  %s ", title);
                put_clean(member->string ?: "", stderr);
                fprintf(stderr, ": %s\n", text.data ?: "");
        }
}

static void put_place(const struct ctl *ctl, char what) {
        put_clean(ctl->arguments[0], stderr);
        if (what == 'a') {
                fputc(' ', stderr);
                put_clean(ctl->arguments[1], stderr);
        } else if (ctl->account) {
                fputs(" --account ", stderr);
                put_clean(ctl->account, stderr);
        }
}

/* A line of advice, for the command that was given. */
static void put_words(const struct ctl *ctl, const char *words) {
        for (const char *p = words; *p; p++)
                if (*p == '%')
                        put_place(ctl, *++p);
                else
                        fputc(*p, stderr);
        fputc('\n', stderr);
}

static void put_advice(const struct ctl *ctl, enum ae_code code, const cJSON *error) {
        bool retryable = cJSON_IsTrue(json_member(error, "retryable"));
        int64_t msec;

        if (json_integer(error, "retry_after_ms", &msec) == 0 && msec > 0)
                fprintf(stderr, "Try again in %.1f seconds.\n", (double)msec / 1000);
        else if (retryable)
                fputs("It may be sent again as it is; nothing happens twice by that.\n", stderr);
        for (size_t i = 0; i < ELEMENTSOF(advice); i++)
                if (advice[i].code == code && advice[i].verbs & ctl->verb)
                        put_words(ctl, advice[i].text);
}

int output_failure(const struct ctl *ctl, const cJSON *response) {
        const cJSON *error = json_member(response, "error");
        const char *name = json_string(error, "code") ?: "no code";
        const char *request_id = json_string(response, "request_id");
        enum ae_code code = ae_code_from_name(name);

        output_error("%s [%s]", json_string(error, "message") ?: "the engine said no", name);
        put_findings(json_member(error, "errors"),
                     ctl->verb & CTL_CREDENTIAL ? "the credential" : "the payload");
        put_members("", json_member(error, "details"), json_string(error, "message"));
        put_members("upstream", json_member(error, "upstream"), NULL);
        put_advice(ctl, code, error);
        if (request_id && (ctl->verbose || code == AE_INTERNAL)) {
                fputs("Request ", stderr);
                put_clean(request_id, stderr);
                fputc('\n', stderr);
        }

        if (code == AE_OUTCOME_UNKNOWN)
                return CTL_UNKNOWN;
        return cJSON_IsTrue(json_member(error, "retryable")) ? CTL_RETRY : CTL_REFUSED;
}
