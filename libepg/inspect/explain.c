/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Asks the loaded program about a packet: builds it, runs it through the program that decides as the live one does
 * but leaves nothing behind, and reads what it left in `trace`. A reply, or an error, is asked about in two steps: the
 * packet that it is about, then itself.
 */
#include <errno.h>
#include <string.h>

#include <bpf/bpf.h>

#include "inspect/explain_answer.h"
#include "runtime/counts.h"
#include "runtime/explaining.h"
#include "runtime/membership.h"
#include "runtime/runtime.h"

#define LOOPBACK 1 /* the ifindex of lo in any network namespace */

/* ---- the program ---- */

/* The hook that decides: the source's, where it is an endpoint of this host, else the destination's. */
static int open_program(struct epg *epg, struct instance *instance, const struct explain_sides *sides,
			struct __sk_buff *ret_context)
{
	bool from = sides->source.ifindex;
	const struct explain_side *decides = from ? &sides->source : &sides->destination;
	bool inside = decides->binding.flags & EPG_ENDPOINT_INSIDE;
	const char *hook;

	if (inside)
		hook = from ? "inside_out" : "inside_in";
	else
		hook = from ? "ingress" : "egress";
	/* Inside, the hook is told whose it is; any interface will do. */
	*ret_context = (struct __sk_buff){
		.ifindex = inside ? LOOPBACK : decides->hook,
		.ingress_ifindex = from && !inside ? decides->hook : 0,
		.cb = {inside ? decides->ifindex : 0},
	};
	return explaining_open(epg, instance, hook);
}

static void name_endpoint(struct epg *epg, struct instance *instance, uint32_t id, char name[PORT_NAME_MAX])
{
	name[0] = '\0';
	if (id)
		port_name(epg, instance, id, name);
}

/* Under the lock of the instance: the trace has room for one answer. */
static int run(struct epg *epg, struct instance *instance, const struct explain_sides *sides,
	       const struct packet *packet, struct explain_step *ret)
{
	static const struct epg_event empty;
	const uint32_t zero = 0;
	AUTO_CLOSE int program = -1;
	struct __sk_buff context;
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = packet->data, .data_size_in = (uint32_t)packet->length,
		    .ctx_in = &context, .ctx_size_in = sizeof(context));

	program = open_program(epg, instance, sides, &context);
	if (program < 0)
		return program;
	if (bpf_map_update_elem(instance->fd.trace, &zero, &empty, BPF_ANY))
		return context_fail_kernel(epg, -errno, "trace", "can't prepare the map");
	if (bpf_prog_test_run_opts(program, &options))
		return context_fail_kernel(
			epg, -errno, sides->source.ifindex ? sides->source.interface : sides->destination.interface,
			"can't run the program on the packet");
	if (bpf_map_lookup_elem(instance->fd.trace, &zero, &ret->event))
		return context_fail_kernel(epg, -errno, "trace", "can't read the program's answer");
	if (!ret->event.time_ns)
		return context_fail(epg, EPG_FAILURE_KERNEL, -EIO, "trace", NULL, "the program gave no answer");
	name_endpoint(epg, instance, ret->event.source_ifindex, ret->source);
	name_endpoint(epg, instance, ret->event.destination_ifindex, ret->destination);
	return 0;
}

/* ---- the steps ---- */

/* What both steps of one question share. */
struct asking {
	struct epg *epg;
	struct instance *instance;
	const struct generation *generation;
	struct arena *arena;
	enum epg_ask ask;
	struct explain_packet packet;
	struct explain_sides sides;
	bool ipv4;
	struct packet frame; /* of the first step */
};

static int fail_memory(const struct asking *asking)
{
	return context_fail_kernel(asking->epg, -ENOMEM, NULL, "can't tell the answer");
}

/* A frame that is neither IP nor ARP finds its destination by the MAC address alone. */
static int check_mac(const struct asking *asking, const struct explain_side *destination)
{
	static const uint8_t none[6];

	if (explain_packet_family(&asking->packet) != FAMILY_NONE ||
	    memcmp(destination->binding.mac, none, sizeof(none)))
		return 0;
	return context_fail(asking->epg, EPG_FAILURE_NOT_FOUND, -ENOENT, destination->text,
			    "declare it in the policy, or let the endpoint send something first",
			    "the endpoint's MAC address is not known, and such a frame goes by nothing else");
}

/*
 * Loading the program takes a while, in which an endpoint may send its first packet: what MAC address it has then is
 * read when the program is there.
 */
static int load_program(const struct asking *asking, struct explain_sides *sides)
{
	struct explain_side *both[] = {&sides->source, &sides->destination};
	struct __sk_buff context;
	AUTO_CLOSE int program = open_program(asking->epg, asking->instance, sides, &context);

	if (program < 0)
		return program;
	for (size_t i = 0; i < ARRAY_SIZE(both); i++)
		if (both[i]->ifindex)
			(void)membership_find(asking->instance, both[i]->ifindex, &both[i]->binding);
	return 0;
}

static int first_step(struct asking *asking, struct explain_step *ret)
{
	int error = load_program(asking, &asking->sides);

	if (!error)
		error = check_mac(asking, &asking->sides.destination);
	if (error)
		return error;
	*ret = (struct explain_step){.packet = &asking->packet, .ipv4 = asking->ipv4};
	error = explain_packet_build(&asking->packet, &asking->sides, &asking->frame);
	if (error)
		return context_fail_kernel(asking->epg, error, NULL, "can't build the packet");
	return run(asking->epg, asking->instance, &asking->sides, &asking->frame, ret);
}

/* Source and destination change places; an endpoint that only the program has found is one now. */
static struct explain_sides sides_of_answer(const struct asking *asking, const struct epg_event *opening)
{
	struct explain_sides sides = {.source = asking->sides.destination, .destination = asking->sides.source};

	if (!sides.source.ifindex && opening->destination_ifindex) {
		sides.source.ifindex = opening->destination_ifindex;
		explain_side_take_place(asking->instance, &sides.source);
		name_endpoint(asking->epg, asking->instance, sides.source.ifindex, sides.source.interface);
		(void)membership_find(asking->instance, sides.source.ifindex, &sides.source.binding);
	}
	return sides;
}

/* A reply, or an error, that no flow lets pass: a packet of its own. */
static int second_step(struct asking *asking, const struct explain_packet *packet, const struct epg_event *opening,
		       struct explain_step *ret)
{
	struct explain_sides sides = sides_of_answer(asking, opening);
	struct packet frame;
	int error = load_program(asking, &sides);

	if (!error)
		error = check_mac(asking, &sides.destination);
	if (error)
		return error;
	*ret = (struct explain_step){.packet = packet, .ipv4 = asking->ipv4};
	if (asking->ask == EPG_ASK_ERROR)
		error = explain_packet_build_error(packet, &sides, &asking->frame, &frame);
	else
		error = explain_packet_build(packet, &sides, &frame);
	if (error)
		return context_fail_kernel(asking->epg, error, NULL, "can't build the packet");
	return run(asking->epg, asking->instance, &sides, &frame, ret);
}

static int answer_second(struct asking *asking, const struct epg_answer *opening, const struct epg_event *event,
			 struct epg_answer *ret)
{
	const struct explain_packet packet = asking->ask == EPG_ASK_ERROR ? explain_packet_error(asking->ipv4)
									  : explain_packet_reply(&asking->packet);
	struct explain_step step;
	int error;

	/* What is sent to many is not tracked. */
	if (opening->verdict == EPG_PERMIT && opening->rule && opening->rule->stateful &&
	    explain_packet_opens(&asking->packet) && !(asking->frame.data[0] & 1))
		return explain_answer_by_flow(asking->arena, &packet, asking->ipv4, opening, ret) ? fail_memory(asking)
												  : 0;
	error = second_step(asking, &packet, event, &step);
	if (error)
		return error;
	if (explain_answer_fill(asking->arena, asking->generation, &step, ret))
		return fail_memory(asking);
	ret->opening = opening;
	return 0;
}

static int answer(struct asking *asking, struct epg_answer *ret)
{
	struct epg_answer *opening = ARENA_NEW(asking->arena, struct epg_answer);
	struct explain_step step;
	int error;

	if (!opening)
		return fail_memory(asking);
	error = first_step(asking, &step);
	if (error)
		return error;
	if (explain_answer_fill(asking->arena, asking->generation, &step, opening))
		return fail_memory(asking);
	if (asking->ask != EPG_ASK_PACKET)
		return answer_second(asking, opening, &step.event, ret);
	*ret = *opening;
	return 0;
}

/* Between the lock and the answer no other generation comes into force, and no other instance into its place. */
static int ask(struct epg *epg, const struct epg_question *question, struct asking *asking, struct epg_answer *ret)
{
	AUTO(generation_close) struct generation *generation = NULL;
	AUTO_CLOSE int lock = -1;
	int error;

	lock = pins_lock(epg);
	if (lock < 0)
		return lock;
	error = instance_open(epg, &asking->instance);
	if (error)
		return error;
	error = generation_open_running(epg, asking->instance, &generation);
	if (!error)
		error = counts_read(epg, asking->instance, generation);
	if (!error)
		error = explain_sides_find(epg, asking->instance, generation, question,
					   explain_packet_family(&asking->packet), &asking->sides);
	if (error)
		return error;
	asking->generation = generation;
	asking->ipv4 = packet_address_is_ipv4(asking->sides.source.address);
	asking->arena = epg->answer = arena_new();
	return asking->arena ? answer(asking, ret) : fail_memory(asking);
}

int epg_explain(struct epg *epg, const struct epg_question *given, struct epg_answer *ret)
{
	CONTEXT_CALL(epg);
	struct asking asking = {.epg = epg};
	struct epg_question question;
	int error;

	error = context_options(epg, &question, sizeof(question), given);
	if (!error)
		error = explain_packet_read(epg, &question, &asking.packet);
	if (error)
		return error;
	asking.ask = question.ask;
	return ask(epg, &question, &asking, ret);
}
