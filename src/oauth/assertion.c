/* SPDX-License-Identifier: MIT */
#include "oauth/assertion.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sodium.h>
#include <string.h>

#include "base/base64url.h"
#include "base/clock.h"
#include "oauth/members.h"

#define MIN_KEY_BITS 2048
#define MAX_KEY_BITS 8192
#define MAX_PEM 16384
#define LIFETIME_SEC 3600

struct draft {
        struct oauth_service_account account;
        char *type;
};

/* Lines of printable ASCII; whether there is a key in them is for OpenSSL to say. */
static bool is_pem(const char *text) {
        for (; *text; text++)
                if ((*text < 0x20 || *text > 0x7e) && *text != '\n' && *text != '\r')
                        return false;
        return true;
}

#define ACCOUNT(field) offsetof(struct draft, account.field)

/* clang-format off */
static const struct member draft_members[] = {
        { "type",           MEMBER_TEXT,   offsetof(struct draft, type), 64, text_is_vschar,
          "service_account" },
        { "client_email",   MEMBER_TEXT,   ACCOUNT(client_email), 256, text_is_vschar,
          "1 to 256 printable ASCII characters" },
        { "private_key",    MEMBER_SECRET, ACCOUNT(private_key), MAX_PEM, is_pem,
          "an RSA key of 2048 to 8192 bits as PEM, without a pass phrase" },
        { "private_key_id", MEMBER_TEXT,   ACCOUNT(private_key_id), 256, text_is_vschar,
          "1 to 256 printable ASCII characters" },
        { "subject",        MEMBER_TEXT,   ACCOUNT(subject), 256, text_is_vschar,
          "1 to 256 printable ASCII characters" },
};
/* clang-format on */

static void key_freep(EVP_PKEY **key) {
        EVP_PKEY_free(*key);
}

static void bio_freep(BIO **bio) {
        BIO_free(*bio);
}

static void context_freep(EVP_MD_CTX **context) {
        EVP_MD_CTX_free(*context);
}

void oauth_service_account_done(struct oauth_service_account *a) {
        free(a->client_email);
        free(a->private_key_id);
        secret_free(a->private_key);
        free(a->subject);
        *a = (struct oauth_service_account){ 0 };
}

static void draft_done(struct draft *d) {
        oauth_service_account_done(&d->account);
        free(d->type);
}

/* OpenSSL would ask the terminal otherwise. */
static int no_pass_phrase(char *buffer, int size, int is_writing, void *userdata) {
        return -1;
}

static EVP_PKEY *read_key(const struct secret *pem) {
        _cleanup_(key_freep) EVP_PKEY *key = NULL;
        _cleanup_(bio_freep) BIO *bio = BIO_new_mem_buf(pem->data, (int)pem->size);
        int bits;

        if (bio)
                key = PEM_read_bio_PrivateKey(bio, NULL, no_pass_phrase, NULL);
        if (!key || EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA)
                return NULL;
        bits = EVP_PKEY_get_bits(key);
        return bits >= MIN_KEY_BITS && bits <= MAX_KEY_BITS ? TAKE_PTR(key) : NULL;
}

/* RS256. `ret` has room for MAX_KEY_BITS. */
static int sign_with(EVP_PKEY *key, const char *text, size_t size, unsigned char *ret,
                     size_t *ret_size) {
        _cleanup_(context_freep) EVP_MD_CTX *context = EVP_MD_CTX_new();
        _cleanup_(context_freep) EVP_MD_CTX *proof = EVP_MD_CTX_new();

        *ret_size = MAX_KEY_BITS / 8;
        if (!context || !proof)
                return -ENOMEM;
        if (EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) != 1 ||
            EVP_DigestSign(context, ret, ret_size, (const unsigned char *)text, size) != 1)
                return -EKEYREJECTED;
        /* A key whose halves do not belong together signs, too, and gives itself away. */
        if (EVP_DigestVerifyInit(proof, NULL, EVP_sha256(), NULL, key) != 1 ||
            EVP_DigestVerify(proof, ret, *ret_size, (const unsigned char *)text, size) != 1)
                return -EKEYREJECTED;
        return 0;
}

static int sign(const struct secret *pem, const char *text, size_t size, unsigned char *ret,
                size_t *ret_size) {
        _cleanup_(key_freep) EVP_PKEY *key = read_key(pem);
        int r;

        r = key ? sign_with(key, text, size, ret, ret_size) : -EKEYREJECTED;
        ERR_clear_error(); /* nobody else reads that queue */
        return r;
}

static int tell(const struct members_fault *fault, struct ae_error *error) {
        if (!fault->row)
                return ae_error_set(error, AE_INVALID_REQUEST,
                                    "a service account must be a JSON object of some members");
        return ae_error_set(error, AE_INVALID_REQUEST, "'%s' must be %s", fault->row->name,
                            fault->row->rule);
}

static int check(const struct draft *d, struct ae_error *error) {
        unsigned char signature[MAX_KEY_BITS / 8];
        size_t size;
        int r;

        if (!d->type || strcmp(d->type, "service_account") != 0)
                return ae_error_set(error, AE_INVALID_REQUEST, "'type' must be service_account");
        if (!d->account.client_email || !d->account.private_key)
                return ae_error_set(error, AE_INVALID_REQUEST, "'%s' is missing",
                                    d->account.client_email ? "private_key" : "client_email");

        r = sign(d->account.private_key, "", 0, signature, &size);
        if (r == -EKEYREJECTED)
                return ae_error_set(error, AE_INVALID_REQUEST,
                                    "'private_key' must be an RSA key of %d to %d bits as PEM, "
                                    "without a pass phrase",
                                    MIN_KEY_BITS, MAX_KEY_BITS);
        return r;
}

int oauth_service_account_parse(const struct json_slice *json, struct oauth_service_account *ret,
                                struct ae_error *error) {
        _cleanup_(draft_done) struct draft d = { 0 };
        struct members members = MEMBERS(draft_members);
        struct members_fault fault;
        int r;

        members.open = true;
        r = members_read(&members, json, &d, &fault);
        if (r == -EBADMSG)
                return tell(&fault, error);
        if (r >= 0)
                r = check(&d, error);
        if (r < 0)
                return r;

        *ret = d.account;
        d.account = (struct oauth_service_account){ 0 };
        return 0;
}

static void print_header(const struct oauth_service_account *a, struct buffer *to) {
        buffer_puts(to, "{\"alg\":\"RS256\",\"typ\":\"JWT\"");
        if (a->private_key_id)
                member_print("kid", a->private_key_id, to);
        buffer_putc(to, '}');
}

static void print_claims(const struct oauth_service_account *a, const char *audience,
                         const char *scopes, uint64_t now_sec, struct buffer *to) {
        buffer_putc(to, '{');
        member_print("iss", a->client_email, to);
        if (a->subject)
                member_print("sub", a->subject, to);
        member_print("scope", scopes, to);
        member_print("aud", audience, to);
        buffer_printf(to, ",\"iat\":%llu,\"exp\":%llu}", (unsigned long long)now_sec,
                      (unsigned long long)now_sec + LIFETIME_SEC);
}

/* Header and claims, which are no secret as long as they are not signed. */
static int print_unsigned(const struct oauth_service_account *a, const char *audience,
                          const char *scopes, uint64_t now_usec, struct buffer *to) {
        _cleanup_(buffer_done) struct buffer header = { 0 }, claims = { 0 };
        int r;

        print_header(a, &header);
        print_claims(a, audience, scopes, now_usec / USEC_PER_SEC, &claims);
        r = buffer_error(&header) < 0 ? -ENOMEM : buffer_error(&claims);
        if (r < 0)
                return r;
        base64url_append(to, header.data, header.size);
        buffer_putc(to, '.');
        base64url_append(to, claims.data, claims.size);
        return buffer_error(to);
}

int oauth_assertion_new(const struct oauth_service_account *a, const char *audience,
                        const char *scopes, uint64_t now_usec, struct secret **ret) {
        _cleanup_(buffer_done) struct buffer text = { 0 };
        unsigned char signature[MAX_KEY_BITS / 8];
        struct secret *assertion;
        size_t size, text_size;
        int r;

        r = print_unsigned(a, audience, scopes, now_usec, &text);
        if (r >= 0)
                r = sign(a->private_key, text.data, text.size, signature, &size);
        if (r < 0)
                return r;

        text_size = sodium_base64_encoded_len(size, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
        r = secret_new(NULL, text.size + text_size, &assertion); /* for the NUL: a dot */
        if (r >= 0) {
                memcpy(assertion->data, text.data, text.size);
                assertion->data[text.size] = '.';
                sodium_bin2base64(assertion->data + text.size + 1, text_size, signature, size,
                                  sodium_base64_VARIANT_URLSAFE_NO_PADDING);
                *ret = assertion;
        }
        sodium_memzero(signature, sizeof(signature));
        return r;
}
