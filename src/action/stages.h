/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What happens in each stage of the pipeline. A stage knows nothing of the next: it finishes at
 * once, or says that pipeline_resume() will be called when what it waits for has come.
 */

#include "action/action.h"

enum stage_result {
        STAGE_NEXT = 0,
        STAGE_PENDING, /* pipeline_resume() will come */
        STAGE_ANSWER,  /* nothing more to do: a->result is there */
        STAGE_RENEW,   /* another request needs the credential anew: once more from `credential` */
        STAGE_FURTHER, /* there is another exchange: once more, with the credential at hand */
};

/* Each returns a stage_result, or a negative errno with a->error set (or `internal` made of it). */
int stage_authenticate(struct action *a);
int stage_resolve(struct action *a);
int stage_validate(struct action *a);
int stage_authorise(struct action *a); /* authorise.c */
int stage_credential(struct action *a);
int stage_build(struct action *a);
int stage_send(struct action *a);
int stage_interpret(struct action *a);

/* For a pending stage: goes on with what the stage has come to. Implemented by the pipeline. */
void pipeline_resume(struct action *a, int r);
