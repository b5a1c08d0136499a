// SPDX-License-Identifier: GPL-2.0-only
/* A subject's DSCP: written into what it permits, both ways, and into nothing else. */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "stage.h"

#define AF21 18
#define ECN_CAPABLE 2

/* Traffic class of a frame; `network` is the offset of its IP header. */
static unsigned int traffic_class(const uint8_t *frame, bool ipv4)
{
	const uint8_t *ip = frame + 14;

	return ipv4 ? ip[1] : (ip[0] & 0xfu) << 4 | ip[1] >> 4;
}

static bool ipv4_checksum_holds(const uint8_t *frame)
{
	uint32_t sum = 0;

	for (int i = 0; i < 20; i += 2)
		sum += (uint32_t)frame[14 + i] << 8 | frame[14 + i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum == 0xffff;
}

static struct stage *open_stage(void)
{
	char *policy = stage_policy_with(STAGE_POLICY, "{name: web, subjects: [{name: all, filters: [web]}]}",
					 "{name: web, subjects: [{name: all, dscp: AF21, filters: [web]}]}");
	struct stage *stage = stage_open(policy);

	free(policy);
	return stage;
}

static void set_ecn(struct packet *packet, bool ipv4)
{
	uint8_t *ip = packet->data + packet->network;

	if (ipv4) {
		ip[1] |= ECN_CAPABLE;
		/* One more in the word, one less in the checksum; no carry in these frames. */
		ip[11] = (uint8_t)(ip[11] - ECN_CAPABLE);
	} else {
		ip[1] |= ECN_CAPABLE << 4;
	}
}

/* The packet as it arrives at `to`, after both hooks. */
static struct stage_result arrive(struct stage *stage, enum stage_program program, enum stage_interface from,
				  enum stage_interface to, const struct packet *packet)
{
	struct stage_hook sender = {.program = program, .interface = from};
	struct stage_hook receiver = {.program = STAGE_EGRESS,
				      .interface = to,
				      .ingress_ifindex = stage_ifindex(stage, from)};
	struct stage_result sent = stage_run(stage, &sender, packet);
	struct packet between = *packet;

	if (!sent.passed)
		return sent;
	memcpy(between.data, sent.frame, packet->length);
	receiver.mark = program == STAGE_XDP ? 0 : sent.mark;
	return stage_run(stage, &receiver, &between);
}

static void expect_marked(struct stage *stage, enum stage_program program, bool ipv4)
{
	struct packet_spec spec = stage_spec(ipv4, STAGE_FRONT, stage_host(STAGE_BACK));
	struct stage_result result;
	struct packet packet;

	spec.destination_port = 80;
	cr_assert_eq(packet_build(&spec, &packet), 0);
	set_ecn(&packet, ipv4);
	cr_assert(!ipv4 || ipv4_checksum_holds(packet.data), "the test's own frame");
	for (int i = 0; i < 2; i++) {
		result = arrive(stage, program, STAGE_FRONT, STAGE_BACK, &packet);
		cr_assert(result.passed);
		cr_assert_eq(traffic_class(result.frame, ipv4), AF21 << 2 | ECN_CAPABLE, "%s packet, IPv%d: 0x%x",
			     i ? "second" : "first", ipv4 ? 4 : 6, traffic_class(result.frame, ipv4));
		cr_assert(!ipv4 || ipv4_checksum_holds(result.frame));
	}
}

Test(mark, a_permitted_packet_gets_the_subjects_dscp_and_keeps_its_ecn)
{
	struct stage *stage = open_stage();

	expect_marked(stage, STAGE_INGRESS, true);
	expect_marked(stage, STAGE_INGRESS, false);
	expect_marked(stage, STAGE_XDP, true);
	expect_marked(stage, STAGE_XDP, false);
	stage_close(stage);
}

Test(mark, replies_are_marked_by_their_flow)
{
	struct stage *stage = open_stage();
	struct packet_spec spec = stage_spec(true, STAGE_FRONT, stage_host(STAGE_BACK));
	struct packet_spec reply = stage_spec(true, STAGE_BACK, stage_host(STAGE_FRONT));
	struct stage_result result;
	struct packet packet;

	spec.destination_port = reply.source_port = 80;
	reply.destination_port = spec.source_port;
	reply.tcp_flags = PACKET_TCP_SYN | PACKET_TCP_ACK;
	cr_assert(stage_sends(stage, STAGE_FRONT, &spec));
	cr_assert_eq(packet_build(&reply, &packet), 0);
	result = arrive(stage, STAGE_INGRESS, STAGE_BACK, STAGE_FRONT, &packet);
	cr_assert(result.passed);
	cr_assert_eq(traffic_class(result.frame, true), AF21 << 2);
	stage_close(stage);
}

Test(mark, what_other_rules_permit_stays_as_it_is)
{
	struct stage *stage = open_stage();
	struct packet_spec spec = stage_spec(true, STAGE_BACK, stage_host(STAGE_DB));
	struct stage_result result;
	struct packet packet;

	spec.destination_port = 5432;
	spec.dscp = 46;
	cr_assert_eq(packet_build(&spec, &packet), 0);
	result = arrive(stage, STAGE_INGRESS, STAGE_BACK, STAGE_DB, &packet);
	cr_assert(result.passed);
	cr_assert_eq(memcmp(result.frame, packet.data, packet.length), 0, "not one byte is changed");
	stage_close(stage);
}

/* Both hooks decide on what is not tracked: the second one must see what was sent. */
Test(mark, a_rule_that_matches_a_dscp_sees_the_senders)
{
	char *filter = stage_policy_with(STAGE_POLICY, "{name: http, prot: tcp, dPort: 80}",
					 "{name: http, prot: tcp, dPort: 80, matchDscp: EF, stateful: false}");
	char *policy = stage_policy_with(filter, "{name: web, subjects: [{name: all, filters: [web]}]}",
					 "{name: web, subjects: [{name: all, dscp: AF21, filters: [http]}]}");
	struct stage *stage = stage_open(policy);
	struct packet_spec spec = stage_spec(true, STAGE_FRONT, stage_host(STAGE_BACK));
	struct stage_result result;
	struct packet packet;

	spec.destination_port = 80;
	spec.dscp = 46;
	cr_assert_eq(packet_build(&spec, &packet), 0);
	result = arrive(stage, STAGE_INGRESS, STAGE_FRONT, STAGE_BACK, &packet);
	cr_assert(result.passed);
	cr_assert_eq(traffic_class(result.frame, true), AF21 << 2);
	stage_close(stage);
	free(policy);
	free(filter);
}

/* Outside nobody writes after the sender's hook. */
static void expect_marked_outwards(enum stage_program program, bool ipv4)
{
	char *dscp = stage_policy_with(STAGE_POLICY, "{name: world, subjects: [{name: all,",
				       "{name: world, subjects: [{name: all, dscp: AF21,");
	char *provided = stage_policy_with(dscp, "::/0\"], consume: [world]}", "::/0\"], provide: [world]}");
	char *policy = stage_policy_with(provided, "      consume: [web]\n", "      consume: [web, world]\n");
	struct stage *stage = stage_open(policy);
	struct packet_spec spec = stage_spec(ipv4, STAGE_FRONT, 99);
	struct stage_hook hook = {.program = program, .interface = STAGE_FRONT};
	struct stage_result result;
	struct packet packet;

	spec.destination[ipv4 ? 12 : 0] = 0x20;
	spec.destination_port = 80;
	cr_assert_eq(packet_build(&spec, &packet), 0);
	set_ecn(&packet, ipv4);
	for (int i = 0; i < 2; i++) {
		result = stage_run(stage, &hook, &packet);
		cr_assert(result.passed);
		cr_assert_eq(traffic_class(result.frame, ipv4), AF21 << 2 | ECN_CAPABLE);
		cr_assert(!ipv4 || ipv4_checksum_holds(result.frame));
	}
	stage_close(stage);
	free(policy);
	free(provided);
	free(dscp);
}

Test(mark, what_leaves_the_host_is_marked_at_the_senders_hook)
{
	expect_marked_outwards(STAGE_INGRESS, true);
	expect_marked_outwards(STAGE_INGRESS, false);
	expect_marked_outwards(STAGE_XDP, true);
	expect_marked_outwards(STAGE_XDP, false);
}
