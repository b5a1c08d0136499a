// SPDX-License-Identifier: GPL-2.0-only
/* What an answer tells beside the verdict, and questions about more than one packet. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "ask.h"

/* ---- replies and errors ---- */

Test(answer, a_reply_passes_by_the_flow_that_its_packet_opens)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct epg_answer answer = ask(stage, QUESTION(.source = "front", .destination = "back", .protocol = "tcp",
						       .destination_port = 80, .ask = EPG_ASK_REPLY));

	cr_assert_eq(answer.verdict, EPG_PERMIT);
	cr_assert(answer.by_flow);
	cr_assert_str_eq(answer.packet, "tcp dport 40000 sport 80 flags syn,ack");
	cr_assert_str_eq(answer.source_group, "shop/store/back");
	cr_assert_str_eq(answer.destination_address, "10.1.0.2");
	cr_assert_str_eq(answer.rule->entry, "web");
	cr_assert_not_null(answer.opening);
	cr_assert_str_eq(answer.opening->packet, "tcp dport 80 sport 40000 flags syn");
	cr_assert_str_eq(answer.opening->source_group, "shop/store/front");
	cr_assert_eq(answer.opening->verdict, EPG_PERMIT);
	stage_close(stage);
}

Test(answer, the_reply_to_what_is_not_tracked_needs_its_own_rule)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct epg_answer answer = ask(stage, QUESTION(.source = "back", .destination = "db", .protocol = "tcp",
						       .destination_port = 5432, .ask = EPG_ASK_REPLY));

	cr_assert_eq(answer.opening->verdict, EPG_PERMIT);
	cr_assert_not(answer.opening->rule->stateful);
	cr_assert_eq(answer.verdict, EPG_PERMIT);
	cr_assert_not(answer.by_flow);
	cr_assert(answer.rule->reverse);
	cr_assert_str_eq(answer.rule->match, "tcp sport 5432 established");
	stage_close(stage);
}

Test(answer, the_reply_to_what_is_denied_is_denied)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct epg_answer answer = ask(stage, QUESTION(.source = "front", .destination = "back", .protocol = "tcp",
						       .destination_port = 22, .ask = EPG_ASK_REPLY));

	cr_assert_eq(answer.opening->verdict, EPG_DENY);
	cr_assert_eq(answer.verdict, EPG_DENY);
	cr_assert_not(answer.by_flow);
	cr_assert_str_eq(answer.source_group, "shop/store/back");
	answer = ask(stage, QUESTION(.source = "8.8.8.8", .destination = "back", .protocol = "tcp",
				     .destination_port = 80, .ask = EPG_ASK_REPLY));
	cr_assert_eq(answer.verdict, EPG_PERMIT);
	cr_assert_str_eq(answer.destination_group, "shop/world");
	stage_close(stage);
}

Test(answer, an_error_passes_where_a_flow_is_tracked)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct epg_answer answer = ask(stage, QUESTION(.source = "front", .destination = "back", .protocol = "udp",
						       .destination_port = 53, .ask = EPG_ASK_ERROR));

	cr_assert_eq(answer.verdict, EPG_PERMIT);
	cr_assert(answer.by_flow);
	cr_assert_str_eq(answer.packet, "icmp destination-unreachable code 3");
	answer = ask(stage, QUESTION(.source = "back", .destination = "db", .protocol = "tcp", .destination_port = 5432,
				     .ask = EPG_ASK_ERROR));
	cr_assert_eq(answer.opening->verdict, EPG_PERMIT);
	cr_assert_eq(answer.verdict, EPG_DENY);
	cr_assert_eq(answer.reason, EPG_REASON_UNRELATED);
	cr_assert_neq(answer.remedy.hint[0], '\0');
	stage_close(stage);
}

/* ---- all that a packet can be ---- */

/* The stage's policy, with more of contract web and of group back. */
static struct stage *open_with(const char *filters, const char *subjects, const char *taboos, const char *of_back)
{
	char *with_filters = stage_policy_with(STAGE_POLICY, "  contracts:\n", filters);
	char *with_subjects = stage_policy_with(with_filters, "{name: all, filters: [web]}", subjects);
	char *with_taboos = stage_policy_with(with_subjects, "  appProfiles:\n", taboos);
	char *policy = stage_policy_with(with_taboos, "      consume: [sql, alt]\n", of_back);
	struct stage *stage = stage_open(policy);

	free(policy);
	free(with_taboos);
	free(with_subjects);
	free(with_filters);
	return stage;
}

#define NO_FILTERS "  contracts:\n"
#define SUBJECT "{name: all, filters: [web]}"
#define NO_TABOOS "  appProfiles:\n"
#define BACK_CONSUMES "      consume: [sql, alt]\n"

Test(answer, fragments_show_what_they_have)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct epg_answer answer = ask(stage, QUESTION(.source = "front", .destination = "back", .protocol = "tcp",
						       .destination_port = 80, .fragment = EPG_FRAGMENT_FIRST));

	cr_assert_eq(answer.verdict, EPG_PERMIT);
	answer = ask(stage, QUESTION(.source = "front", .destination = "back", .protocol = "tcp",
				     .fragment = EPG_FRAGMENT_LATER));
	cr_assert_eq(answer.verdict, EPG_PERMIT, "the first one may yet come, and be permitted");
	cr_assert_str_eq(answer.packet, "tcp, later fragment");
	cr_assert_str_eq(answer.rule->entry, "web");
	cr_assert(strstr(answer.remedy.hint, "on credit"), "%s", answer.remedy.hint);
	answer = ask(stage, QUESTION(.source = "front", .destination = "back", .protocol = "sctp",
				     .fragment = EPG_FRAGMENT_LATER));
	cr_assert_eq(answer.verdict, EPG_DENY, "no rule permits any SCTP");
	cr_assert_eq(answer.reason, EPG_REASON_FRAGMENT);
	cr_assert_gt(answer.n_near_misses, 0);
	cr_assert_str_eq(answer.near_misses[0].why, "protocol sctp is not tcp");
	cr_assert_eq(answer.near_misses[0].missed, 1u << EPG_MISS_PROTOCOL);
	cr_assert_str_eq(answer.remedy.yaml, "- {name: sctp-fragments, etherT: ip, prot: sctp, fragments: only}");
	cr_assert_eq(answer.remedy.line, 13);
	stage_close(stage);
	stage = open_with("  - {name: more, entries: [{name: pieces, prot: tcp, fragments: only}]}\n  contracts:\n",
			  "{name: all, filters: [web, more]}", NO_TABOOS, BACK_CONSUMES);
	answer = ask(stage, QUESTION(.source = "front", .destination = "back", .protocol = "tcp",
				     .fragment = EPG_FRAGMENT_LATER));
	cr_assert_eq(answer.verdict, EPG_PERMIT);
	cr_assert_str_eq(answer.rule->match, "tcp fragments");
	cr_assert_str_eq(answer.remedy.hint, "", "that is no credit");
	stage_close(stage);
}

Test(answer, dscps_and_flags_decide_too)
{
	struct stage *stage = open_with("  - {name: more, entries: [{name: ef, prot: udp, dPort: 4000, matchDscp: EF}, "
					"{name: fin, prot: tcp, dPort: 25, tcpFlags: [fin]}]}\n  contracts:\n",
					"{name: all, filters: [web, more]}", NO_TABOOS, BACK_CONSUMES);
	struct epg_answer answer = ask(stage, QUESTION(.source = "front", .destination = "back", .protocol = "udp",
						       .destination_port = 4000));

	cr_assert_eq(answer.verdict, EPG_DENY);
	cr_assert_str_eq(answer.near_misses[0].why, "DSCP CS0 is not EF");
	cr_assert_eq(answer.near_misses[0].missed, 1u << EPG_MISS_DSCP);
	answer = ask(stage, QUESTION(.source = "front", .destination = "back", .protocol = "udp",
				     .destination_port = 4000, .dscp = 46));
	cr_assert_eq(answer.verdict, EPG_PERMIT);
	cr_assert_str_eq(answer.packet, "udp dport 4000 sport 40000 dscp EF");
	answer = ask(stage,
		     QUESTION(.source = "front", .destination = "back", .protocol = "tcp", .destination_port = 25));
	cr_assert_eq(answer.verdict, EPG_DENY);
	cr_assert_str_eq(answer.near_misses[0].why, "its TCP flags are not those of \"flags fin\"");
	stage_close(stage);
}

Test(answer, arp_and_other_frames_can_be_asked_about)
{
	struct stage *stage = open_with("  - {name: more, entries: [{name: lldp, etherT: 0x88cc}]}\n  contracts:\n",
					"{name: all, filters: [web, more]}", NO_TABOOS, BACK_CONSUMES);
	struct packet_spec spec = stage_spec(true, STAGE_BACK, stage_host(STAGE_FRONT));
	struct epg_answer answer = ask(stage, QUESTION(.source = "front", .destination = "back", .protocol = "arp"));

	cr_assert_eq(answer.verdict, EPG_PERMIT);
	cr_assert_eq(answer.rule->index, EPG_RULE_INFRASTRUCTURE);
	cr_assert_str_eq(answer.rule->name, "infrastructure");
	cr_assert_str_eq(answer.packet, "arp request");
	answer = ask(stage, QUESTION(.source = "front", .destination = "back", .protocol = "0x88cc"));
	cr_assert_eq(answer.reason, EPG_REASON_UNKNOWN_DESTINATION, "it has not sent anything yet");
	stage_sends(stage, STAGE_BACK, &spec);
	answer = ask(stage, QUESTION(.source = "front", .destination = "back", .protocol = "0x88cc"));
	cr_assert_eq(answer.verdict, EPG_PERMIT);
	cr_assert_str_eq(answer.rule->entry, "lldp");
	answer = ask(stage, QUESTION(.source = "front", .destination = "back", .protocol = "0x8899"));
	cr_assert_eq(answer.verdict, EPG_DENY);
	cr_assert_str_eq(answer.remedy.yaml, "- {name: ethertype-8899, etherT: 0x8899}");
	expect_failure(stage, QUESTION(.source = "front", .destination = "guest", .protocol = "0x88cc"), -ENOENT,
		       EPG_FAILURE_NOT_FOUND);
	stage_close(stage);
}

/* ---- other rules ---- */

Test(answer, a_taboo_is_told_with_the_permit_that_it_beats)
{
	struct stage *stage =
		open_with(NO_FILTERS, SUBJECT, "  taboos: [{name: no-web, filters: [http]}]\n  appProfiles:\n",
			  BACK_CONSUMES "      taboos: [no-web]\n");
	struct epg_answer answer = ask(stage, QUESTION(.source = "front", .destination = "back", .protocol = "tcp",
						       .destination_port = 80));

	cr_assert_eq(answer.verdict, EPG_DENY);
	cr_assert_eq(answer.level, EPG_LEVEL_TABOO);
	cr_assert_str_eq(answer.rule->contract, "shop/no-web");
	cr_assert_str_eq(answer.rule->role, "taboo");
	cr_assert_eq(answer.n_beaten, 1);
	cr_assert_eq(answer.n_beaten_all, 1);
	cr_assert_str_eq(answer.beaten[0].contract, "shop/web");
	cr_assert(answer.beaten[0].permit);
	cr_assert_eq(answer.n_near_misses, 0);
	cr_assert(strstr(answer.remedy.hint, "take taboo shop/no-web away from shop/store/back"), "%s",
		  answer.remedy.hint);
	stage_close(stage);
}

Test(answer, many_beaten_rules_are_counted)
{
	char subjects[2048] = SUBJECT;
	struct epg_answer answer;
	struct stage *stage;

	for (int i = 0; i < 20; i++) {
		size_t length = strlen(subjects);

		snprintf(subjects + length, sizeof(subjects) - length, ", {name: s%d, filters: [http]}", i);
	}
	stage = open_with(NO_FILTERS, subjects, NO_TABOOS, BACK_CONSUMES);
	answer = ask(stage,
		     QUESTION(.source = "front", .destination = "back", .protocol = "tcp", .destination_port = 80));
	cr_assert_str_eq(answer.rule->entry, "web");
	cr_assert_eq(answer.n_beaten_all, 20);
	cr_assert_eq(answer.n_beaten, 16);
	cr_assert_str_eq(answer.beaten[0].subject, "s0", "the next one in the file");
	stage_close(stage);
}

Test(answer, an_audited_rule_is_told_beside_the_one_that_decides)
{
	struct stage *stage =
		open_with(NO_FILTERS,
			  SUBJECT ", {name: trial, mode: audit, filters: [{name: http, action: deny}, alt]}", NO_TABOOS,
			  BACK_CONSUMES);
	struct epg_answer answer = ask(stage, QUESTION(.source = "front", .destination = "back", .protocol = "tcp",
						       .destination_port = 80));

	cr_assert_eq(answer.verdict, EPG_PERMIT);
	cr_assert_not_null(answer.audited);
	cr_assert_str_eq(answer.audited->subject, "trial");
	cr_assert(answer.audited->audit && !answer.audited->permit);
	cr_assert_eq(answer.n_beaten, 0, "what is audited is not beaten");
	answer = ask(stage,
		     QUESTION(.source = "front", .destination = "back", .protocol = "tcp", .destination_port = 8080));
	cr_assert_eq(answer.verdict, EPG_DENY);
	cr_assert_str_eq(answer.audited->entry, "alt");
	cr_assert_eq(answer.near_misses[0].missed, 1u << EPG_MISS_AUDIT);
	answer = ask(stage,
		     QUESTION(.source = "front", .destination = "back", .protocol = "tcp", .destination_port = 443));
	cr_assert_null(answer.audited);
	stage_close(stage);
}

Test(answer, endpoints_of_two_vrfs_can_be_asked_about_by_interface)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct epg_answer answer = ask(stage, QUESTION(.source = "front", .destination = "free", .protocol = "tcp",
						       .destination_port = 80));

	cr_assert_eq(answer.verdict, EPG_DENY);
	cr_assert_str_eq(answer.destination_address, "10.2.0.2");
	stage_close(stage);
}

Test(answer, contracts_across_vrfs_are_followed_there_and_back)
{
	char *enforced = stage_policy_with(STAGE_POLICY, "{name: open, enforcement: unenforced}", "{name: open}");
	char *provided = stage_policy_with(enforced, "    - name: free\n", "    - name: free\n      provide: [far]\n");
	char *consumed = stage_policy_with(provided, "      consume: [web]\n", "      consume: [web, far]\n");
	char *policy = stage_policy_with(consumed, "  appProfiles:\n",
					 "  - {name: far, scope: tenant, subjects: [{name: all, filters: [http]}]}\n"
					 "  appProfiles:\n");
	static const char *const destinations[] = {"free", "10.2.0.2"};
	struct stage *stage = stage_open(policy);

	for (size_t i = 0; i < 2; i++) {
		struct epg_answer answer = ask(stage, QUESTION(.source = "front", .destination = destinations[i],
							       .protocol = "tcp", .destination_port = 80));

		cr_assert_eq(answer.verdict, EPG_PERMIT, "%s", answer.reason_text);
		cr_assert_str_eq(answer.rule->contract, "shop/far");
		cr_assert_str_eq(answer.destination_interface, "free");
		answer = ask(stage, QUESTION(.source = "front", .destination = destinations[i], .protocol = "tcp",
					     .destination_port = 22, .ask = EPG_ASK_REPLY));
		cr_assert_eq(answer.opening->verdict, EPG_DENY);
		cr_assert_eq(answer.verdict, EPG_DENY);
		cr_assert_str_eq(answer.source_group, "shop/lab/free");
		cr_assert_str_eq(answer.destination_group, "shop/store/front");
	}
	stage_close(stage);
	free(policy);
	free(consumed);
	free(provided);
	free(enforced);
}

/* A second "consume" would be an error: the line is the whole list. */
Test(answer, the_line_to_write_keeps_what_the_group_consumes_already)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct epg_answer answer = ask(stage, QUESTION(.source = "front", .destination = "db", .protocol = "tcp",
						       .destination_port = 5432));

	cr_assert_eq(answer.verdict, EPG_DENY);
	cr_assert_str_eq(answer.remedy.yaml, "consume: [web, sql]");
	stage_close(stage);
}
