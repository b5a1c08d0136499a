// SPDX-License-Identifier: GPL-2.0-only
/* The express way of established flows says nothing else than all the steps would, counts the same, and is taken. */
#include <string.h>

#include <criterion/criterion.h>

#include "way.h"

enum {
	TIMES = 2, /* that a packet is repeated: what is denied is denied again without being decided */
	TALKS = 4
};

static const struct {
	bool ipv4;
	uint8_t protocol;
} TALK[TALKS] = {{true, 6}, {true, 17}, {false, 6}, {false, 17}};

static const struct stage_hook FROM_FRONT = {.program = STAGE_INGRESS, .interface = STAGE_FRONT};

/* ---- one packet beside an established flow ---- */

/* What becomes of a packet, and what it leaves behind. */
struct outcome {
	struct stage_result result[TIMES];
	struct tally counted;
	struct epg_flow flow;
};

/* All that a packet meets. */
struct scene {
	struct stage *stage;
	struct way *way;
	struct way_talk talk;
	bool egress;
	bool all_steps; /* are to be taken */
	unsigned int express;
};

/* Just after a packet of the flow; at egress, where `packet` comes after it at the same hook. */
static void play(struct scene *scene, const struct stage_hook *hook, const struct packet *packet, struct outcome *ret)
{
	struct stage_hook at = *hook;
	struct tally before;

	memset(ret, 0, sizeof(*ret));
	way_forget(scene->way);
	way_establish(scene->way, &scene->talk);
	before = way_tally(scene->way);
	for (int i = 0; i < TIMES; i++) {
		struct stage_result sent;
		bool express = way_run(scene->way, &FROM_FRONT, &scene->talk.out, &sent);

		/* What the packet did to the flow may have ended that. */
		cr_assert(i || (sent.passed && express), "what the flow says takes the express way");
		if (scene->egress)
			at.mark = sent.mark;
		if (scene->all_steps)
			way_run_long(scene->way, &at, packet, &ret->result[i]);
		else
			scene->express += way_run(scene->way, &at, packet, &ret->result[i]);
	}
	ret->counted = way_counted(scene->way, &before);
	ret->flow = way_flow(scene->way);
}

static void expect_same(struct scene *scene, const struct stage_hook *hook, const struct packet *packet,
			const char *what, size_t which)
{
	static struct outcome by_express, by_steps;

	scene->all_steps = false;
	play(scene, hook, packet, &by_express);
	scene->all_steps = true;
	play(scene, hook, packet, &by_steps);
	for (int i = 0; i < TIMES; i++) {
		const struct stage_result *is = &by_express.result[i], *should = &by_steps.result[i];

		cr_assert_eq(is->passed, should->passed, "%s %zu: passed", what, which);
		cr_assert_eq(is->mark, should->mark, "%s %zu: mark 0x%x, not 0x%x", what, which, is->mark,
			     should->mark);
		cr_assert_eq(memcmp(is->frame, should->frame, sizeof(is->frame)), 0, "%s %zu: the frame", what, which);
	}
	for (int reason = 0; reason < EPG_REASON_COUNT; reason++)
		cr_assert_eq(by_express.counted.drops[reason], by_steps.counted.drops[reason], "%s %zu: reason %d",
			     what, which, reason);
	cr_assert_eq(memcmp(&by_express.counted, &by_steps.counted, sizeof(by_steps.counted)), 0, "%s %zu: counters",
		     what, which);
	cr_assert_eq(memcmp(&by_express.flow, &by_steps.flow, sizeof(by_steps.flow)), 0, "%s %zu: the flow", what,
		     which);
}

static struct scene open_scene(bool ipv4, uint8_t protocol)
{
	const struct epg_load_options load = {.size = sizeof(load), .flows = 8 * EPG_FLOW_WAYS};
	struct scene scene = {.stage = stage_open_with(STAGE_POLICY, &load), .talk = way_talk(ipv4, protocol)};

	scene.way = way_open(scene.stage);
	return scene;
}

static void close_scene(struct scene *scene)
{
	way_close(scene->way);
	stage_close(scene->stage);
}

static struct stage_hook hook_of(struct scene *scene)
{
	struct stage_hook egress = {.program = STAGE_EGRESS,
				    .interface = STAGE_BACK,
				    .ingress_ifindex = stage_ifindex(scene->stage, STAGE_FRONT)};

	return scene->egress ? egress : FROM_FRONT;
}

/* Each bit of the headers, and each length of the frame that the kernel lets a test send. */
static void expect_same_of_all(int talk, bool egress)
{
	struct scene scene = open_scene(TALK[talk].ipv4, TALK[talk].protocol);
	struct stage_hook hook;
	struct packet packet;
	size_t bits = 8 * scene.talk.out.payload;

	scene.egress = egress;
	hook = hook_of(&scene);
	expect_same(&scene, &hook, &scene.talk.out, "the flow's own", 0);
	cr_assert_geq(scene.express, egress ? 1 : TIMES);
	for (size_t bit = 0; bit < bits; bit++) {
		packet = scene.talk.out;
		packet.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		expect_same(&scene, &hook, &packet, "bit", bit);
	}
	cr_assert_gt(scene.express, TIMES * 20, "sequence numbers, times to live: %u", scene.express);
	for (size_t length = scene.talk.out.transport; length < scene.talk.out.length; length++) {
		packet = scene.talk.out;
		packet.length = length;
		expect_same(&scene, &hook, &packet, "length", length);
	}
	close_scene(&scene);
}

Test(express, each_bit_of_what_is_sent_ipv4_tcp)
{
	expect_same_of_all(0, false);
}

Test(express, each_bit_of_what_is_sent_ipv4_udp)
{
	expect_same_of_all(1, false);
}

Test(express, each_bit_of_what_is_sent_ipv6_tcp)
{
	expect_same_of_all(2, false);
}

Test(express, each_bit_of_what_is_sent_ipv6_udp)
{
	expect_same_of_all(3, false);
}

Test(express, each_bit_of_what_arrives_ipv4_tcp)
{
	expect_same_of_all(0, true);
}

Test(express, each_bit_of_what_arrives_ipv4_udp)
{
	expect_same_of_all(1, true);
}

Test(express, each_bit_of_what_arrives_ipv6_tcp)
{
	expect_same_of_all(2, true);
}

Test(express, each_bit_of_what_arrives_ipv6_udp)
{
	expect_same_of_all(3, true);
}

/* ---- packets that are known to be wrong, or to be no flow's ---- */

struct variant {
	const char *name;
	void (*change)(struct packet_spec *spec);
	void (*damage)(struct packet *packet);
	enum epg_reason reason; /* EPG_REASON_NONE: it passes */
	bool ipv4_only, tcp_only, udp_only;
	enum stage_interface from;
};

static uint8_t *ip(struct packet *packet)
{
	return packet->data + packet->network;
}

static uint8_t *upper(struct packet *packet)
{
	return packet->data + packet->transport;
}

static bool is_ipv4_frame(struct packet *packet)
{
	return ip(packet)[0] >> 4 == 4;
}

static void source_mac(struct packet_spec *spec)
{
	spec->source_mac[5]++;
}

static void group_mac(struct packet_spec *spec)
{
	spec->destination_mac[0] |= 1;
}

static void tag(struct packet_spec *spec)
{
	spec->tags[0] = (struct packet_tag){0x8100, 5};
	spec->n_tags = 1;
}

static void priority_tag(struct packet_spec *spec)
{
	spec->tags[0] = (struct packet_tag){0x8100, 5 << 13};
	spec->n_tags = 1;
}

static void options(struct packet_spec *spec)
{
	if (packet_address_is_ipv4(spec->source)) {
		spec->ipv4_options = 8;
	} else {
		spec->extensions[0] = 60;
		spec->n_extensions = 1;
	}
}

static void first_fragment(struct packet_spec *spec)
{
	spec->fragment = spec->more_fragments = true;
	spec->fragment_id = 7;
	spec->payload = spec->protocol == 6 ? 44 : 48; /* a fragment is of whole eights */
}

static void last_hop(struct packet_spec *spec)
{
	spec->ttl = 1;
}

static void other_source(struct packet_spec *spec)
{
	spec->source[15] = (uint8_t)stage_host(STAGE_FRONT2);
}

static void other_destination(struct packet_spec *spec)
{
	spec->destination[15] = (uint8_t)stage_host(STAGE_DB);
}

static void other_port(struct packet_spec *spec)
{
	spec->destination_port = 22;
}

static void no_flags(struct packet_spec *spec)
{
	spec->tcp_flags = 0;
}

static void fin_alone(struct packet_spec *spec)
{
	spec->tcp_flags = PACKET_TCP_FIN;
}

static void syn_fin(struct packet_spec *spec)
{
	spec->tcp_flags = PACKET_TCP_SYN | PACKET_TCP_FIN;
}

static void syn_rst(struct packet_spec *spec)
{
	spec->tcp_flags = PACKET_TCP_SYN | PACKET_TCP_RST;
}

static void too_long(struct packet *packet)
{
	ip(packet)[is_ipv4_frame(packet) ? 3 : 5] += 1;
}

static void too_short(struct packet *packet)
{
	ip(packet)[is_ipv4_frame(packet) ? 3 : 5] = is_ipv4_frame(packet) ? 24 : 4;
}

static void short_offset(struct packet *packet)
{
	upper(packet)[12] = 0x40;
}

static void long_offset(struct packet *packet)
{
	upper(packet)[12] = 0xf0;
}

static void long_datagram(struct packet *packet)
{
	upper(packet)[5]++;
}

static void empty_datagram(struct packet *packet)
{
	upper(packet)[5] = 7;
}

static void no_header(struct packet *packet)
{
	ip(packet)[0] = 0x44;
}

static const struct variant VARIANTS[] = {
	{"another source MAC address", source_mac, NULL, EPG_REASON_SPOOFED_MAC, .from = STAGE_FRONT},
	{"from another interface", NULL, NULL, EPG_REASON_SPOOFED_MAC, .from = STAGE_FRONT2},
	{"from the receiver's interface", NULL, NULL, EPG_REASON_SPOOFED_MAC, .from = STAGE_BACK},
	{"from an interface of nobody", NULL, NULL, EPG_REASON_QUARANTINE, .from = STAGE_NOBODY},
	{"with a VLAN tag", tag, NULL, EPG_REASON_VLAN, .from = STAGE_FRONT},
	{"with a priority tag", priority_tag, NULL, EPG_REASON_NONE, .from = STAGE_FRONT},
	{"to a group's MAC address", group_mac, NULL, EPG_REASON_NONE, .from = STAGE_FRONT},
	{"with options", options, NULL, EPG_REASON_NONE, .from = STAGE_FRONT},
	{"as a first fragment", first_fragment, NULL, EPG_REASON_NONE, .from = STAGE_FRONT},
	{"on its last hop", last_hop, NULL, EPG_REASON_NONE, .from = STAGE_FRONT},
	{"from another address", other_source, NULL, EPG_REASON_SPOOFED_ADDRESS, .from = STAGE_FRONT},
	{"to another address", other_destination, NULL, EPG_REASON_IMPLICIT_DENY, .from = STAGE_FRONT},
	{"to another port", other_port, NULL, EPG_REASON_IMPLICIT_DENY, .from = STAGE_FRONT},
	{"without flags", no_flags, NULL, EPG_REASON_TCP_FLAGS, .tcp_only = true, .from = STAGE_FRONT},
	{"with FIN alone", fin_alone, NULL, EPG_REASON_TCP_FLAGS, .tcp_only = true, .from = STAGE_FRONT},
	{"with SYN and FIN", syn_fin, NULL, EPG_REASON_TCP_FLAGS, .tcp_only = true, .from = STAGE_FRONT},
	{"with SYN and RST", syn_rst, NULL, EPG_REASON_TCP_FLAGS, .tcp_only = true, .from = STAGE_FRONT},
	{"longer than it is", NULL, too_long, EPG_REASON_MALFORMED, .from = STAGE_FRONT},
	{"shorter than its header", NULL, too_short, EPG_REASON_MALFORMED, .from = STAGE_FRONT},
	{"with a TCP header of 16 bytes", NULL, short_offset, EPG_REASON_MALFORMED, .tcp_only = true,
	 .from = STAGE_FRONT},
	{"with a TCP header beyond its end", NULL, long_offset, EPG_REASON_MALFORMED, .tcp_only = true,
	 .from = STAGE_FRONT},
	{"a datagram longer than it is", NULL, long_datagram, EPG_REASON_MALFORMED, .udp_only = true,
	 .from = STAGE_FRONT},
	{"a datagram without a header", NULL, empty_datagram, EPG_REASON_MALFORMED, .udp_only = true,
	 .from = STAGE_FRONT},
	{"an IPv4 header of 16 bytes", NULL, no_header, EPG_REASON_MALFORMED, .ipv4_only = true, .from = STAGE_FRONT},
};

static void expect_variant(struct scene *scene, const struct variant *variant)
{
	struct stage_hook hook = {.program = STAGE_INGRESS, .interface = variant->from};
	struct packet_spec spec = scene->talk.there;
	static struct outcome outcome;
	struct packet packet;

	if (variant->change)
		variant->change(&spec);
	packet = way_build(&spec);
	if (variant->damage)
		variant->damage(&packet);
	expect_same(scene, &hook, &packet, variant->name, 0);
	scene->all_steps = false;
	play(scene, &hook, &packet, &outcome);
	for (int i = 0; i < TIMES; i++)
		cr_assert_eq(outcome.result[i].passed, !variant->reason, "%s", variant->name);
	for (int reason = 1; reason < EPG_REASON_COUNT; reason++)
		cr_assert_eq(outcome.counted.drops[reason], reason == (int)variant->reason ? TIMES : 0,
			     "%s: %lu of reason %d", variant->name, outcome.counted.drops[reason], reason);
}

Test(express, what_is_wrong_is_as_wrong_beside_an_established_flow)
{
	for (int i = 0; i < TALKS; i++) {
		struct scene scene = open_scene(TALK[i].ipv4, TALK[i].protocol);

		for (size_t j = 0; j < sizeof(VARIANTS) / sizeof(*VARIANTS); j++) {
			const struct variant *variant = &VARIANTS[j];

			if ((variant->ipv4_only && !TALK[i].ipv4) || (variant->tcp_only && TALK[i].protocol != 6) ||
			    (variant->udp_only && TALK[i].protocol != 17))
				continue;
			expect_variant(&scene, variant);
		}
		close_scene(&scene);
	}
}
