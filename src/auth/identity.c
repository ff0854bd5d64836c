/* SPDX-License-Identifier: MIT */
#include "auth/identity.h"

#include <errno.h>
#include <string.h>

int identity_new(struct token_claims *claims, const struct jwk *key, struct identity **ret) {
        struct identity *id;

        id = calloc(1, sizeof(*id));
        if (!id)
                return -ENOMEM;

        id->n_refs = 1;
        id->claims = *claims;
        *claims = (struct token_claims){ 0 };
        strcpy(id->kid, key->kid);
        memcpy(id->key_fingerprint, key->fingerprint, sizeof(id->key_fingerprint));
        *ret = id;
        return 0;
}

struct identity *identity_ref(struct identity *id) {
        if (id)
                id->n_refs++;
        return id;
}

struct identity *identity_unref(struct identity *id) {
        if (!id || --id->n_refs > 0)
                return NULL;
        token_claims_done(&id->claims);
        free(id);
        return NULL;
}

const char *identity_user(const struct identity *id) {
        return id->claims.subject;
}

const char *identity_jti(const struct identity *id) {
        return id->claims.jti;
}

const char *identity_kid(const struct identity *id) {
        return id->kid;
}

uint64_t identity_expires_at_usec(const struct identity *id) {
        return id->claims.expires_at_usec;
}

const char *const *identity_scopes(const struct identity *id) {
        return (const char *const *)id->claims.scopes;
}

bool identity_is_same_token(const struct identity *a, const struct identity *b) {
        const struct token_claims *x = &a->claims, *y = &b->claims;

        return strcmp(x->issuer, y->issuer) == 0 && strcmp(x->subject, y->subject) == 0 &&
               x->expires_at_usec == y->expires_at_usec &&
               strcmp(x->jti ? x->jti : "", y->jti ? y->jti : "") == 0;
}

bool identity_covers_user(const struct identity *id, const char *user_id) {
        if (id->claims.any_user || strcmp(id->claims.subject, user_id) == 0)
                return true;
        for (char **user = id->claims.users; *user; user++)
                if (strcmp(*user, user_id) == 0)
                        return true;
        return false;
}

static bool scope_grants(const char *scope, const char *area, const char *name) {
        size_t n = strlen(area);

        if (strcmp(scope, "*") == 0)
                return true;
        if (strncmp(scope, area, n) != 0 || scope[n] != ':')
                return false;
        return strcmp(scope + n + 1, "*") == 0 || strcmp(scope + n + 1, name) == 0;
}

bool identity_has_scope(const struct identity *id, const char *area, const char *name) {
        for (char **scope = id->claims.scopes; *scope; scope++)
                if (scope_grants(*scope, area, name))
                        return true;
        return false;
}

int identity_permits_user(const struct identity *id, const char *user_id, struct ae_error *error) {
        if (identity_covers_user(id, user_id))
                return 0;
        ae_error_detail(error, "by", "user");
        return ae_error_set(error, AE_FORBIDDEN, "the token does not speak for user '%.128s'",
                            user_id);
}

int identity_permits(const struct identity *id, const char *user_id, const char *area,
                     const char *name, struct ae_error *error) {
        int r;

        r = identity_permits_user(id, user_id, error);
        if (r < 0)
                return r;
        if (!identity_has_scope(id, area, name)) {
                ae_error_detail(error, "by", "scope");
                return ae_error_set(error, AE_FORBIDDEN, "the token's scope does not grant %s:%s",
                                    area, name);
        }
        return 0;
}
