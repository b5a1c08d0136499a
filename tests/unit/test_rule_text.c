// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include <criterion/criterion.h>

#include "runtime/internal.h"

#define ANY                   \
	{                     \
		0, UINT16_MAX \
	}

/* Of no interest to the rule. */
#define REST .dscp = ANY, .fragment = ANY, .tcp_flags = MODEL_TCP_FLAGS_ANY

Test(rule_text, what_a_rule_matches)
{
	static const struct {
		const char *text;
		struct catalog_rule rule;
	} cases[] = {
		{"any", {.n_kinds = 1, .kinds = {ANY}, .destination = ANY, .source = ANY, REST}},
		{"ip", {.n_kinds = 2, .kinds = {{0, 0xff}, {0x100, 0x1ff}}, .destination = ANY, .source = ANY, REST}},
		{"ip", {.n_kinds = 1, .kinds = {{0, 0x1ff}}, .destination = ANY, .source = ANY, REST}},
		{"ipv4", {.n_kinds = 1, .kinds = {{0, 0xff}}, .destination = ANY, .source = ANY, REST}},
		{"ipv6", {.n_kinds = 1, .kinds = {{0x100, 0x1ff}}, .destination = ANY, .source = ANY, REST}},
		{"tcp dport 80-443",
		 {.n_kinds = 2, .kinds = {{6, 6}, {0x106, 0x106}}, .destination = {80, 443}, .source = ANY, REST}},
		{"tcp sport 80 established",
		 {.n_kinds = 2,
		  .kinds = {{6, 6}, {0x106, 0x106}},
		  .destination = ANY,
		  .source = {80, 80},
		  .dscp = ANY,
		  .fragment = ANY,
		  .tcp_flags = 0xfff0}},
		{"ipv4 udp dport 53",
		 {.n_kinds = 1, .kinds = {{17, 17}}, .destination = {53, 53}, .source = ANY, REST}},
		{"icmp echo-request code 0",
		 {.n_kinds = 1, .kinds = {{1, 1}}, .destination = {8, 8}, .source = {0, 0}, REST}},
		{"icmpv6 echo-request",
		 {.n_kinds = 1, .kinds = {{0x13a, 0x13a}}, .destination = {128, 128}, .source = ANY, REST}},
		{"protocol 99",
		 {.n_kinds = 2, .kinds = {{99, 99}, {0x163, 0x163}}, .destination = ANY, .source = ANY, REST}},
		{"arp", {.n_kinds = 1, .kinds = {{0x806, 0x806}}, .destination = ANY, .source = ANY, REST}},
		{"arp request", {.n_kinds = 1, .kinds = {{0x806, 0x806}}, .destination = {1, 1}, .source = ANY, REST}},
		{"arp reply", {.n_kinds = 1, .kinds = {{0x806, 0x806}}, .destination = {2, 2}, .source = ANY, REST}},
		{"tcp dport 80 flags syn", /* SYN is bit 1: every other pair of combinations */
		 {.n_kinds = 2,
		  .kinds = {{6, 6}, {0x106, 0x106}},
		  .destination = {80, 80},
		  .source = ANY,
		  .dscp = ANY,
		  .fragment = {0, 0},
		  .tcp_flags = 0xcccc}},
		{"tcp flags syn,ack",
		 {.n_kinds = 2,
		  .kinds = {{6, 6}, {0x106, 0x106}},
		  .destination = ANY,
		  .source = ANY,
		  .dscp = ANY,
		  .fragment = {0, 0},
		  .tcp_flags = 0xcc00}},
		{"tcp established flags fin",
		 {.n_kinds = 2,
		  .kinds = {{6, 6}, {0x106, 0x106}},
		  .destination = ANY,
		  .source = ANY,
		  .dscp = ANY,
		  .fragment = ANY,
		  .tcp_flags = 0xaaa0}},
		{"udp fragments",
		 {.n_kinds = 2,
		  .kinds = {{17, 17}, {0x111, 0x111}},
		  .destination = ANY,
		  .source = ANY,
		  .dscp = ANY,
		  .fragment = {1, 1},
		  .tcp_flags = MODEL_TCP_FLAGS_ANY}},
		{"ip dscp AF21",
		 {.n_kinds = 1,
		  .kinds = {{0, 0x1ff}},
		  .destination = ANY,
		  .source = ANY,
		  .dscp = {18, 18},
		  .fragment = ANY,
		  .tcp_flags = MODEL_TCP_FLAGS_ANY}},
		{"ip dscp 19",
		 {.n_kinds = 1,
		  .kinds = {{0, 0x1ff}},
		  .destination = ANY,
		  .source = ANY,
		  .dscp = {19, 19},
		  .fragment = ANY,
		  .tcp_flags = MODEL_TCP_FLAGS_ANY}},
		{"ethertype 0x88cc",
		 {.n_kinds = 1, .kinds = {{0x88cc, 0x88cc}}, .destination = ANY, .source = ANY, REST}},
	};
	char text[128];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		rule_text_match(&cases[i].rule, text, sizeof(text));
		cr_assert_str_eq(text, cases[i].text, "\"%s\" instead of \"%s\"", text, cases[i].text);
	}
	/* A buffer that is too small is not overrun. */
	memset(text, '#', sizeof(text));
	rule_text_match(&cases[5].rule, text, 8);
	cr_assert_str_eq(text, "tcp dpo");
	cr_assert_eq(text[8], '#');
}

Test(rule_text, what_is_told_of_a_rule)
{
	static const char strings[] = "\0t/web\0all\0f\0http";
	struct catalog_contract contract = {.name = 1, .first_rule = 1, .n_rules = 1};
	struct catalog_rule rules[] = {
		{.contract = CATALOG_NONE, .n_kinds = 1, .kinds = {ANY}, .destination = ANY, .source = ANY, REST},
		{.contract = 0,
		 .subject = 7,
		 .filter = 11,
		 .entry = 13,
		 .line = 42,
		 .role = CATALOG_ROLE_TO_ANY,
		 .reverse = 1,
		 .n_kinds = 1,
		 .kinds = {{6, 6}},
		 .destination = {80, 80},
		 .source = ANY,
		 .what = {.action = EPG_PERMIT,
			  .level = 13,
			  .flags = EPG_RULE_STATEFUL | EPG_RULE_LOG | EPG_RULE_DSCP,
			  .dscp = 46},
		 REST},
	};
	struct epg_counter counters[] = {{1, 2}, {3, 4}};
	struct generation generation = {
		.catalog = {.contracts = &contract,
			    .n_contracts = 1,
			    .rules = rules,
			    .n_rules = 2,
			    .strings = strings,
			    .n_strings = sizeof(strings),
			    .file = "shop.yaml"},
		.counters = counters,
	};
	struct epg_rule_info info;
	char match[64];

	rule_text_info(&generation, 1, match, sizeof(match), &info);
	cr_assert_eq(info.index, 1);
	cr_assert_str_eq(info.contract, "t/web");
	cr_assert_str_eq(info.subject, "all");
	cr_assert_str_eq(info.filter, "f");
	cr_assert_str_eq(info.entry, "http");
	cr_assert_str_eq(info.file, "shop.yaml");
	cr_assert_str_eq(info.match, "ipv4 tcp dport 80");
	cr_assert_eq(info.line, 42);
	cr_assert(info.permit && info.stateful && info.reverse);
	cr_assert(info.log && !info.audit && !info.keep);
	cr_assert_eq(info.dscp, 46);
	cr_assert_str_eq(info.role, "to-any");
	cr_assert_str_eq(info.name, "");
	cr_assert_str_eq(info.text, "");
	cr_assert_eq(info.level, 13);
	cr_assert_eq(info.packets, 3);
	cr_assert_eq(info.bytes, 4);
	rule_text_info(&generation, 0, match, sizeof(match), &info);
	cr_assert_str_eq(info.contract, "");
	cr_assert_str_eq(info.role, "");
	cr_assert_str_eq(info.name, "implicit-deny");
	cr_assert_str_eq(info.text, "no contract permits it");
	cr_assert_eq(info.dscp, -1);
	cr_assert(!info.permit && !info.stateful && !info.reverse);
	cr_assert_eq(info.packets, 1);
}

Test(rule_text, dscps_have_names_where_people_gave_them_some)
{
	cr_assert_str_eq(epg_dscp_name(46), "EF");
	cr_assert_str_eq(epg_dscp_name(0), "CS0");
	cr_assert_null(epg_dscp_name(1));
	cr_assert_null(epg_dscp_name(200));
}
