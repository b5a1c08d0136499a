/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <string.h>

#include <criterion/criterion.h>

#include "timeouts.h"

static int read_timeouts(const char *first, const char *second, struct epg_load_options *ret)
{
	struct argument given[] = {{OPTION_FLOWS, "7"}, {OPTION_TIMEOUT, first}, {OPTION_TIMEOUT, second}};
	struct arguments arguments = {.given = given, .n_given = second ? 3 : 2};
	struct usage_error usage = {"", ""};
	int error;

	memset(ret, 0, sizeof(*ret));
	error = timeouts_read(&arguments, ret, &usage);
	cr_assert_eq(error == 0, !*usage.message, "a failure says why, and only a failure");
	return error;
}

Test(timeouts, each_name_sets_its_own)
{
	struct epg_load_options options, expected = {0};

	cr_assert_eq(read_timeouts("tcp-established=8h", "fragment=5", &options), 0);
	expected.connection_timeout[EPG_FLOW_ESTABLISHED] = 8 * 3600;
	expected.fragment_timeout = 5;
	cr_assert_eq(memcmp(&options, &expected, sizeof(options)), 0);
	cr_assert_eq(read_timeouts("new=2m", "tcp-closing=10s", &options), 0);
	memset(&expected, 0, sizeof(expected));
	expected.timeout[EPG_FLOW_NEW] = 120;
	expected.connection_timeout[EPG_FLOW_CLOSING] = 10;
	cr_assert_eq(memcmp(&options, &expected, sizeof(options)), 0);
	cr_assert_eq(read_timeouts("closing=1", "tcp-new=2", &options), 0);
	memset(&expected, 0, sizeof(expected));
	expected.timeout[EPG_FLOW_CLOSING] = 1;
	expected.connection_timeout[EPG_FLOW_NEW] = 2;
	cr_assert_eq(memcmp(&options, &expected, sizeof(options)), 0);
}

Test(timeouts, what_is_no_time_is_refused)
{
	static const char *const wrong[] = {"new",     "new=",          "new=0", "new=5d", "new=s",
					    "new=-1",  "ne=5",          "=5",    "",       "established=1193047h",
					    "new=5 s", "new=4294967296"};
	struct epg_load_options options;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		cr_assert_eq(read_timeouts(wrong[i], NULL, &options), -EINVAL, "'%s' was taken", wrong[i]);
}
