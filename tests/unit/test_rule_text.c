// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include <criterion/criterion.h>

#include "runtime/internal.h"

#define ANY                   \
	{                     \
		0, UINT16_MAX \
	}

Test(rule_text, what_a_rule_matches)
{
	static const struct {
		const char *text;
		struct catalog_rule rule;
	} cases[] = {
		{"any", {.n_kinds = 1, .kinds = {ANY}, .destination = ANY, .source = ANY, .flags = ANY}},
		{"ip",
		 {.n_kinds = 2, .kinds = {{0, 0xff}, {0x100, 0x1ff}}, .destination = ANY, .source = ANY, .flags = ANY}},
		{"ip", {.n_kinds = 1, .kinds = {{0, 0x1ff}}, .destination = ANY, .source = ANY, .flags = ANY}},
		{"ipv4", {.n_kinds = 1, .kinds = {{0, 0xff}}, .destination = ANY, .source = ANY, .flags = ANY}},
		{"ipv6", {.n_kinds = 1, .kinds = {{0x100, 0x1ff}}, .destination = ANY, .source = ANY, .flags = ANY}},
		{"tcp dport 80-443",
		 {.n_kinds = 2,
		  .kinds = {{6, 6}, {0x106, 0x106}},
		  .destination = {80, 443},
		  .source = ANY,
		  .flags = ANY}},
		{"tcp sport 80 established",
		 {.n_kinds = 2,
		  .kinds = {{6, 6}, {0x106, 0x106}},
		  .destination = ANY,
		  .source = {80, 80},
		  .flags = {4, 15}}},
		{"ipv4 udp dport 53",
		 {.n_kinds = 1, .kinds = {{17, 17}}, .destination = {53, 53}, .source = ANY, .flags = ANY}},
		{"icmp echo-request code 0",
		 {.n_kinds = 1, .kinds = {{1, 1}}, .destination = {8, 8}, .source = {0, 0}, .flags = ANY}},
		{"icmpv6 echo-request",
		 {.n_kinds = 1, .kinds = {{0x13a, 0x13a}}, .destination = {128, 128}, .source = ANY, .flags = ANY}},
		{"protocol 99",
		 {.n_kinds = 2, .kinds = {{99, 99}, {0x163, 0x163}}, .destination = ANY, .source = ANY, .flags = ANY}},
		{"arp", {.n_kinds = 1, .kinds = {{0x806, 0x806}}, .destination = ANY, .source = ANY, .flags = ANY}},
		{"ethertype 0x88cc",
		 {.n_kinds = 1, .kinds = {{0x88cc, 0x88cc}}, .destination = ANY, .source = ANY, .flags = ANY}},
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
		{.contract = CATALOG_NONE,
		 .n_kinds = 1,
		 .kinds = {ANY},
		 .destination = ANY,
		 .source = ANY,
		 .flags = ANY},
		{.contract = 0,
		 .subject = 7,
		 .filter = 11,
		 .entry = 13,
		 .line = 42,
		 .reverse = 1,
		 .n_kinds = 1,
		 .kinds = {{6, 6}},
		 .destination = {80, 80},
		 .source = ANY,
		 .flags = ANY},
	};
	struct epg_rule table[2][2] = {[1] = {{.action = EPG_PERMIT, .level = 7, .flags = EPG_RULE_STATEFUL}}};
	struct epg_counter counters[] = {{1, 2}, {3, 4}};
	struct generation generation = {
		.catalog = {.contracts = &contract,
			    .n_contracts = 1,
			    .rules = rules,
			    .n_rules = 2,
			    .strings = strings,
			    .n_strings = sizeof(strings),
			    .file = "shop.yaml"},
		.rules = (const uint8_t *)table,
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
	cr_assert_eq(info.level, 7);
	cr_assert_eq(info.packets, 3);
	cr_assert_eq(info.bytes, 4);
	rule_text_info(&generation, 0, match, sizeof(match), &info);
	cr_assert_str_eq(info.contract, "");
	cr_assert(!info.permit && !info.stateful && !info.reverse);
	cr_assert_eq(info.packets, 1);
}
