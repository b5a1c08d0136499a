/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "inspect/remedy.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <linux/if_ether.h>
#include <net/if_arp.h>
#include <netinet/in.h>

#include "policy/names.h"
#include "runtime/internal.h"

/* What the sentences are about. */
struct patient {
	const struct catalog *catalog;
	const struct rule_packet *packet;
	const struct catalog_group *source, *destination;
	struct remedy *remedy;
};

__attribute__((format(printf, 2, 3))) static void hint(const struct patient *patient, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(patient->remedy->hint, sizeof(patient->remedy->hint), format, arguments);
	va_end(arguments);
}

/* A line for the object that begins in `line`. */
__attribute__((format(printf, 3, 4))) static void yaml(const struct patient *patient, uint32_t line, const char *format,
						       ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(patient->remedy->yaml, sizeof(patient->remedy->yaml), format, arguments);
	va_end(arguments);
	patient->remedy->line = line;
}

static const char *name_of(const struct patient *patient, const struct catalog_group *group)
{
	return catalog_string(patient->catalog, group->name);
}

static const struct catalog_contract *contract_of(const struct patient *patient, uint32_t rule)
{
	return &patient->catalog->contracts[patient->catalog->rules[rule].contract];
}

static size_t tenant_length(const char *full_name)
{
	return strcspn(full_name, "/") + 1;
}

static bool same_tenant(const char *a, const char *b)
{
	return tenant_length(a) == tenant_length(b) && strncmp(a, b, tenant_length(a)) == 0;
}

/* A contract as a group of its own tenant calls it, or by its full name. */
static const char *local_name(const struct patient *patient, const struct catalog_contract *contract,
			      const struct catalog_group *group)
{
	const char *name = catalog_string(patient->catalog, contract->name);

	return same_tenant(name, name_of(patient, group)) ? name + tenant_length(name) : name;
}

static const char *contract_in(const struct patient *patient, uint32_t rule, const struct catalog_group *group)
{
	return local_name(patient, contract_of(patient, rule), group);
}

/* ---- one end is missing ---- */

/* What the group has in a list already, "sql, dns, ". False: it does not fit. */
static bool list_relations(const struct patient *patient, const struct catalog_group *group,
			   enum catalog_relation_kind kind, char list[NEAR_MISS_TEXT_MAX])
{
	const struct catalog *catalog = patient->catalog;
	size_t length = 0;

	list[0] = '\0';
	for (size_t i = 0; i < catalog->n_relations && length < NEAR_MISS_TEXT_MAX; i++) {
		const struct catalog_relation *relation = &catalog->relations[i];

		if (relation->kind == kind && relation->group == group - catalog->groups)
			length += (size_t)snprintf(list + length, NEAR_MISS_TEXT_MAX - length, "%s, ",
						   local_name(patient, &catalog->contracts[relation->contract], group));
	}
	return length < NEAR_MISS_TEXT_MAX - EPG_NAME_MAX;
}

/* The whole line, as it would read with the contract: a second one with the same key would be an error. */
static void remedy_relation(const struct patient *patient, uint32_t rule, enum catalog_relation_kind kind,
			    const struct catalog_group *group)
{
	const char *contract = contract_in(patient, rule, group),
		   *verb = kind == CATALOG_CONSUMES ? "consume" : "provide";
	char list[NEAR_MISS_TEXT_MAX];

	hint(patient, "add \"%s\" to %s of %s (%s:%u)", contract, verb, name_of(patient, group), patient->catalog->file,
	     group->line);
	if (list_relations(patient, group, kind, list))
		yaml(patient, group->line, "%s: [%s%s]", verb, list, contract);
}

static void remedy_intra(const struct patient *patient, uint32_t rule)
{
	const struct catalog_group *group = patient->source;
	const char *contract = contract_in(patient, rule, group);

	hint(patient, "add \"%s\" to the contracts of intraEpg of %s (%s:%u)", contract, name_of(patient, group),
	     patient->catalog->file, group->line);
	yaml(patient, group->line, "intraEpg: {contracts: [%s]}", contract);
}

/* The narrowest scope that holds both groups; external ones are in no application profile. */
static const char *scope_for(const struct patient *patient)
{
	if (patient->source->vrf == patient->destination->vrf)
		return "vrf";
	return same_tenant(name_of(patient, patient->source), name_of(patient, patient->destination)) ? "tenant"
												      : "global";
}

static void remedy_scope(const struct patient *patient, uint32_t rule)
{
	const struct catalog_contract *contract = contract_of(patient, rule);

	hint(patient, "widen the scope of contract %s (%s:%u)", catalog_string(patient->catalog, contract->name),
	     patient->catalog->file, contract->line);
	yaml(patient, contract->line, "scope: %s", scope_for(patient));
}

static void remedy_direction(const struct patient *patient, uint32_t rule)
{
	const char *source = name_of(patient, patient->source), *destination = name_of(patient, patient->destination);

	hint(patient, "to let %s open connections to %s, provide \"%s\" there (%s:%u) and consume it here (%s:%u)",
	     source, destination, contract_in(patient, rule, patient->destination), patient->catalog->file,
	     patient->destination->line, patient->catalog->file, patient->source->line);
}

static void remedy_audit(const struct patient *patient, uint32_t rule)
{
	const struct catalog_contract *contract = contract_of(patient, rule);

	hint(patient, "enforce subject \"%s\" of contract %s (%s:%u): take its \"mode: audit\" away",
	     catalog_string(patient->catalog, patient->catalog->rules[rule].subject),
	     catalog_string(patient->catalog, contract->name), patient->catalog->file, contract->line);
}

/* ---- an entry is missing ---- */

struct entry_text {
	char match[RULE_TEXT_MATCH_MAX]; /* as rules are told */
	char yaml[RULE_TEXT_MATCH_MAX];
};

static void entry_for_icmp(const struct rule_packet *packet, bool ipv6, struct entry_text *ret)
{
	const char *protocol = ipv6 ? "icmpv6" : "icmp", *family = ipv6 ? "ipv6" : "ipv4";
	const char *name = names_icmp_type((uint8_t)packet->destination, ipv6);
	char type[32];

	snprintf(type, sizeof(type), "%u", packet->destination);
	snprintf(ret->match, sizeof(ret->match), "%s type %s", protocol, name ? name : type);
	snprintf(ret->yaml, sizeof(ret->yaml), "- {name: %s-%s, etherT: %s, prot: %s, icmpType: %s}", protocol,
		 name ? name : type, family, protocol, name ? name : type);
}

static void entry_for_ip(const struct rule_packet *packet, struct entry_text *ret)
{
	uint8_t number = packet->kind & 0xff;
	const char *name = names_protocol(number);
	char protocol[16];

	snprintf(protocol, sizeof(protocol), "%u", number);
	name = name ? name : protocol;
	if (packet->fragment) {
		snprintf(ret->match, sizeof(ret->match), "fragments of %s", name);
		snprintf(ret->yaml, sizeof(ret->yaml), "- {name: %s-fragments, etherT: ip, prot: %s, fragments: only}",
			 name, name);
	} else if (names_has_ports(number)) {
		snprintf(ret->match, sizeof(ret->match), "%s dport %u", name, packet->destination);
		snprintf(ret->yaml, sizeof(ret->yaml), "- {name: %s-%u, etherT: ip, prot: %s, dPort: %u}", name,
			 packet->destination, name, packet->destination);
	} else {
		snprintf(ret->match, sizeof(ret->match), "protocol %s", name);
		snprintf(ret->yaml, sizeof(ret->yaml), "- {name: protocol-%s, etherT: ip, prot: %s}", name, name);
	}
}

static void entry_for_other(const struct rule_packet *packet, struct entry_text *ret)
{
	if (packet->kind != ETH_P_ARP) {
		snprintf(ret->match, sizeof(ret->match), "ethertype 0x%04x", packet->kind);
		snprintf(ret->yaml, sizeof(ret->yaml), "- {name: ethertype-%04x, etherT: 0x%04x}", packet->kind,
			 packet->kind);
		return;
	}
	snprintf(ret->match, sizeof(ret->match), "arp");
	snprintf(ret->yaml, sizeof(ret->yaml), "- {name: arp, etherT: arp}");
}

static struct entry_text entry_for(const struct rule_packet *packet)
{
	struct entry_text text;

	if (rule_match_is_icmp(packet->kind) && !packet->fragment)
		entry_for_icmp(packet, packet->kind >= EPG_KIND_IPV6, &text);
	else if (packet->kind < EPG_KIND_IPV6 + 0x100)
		entry_for_ip(packet, &text);
	else
		entry_for_other(packet, &text);
	return text;
}

static void remedy_fields(const struct patient *patient, const struct near_miss *miss)
{
	const struct catalog_rule *missed = &patient->catalog->rules[miss->rule];
	struct entry_text entry = entry_for(patient->packet);

	hint(patient, "add an entry for %s to filter %s of contract %s (%s:%u)%s", entry.match,
	     catalog_string(patient->catalog, missed->filter),
	     catalog_string(patient->catalog, contract_of(patient, miss->rule)->name), patient->catalog->file,
	     missed->line, miss->fields & 1u << EPG_FIELD_KIND ? ", or to another filter of it" : "");
	yaml(patient, missed->line, "%s", entry.yaml);
}

static void remedy_miss(const struct patient *patient, const struct near_miss *miss)
{
	switch (miss->cause) {
	case NEAR_MISS_CONSUME:
		remedy_relation(patient, miss->rule, CATALOG_CONSUMES, patient->source);
		break;
	case NEAR_MISS_PROVIDE:
		remedy_relation(patient, miss->rule, CATALOG_PROVIDES, patient->destination);
		break;
	case NEAR_MISS_SCOPE:
		remedy_scope(patient, miss->rule);
		break;
	case NEAR_MISS_INTRA:
		remedy_intra(patient, miss->rule);
		break;
	case NEAR_MISS_AUDIT:
		remedy_audit(patient, miss->rule);
		break;
	case NEAR_MISS_DIRECTION:
		remedy_direction(patient, miss->rule);
		break;
	case NEAR_MISS_REPLY:
		break;
	case NEAR_MISS_FIELDS:
		remedy_fields(patient, miss);
		break;
	}
}

/* ---- by what denied it ---- */

static void remedy_rule(const struct patient *patient, uint32_t rule)
{
	const struct catalog *catalog = patient->catalog;
	const struct catalog_rule *denied = &catalog->rules[rule];
	const char *contract = catalog_string(catalog, contract_of(patient, rule)->name);

	if (denied->role == CATALOG_ROLE_TABOO)
		hint(patient, "take taboo %s away from %s (%s:%u), or narrow its entry \"%s\" (%s:%u)", contract,
		     name_of(patient, patient->destination), catalog->file, patient->destination->line,
		     catalog_string(catalog, denied->entry), catalog->file, denied->line);
	else
		hint(patient,
		     "contract %s denies it: take filter %s away from its subject \"%s\" (%s:%u), or narrow the "
		     "filter's entry \"%s\" (%s:%u)",
		     contract, catalog_string(catalog, denied->filter), catalog_string(catalog, denied->subject),
		     catalog->file, contract_of(patient, rule)->line, catalog_string(catalog, denied->entry),
		     catalog->file, denied->line);
}

static void remedy_member(const struct patient *patient, const struct catalog_group *group)
{
	hint(patient, "make %s a member of the preferred group (%s:%u), or join both groups by a contract",
	     name_of(patient, group), patient->catalog->file, group->line);
	yaml(patient, group->line, "preferredGroupMember: true");
}

static void remedy_isolation(const struct patient *patient)
{
	hint(patient, "list a contract that permits it among the contracts of intraEpg of %s (%s:%u)%s",
	     name_of(patient, patient->source), patient->catalog->file, patient->source->line,
	     patient->source->isolated ? ", or end its isolation" : "");
}

static void remedy_strangers(const struct patient *patient)
{
	hint(patient, "provide a contract in %s (%s:%u) and consume it in %s (%s:%u)",
	     name_of(patient, patient->destination), patient->catalog->file, patient->destination->line,
	     name_of(patient, patient->source), patient->catalog->file, patient->source->line);
}

static void remedy_implicit(const struct patient *patient, uint32_t rule)
{
	if (rule == EPG_RULE_SOURCE_NOT_PREFERRED)
		remedy_member(patient, patient->source);
	else if (rule == EPG_RULE_DESTINATION_NOT_PREFERRED)
		remedy_member(patient, patient->destination);
	else if (rule == EPG_RULE_ISOLATION)
		remedy_isolation(patient);
	else
		remedy_strangers(patient);
}

void remedy_find(const struct rule_book *book, const struct rule_packet *packet, uint32_t denied,
		 const struct near_miss *misses, size_t n, struct remedy *ret)
{
	const struct catalog *catalog = book->catalog;
	const struct patient patient = {
		.catalog = catalog,
		.packet = packet,
		.source = catalog_group_by_class(catalog, packet->source_class),
		.destination = catalog_group_by_class(catalog, packet->destination_class),
		.remedy = ret,
	};
	bool preferred = denied == EPG_RULE_SOURCE_NOT_PREFERRED || denied == EPG_RULE_DESTINATION_NOT_PREFERRED;

	ret->hint[0] = ret->yaml[0] = '\0';
	ret->line = 0;
	if (!patient.source || !patient.destination || denied >= catalog->n_rules)
		return;
	if (catalog->rules[denied].contract != CATALOG_NONE)
		remedy_rule(&patient, denied);
	else if (n > 0 && !(preferred && misses->fields))
		remedy_miss(&patient, misses);
	else
		remedy_implicit(&patient, denied);
}
