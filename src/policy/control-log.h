/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The events that Engine Control is to hear of. They wait in a bounded queue, and a few at a time are
 * sent. One that it does not take waits again, with all behind it, for a pause that doubles; when
 * the queue is full the oldest goes. Those lost are counted, and told in the journal, once a minute
 * at most. The same event may arrive twice: its request_id tells.
 */

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "base/buffer.h"
#include "policy/control-link.h"

#define CONTROL_LOG_MAX_WAITING 1024

struct control_log;

/* `link` is borrowed. The caller owns *ret. Returns 0 or a negative errno. */
int control_log_new(sd_event *event, const struct control_link *link, struct control_log **ret);
/* Forgets what waits, and tells the journal how much was lost. */
struct control_log *control_log_free(struct control_log *l);
DEFINE_CLEANUP(struct control_log *, control_log_free);

/* Takes the text over. It fails as struct buffer does, and is counted. */
void control_log_add(struct control_log *l, struct buffer *body);

/* What waits is sent without a pause; at the first that is not taken, all of it is given up. */
void control_log_flush(struct control_log *l);

bool control_log_is_busy(const struct control_log *l);
size_t control_log_n_waiting(const struct control_log *l);
unsigned long long control_log_n_lost(const struct control_log *l);
