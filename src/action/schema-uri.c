/* SPDX-License-Identifier: MIT */
#include "action/schema-uri.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/buffer.h"
#include "base/utf8.h"

/* What a text is made of; a part that is not there has no text. */
struct part {
        const char *text;
        size_t size;
};

struct uri {
        struct part scheme, authority, path, query;
};

static struct part take(const char **at, size_t size, size_t also) {
        struct part part = { *at, size };

        *at += size + also;
        return part;
}

/* RFC 3986, appendix B, without the fragment. */
static struct uri split(const char *text) {
        size_t n = strcspn(text, ":/?#");
        struct uri uri = { 0 };

        if (n > 0 && text[n] == ':')
                uri.scheme = take(&text, n, 1);
        if (strncmp(text, "//", 2) == 0) {
                text += 2;
                uri.authority = take(&text, strcspn(text, "/?#"), 0);
        }
        uri.path = take(&text, strcspn(text, "?#"), 0);
        if (*text == '?') {
                text++;
                uri.query = take(&text, strcspn(text, "#"), 0);
        }
        return uri;
}

/* Takes the last segment off, and the slash before it. */
static void drop_segment(struct buffer *path) {
        while (path->size > 0 && path->data[--path->size] != '/')
                ;
}

/* Section 5.2.4. */
static void put_without_dots(const char *at, size_t size, struct buffer *ret) {
        const char *end = at + size;

        while (at < end) {
                size_t n = *at == '/' ? 1 : 0, dots;
                const char *slash = memchr(at + n, '/', (size_t)(end - at) - n);
                const char *next = slash ? slash : end;

                dots = strspn(at + n, ".");
                if (dots <= 2 && dots > 0 && at + n + dots == next) {
                        if (dots == 2)
                                drop_segment(ret);
                        if (n > 0 && next == end)
                                buffer_putc(ret, '/');
                        at = n > 0 || next == end ? next : next + 1;
                        continue;
                }
                buffer_append(ret, at, (size_t)(next - at));
                at = next;
        }
}

/* Section 5.2.3. */
static void merge(const struct uri *base, struct part path, struct buffer *ret) {
        size_t kept = base->path.size;

        while (kept > 0 && base->path.text[kept - 1] != '/')
                kept--;
        if (base->authority.text && base->path.size == 0)
                buffer_putc(ret, '/');
        buffer_append(ret, base->path.text, kept);
        buffer_append(ret, path.text, path.size);
}

static int put_path(const struct uri *base, const struct uri *reference, bool own,
                    struct buffer *ret) {
        _cleanup_(buffer_done) struct buffer merged = { 0 }, path = { 0 };
        struct part from = reference->path;

        if (!own && from.size == 0) {
                buffer_append(ret, base->path.text, base->path.size);
                return 0;
        }
        if (!own && *from.text != '/') {
                merge(base, from, &merged);
                if (buffer_error(&merged) < 0)
                        return -ENOMEM;
                from = (struct part){ merged.data, merged.size };
        }
        put_without_dots(from.text, from.size, &path);
        buffer_append(ret, path.data ?: "", path.size);
        return buffer_error(&path);
}

static void put(struct buffer *to, const char *before, struct part part, const char *behind) {
        if (!part.text)
                return;
        buffer_puts(to, before);
        buffer_append(to, part.text, part.size);
        buffer_puts(to, behind);
}

/* Section 5.2.2. */
int schema_uri_resolve(const char *base, const char *reference, char **ret) {
        _cleanup_(buffer_done) struct buffer text = { 0 };
        struct uri b = split(base), u = split(reference);
        bool own = u.scheme.text || u.authority.text; /* its path is not the base's */
        size_t size;
        int r;

        buffer_puts(&text, "");
        put(&text, "", u.scheme.text ? u.scheme : b.scheme, ":");
        put(&text, "//", own ? u.authority : b.authority, "");
        r = put_path(&b, &u, own, &text);
        if (r < 0)
                return r;
        put(&text, "?", own || u.path.size > 0 || u.query.text ? u.query : b.query, "");
        return buffer_take(&text, ret, &size);
}

static int hex(char c) {
        return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

static bool is_utf8(const char *text, size_t size) {
        for (size_t i = 0, n; i < size; i += n) {
                n = (unsigned char)text[i] < 0x80 ? 1 : utf8_span(text + i, size - i);
                if (n == 0)
                        return false;
        }
        return true;
}

int schema_uri_fragment(const char *reference, char **ret) {
        _cleanup_(buffer_done) struct buffer text = { 0 };
        const char *at = strchr(reference, '#');
        size_t size;

        buffer_puts(&text, "");
        for (at = at ? at + 1 : ""; *at; at++) {
                if (*at != '%') {
                        buffer_putc(&text, *at);
                        continue;
                }
                if (!isxdigit((unsigned char)at[1]) || !isxdigit((unsigned char)at[2]) ||
                    (at[1] == '0' && at[2] == '0'))
                        return -EINVAL;
                buffer_putc(&text, (char)(hex(at[1]) << 4 | hex(at[2])));
                at += 2;
        }
        if (buffer_error(&text) >= 0 && !is_utf8(text.data, text.size))
                return -EINVAL;
        return buffer_take(&text, ret, &size);
}
