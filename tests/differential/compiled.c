// SPDX-License-Identifier: GPL-2.0-only
#include "compiled.h"

#include <stdlib.h>

#include <linux/if_ether.h>
#include <netinet/in.h>

#include "compile/decide.h"
#include "compile/tables.h"
#include "ground.h"
#include "policy/diagnostic.h"

struct compiled {
	struct tables *tables;
	struct tables_view view;
	struct catalog catalog;
};

struct compiled *compiled_open(const struct model *model)
{
	struct compiled *compiled = calloc(1, sizeof(*compiled));
	struct epg_diagnostics *diagnostics = NULL;

	GROUND_CHECK(compiled && !diagnostics_new("random.yaml", &diagnostics), "no memory");
	GROUND_CHECK(!tables_compile(model, NULL, diagnostics, &compiled->tables), "the policy can't be compiled");
	epg_diagnostics_free(diagnostics);
	GROUND_CHECK(!catalog_open(compiled->tables->catalog, compiled->tables->catalog_length, &compiled->catalog),
		     "the catalog is damaged");
	compiled->view = tables_view_of(compiled->tables);
	return compiled;
}

void compiled_close(struct compiled *compiled)
{
	tables_free(compiled->tables);
	free(compiled);
}

/* The fields of enum epg_field. */
static void make_key(const struct reference_packet *packet, uint16_t fields[8])
{
	bool ipv4 = packet->ether_type == ETH_P_IP, ipv6 = packet->ether_type == ETH_P_IPV6;
	bool icmp = (ipv4 && packet->protocol == IPPROTO_ICMP) || (ipv6 && packet->protocol == IPPROTO_ICMPV6);

	fields[EPG_FIELD_KIND] = packet->ether_type;
	if (packet->ether_type == ETH_P_ARP)
		fields[EPG_FIELD_DESTINATION] = packet->arp_operation;
	if (!ipv4 && !ipv6)
		return;
	fields[EPG_FIELD_KIND] = (uint16_t)((ipv4 ? EPG_KIND_IPV4 : EPG_KIND_IPV6) + packet->protocol);
	fields[EPG_FIELD_DSCP] = packet->dscp;
	fields[EPG_FIELD_FRAGMENT] = packet->fragment == EPG_FRAGMENT_LATER;
	if (packet->fragment == EPG_FRAGMENT_LATER)
		return;
	fields[EPG_FIELD_DESTINATION] = icmp ? packet->icmp_type : packet->destination_port;
	fields[EPG_FIELD_SOURCE] = icmp ? packet->icmp_code : packet->source_port;
	fields[EPG_FIELD_FLAGS] = packet->tcp_flags;
}

static uint64_t half(const uint16_t fields[4])
{
	return (uint64_t)fields[0] << 48 | (uint64_t)fields[1] << 32 | (uint64_t)fields[2] << 16 | fields[3];
}

static uint16_t class_of(const struct compiled *compiled, const struct model_group *group)
{
	const struct catalog_group *catalogued = catalog_group_by_name(&compiled->catalog, group->name);

	return catalogued ? (uint16_t)catalogued->class_id : EPG_CLASS_NONE;
}

struct asked {
	uint16_t source, destination;
	uint16_t fields[8];
};

static uint32_t look_up(const struct compiled *compiled, const struct asked *asked)
{
	return tables_decide(&compiled->view, asked->source, asked->destination, half(asked->fields),
			     half(asked->fields + 4));
}

/* A piece that no rule speaks of passes if its packet might: either way. */
static uint32_t look_up_on_credit(const struct compiled *compiled, struct asked asked)
{
	const uint16_t source = asked.source;
	uint32_t leaf;

	asked.fields[EPG_FIELD_FRAGMENT] = EPG_PIECE_EARLY;
	leaf = look_up(compiled, &asked);
	if (EPG_LEAF_ACTION(leaf) == EPG_PERMIT)
		return leaf;
	asked.source = asked.destination;
	asked.destination = source;
	return look_up(compiled, &asked);
}

bool compiled_ask(const struct compiled *compiled, const struct reference_packet *packet,
		  const struct reference_answer *answer, struct outcome *ret)
{
	struct epg_event event = {.rule = EPG_RULE_NONE, .audited_rule = EPG_RULE_NONE};
	struct asked asked = {0};
	uint32_t leaf, audited;

	if (!answer->has_rule || answer->level == EPG_LEVEL_INFRASTRUCTURE)
		return false;
	event.source_class = asked.source = class_of(compiled, answer->source);
	event.destination_class = asked.destination = class_of(compiled, answer->destination);
	make_key(packet, asked.fields);
	leaf = audited = look_up(compiled, &asked);
	if (answer->on_credit) {
		leaf = audited = look_up_on_credit(compiled, asked);
	} else if (answer->reason != EPG_REASON_FRAGMENT) {
		asked.fields[EPG_FIELD_VIEW] = EPG_VIEW_AUDITED;
		audited = look_up(compiled, &asked);
	}
	event.rule = EPG_LEAF_RULE(leaf);
	event.level = (uint8_t)EPG_LEAF_LEVEL(leaf);
	event.verdict = (uint8_t)EPG_LEAF_ACTION(leaf);
	if (EPG_LEAF_ACTION(audited) != EPG_LEAF_ACTION(leaf))
		event.audited_rule = EPG_LEAF_RULE(audited);
	/* Why, is no matter of the tables. */
	event.reason = (uint8_t)answer->reason;
	outcome_of_event(&compiled->catalog, &event, ret);
	return true;
}
