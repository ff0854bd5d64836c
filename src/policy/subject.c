/* SPDX-License-Identifier: MIT */
#include "policy/subject.h"

int subject_check(const struct peer *peer, struct ae_error *error) {
        if (peer->uid > INT32_MAX || !peer_is_somebody(peer))
                return ae_error_set(error, AE_FORBIDDEN,
                                    "nobody can be asked about uid %u: it does not tell who it is",
                                    (unsigned)peer->uid);
        if (!peer_is_there(peer))
                return ae_error_set(error, AE_FORBIDDEN,
                                    "the process that connected is not there any more; ask from "
                                    "one that stays until the answer");
        return 0;
}

int subject_append(const struct peer *peer, sd_bus_message *m) {
        int r;

        r = sd_bus_message_open_container(m, 'r', "sa{sv}");
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "s", "unix-process");
        if (r < 0)
                return r;
        r = sd_bus_message_open_container(m, 'a', "{sv}");
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "{sv}{sv}{sv}", "pid", "u", (uint32_t)peer->pid, "start-time",
                                  "t", peer->start_time, "uid", "i", (int32_t)peer->uid);
        /* Before the handshake is over, the library would wait for it to learn about descriptors. */
        if (r >= 0 && peer->pid_fd >= 0 && sd_bus_is_ready(sd_bus_message_get_bus(m)) > 0)
                r = sd_bus_message_append(m, "{sv}", "pidfd", "h", peer->pid_fd);
        if (r < 0)
                return r;
        r = sd_bus_message_close_container(m);
        return r < 0 ? r : sd_bus_message_close_container(m);
}
