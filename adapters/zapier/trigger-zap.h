/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * zapier.trigger_zap: a POST to a catch hook. The hook's URL is the secret, and an answer may echo
 * it: no text of Zapier's is quoted in an error, and a result holds only what cannot be of it.
 *
 * Zapier answers as soon as the data is queued, cannot be asked later whether the Zap ran, and does
 * not recognise a repeat. The action's id goes along, so that the Zap can.
 *
 * help.zapier.com/hc/en-us/articles/29972220283789-Webhooks-by-Zapier-rate-limits
 * docs.zapier.com/platform/build/operating-constraints
 */

#include "action/adapter.h"

/* Of the body, which Zapier would not take if it were larger. */
#define TRIGGER_ZAP_MAX_SIZE ((size_t)10 * 1000 * 1000)

/* The functions of struct adapter_action. */
int trigger_zap_check(const struct cJSON *payload, struct ae_error *error);
int trigger_zap_build(const struct adapter_input *input, struct http_request *ret,
                      struct ae_error *error);
int trigger_zap_interpret(const struct adapter_input *input, const struct http_response *response,
                          struct cJSON **ret_result, struct ae_error *error);
/* explain.c. Which hook it is, the request's account tells. */
int trigger_zap_explain(const struct cJSON *payload, struct adapter_explanation *ret);
