/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Asks the loaded program about a packet: builds it, runs it through the program that decides as the live one does
 * but leaves nothing behind, and reads what it left in `trace`.
 */
#include <errno.h>
#include <string.h>

#include <bpf/bpf.h>
#include <linux/if_ether.h>
#include <netinet/in.h>

#include "base/arena.h"
#include "inspect/explain_side.h"
#include "policy/names.h"
#include "inspect/near_miss.h"
#include "runtime/observe.h"
#include "inspect/packet.h"
#include "runtime/runtime.h"

#define DEFAULT_SOURCE_PORT 40000
#define ECHO_REQUEST_IPV4 8
#define ECHO_REQUEST_IPV6 128

#define MATCH_MAX 128

/* ---- the packet ---- */

static int parse_protocol(struct epg *epg, const struct epg_question *question, uint8_t *ret)
{
	const char *protocol = question->protocol ? question->protocol : "";

	if (names_parse_protocol(protocol, ret))
		return context_fail(epg, EPG_FAILURE_INPUT, -EINVAL, NULL, "say tcp, udp, icmp, icmpv6, or a number",
				    "unknown protocol \"%s\"", protocol);
	if ((*ret == IPPROTO_TCP || *ret == IPPROTO_UDP) && !question->destination_port)
		return context_fail(epg, EPG_FAILURE_INPUT, -EINVAL, NULL, "say tcp/80, for example",
				    "%s needs a destination port", protocol);
	return 0;
}

static enum family family_of_protocol(uint8_t protocol)
{
	switch (protocol) {
	case IPPROTO_ICMP:
		return FAMILY_IPV4;
	case IPPROTO_ICMPV6:
		return FAMILY_IPV6;
	default:
		return FAMILY_ANY;
	}
}

/* An endpoint's own MAC where it is known; programs let others pass where it is not. */
static void take_mac(const struct explain_side *side, const uint8_t otherwise[6], uint8_t mac[6])
{
	static const uint8_t none[6];

	memcpy(mac, memcmp(side->binding.mac, none, sizeof(none)) ? side->binding.mac : otherwise, sizeof(none));
}

static int build(struct epg *epg, const struct epg_question *question, uint8_t protocol,
		 const struct explain_sides *sides, struct packet *packet)
{
	static const uint8_t source_mac[6] = {2, 0, 0, 0, 0, 1}, destination_mac[6] = {2, 0, 0, 0, 0, 2};
	bool ipv4 = packet_address_is_ipv4(sides->source.address);
	struct packet_spec spec = {
		.protocol = protocol,
		.tcp_flags = question->tcp_flags ? question->tcp_flags : PACKET_TCP_SYN,
		.icmp_type = ipv4 ? ECHO_REQUEST_IPV4 : ECHO_REQUEST_IPV6,
		.icmp_code = (uint8_t)question->icmp_code,
		.icmp_id = 1,
		.source_port = question->source_port ? question->source_port : DEFAULT_SOURCE_PORT,
		.destination_port = question->destination_port,
	};

	if (question->icmp_type > UINT8_MAX || question->icmp_code < 0 || question->icmp_code > UINT8_MAX)
		return context_fail(epg, EPG_FAILURE_INPUT, -EINVAL, NULL, NULL,
				    "ICMP types and codes go from 0 to 255");
	if (question->icmp_type >= 0)
		spec.icmp_type = (uint8_t)question->icmp_type;
	memcpy(spec.source, sides->source.address, sizeof(spec.source));
	memcpy(spec.destination, sides->destination.address, sizeof(spec.destination));
	take_mac(&sides->source, source_mac, spec.source_mac);
	take_mac(&sides->destination, destination_mac, spec.destination_mac);
	return packet_build(&spec, packet);
}

/* ---- the program ---- */

/* The hook that decides: the source's, where it is an endpoint of this host, else the destination's. */
static int open_program(struct epg *epg, const struct explain_sides *sides, struct __sk_buff *ret_context)
{
	const char *name = sides->source.ifindex ? "explain_ingress" : "explain_egress";
	uint32_t ifindex = sides->source.ifindex ? sides->source.ifindex : sides->destination.ifindex;
	char path[PATH_MAX];
	int fd, error;

	error = pins_path(epg, path, "programs/%s", name);
	if (error)
		return error;
	fd = bpf_obj_get(path);
	if (fd < 0)
		return context_fail_kernel(epg, -errno, path, "can't open the program");
	*ret_context = (struct __sk_buff){
		.ifindex = ifindex,
		.ingress_ifindex = sides->source.ifindex,
	};
	return fd;
}

/* Under the lock of the instance: the trace has room for one answer. */
static int run(struct epg *epg, struct instance *instance, const struct explain_sides *sides,
	       const struct packet *packet, struct epg_event *ret)
{
	static const struct epg_event empty;
	const uint32_t zero = 0;
	AUTO_CLOSE int program = -1;
	struct __sk_buff context;
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = packet->data, .data_size_in = (uint32_t)packet->length,
		    .ctx_in = &context, .ctx_size_in = sizeof(context));

	program = open_program(epg, sides, &context);
	if (program < 0)
		return program;
	if (bpf_map_update_elem(instance->fd.trace, &zero, &empty, BPF_ANY))
		return context_fail_kernel(epg, -errno, "trace", "can't prepare the map");
	if (bpf_prog_test_run_opts(program, &options))
		return context_fail_kernel(
			epg, -errno, sides->source.ifindex ? sides->source.interface : sides->destination.interface,
			"can't run the program on the packet");
	if (bpf_map_lookup_elem(instance->fd.trace, &zero, ret))
		return context_fail_kernel(epg, -errno, "trace", "can't read the program's answer");
	if (!ret->time_ns)
		return context_fail(epg, EPG_FAILURE_KERNEL, -EIO, "trace", NULL, "the program gave no answer");
	return 0;
}

/* ---- the answer: everything in it lives in the context's arena ---- */

/* Begins as {arena, false}; remembers that a copy failed, so that it is asked once. */
struct copier {
	struct arena *arena;
	bool failed;
};

static const char *copy(struct copier *copier, const char *text)
{
	const char *copied = arena_string(copier->arena, text, strlen(text));

	if (!copied)
		copier->failed = true;
	return copied ? copied : "";
}

static const struct epg_rule_info *copy_rule(struct copier *copier, const struct generation *generation, uint32_t index)
{
	struct epg_rule_info *rule = ARENA_NEW(copier->arena, struct epg_rule_info);
	char match[MATCH_MAX];

	if (!rule) {
		copier->failed = true;
		return NULL;
	}
	rule_text_info(generation, index, match, sizeof(match), rule);
	rule->contract = copy(copier, rule->contract);
	rule->subject = copy(copier, rule->subject);
	rule->filter = copy(copier, rule->filter);
	rule->entry = copy(copier, rule->entry);
	rule->file = copy(copier, rule->file);
	rule->match = copy(copier, match);
	return rule;
}

static const char *copy_interface(struct copier *copier, uint32_t ifindex)
{
	char name[IF_NAMESIZE];

	return ifindex ? copy(copier, observe_interface(ifindex, name)) : "";
}

static bool is_unspecified(const uint8_t address[16])
{
	static const uint8_t zeros[16];
	size_t skip = packet_address_is_ipv4(address) ? 12 : 0;

	return memcmp(address + skip, zeros, sizeof(zeros) - skip) == 0;
}

static const char *copy_address(struct copier *copier, const uint8_t address[16])
{
	char text[TEXT_ADDRESS_MAX];

	if (is_unspecified(address))
		return "";

	text_address(address, text);
	return copy(copier, text);
}

static const char *copy_group(struct copier *copier, const struct generation *generation, uint16_t class_id)
{
	char text[EPG_NAME_MAX];

	return copy(copier, observe_group(&generation->catalog, class_id, text));
}

/* The packet as rules saw it. */
static struct near_miss_packet rule_fields(const struct epg_event *event)
{
	bool ipv4 = event->ethertype == ETH_P_IP;
	uint16_t flags = (uint16_t)((event->tcp_flags & 7) | (event->tcp_flags & PACKET_TCP_ACK ? EPG_FLAG_ACK : 0));

	return (struct near_miss_packet){
		.source_class = event->source_class,
		.destination_class = event->destination_class,
		.kind = (uint16_t)(event->protocol | (ipv4 ? EPG_KIND_IPV4 : EPG_KIND_IPV6)),
		.destination = event->destination_port,
		.source = event->source_port,
		.flags = event->protocol == IPPROTO_TCP ? flags : 0,
	};
}

static void answer_near_misses(struct copier *copier, const struct generation *generation,
			       const struct epg_event *event, struct epg_answer *answer)
{
	const struct near_miss_packet packet = rule_fields(event);
	struct near_miss misses[NEAR_MISSES_MAX];
	size_t n = near_miss_find(&generation->catalog, &packet, misses);
	struct epg_near_miss *told = arena_array(copier->arena, n, sizeof(*told));
	char text[NEAR_MISS_TEXT_MAX];

	if (!told) {
		copier->failed = true;
		return;
	}
	for (size_t i = 0; i < n; i++) {
		near_miss_why(&generation->catalog, &packet, &misses[i], text);
		told[i].rule = copy_rule(copier, generation, misses[i].rule);
		told[i].why = copy(copier, text);
	}
	near_miss_hint(&generation->catalog, &packet, misses, n, text);
	answer->near_misses = told;
	answer->n_near_misses = n;
	answer->hint = copy(copier, text);
}

/* What lifts a denial that no contract can lift. */
static const char *reason_hint(enum epg_reason reason)
{
	switch (reason) {
	case EPG_REASON_QUARANTINE:
		return "bind the interface to a group: in the policy, or with epgctl endpoint add";
	case EPG_REASON_OUTSIDE_SUBNET:
		return "add a subnet that contains the source address to the bridge domain";
	case EPG_REASON_SPOOFED_ADDRESS:
		return "declare the source address as the endpoint's";
	case EPG_REASON_UNKNOWN_SOURCE:
		return "cover the source address by the subnets of an external group";
	case EPG_REASON_UNKNOWN_DESTINATION:
		return "declare the destination address as an endpoint's, or cover it by the subnets of an external "
		       "group";
	default:
		return "";
	}
}

static void fill_answer(struct copier *copier, const struct generation *generation, const struct epg_event *event,
			struct epg_answer *ret)
{
	*ret = (struct epg_answer){
		.verdict = event->verdict,
		.reason = event->reason,
		.level = event->level,
		.generation = event->generation,
		.reason_text = epg_reason_text(event->reason),
		.source_group = copy_group(copier, generation, event->source_class),
		.source_interface = copy_interface(copier, event->source_ifindex),
		.source_address = copy_address(copier, event->source),
		.destination_group = copy_group(copier, generation, event->destination_class),
		.destination_interface = copy_interface(copier, event->destination_ifindex),
		.destination_address = copy_address(copier, event->destination),
		.hint = reason_hint(event->reason),
	};
	if (!ret->reason_text)
		ret->reason_text = "a reason that this version does not know";
	if (event->generation == generation->number && event->rule < generation->catalog.n_rules)
		ret->rule = copy_rule(copier, generation, event->rule);
	if (event->reason == EPG_REASON_IMPLICIT_DENY)
		answer_near_misses(copier, generation, event, ret);
}

static int answer(struct epg *epg, const struct generation *generation, const struct epg_event *event,
		  struct epg_answer *ret)
{
	struct copier copier = {arena_new(), false};
	struct epg_answer filled;

	if (!copier.arena)
		return context_fail_kernel(epg, -ENOMEM, NULL, "can't tell the answer");
	fill_answer(&copier, generation, event, &filled);
	if (copier.failed) {
		arena_free(copier.arena);
		return context_fail_kernel(epg, -ENOMEM, NULL, "can't tell the answer");
	}
	epg->answer = copier.arena;
	*ret = filled;
	return 0;
}

/* Between the lock and the answer no other generation comes into force. */
static int ask(struct epg *epg, const struct epg_question *question, uint8_t protocol, struct epg_answer *ret)
{
	AUTO(generation_close) struct generation *generation = NULL;
	AUTO_CLOSE int lock = -1;
	struct explain_sides sides;
	struct instance *instance;
	struct epg_event event;
	struct packet packet;
	int error;

	error = instance_open(epg, &instance);
	if (error)
		return error;
	lock = pins_lock(epg);
	if (lock < 0)
		return lock;
	error = generation_open_running(epg, instance, &generation);
	if (!error)
		error = explain_sides_find(epg, instance, generation, question, family_of_protocol(protocol), &sides);
	if (!error)
		error = build(epg, question, protocol, &sides, &packet);
	if (!error)
		error = run(epg, instance, &sides, &packet, &event);
	return error ? error : answer(epg, generation, &event, ret);
}

int epg_explain(struct epg *epg, const struct epg_question *given, struct epg_answer *ret)
{
	CONTEXT_CALL(epg);
	struct epg_question question;
	uint8_t protocol;
	int error;

	error = context_options(epg, &question, sizeof(question), given);
	if (!error)
		error = parse_protocol(epg, &question, &protocol);
	return error ? error : ask(epg, &question, protocol, ret);
}
