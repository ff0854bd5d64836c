/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <string.h>

#include "base/cleanup.h"
#include "google_calendar/recurrence.h"

static void test_what_is_taken(void **state) {
        static const char *const lines[] = {
                "RRULE:FREQ=DAILY",
                "RRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
                "RRULE:BYDAY=SU;FREQ=WEEKLY;WKST=SU;INTERVAL=2;COUNT=10",
                "RRULE:FREQ=MONTHLY;BYDAY=1MO,-1FR,+2TU,SA",
                "RRULE:FREQ=MONTHLY;BYMONTHDAY=1,-1,31,-31,+15",
                "RRULE:FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
                "RRULE:FREQ=YEARLY;BYMONTH=1,12;BYDAY=53SU",
                "RRULE:FREQ=YEARLY;BYWEEKNO=1,53,-53",
                "RRULE:FREQ=YEARLY;BYYEARDAY=1,366,-366",
                "RRULE:FREQ=HOURLY;BYYEARDAY=100;BYHOUR=0,23;BYMINUTE=0,59;BYSECOND=0,60",
                "RRULE:FREQ=DAILY;UNTIL=20251224",
                "RRULE:FREQ=DAILY;UNTIL=20251224T000000Z",
                "RRULE:FREQ=DAILY;UNTIL=20251224T235959",
                "RRULE:FREQ=DAILY;COUNT=999999",
                "EXRULE:FREQ=YEARLY;BYMONTH=8",
                "RDATE:20250725T152100Z",
                "RDATE:20250725T152100,20250726T152100",
                "RDATE;VALUE=DATE:20250725,20240229",
                "RDATE;VALUE=DATE-TIME:20250725T152100Z",
                "EXDATE;TZID=America/Argentina/Buenos_Aires:20250725T090000",
                "EXDATE;TZID=Etc/GMT+5;VALUE=DATE-TIME:20250725T090000",
        };

        for (size_t i = 0; i < ELEMENTSOF(lines); i++)
                if (recurrence_fault(lines[i]))
                        fail_msg("%s: %s", lines[i], recurrence_fault(lines[i]));
}

/* Each is wrong in one thing, which the sentence names. */
static void test_what_is_refused(void **state) {
        static const struct {
                const char *line, *word;
        } cases[] = {
                { "", "begins with" },
                { "RRULE", "begins with" },
                { "FREQ=DAILY", "begins with" },
                { "DTSTART:20250725T152100Z", "begins with" },
                { "DTEND;VALUE=DATE:20250725", "begins with" },
                { "rrule:FREQ=DAILY", "begins with" },
                { " RRULE:FREQ=DAILY", "begins with" },
                { "XRULE:FREQ=DAILY", "begins with" },
                { "RRULEX:FREQ=DAILY", "begins with" },
                { "RRULE:", "NAME=value" },
                { "RRULE;X=Y:FREQ=DAILY", "parameter" },
                { "RRULE;:FREQ=DAILY", "parameter" },
                { "RRULE:COUNT=3", "FREQ" },
                { "RRULE:FREQ=", "FREQ" },
                { "RRULE:FREQ=FORTNIGHTLY", "FREQ" },
                { "RRULE:FREQ=daily", "FREQ" },
                { "RRULE:FREQ=DAILY,WEEKLY", "FREQ" },
                { "RRULE:FREQ", "NAME=value" },
                { "RRULE:FREQ=DAILY;", "NAME=value" },
                { "RRULE:;FREQ=DAILY", "NAME=value" },
                { "RRULE:FREQ=DAILY;X-NAME=1", "NAME=value" },
                { "RRULE:FREQ=DAILY;DTSTART=20250725", "NAME=value" },
                { "RRULE:FREQ=DAILY\r\nEXDATE:20250725T152100Z", "FREQ" },
                { "RRULE:FREQ=DAILY\n", "FREQ" },
                { "RRULE:FREQ=DAILY;COUNT=3\n", "COUNT" },
                { "RRULE:FREQ=DAILY;FREQ=DAILY", "twice" },
                { "RRULE:FREQ=DAILY;COUNT=1;COUNT=1", "twice" },
                { "RRULE:FREQ=DAILY;COUNT=1;UNTIL=20251224", "COUNT and UNTIL" },
                { "RRULE:FREQ=DAILY;COUNT=0", "COUNT" },
                { "RRULE:FREQ=DAILY;COUNT=-1", "COUNT" },
                { "RRULE:FREQ=DAILY;COUNT=1,2", "COUNT" },
                { "RRULE:FREQ=DAILY;COUNT=1000000", "COUNT" },
                { "RRULE:FREQ=DAILY;COUNT=99999999999999999999", "COUNT" },
                { "RRULE:FREQ=DAILY;INTERVAL=0", "INTERVAL" },
                { "RRULE:FREQ=DAILY;INTERVAL=", "INTERVAL" },
                { "RRULE:FREQ=DAILY;INTERVAL=1.5", "INTERVAL" },
                { "RRULE:FREQ=DAILY;UNTIL=2025-12-24", "UNTIL" },
                { "RRULE:FREQ=DAILY;UNTIL=20250229", "UNTIL" },
                { "RRULE:FREQ=DAILY;UNTIL=20251224T", "UNTIL" },
                { "RRULE:FREQ=DAILY;UNTIL=20251224T2500", "UNTIL" },
                { "RRULE:FREQ=DAILY;UNTIL=20251224T250000Z", "UNTIL" },
                { "RRULE:FREQ=DAILY;UNTIL=20251224T000000X", "UNTIL" },
                { "RRULE:FREQ=DAILY;UNTIL=20251224 000000Z", "UNTIL" },
                { "RRULE:FREQ=DAILY;UNTIL=", "UNTIL" },
                { "RRULE:FREQ=DAILY;WKST=M", "WKST" },
                { "RRULE:FREQ=DAILY;WKST=MO,TU", "WKST" },
                { "RRULE:FREQ=WEEKLY;BYDAY=", "BYDAY" },
                { "RRULE:FREQ=WEEKLY;BYDAY=MO,", "BYDAY" },
                { "RRULE:FREQ=WEEKLY;BYDAY=,MO", "BYDAY" },
                { "RRULE:FREQ=WEEKLY;BYDAY=MONDAY", "BYDAY" },
                { "RRULE:FREQ=WEEKLY;BYDAY=mo", "BYDAY" },
                { "RRULE:FREQ=WEEKLY;BYDAY=1MO", "BYDAY" },
                { "RRULE:FREQ=MONTHLY;BYDAY=0MO", "BYDAY" },
                { "RRULE:FREQ=MONTHLY;BYDAY=54MO", "BYDAY" },
                { "RRULE:FREQ=MONTHLY;BYDAY=+-1MO", "BYDAY" },
                { "RRULE:FREQ=MONTHLY;BYDAY=-MO", "BYDAY" },
                { "RRULE:FREQ=WEEKLY;BYMONTHDAY=1", "BYMONTHDAY" },
                { "RRULE:FREQ=MONTHLY;BYMONTHDAY=0", "BYMONTHDAY" },
                { "RRULE:FREQ=MONTHLY;BYMONTHDAY=32", "BYMONTHDAY" },
                { "RRULE:FREQ=MONTHLY;BYMONTHDAY=-32", "BYMONTHDAY" },
                { "RRULE:FREQ=YEARLY;BYMONTH=0", "BYMONTH" },
                { "RRULE:FREQ=YEARLY;BYMONTH=13", "BYMONTH" },
                { "RRULE:FREQ=YEARLY;BYMONTH=-1", "BYMONTH" },
                { "RRULE:FREQ=MONTHLY;BYWEEKNO=1", "BYWEEKNO" },
                { "RRULE:FREQ=YEARLY;BYWEEKNO=54", "BYWEEKNO" },
                { "RRULE:FREQ=DAILY;BYYEARDAY=1", "BYYEARDAY" },
                { "RRULE:FREQ=YEARLY;BYYEARDAY=367", "BYYEARDAY" },
                { "RRULE:FREQ=DAILY;BYHOUR=24", "BYHOUR" },
                { "RRULE:FREQ=DAILY;BYHOUR=+1", "BYHOUR" },
                { "RRULE:FREQ=DAILY;BYMINUTE=60", "BYMINUTE" },
                { "RRULE:FREQ=DAILY;BYSECOND=61", "BYSECOND" },
                { "RRULE:FREQ=MONTHLY;BYDAY=MO;BYSETPOS=367", "BYSETPOS" },
                { "RRULE:FREQ=MONTHLY;BYSETPOS=1", "BYSETPOS" },
                { "EXRULE:FREQ=X", "FREQ" },
                { "RDATE:", "date-time" },
                { "RDATE:20250725", "date-time" },
                { "RDATE;VALUE=DATE:20250725T152100Z", "date" },
                { "RDATE;VALUE=DATE:20250725,", "date" },
                { "RDATE;VALUE=DATE:20250230", "date" },
                { "RDATE;VALUE=PERIOD:20250725T152100Z/PT1H", "VALUE" },
                { "RDATE;VALUE=:20250725T152100Z", "VALUE" },
                { "RDATE;VALUE=DATE;VALUE=DATE:20250725", "twice" },
                { "EXDATE;TZID=:20250725T152100", "TZID" },
                { "EXDATE;TZID=Europe/Berlin;TZID=UTC:20250725T152100", "twice" },
                { "EXDATE;TZID=Europe Berlin:20250725T152100", "TZID" },
                { "EXDATE;TZID=\"Europe/Berlin\":20250725T152100", "TZID" },
                { "EXDATE;X=Y:20250725T152100", "parameter" },
                { "EXDATE;:20250725T152100", "parameter" },
                { "EXDATE:20250725T152100Z\r\nRRULE:FREQ=DAILY", "date-time" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const char *fault = recurrence_fault(cases[i].line);

                if (!fault || !strstr(fault, cases[i].word))
                        fail_msg("%s: %s", cases[i].line, fault ? fault : "taken");
        }
}

static void test_what_adds(void **state) {
        assert_true(recurrence_adds("RRULE:FREQ=DAILY"));
        assert_true(recurrence_adds("RDATE;VALUE=DATE:20250725"));
        assert_false(recurrence_adds("EXRULE:FREQ=DAILY"));
        assert_false(recurrence_adds("EXDATE;VALUE=DATE:20250725"));
        assert_false(recurrence_adds("DTSTART:20250725"));
        assert_false(recurrence_adds(""));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_what_is_taken),
                cmocka_unit_test(test_what_is_refused),
                cmocka_unit_test(test_what_adds),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
