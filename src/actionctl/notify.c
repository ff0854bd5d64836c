/* SPDX-License-Identifier: MIT */
#include "actionctl/notify.h"

#include <inttypes.h>
#include <systemd/sd-bus.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define NAME "org.freedesktop.Notifications"
#define PATH "/org/freedesktop/Notifications"

static int make_message(sd_bus *bus, const char *summary, const char *body, sd_bus_message **ret) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = sd_bus_message_new_method_call(bus, &m, NAME, PATH, NAME, "Notify");
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "susssasa{sv}i", "actionctl", /* replaces= */ UINT32_C(0),
                                  "dialog-question", summary, body, /* actions= */ 0,
                                  /* hints= */ 0, /* expires= */ INT32_C(-1));
        if (r < 0)
                return r;
        *ret = TAKE_PTR(m);
        return 0;
}

void notify_desktop(const char *summary, const char *body) {
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;

        if (sd_bus_open_user(&bus) >= 0 && make_message(bus, summary, body, &m) >= 0)
                (void)sd_bus_call(bus, m, USEC_PER_SEC, NULL, NULL);
}
