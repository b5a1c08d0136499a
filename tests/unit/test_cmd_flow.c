/* SPDX-License-Identifier: GPL-2.0-only */
/* flow ls, flow flush and doctor: the library's part is played by this file. */
#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <locale.h>
#include <string.h>

#include "cli.h"
#include "epg/epg.h"

static struct epg_flow_filter asked;

static const struct epg_rule_info rule = {
	.contract = "shop/web",
	.subject = "s",
	.filter = "shop/http",
	.entry = "web",
	.file = "shop.yaml",
	.line = 12,
	.match = "tcp dport 80",
	.role = "group",
	.name = "",
	.text = "",
	.permit = true,
	.stateful = true,
	.dscp = -1,
	.level = 7,
};

int epg_flows_each(struct epg *epg, const struct epg_flow_filter *filter, epg_flow_fn fn, void *user)
{
	static const struct epg_flow_info flows[] = {
		{"tcp", "10.1.0.2", "10.1.0.4", 40000, 80, "shop/store/front", "shop/store/back", "veth-f1", "eth1/120",
		 "shop/prod", "established", false, true, &rule, 61000, 28739000},
		{"udp", "fd00:1:ffff:ffff:ffff:ffff:ffff:2", "2001:db8:ffff:ffff:ffff:ffff:ffff:4", 40000, 53,
		 "shop/store/front", "shop/world", "veth-f1", "", "shop/prod", "new", true, false, NULL, 999, 29001},
		{"icmp", "10.1.0.2", "10.1.0.4", 7, 8, "shop/store/front", "shop/store/back", "veth-f1", "veth-b1",
		 "shop/prod", "new", false, true, &rule, 0, 172800000},
	};
	int stopped = 0;

	(void)epg;
	asked = *filter;
	for (size_t i = 0; i < ARRAY_SIZE(flows) && !stopped; i++)
		stopped = fn(user, &flows[i]);
	return stopped;
}

int epg_flows_flush(struct epg *epg, const struct epg_flow_filter *filter, size_t *ret_count)
{
	(void)epg;
	asked = *filter;
	*ret_count = 3;
	return 0;
}

static enum epg_health worst;

int epg_doctor(struct epg *epg, epg_checkup_fn fn, void *user)
{
	const struct epg_checkup checkups[] = {
		{"kernel-version", EPG_HEALTH_GOOD, "", "Linux 6.18.0", ""},
		{"attachment-clsact", worst, "veth-f1", "our programs are filters of the clsact qdisc",
		 "epgctl attach puts them back"},
	};

	(void)epg;
	return fn(user, &checkups[0]) || fn(user, &checkups[1]);
}

static void set_up(void)
{
	setlocale(LC_CTYPE, "C.UTF-8");
	cr_redirect_stdout();
	cr_redirect_stderr();
}

TestSuite(cmd_flow, .init = set_up);

#define RUN(...)                                                                      \
	({                                                                            \
		const char *argv_[] = {"epgctl", __VA_ARGS__, NULL};                  \
		cli_run((int)(sizeof(argv_) / sizeof(argv_[0])) - 1, (char **)argv_); \
	})

Test(cmd_flow, flows_fit_into_a_hundred_columns)
{
	cr_assert_eq(RUN("flow", "ls"), CLI_OK);
	cr_assert_stdout_eq_str("PROTO  SOURCE                      DESTINATION                 STATE        ID"
				"LE  LEFT  PERMITTED BY\n"
				"tcp    10.1.0.2:40000              10.1.0.4:80                 established  61"
				" s  7 h   shop/web\n"
				"udp    [fd00:1:ffff:ffff:ffff:fff  [2001:db8:ffff:ffff:ffff:f  revoked      0 "
				"s   29 s\n"
				"       f:ffff:2]:40000             fff:ffff:4]:53\n"
				"icmp   10.1.0.2                    10.1.0.4                    new          0 "
				"s   2 d   shop/web\n");
}

Test(cmd_flow, programs_read_all_of_a_flow)
{
	cr_assert_eq(RUN("-j", "flow", "ls"), CLI_OK);
	cr_assert_stdout_eq_str(
		"{\"flows\":[{\"protocol\":\"tcp\",\"vrf\":\"shop/prod\",\"state\":\"established\",\"revoked\":"
		"false,\"current\":true,\"idleMilliseconds\":61000,\"expiresMilliseconds\":28739000,\""
		"source\":{\"group\":\"shop/store/front\",\"interface\":\"veth-f1\",\"address\":\"10.1.0.2\""
		",\"port\":40000},\"destination\":{\"group\":\"shop/store/back\",\"interface\":\"eth1/120\""
		",\"address\":\"10.1.0.4\",\"port\":80},\"rule\":{\"contract\":\"shop/web\",\"subject\":\"s\",\""
		"filter\":\"shop/http\",\"entry\":\"web\",\"match\":\"tcp dport 80\",\"file\":\"shop.yaml\",\"l"
		"ine\":12,\"action\":\"permit\",\"role\":\"group\",\"level\":7,\"reverse\":false,\"audit\":fal"
		"se}},{\"protocol\":\"udp\",\"vrf\":\"shop/prod\",\"state\":\"new\",\"revoked\":true,\"current"
		"\":false,\"idleMilliseconds\":999,\"expiresMilliseconds\":29001,\"source\":{\"group\":\""
		"shop/store/front\",\"interface\":\"veth-f1\",\"address\":\"fd00:1:ffff:ffff:ffff:ffff:"
		"ffff:2\",\"port\":40000},\"destination\":{\"group\":\"shop/world\",\"interface\":\"\",\"addr"
		"ess\":\"2001:db8:ffff:ffff:ffff:ffff:ffff:4\",\"port\":53},\"rule\":null},{\"protocol\""
		":\"icmp\",\"vrf\":\"shop/prod\",\"state\":\"new\",\"revoked\":false,\"current\":true,\"idleMi"
		"lliseconds\":0,\"expiresMilliseconds\":172800000,\"source\":{\"group\":\"shop/store/fr"
		"ont\",\"interface\":\"veth-f1\",\"address\":\"10.1.0.2\",\"port\":7},\"destination\":{\"grou"
		"p\":\"shop/store/back\",\"interface\":\"veth-b1\",\"address\":\"10.1.0.4\",\"port\":8},\"rul"
		"e\":{\"contract\":\"shop/web\",\"subject\":\"s\",\"filter\":\"shop/http\",\"entry\":\"web\",\"ma"
		"tch\":\"tcp dport 80\",\"file\":\"shop.yaml\",\"line\":12,\"action\":\"permit\",\"role\":\"gro"
		"up\",\"level\":7,\"reverse\":false,\"audit\":false}}]}\n");
}

Test(cmd_flow, options_become_a_filter)
{
	cr_assert_eq(RUN("-q", "flow", "ls", "-i", "eth1/120", "-g", "shop/store/front", "-a", "10.1.0.0/24", "-p",
			 "tcp", "--port", "80", "--state", "closing", "--revoked"),
		     CLI_OK);
	cr_assert_str_eq(asked.interface, "eth1/120");
	cr_assert_str_eq(asked.group, "shop/store/front");
	cr_assert_str_eq(asked.address, "10.1.0.0/24");
	cr_assert_str_eq(asked.protocol, "tcp");
	cr_assert_eq(asked.port, 80);
	cr_assert_str_eq(asked.state, "closing");
	cr_assert(asked.revoked);
	cr_assert_eq(asked.size, sizeof(asked));
}

Test(cmd_flow, a_flush_needs_to_be_told_what)
{
	cr_assert_eq(RUN("flow", "flush"), CLI_USAGE);
	cr_assert_eq(RUN("flow", "flush", "--all", "--port", "80"), CLI_USAGE, "all, or some?");
	cr_assert_eq(asked.size, 0, "nothing was flushed");
	cr_assert_eq(RUN("flow", "flush", "--port", "0"), CLI_USAGE);
	cr_assert_eq(RUN("flow", "flush", "--revoked"), CLI_OK);
	cr_assert(asked.revoked);
	cr_assert_eq(RUN("flow", "flush", "--all"), CLI_OK);
	cr_assert_not(asked.revoked);
}

Test(cmd_flow, a_flush_tells_how_many)
{
	cr_assert_eq(RUN("-j", "flow", "flush", "--port", "80"), CLI_OK);
	cr_assert_stdout_eq_str("{\"flushed\":3}\n");
}

Test(cmd_flow, the_doctor_fails_for_what_is_bad)
{
	worst = EPG_HEALTH_NOTE;
	cr_assert_eq(RUN("-q", "doctor"), CLI_OK, "a note is no failure");
	worst = EPG_HEALTH_BAD;
	cr_assert_eq(RUN("doctor"), CLI_NO);
	cr_assert_stdout_eq_str("HEALTH  CHECK              ABOUT    FOUND\n"
				"good    kernel-version     -        Linux 6.18.0\n"
				"bad     attachment-clsact  veth-f1  our programs are filters of the clsact qdisc\n"
				"                                    hint: epgctl attach puts them back\n"
				"1 bad, 0 notes, 1 good\n");
}

Test(cmd_flow, programs_read_what_the_doctor_has_found)
{
	worst = EPG_HEALTH_BAD;
	cr_assert_eq(RUN("-j", "doctor"), CLI_NO);
	cr_assert_stdout_eq_str("{\"checks\":[{\"health\":\"good\",\"name\":\"kernel-version\",\"subject\":\"\","
				"\"text\":\"Linux 6.18.0\",\"hint\":\"\"},{\"health\":\"bad\","
				"\"name\":\"attachment-clsact\",\"subject\":\"veth-f1\","
				"\"text\":\"our programs are filters of the clsact qdisc\","
				"\"hint\":\"epgctl attach puts them back\"}],\"good\":1,\"notes\":0,\"bad\":1}\n");
}
