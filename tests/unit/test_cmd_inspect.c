/* SPDX-License-Identifier: GPL-2.0-only */
/* How group ls and contract ls put what they are told: the library's part is played by this file. */
#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <locale.h>
#include <string.h>

#include "cli.h"
#include "epg/epg.h"

int epg_groups_each(struct epg *epg, epg_group_fn fn, void *user)
{
	static const struct epg_group_info groups[] = {
		{.name = "shop/store/a-rather-long-name",
		 .class_id = 32771,
		 .vrf = "shop/prod",
		 .bridge_domain = "shop/bd1",
		 .line = 30,
		 .endpoints = 1000,
		 .provides = 12,
		 .consumes = 12,
		 .intra_contracts = 1,
		 .taboos = 2,
		 .isolated = true,
		 .preferred_member = true,
		 .police_rate = 12500000,
		 .police_burst = 65536,
		 .pairs = 7,
		 .packets = 12345678,
		 .bytes = UINT64_C(12345678901)},
		{.name = "shop/internet",
		 .class_id = 16,
		 .external = true,
		 .vrf = "shop/prod",
		 .bridge_domain = "",
		 .line = 40},
	};
	int stopped = 0;

	(void)epg;
	for (size_t i = 0; i < ARRAY_SIZE(groups) && !stopped; i++)
		stopped = fn(user, &groups[i]);
	return stopped;
}

/* A rule of the file "shop.yaml". */
#define RULE(contract_, subject_, filter_, entry_, line_, match_, role_, ...)                                \
	{                                                                                                    \
		.name = "", .text = "", .contract = (contract_), .subject = (subject_), .filter = (filter_), \
		.entry = (entry_), .file = "shop.yaml", .line = (line_), .match = (match_), .role = (role_), \
		__VA_ARGS__                                                                                  \
	}

static const struct epg_rule_info rules[] = {
	RULE("shop/web", "pages", "shop/http", "web", 12, "tcp dport 80", "group", .permit = true, .stateful = true,
	     .keep = true, .dscp = 18, .level = 7, .packets = 10, .bytes = 1000),
	RULE("shop/web", "closing", "shop/any", "ip", 15, "ip", "from-any", .audit = true, .dscp = -1, .level = 16,
	     .packets = 4, .bytes = 400),
	RULE("shop/sealed", "", "shop/any", "ip", 15, "ip", "taboo", .log = true, .dscp = -1, .level = 5, .packets = 2,
	     .bytes = 200),
};

int epg_contracts_each(struct epg *epg, epg_contract_fn fn, void *user)
{
	static const struct epg_contract_info contracts[] = {
		{"shop/web", "contract", "vrf", true, "shop.yaml", 20, 1, 2, 10, 1000, &rules[0], 2},
		{"shop/sealed", "taboo", "", false, "shop.yaml", 25, 1, 0, 2, 200, &rules[2], 1},
	};

	(void)epg;
	return fn(user, &contracts[0]) || fn(user, &contracts[1]);
}

int epg_rules_each(struct epg *epg, epg_rule_fn fn, void *user)
{
	static const struct epg_rule_info implicit_deny = {
		.name = "implicit-deny",
		.text = "no contract permits it",
		.contract = "",
		.subject = "",
		.filter = "",
		.entry = "",
		.file = "",
		.match = "",
		.role = "",
		.dscp = -1,
		.level = 21,
		.packets = 5,
		.bytes = 500,
	};

	(void)epg;
	return fn(user, &implicit_deny) || fn(user, &rules[0]);
}

static void set_up(void)
{
	setlocale(LC_CTYPE, "C.UTF-8");
	cr_redirect_stdout();
}

TestSuite(cmd_inspect, .init = set_up);

/* Runs `epgctl [-j] OBJECT ls`. */
static int list(bool json, const char *object)
{
	const char *argv[] = {"epgctl", object, "ls", json ? "-j" : NULL, NULL};

	return cli_run(json ? 4 : 3, (char **)argv);
}

Test(cmd_inspect, groups_fit_into_a_hundred_columns)
{
	cr_assert_eq(list(false, "group"), CLI_OK);
	cr_assert_stdout_eq_str(
		"GROUP                 CLASS  VRF        ENDPOINTS  PROVIDES  CONSUMES   PACKETS     BYTES  AND\n"
		"shop/store/a-rather-  32771  shop/prod       1000        12        12  12345678  11.5 GiB  isolated\n"
		"long-name                                                                                  1 "
		"intra-EPG\n"
		"                                                                                           2 taboos\n"
		"                                                                                           preferred\n"
		"                                                                                           100 "
		"Mbit/s\n"
		"shop/internet            16  shop/prod          0         0         0         0       0 B  "
		"external\n");
}

Test(cmd_inspect, attributes_of_groups_in_json)
{
	cr_assert_eq(list(true, "group"), CLI_OK);
	cr_assert_stdout_eq_str(
		"{\"groups\":[{\"name\":\"shop/store/a-rather-long-name\",\"class\":32771,\"external\":false,"
		"\"vrf\":\"shop/prod\",\"bridgeDomain\":\"shop/bd1\",\"line\":30,\"endpoints\":1000,"
		"\"provides\":12,\"consumes\":12,\"pairs\":7,\"packets\":12345678,\"bytes\":12345678901,"
		"\"isolated\":true,\"intraContracts\":1,\"taboos\":2,\"preferredGroupMember\":true,"
		"\"policeBytesPerSecond\":12500000,\"policeBurstBytes\":65536},{\"name\":\"shop/internet\","
		"\"class\":16,\"external\":true,\"vrf\":\"shop/prod\",\"bridgeDomain\":\"\",\"line\":40,"
		"\"endpoints\":0,\"provides\":0,\"consumes\":0,\"pairs\":0,\"packets\":0,\"bytes\":0,"
		"\"isolated\":false,\"intraContracts\":0,\"taboos\":0,\"preferredGroupMember\":false,"
		"\"policeBytesPerSecond\":0,\"policeBurstBytes\":0}]}\n");
}

Test(cmd_inspect, contracts_tell_taboos_audits_and_marks)
{
	cr_assert_eq(list(false, "contract"), CLI_OK);
	cr_assert_stdout_eq_str(
		"CONTRACT                   LINE  RULE                                          PACKETS   BYTES\n"
		"shop/web                     20  1 provide, 2 consume it, keeps flows               10  1000 B\n"
		"├─pages > shop/http > web    12  permit tcp dport 80, marks AF21, keeps flows       10  1000 B\n"
		"└─closing > shop/any > ip    15  audit: deny ip, any to group                        4   400 B\n"
		"shop/sealed                  25  taboo of 1 group                                    2   200 B\n"
		"└─shop/any > ip              15  deny ip, log                                        2   200 B\n"
		"\n"
		"CONTRACT       RULE                          PACKETS  BYTES\n"
		"implicit-deny  deny: no contract permits it        5  500 B\n");
}

Test(cmd_inspect, contracts_in_json)
{
	cr_assert_eq(list(true, "contract"), CLI_OK);
	cr_assert_stdout_eq_str(
		"{\"contracts\":[{\"name\":\"shop/web\",\"kind\":\"contract\",\"scope\":\"vrf\","
		"\"keep\":true,\"file\":\"shop.yaml\",\"line\":20,\"providers\":1,\"consumers\":2,"
		"\"packets\":10,\"bytes\":1000,\"rules\":[{\"index\":0,\"contract\":\"shop/web\","
		"\"subject\":\"pages\",\"filter\":\"shop/http\",\"entry\":\"web\",\"file\":\"shop.yaml\","
		"\"line\":12,\"action\":\"permit\",\"match\":\"tcp dport 80\",\"role\":\"group\","
		"\"stateful\":true,\"reverse\":false,\"audit\":false,\"keep\":true,\"log\":false,"
		"\"dscp\":\"AF21\",\"level\":7,\"packets\":10,\"bytes\":1000},{\"index\":0,"
		"\"contract\":\"shop/web\",\"subject\":\"closing\",\"filter\":\"shop/any\",\"entry\":\"ip\","
		"\"file\":\"shop.yaml\",\"line\":15,\"action\":\"deny\",\"match\":\"ip\","
		"\"role\":\"from-any\",\"stateful\":false,\"reverse\":false,\"audit\":true,\"keep\":false,"
		"\"log\":false,\"dscp\":null,\"level\":16,\"packets\":4,\"bytes\":400}]},"
		"{\"name\":\"shop/sealed\",\"kind\":\"taboo\",\"scope\":\"\",\"keep\":false,"
		"\"file\":\"shop.yaml\",\"line\":25,\"providers\":1,\"consumers\":0,\"packets\":2,"
		"\"bytes\":200,\"rules\":[{\"index\":0,\"contract\":\"shop/sealed\",\"subject\":\"\","
		"\"filter\":\"shop/any\",\"entry\":\"ip\",\"file\":\"shop.yaml\",\"line\":15,"
		"\"action\":\"deny\",\"match\":\"ip\",\"role\":\"taboo\",\"stateful\":false,"
		"\"reverse\":false,\"audit\":false,\"keep\":false,\"log\":true,\"dscp\":null,\"level\":5,"
		"\"packets\":2,\"bytes\":200}]}],\"implicit\":[{\"index\":0,\"contract\":\"\","
		"\"subject\":\"\",\"filter\":\"\",\"entry\":\"implicit-deny\",\"file\":\"\",\"line\":0,"
		"\"action\":\"deny\",\"match\":\"no contract permits it\",\"role\":\"\",\"stateful\":false,"
		"\"reverse\":false,\"audit\":false,\"keep\":false,\"log\":false,\"dscp\":null,\"level\":21,"
		"\"packets\":5,\"bytes\":500}]}\n");
}
