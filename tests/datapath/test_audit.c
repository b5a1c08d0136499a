// SPDX-License-Identifier: GPL-2.0-only
/* Audited subjects: they change no verdict, and count what they would have changed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "stage.h"

#define WEB "{name: web, subjects: [{name: all, filters: [web]}]}"

static struct stage *open_with(const char *subject)
{
	char contract[512], *policy;
	struct stage *stage;

	snprintf(contract, sizeof(contract), "{name: web, subjects: [{name: all, filters: [web]}, %s]}", subject);
	policy = stage_policy_with(STAGE_POLICY, WEB, contract);
	stage = stage_open(policy);
	free(policy);
	return stage;
}

static struct packet_spec tcp(bool ipv4, uint16_t port)
{
	struct packet_spec spec = stage_spec(ipv4, STAGE_FRONT, stage_host(STAGE_BACK));

	spec.destination_port = port;
	return spec;
}

Test(audit, a_deny_denies_nothing_and_counts_what_it_would)
{
	struct stage *stage = open_with("{name: trial, mode: audit, filters: [{name: https, action: deny}]}");

	for (int ipv4 = 0; ipv4 < 2; ipv4++) {
		struct packet_spec https = tcp(ipv4, 443), http = tcp(ipv4, 80);

		cr_assert(stage_sends(stage, STAGE_FRONT, &https));
		cr_assert(stage_sends(stage, STAGE_FRONT, &http));
	}
	cr_assert_eq(stage_rule_packets(stage, "shop/web", "https"), 2);
	cr_assert_eq(stage_rule_packets(stage, "shop/web", "web"), 4, "the rule that has decided counts as ever");
	cr_assert_eq(stage_stat(stage, EPG_STAT_WOULD_DENY), 2);
	cr_assert_eq(stage_stat(stage, EPG_STAT_WOULD_PERMIT), 0);
	stage_close(stage);
}

Test(audit, a_permit_permits_nothing_and_counts_what_it_would)
{
	struct stage *stage = open_with("{name: trial, mode: audit, filters: [alt, http]}");
	struct packet_spec alt = tcp(true, 8080), http = tcp(true, 80);

	STAGE_EXPECT_DROP(stage, EPG_REASON_IMPLICIT_DENY, stage_sends(stage, STAGE_FRONT, &alt));
	cr_assert(stage_sends(stage, STAGE_FRONT, &http));
	cr_assert_eq(stage_rule_packets(stage, "shop/web", "alt"), 1);
	cr_assert_eq(stage_rule_packets(stage, "shop/web", "http"), 0, "it would change nothing");
	cr_assert_eq(stage_stat(stage, EPG_STAT_WOULD_PERMIT), 1);
	stage_close(stage);
}

Test(audit, a_deny_that_another_rule_overrides_would_not_deny)
{
	struct stage *stage = open_with("{name: trial, mode: audit, filters: [{name: https, action: deny, "
					"priority: level1}]}");
	struct packet_spec https = tcp(true, 443);

	cr_assert(stage_sends(stage, STAGE_FRONT, &https));
	cr_assert_eq(stage_stat(stage, EPG_STAT_WOULD_DENY), 0);
	stage_close(stage);
}

Test(audit, an_audited_contract_within_a_group_isolates_nobody)
{
	char *policy = stage_policy_with(STAGE_POLICY, "      consume: [web]\n",
					 "      consume: [web]\n      intraEpg: {contracts: [within]}\n");
	char *text = stage_policy_with(policy, "  - " WEB "\n",
				       "  - " WEB "\n"
				       "  - {name: within, subjects: [{name: trial, mode: audit, filters: [http]}]}\n");
	struct stage *stage = stage_open(text);
	struct packet_spec http = stage_spec(true, STAGE_FRONT, stage_host(STAGE_FRONT2)), other = http;

	http.destination_port = 80;
	other.destination_port = 81;
	cr_assert(stage_sends(stage, STAGE_FRONT, &http));
	cr_assert(stage_sends(stage, STAGE_FRONT, &other));
	cr_assert_eq(stage_stat(stage, EPG_STAT_WOULD_DENY), 1);
	cr_assert_eq(stage_implicit_packets(stage, EPG_RULE_ISOLATION), 1, "it is what would deny");
	stage_close(stage);
	free(text);
	free(policy);
}
