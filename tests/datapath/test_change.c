// SPDX-License-Identifier: GPL-2.0-only
/* What becomes of tracked flows when the policy changes: onChange, and by which packet a flow is decided anew. */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "stage.h"

#define WEB "{name: web, subjects: [{name: all, filters: [web]}]}"
#define WEB_KEPT "{name: web, onChange: keep, subjects: [{name: all, filters: [web]}]}"

struct conversation {
	struct packet_spec open, reply, data;
};

static struct conversation conversation(bool ipv4)
{
	struct conversation talk = {
		.open = stage_spec(ipv4, STAGE_FRONT, stage_host(STAGE_BACK)),
		.reply = stage_spec(ipv4, STAGE_BACK, stage_host(STAGE_FRONT)),
	};

	talk.open.destination_port = talk.reply.source_port = 80;
	talk.reply.destination_port = talk.open.source_port;
	talk.reply.tcp_flags = PACKET_TCP_SYN | PACKET_TCP_ACK;
	talk.data = talk.open;
	talk.data.tcp_flags = PACKET_TCP_ACK;
	return talk;
}

static void begin(struct stage *stage, const struct conversation *talk)
{
	cr_assert(stage_delivers(stage, STAGE_FRONT, STAGE_BACK, &talk->open));
	cr_assert(stage_delivers(stage, STAGE_BACK, STAGE_FRONT, &talk->reply));
	cr_assert(stage_delivers(stage, STAGE_FRONT, STAGE_BACK, &talk->data));
}

static void apply_with(struct stage *stage, const char *policy, const char *piece, const char *replacement)
{
	char *text = stage_policy_with(policy, piece, replacement);

	stage_apply(stage, text);
	free(text);
}

static char *kept_policy(void)
{
	return stage_policy_with(STAGE_POLICY, WEB, WEB_KEPT);
}

Test(change, a_flow_of_a_contract_that_keeps_outlives_it)
{
	char *policy = kept_policy();
	struct stage *stage = stage_open(policy);

	for (int ipv4 = 0; ipv4 < 2; ipv4++) {
		struct conversation talk = conversation(ipv4), other = talk;

		stage_apply(stage, policy);
		begin(stage, &talk);
		apply_with(stage, policy, "      consume: [web]\n", "");
		other.open.source_port++;
		cr_assert(stage_delivers(stage, STAGE_FRONT, STAGE_BACK, &talk.data));
		cr_assert(stage_delivers(stage, STAGE_BACK, STAGE_FRONT, &talk.reply));
		cr_assert_not(stage_sends(stage, STAGE_FRONT, &other.open), "a new one is not permitted");
		cr_assert_geq(stage_implicit_packets(stage, EPG_RULE_KEPT), 2);
		apply_with(stage, policy, "      consume: [web]\n", "      consume: []\n");
		cr_assert(stage_delivers(stage, STAGE_FRONT, STAGE_BACK, &talk.data), "and the apply after that");
	}
	cr_assert_eq(stage_stat(stage, EPG_STAT_FLOWS_KEPT), 2);
	cr_assert_eq(stage_stat(stage, EPG_STAT_FLOWS_REVOKED), 0);
	stage_close(stage);
	free(policy);
}

Test(change, by_default_a_flow_does_not_outlive_its_contract)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct conversation talk = conversation(true);

	begin(stage, &talk);
	apply_with(stage, STAGE_POLICY, "      consume: [web]\n", "");
	cr_assert_not(stage_sends(stage, STAGE_FRONT, &talk.data));
	cr_assert_eq(stage_implicit_packets(stage, EPG_RULE_KEPT), 0);
	stage_close(stage);
}

Test(change, what_denies_cuts_a_kept_flow_too_and_for_good)
{
	char *policy = kept_policy();
	char *taboo = stage_policy_with(policy, "  appProfiles:\n",
					"  taboos: [{name: no-http, filters: [http]}]\n"
					"  appProfiles:\n");
	char *denied = stage_policy_with(taboo, "      provide: [web, world, partners]\n",
					 "      provide: [web, world, partners]\n      taboos: [no-http]\n");
	struct stage *stage = stage_open(policy);
	struct conversation talk = conversation(true);

	begin(stage, &talk);
	stage_apply(stage, denied);
	STAGE_EXPECT_DROP(stage, EPG_REASON_DENIED, stage_sends(stage, STAGE_FRONT, &talk.data));
	apply_with(stage, policy, "      consume: [web]\n", "");
	cr_assert_not(stage_sends(stage, STAGE_FRONT, &talk.data), "it was cut: nothing is left to be kept");
	stage_apply(stage, policy);
	cr_assert(stage_sends(stage, STAGE_FRONT, &talk.data), "permitted again");
	stage_close(stage);
	free(denied);
	free(taboo);
	free(policy);
}

Test(change, an_endpoint_that_moves_takes_no_kept_flow_along)
{
	char *policy = kept_policy();
	struct stage *stage = stage_open(policy);
	struct conversation talk = conversation(true);

	begin(stage, &talk);
	stage_move_endpoint(stage, STAGE_FRONT, STAGE_DB);
	cr_assert_not(stage_sends(stage, STAGE_FRONT, &talk.data));
	stage_close(stage);
	free(policy);
}

Test(change, a_kept_connection_is_not_opened_again)
{
	char *policy = kept_policy();
	struct stage *stage = stage_open(policy);
	struct conversation talk = conversation(true);

	begin(stage, &talk);
	apply_with(stage, policy, "      consume: [web]\n", "");
	STAGE_EXPECT_DROP(stage, EPG_REASON_IMPLICIT_DENY, stage_sends(stage, STAGE_FRONT, &talk.open));
	cr_assert(stage_delivers(stage, STAGE_FRONT, STAGE_BACK, &talk.data), "what was open goes on");
	STAGE_EXPECT_DROP(stage, EPG_REASON_IMPLICIT_DENY, stage_sends(stage, STAGE_FRONT, &talk.open));
	stage_close(stage);
	free(policy);
}

/* 198.51.100.7, of the group `world`, opens to back; then the address is another group's, then nobody's. */
Test(change, an_address_outside_that_changes_its_group_takes_no_kept_flow_along)
{
	char *policy =
		stage_policy_with(STAGE_POLICY, "{name: world, subjects:", "{name: world, onChange: keep, subjects:");
	char *closed = stage_policy_with(policy, "\"::/0\"], consume: [world]}", "\"::/0\"]}");
	char *moved = stage_policy_with(closed, "subnets: [192.0.2.0/24,", "subnets: [192.0.2.0/24, 198.51.100.0/24,");
	struct stage *stage = stage_open(policy);
	struct packet_spec spec = stage_spec(true, STAGE_NOBODY, stage_host(STAGE_BACK));
	struct stage_hook egress = {.program = STAGE_EGRESS, .interface = STAGE_BACK};
	static const uint8_t stranger[] = {198, 51, 100, 7};
	struct packet open, data;

	memcpy(spec.source + 12, stranger, sizeof(stranger));
	spec.destination_port = 80;
	cr_assert_eq(packet_build(&spec, &open), 0);
	spec.tcp_flags = PACKET_TCP_ACK;
	cr_assert_eq(packet_build(&spec, &data), 0);
	cr_assert(stage_run(stage, &egress, &open).passed);
	stage_apply(stage, closed);
	cr_assert(stage_run(stage, &egress, &data).passed, "kept, as long as it is of the same group");
	stage_apply(stage, moved);
	cr_assert_not(stage_run(stage, &egress, &data).passed);
	stage_close(stage);
	free(moved);
	free(closed);
	free(policy);
}

/* Ids are given anew; what is left of those who had them is not. */
Test(change, a_new_group_does_not_come_into_what_an_old_one_has_left)
{
	char *policy = kept_policy();
	char *gone = stage_policy_with(policy, "    - name: front\n      bridgeDomain: bd1\n      consume: [web]\n",
				       "    - name: newcomer\n      bridgeDomain: bd1\n");
	struct stage *stage = stage_open(policy);
	struct conversation talk = conversation(true);
	struct packet_spec denied = talk.open;

	denied.destination_port = 22;
	begin(stage, &talk);
	cr_assert_not(stage_sends(stage, STAGE_FRONT, &denied));
	apply_with(stage, gone, "name: newcomer", "name: between");
	apply_with(stage, gone, "name: newcomer", "name: between");
	stage_apply(stage, gone);
	cr_assert_eq(stage_drops_between(stage, "shop/store/newcomer", "shop/store/back", EPG_REASON_IMPLICIT_DENY), 0);
	cr_assert_not(stage_sends(stage, STAGE_FRONT, &talk.data), "the kept flow was front's");
	stage_close(stage);
	free(gone);
	free(policy);
}

Test(change, a_flow_is_decided_anew_by_the_packet_that_opened_it)
{
	char *policy = stage_policy_with(
		STAGE_POLICY, "{name: http, entries: [{name: http, prot: tcp, dPort: 80}]}",
		"{name: http, entries: [{name: http, prot: tcp, dPort: 80, sPort: 40000, tcpFlags: [syn], "
		"matchDscp: AF11}]}");
	char *strict = stage_policy_with(policy, WEB, "{name: web, subjects: [{name: all, filters: [http]}]}");
	struct stage *stage = stage_open(strict);
	struct conversation talk = conversation(true);

	talk.open.dscp = 10;
	begin(stage, &talk);
	apply_with(stage, strict, "dPort: 8080", "dPort: 8081");
	cr_assert(stage_delivers(stage, STAGE_BACK, STAGE_FRONT, &talk.reply), "neither SYN alone nor AF11");
	apply_with(stage, strict, "dPort: 8080", "dPort: 8082");
	cr_assert(stage_delivers(stage, STAGE_FRONT, STAGE_BACK, &talk.data));
	apply_with(stage, strict, "AF11", "AF12");
	cr_assert_not(stage_sends(stage, STAGE_FRONT, &talk.data), "by another DSCP it could not be opened");
	stage_close(stage);
	free(strict);
	free(policy);
}

Test(change, a_flow_that_was_picked_up_in_its_middle_goes_on)
{
	char *policy = stage_policy_with(STAGE_POLICY, "{name: http, entries: [{name: http, prot: tcp, dPort: 80}]}",
					 "{name: http, entries: [{name: http, prot: tcp, dPort: 80, tcpFlags: est}]}");
	char *middle = stage_policy_with(policy, WEB, "{name: web, subjects: [{name: all, filters: [http]}]}");
	struct stage *stage = stage_open(middle);
	struct conversation talk = conversation(false);

	cr_assert_not(stage_sends(stage, STAGE_FRONT, &talk.open));
	cr_assert(stage_delivers(stage, STAGE_FRONT, STAGE_BACK, &talk.data));
	apply_with(stage, middle, "dPort: 8080", "dPort: 8081");
	talk.reply.tcp_flags = PACKET_TCP_ACK;
	cr_assert(stage_delivers(stage, STAGE_BACK, STAGE_FRONT, &talk.reply));
	stage_close(stage);
	free(middle);
	free(policy);
}
