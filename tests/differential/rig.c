// SPDX-License-Identifier: GPL-2.0-only
#include "rig.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <linux/if_ether.h>
#include <netinet/in.h>

#include "base/text.h"
#include "base/util.h"
#include "frame.h"
#include "ground.h"
#include "pool.h"
#include "runtime/explaining.h"
#include "runtime/flow_table.h"
#include "runtime/runtime.h"

#define TC_PASS UINT32_MAX
#define TC_DROP 2

/* Few: emptying the table after each packet looks at all of it. */
#define FLOWS 1024
#define FRAGMENTS 1024

enum program {
	LIVE_INGRESS,
	LIVE_EGRESS,
	EXPLAIN_INGRESS,
	EXPLAIN_EGRESS,
	PROGRAMS
};

static const char *const live_names[] = {"tc_ingress", "tc_egress"};
static const char *const explained_hooks[] = {"ingress", "egress"};

struct rig {
	struct epg *epg;
	struct instance *instance;
	struct generation *generation;
	int programs[PROGRAMS];
	int fragments; /* the map */
	uint32_t ifindex[POOL_INTERFACES];
	struct epg_event event; /* of the last question */
};

static void expect_ok(const struct rig *rig, int error, const char *what)
{
	const struct epg_error *failure = epg_error(rig->epg);

	GROUND_CHECK(!error, "%s: %s: %s (%s)", what, failure->message, failure->where, strerror(-error));
}

static void open_programs(struct rig *rig, const char *pin)
{
	AUTO_CLOSE int lock = pins_lock(rig->epg);
	char path[192];

	GROUND_CHECK(lock >= 0, "can't lock %s", pin);
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/programs/%s", pin, live_names[i]);
		rig->programs[LIVE_INGRESS + i] = bpf_obj_get(path);
		GROUND_CHECK(rig->programs[LIVE_INGRESS + i] >= 0, "%s: %s", path, strerror(errno));
		rig->programs[EXPLAIN_INGRESS + i] = explaining_open(rig->epg, rig->instance, explained_hooks[i]);
		expect_ok(rig, rig->programs[EXPLAIN_INGRESS + i] < 0 ? rig->programs[EXPLAIN_INGRESS + i] : 0,
			  "load what explains");
	}
	snprintf(path, sizeof(path), "%s/fragments", pin);
	rig->fragments = bpf_obj_get(path);
	GROUND_CHECK(rig->fragments >= 0, "%s: %s", path, strerror(errno));
}

struct rig *rig_open(void)
{
	struct epg_load_options load = {.size = sizeof(load), .flows = FLOWS, .fragments = FRAGMENTS};
	struct epg_options options = {.size = sizeof(options)};
	struct rig *rig = calloc(1, sizeof(*rig));

	GROUND_CHECK(rig, "no memory");
	ground_network();
	for (int i = 0; i < POOL_INTERFACES; i++)
		rig->ifindex[i] = ground_interface(POOL_INTERFACE[i]);
	options.pin = ground_pin();
	GROUND_CHECK(epg_open(&options, &rig->epg) == 0, "can't open %s", options.pin);
	expect_ok(rig, epg_load(rig->epg, &load), "load");
	expect_ok(rig, instance_open(rig->epg, &rig->instance), "open");
	open_programs(rig, options.pin);
	return rig;
}

static void forget_generation(struct rig *rig)
{
	if (rig->generation)
		generation_close(rig->generation);
	rig->generation = NULL;
}

void rig_close(struct rig *rig)
{
	forget_generation(rig);
	for (int i = 0; i < PROGRAMS; i++)
		close(rig->programs[i]);
	close(rig->fragments);
	expect_ok(rig, epg_unload(rig->epg), "unload");
	epg_close(rig->epg);
	free(rig);
}

const struct catalog *rig_catalog(const struct rig *rig)
{
	return &rig->generation->catalog;
}

static uint32_t ifindex_of(const struct rig *rig, const char *interface)
{
	for (int i = 0; i < POOL_INTERFACES; i++)
		if (strcmp(POOL_INTERFACE[i], interface) == 0)
			return rig->ifindex[i];
	ground_give_up("no interface %s", interface);
}

/* ---- running the programs ---- */

static bool run(const struct rig *rig, const struct reference_packet *packet, bool explain)
{
	bool egress = packet->from_outside;
	struct __sk_buff in = {.ifindex = ifindex_of(rig, packet->interface)};
	uint8_t frame[FRAME_MAX];
	size_t length = frame_build(packet, frame);
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = (uint32_t)length, .ctx_in = &in,
		    .ctx_size_in = sizeof(in));
	int error;

	in.ingress_ifindex = egress ? 0 : in.ifindex;
	error = bpf_prog_test_run_opts(rig->programs[(explain ? EXPLAIN_INGRESS : LIVE_INGRESS) + egress], &options);
	GROUND_CHECK(!error, "test run: %s", strerror(-error));
	GROUND_CHECK(options.retval == TC_DROP || options.retval == TC_PASS, "unexpected return value %u",
		     options.retval);
	return options.retval == TC_PASS;
}

void rig_ask(struct rig *rig, const struct reference_packet *packet, struct outcome *ret)
{
	static const struct epg_event empty;
	const uint32_t zero = 0;
	bool passed;

	GROUND_CHECK(!bpf_map_update_elem(rig->instance->fd.trace, &zero, &empty, BPF_ANY), "can't write to trace");
	passed = run(rig, packet, true);
	GROUND_CHECK(!bpf_map_lookup_elem(rig->instance->fd.trace, &zero, &rig->event), "can't read trace");
	GROUND_CHECK(rig->event.time_ns && rig->event.generation == rig->generation->number,
		     "the program gave no answer");
	outcome_of_event(rig_catalog(rig), &rig->event, ret);
	GROUND_CHECK(passed == (ret->verdict == EPG_PERMIT), "the program does not do what it says");
}

static bool select_all(void *user, const struct epg_flow_key *key, const struct epg_flow *flow)
{
	(void)user;
	(void)key;
	(void)flow;
	return true;
}

static void empty_flows(const struct rig *rig)
{
	struct flow_table table;

	GROUND_CHECK(!flow_table_open(rig->instance, &table), "can't open the table of flows");
	flow_table_forget(&table, select_all, NULL);
	flow_table_close(&table);
}

static void empty_fragments(const struct rig *rig)
{
	struct epg_fragment_key key;

	while (bpf_map_get_next_key(rig->fragments, NULL, &key) == 0)
		bpf_map_delete_elem(rig->fragments, &key);
}

bool rig_passes(struct rig *rig, const struct reference_packet *packet)
{
	return run(rig, packet, false);
}

void rig_forget(struct rig *rig)
{
	empty_flows(rig);
	empty_fragments(rig);
}

static uint64_t count_of(const struct rig *rig, uint32_t rule)
{
	return rule < rig_catalog(rig)->n_rules ? rig->generation->counters[rule].packets : 0;
}

/* The event of the last question says where the packet is to be counted. */
const char *rig_send(struct rig *rig, const struct reference_packet *packet)
{
	uint32_t rule = rig->event.rule, audited = rig->event.audited_rule;
	uint64_t counted = count_of(rig, rule), counted_audited = count_of(rig, audited);
	bool passed = run(rig, packet, false);

	rig_forget(rig);
	if (passed != (rig->event.verdict == EPG_PERMIT))
		return "it decides otherwise than the program that explains";
	if (rule != EPG_RULE_NONE && count_of(rig, rule) != counted + 1)
		return "it has not counted the packet once at its rule";
	if (audited != EPG_RULE_NONE && count_of(rig, audited) != counted_audited + 1)
		return "it has not counted the packet once at the audited rule";
	return NULL;
}

/* ---- policies ---- */

/* So that the others know its MAC address. What it asks for is nobody's. */
static void introduce(struct rig *rig, const struct model *model)
{
	for (int i = 0; i < POOL_INTERFACES; i++) {
		struct reference_packet packet = {.interface = POOL_INTERFACE[i], .ether_type = 0x88b5};
		const struct model_endpoint *endpoint;

		if (!reference_member(model, packet.interface, &endpoint) || !endpoint || !endpoint->has_mac)
			continue;
		memcpy(packet.source_mac, endpoint->mac, 6);
		memcpy(packet.destination_mac, (const uint8_t[6]){2, 0xff, 0xff}, 6);
		run(rig, &packet, false);
	}
}

static char *first_message(const struct epg_diagnostics *diagnostics, const char *otherwise)
{
	char *text = NULL;

	for (size_t i = 0; diagnostics && i < epg_diagnostics_count(diagnostics); i++) {
		const struct epg_diagnostic *message = epg_diagnostics_get(diagnostics, i);

		if (message->severity != EPG_SEVERITY_ERROR)
			continue;
		GROUND_CHECK(asprintf(&text, "line %u: %s", message->line, message->message) > 0, "no memory");
		return text;
	}
	return strdup(otherwise);
}

static int apply(struct rig *rig, const char *text, char **ret_message)
{
	struct epg_policy_source source = {.size = sizeof(source),
					   .path = "random.yaml",
					   .text = text,
					   .length = strlen(text)};
	AUTO(diagnostics_free) struct epg_diagnostics *diagnostics = NULL, *compiled = NULL;
	struct epg_policy *policy = NULL;
	int error = epg_policy_read(rig->epg, &source, &policy, &diagnostics);

	if (!error) {
		error = epg_apply(rig->epg, policy, NULL, NULL, &compiled);
		epg_policy_free(policy);
	}
	if (error == -EBADMSG)
		*ret_message = first_message(compiled ? compiled : diagnostics, epg_error(rig->epg)->message);
	else
		expect_ok(rig, error, "apply");
	return error;
}

int rig_apply(struct rig *rig, const char *text, char **ret_message)
{
	AUTO(diagnostics_free) struct epg_diagnostics *diagnostics = NULL;
	struct model *model = NULL;
	int error;

	forget_generation(rig);
	error = apply(rig, text, ret_message);
	if (error)
		return error;
	expect_ok(rig, generation_open_running(rig->epg, rig->instance, &rig->generation), "the generation");
	GROUND_CHECK(!diagnostics_new("random.yaml", &diagnostics), "no memory");
	GROUND_CHECK(!model_read("random.yaml", text, strlen(text), strlen(text), diagnostics, &model),
		     "the policy is read by the one and not by the other");
	introduce(rig, model);
	model_free(model);
	empty_flows(rig);
	return 0;
}

/* ---- explain ---- */

/* A question about a packet, and the texts that it points to. */
struct question {
	struct epg_question asked;
	char source[TEXT_ADDRESS_MAX], destination[TEXT_ADDRESS_MAX], protocol[8];
};

/* The interface behind a MAC address; "": nobody's. */
static const char *interface_of_mac(const struct model *model, const uint8_t mac[6])
{
	for (size_t i = 0; i < model->n_groups; i++)
		for (size_t j = 0; j < model->groups[i].n_endpoints; j++)
			if (memcmp(model->groups[i].endpoints[j].mac, mac, 6) == 0)
				return model->groups[i].endpoints[j].interface;
	return "";
}

static void say_protocol(const struct reference_packet *packet, struct question *question)
{
	bool icmp = packet->protocol == IPPROTO_ICMP || packet->protocol == IPPROTO_ICMPV6;

	question->asked.icmp_type = -1;
	switch (packet->ether_type) {
	case ETH_P_ARP:
		snprintf(question->protocol, sizeof(question->protocol), "arp");
		question->asked.icmp_type = packet->arp_operation;
		break;
	case ETH_P_IP:
	case ETH_P_IPV6:
		snprintf(question->protocol, sizeof(question->protocol), "%u", packet->protocol);
		if (icmp && packet->fragment != EPG_FRAGMENT_LATER)
			question->asked.icmp_type = packet->icmp_type;
		break;
	default:
		snprintf(question->protocol, sizeof(question->protocol), "0x%x", packet->ether_type);
	}
}

/* By addresses, where it has any, else by interfaces. */
static void say_sides(const struct model *model, const struct reference_packet *packet, struct question *question)
{
	if (packet->ether_type == ETH_P_IP || packet->ether_type == ETH_P_IPV6 || packet->ether_type == ETH_P_ARP) {
		text_address(packet->source, question->source);
		text_address(packet->destination, question->destination);
	} else {
		snprintf(question->source, sizeof(question->source), "%s", packet->interface);
		snprintf(question->destination, sizeof(question->destination), "%s",
			 interface_of_mac(model, packet->destination_mac));
	}
}

bool rig_explain(struct rig *rig, const struct model *model, const struct reference_packet *packet, struct outcome *ret)
{
	const struct model_endpoint *endpoint;
	const struct model_group *group = reference_member(model, packet->interface, &endpoint);
	struct question question = {.asked = {.size = sizeof(question.asked)}};
	struct epg_answer answer;
	int error;

	question.asked.source = question.source;
	question.asked.destination = question.destination;
	question.asked.protocol = question.protocol;
	question.asked.source_port = packet->source_port;
	question.asked.destination_port = packet->destination_port;
	question.asked.icmp_code = packet->icmp_code;
	question.asked.tcp_flags = frame_tcp_flags(packet);
	question.asked.vrf = model->vrfs[group->vrf].name;
	question.asked.dscp = packet->dscp;
	question.asked.fragment = packet->fragment;
	say_protocol(packet, &question);
	say_sides(model, packet, &question);
	error = epg_explain(rig->epg, &question.asked, &answer);
	if (error == -EINVAL || error == -ENOENT)
		return false;
	expect_ok(rig, error, "explain");
	outcome_of_answer(&answer, ret);
	return true;
}
