/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The vault's socket, and what both of its ends must agree on. Framing and strictness of
 * action-engine-protocol(7), lines of at most VAULT_WIRE_MAX_LINE. Answers come in completion
 * order: who waits for a provider holds up nobody else.
 *
 *   request   {"id":1,"op":"get_token","user_id":"u1","platform":"gmail","account":"default"}
 *   answer    {"id":1,"status":"success","result":{…}}
 *             {"id":1,"status":"error","error":{"code":"…","message":"…","retryable":false}}
 *
 * `id` is an integer within ±2^53 or a string of at most 128 bytes, and is demanded; an error whose
 * request had none that could be read carries `line` instead. An absent `account` is "default". A
 * field that the op does not take is refused by its name. R is user_id, platform, account?, and in
 * a result these three.
 *
 *   op               takes                               gives
 *   get_token        R, rejected?                        R, access_token, token_type, expires_at?,
 *                                                        scopes?; never the refresh token
 *   exchange         R, provider, code, code_verifier?,  R, status ("active"; of a device code also
 *                    redirect_uri, scopes; or R,         "pending", "slow_down"), scopes?,
 *                    provider, device_code, scopes       expires_at?, identity?
 *   start_device     provider, scopes                    device_code, user_code, verification_uri,
 *                                                        verification_uri_complete?, expires_in,
 *                                                        interval
 *   store_token      R, credential                       R
 *   delete_token     R, revoke? (false)                  R; with revoke: revoked, reason?
 *   status           user_id?                            state ("ok"), records; with a user_id
 *                                                        connected_platforms: [{platform, account,
 *                                                        status: "active" or "token_expired",
 *                                                        identity?}]
 *   get_provider     provider                            provider, app (without its secret)
 *
 * and for the administrator alone, who is served nothing else of the above but get_provider:
 *
 *   set_provider     provider, app                       provider
 *   delete_provider  provider                            provider
 *   list_providers                                       providers: [{provider, app}]
 *   test_provider    provider                            result (enum oauth_result), reason?
 *   discover         issuer                              the metadata's facts, as members
 *
 * `rejected` is the hex SHA-256 of an access token that the platform refused; `scopes` is one
 * string, separated by spaces; `credential` is told in record.h, `app` in oauth/app.h.
 *
 *   error                      when
 *   not_connected              there is no such record
 *   not_found                  there is no such provider
 *   reauthorization_required   only a person can renew the access token
 *   authorization_failed       the provider does not take the code, or it is of another account
 *                              than the record; nothing was changed
 *   upstream_unreachable, upstream_error
 *                              of what needs a provider: it was not reached, or did not answer
 *   store_unavailable          SQLite failed: nothing was changed, or it is not known
 *   internal                   the record cannot be opened; nothing was changed. store_token does
 *                              not write over it either, delete_token does away with it. Of
 *                              get_token also: the provider refuses the app itself or the request,
 *                              or there is no such app any more; only an administrator can help
 *   invalid_json, invalid_request, message_too_large, unknown_op
 *                              the line itself
 *   forbidden                  the peer is neither the engine nor the administrator, and the
 *                              connection is closed; or the op is not for this one of them; or
 *                              the provider is at an address that action-grant may not go to
 */

#include "base/json-scan.h"
#include "base/secret.h"

/* A line either way: two tokens, each character escaped, and all the scopes there may be. */
#define VAULT_WIRE_MAX_LINE ((size_t)128 << 10)

#define VAULT_WIRE_MAX_TOKEN 16384 /* bytes */

/*
 * Takes a token out of a scanned string: 1 to VAULT_WIRE_MAX_TOKEN of RFC 6749's VSCHAR, which is
 * printable ASCII, so that it can stand in a header. The caller owns *ret. 0, -EINVAL, -ENOMEM.
 */
int vault_wire_secret(const struct json_slice *s, struct secret **ret);
