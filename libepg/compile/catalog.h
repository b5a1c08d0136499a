/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The catalog: the names behind a generation's ids, and what is needed to speak about its rules, without
 * the policy file and without parsing it again. It is one flat block of bytes, read in place; beside the generation's
 * tables it is kept packed (catalog_packed.h).
 *
 * Strings are offsets into a pool; offset 0 is the empty string. Arrays are sorted as said.
 */
#ifndef EPG_CATALOG_H
#define EPG_CATALOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "epg/abi.h"

#define CATALOG_MAGIC 0x63677065u /* "epgc" */
#define CATALOG_VERSION 5
#define CATALOG_NONE UINT32_MAX

struct catalog_range {
	uint16_t first;
	uint16_t last;
};

struct catalog_vrf {
	uint32_t name;
	uint32_t id; /* never 0; in the space of class ids: any group of the VRF */
	uint32_t enforced;
	uint32_t preferred_group;
	uint32_t line;
};

struct catalog_bridge_domain {
	uint32_t name;
	uint32_t id;  /* never 0 */
	uint32_t vrf; /* index */
	uint32_t arp_contract;
	uint32_t direct;
	uint32_t line;
};

/* Sorted by class_id. */
struct catalog_group {
	uint64_t police_rate; /* bytes a second; 0: none */
	uint32_t police_burst;
	uint32_t name;
	uint32_t class_id;
	uint32_t external;
	uint32_t isolated; /* as the policy says; intra-EPG contracts isolate the rest too */
	uint32_t preferred_member;
	uint32_t vrf;           /* index */
	uint32_t bridge_domain; /* index; CATALOG_NONE: external */
	uint32_t line;
};

/* The groups once more, sorted by name. */
struct catalog_group_name {
	uint32_t group; /* index */
};

/* A contract, or a taboo: contracts in the model's order, then taboos. */
struct catalog_contract {
	uint32_t name;
	uint32_t taboo;
	uint32_t scope; /* enum model_scope */
	uint32_t keep;
	uint32_t line;
	uint32_t providers;
	uint32_t consumers;
	uint32_t first_rule; /* rules of one contract stand together */
	uint32_t n_rules;
};

/* Between whom a rule stands: its sources and destinations. */
enum catalog_role {
	CATALOG_ROLE_PAIR,     /* group to group */
	CATALOG_ROLE_TO_ANY,   /* group to any of a VRF */
	CATALOG_ROLE_FROM_ANY, /* any of a VRF to group */
	CATALOG_ROLE_ANY,      /* any to any */
	CATALOG_ROLE_INTRA,    /* within a group */
	CATALOG_ROLE_TABOO,    /* everybody to group */
	CATALOG_ROLES
};

/* What a rule does. */
struct epg_rule {
	uint8_t action; /* enum epg_verdict */
	uint8_t level;  /* enum epg_level */
	uint8_t flags;  /* EPG_RULE_… */
	uint8_t dscp;   /* with EPG_RULE_DSCP: what permitted packets are marked with */
};

/* What of it stands in table `rules`: its leaf says the rest. */
static inline struct epg_rule_more rules_more(const struct epg_rule *what)
{
	return (struct epg_rule_more){what->flags, what->dscp};
}

/*
 * Same index as tables `rules` and `counters`; the implicit rules come first. An entry has a rule for each role and
 * direction in which its contract is used: their levels differ, and so do their counters. Among rules of one level and
 * action the first one decides.
 */
struct catalog_rule {
	uint64_t identity; /* same contract, subject, filter, entry, role, direction: same value in every generation */
	uint32_t contract; /* index; CATALOG_NONE: implicit */
	uint32_t subject;
	uint32_t filter;
	uint32_t entry;
	uint32_t line;
	uint8_t role;    /* enum catalog_role, as the rule's packets go */
	uint8_t reverse; /* provider to consumer */
	uint8_t audit;
	uint8_t n_kinds;
	struct catalog_range kinds[2];
	struct catalog_range destination;
	struct catalog_range source;
	struct catalog_range dscp;
	struct catalog_range fragment; /* enum epg_piece */
	uint16_t tcp_flags;            /* bit n: matches packets whose EPG_FLAG_… are n */
	uint16_t early;                /* matches EPG_PIECE_EARLY too, whatever ports, flags or type it asks for */
	struct epg_rule what;
};

/* Sorted by source, then destination: pairs that have rules. Class ids as in table `pairs`: also VRFs, and 0. */
struct catalog_pair {
	uint16_t source; /* class ids */
	uint16_t destination;
	uint32_t rule_set; /* index */
};

/*
 * members[first … first + count - 1] are rules, in order of precedence: the first one that matches decides, in the
 * enforced view the first one that is not audited.
 */
struct catalog_rule_set {
	uint32_t first;
	uint32_t count;
};

enum catalog_relation_kind {
	CATALOG_PROVIDES,
	CATALOG_CONSUMES,
	CATALOG_INTRA, /* a contract within the group */
	CATALOG_TABOO,
};

/* Sorted by group, then contract, then kind; vzAny's, which have no group, last. Inherited ones too. */
struct catalog_relation {
	uint32_t group;    /* index; CATALOG_NONE: any group of the VRF */
	uint32_t vrf;      /* index: of the group, or of vzAny */
	uint32_t contract; /* index */
	uint32_t kind;     /* enum catalog_relation_kind */
	uint32_t line;
};

/* Who is behind an interface that several share. */
enum catalog_behind {
	CATALOG_ALONE = 0,  /* nobody: the binding is of the interface itself */
	CATALOG_BEHIND = 1, /* behind the interfaces that the name, or glob, stands for, by `vlan`, `mac` or both */
	CATALOG_BEHIND_UPLINK = 2, /* by `mac`, behind any interface that is an uplink of the group's VRF */
};

/*
 * What the policy binds: interfaces, by exact name or glob, then stations behind them. Within each kind exact names come
 * first, then in file order.
 */
struct catalog_binding {
	uint32_t interface; /* exact name or glob; "*" for CATALOG_BEHIND_UPLINK */
	uint32_t glob;
	uint32_t group; /* index */
	uint32_t line;
	uint32_t first_address; /* into `addresses` */
	uint32_t n_addresses;   /* 0: addresses may be learned */
	uint8_t mac[6];         /* all zero: not declared */
	uint16_t vlan;          /* 0: untagged */
	uint32_t behind;        /* enum catalog_behind */
};

struct catalog_address {
	uint8_t address[16];
};

/* The sections of a catalog. X(name, struct) */
#define CATALOG_SECTIONS(X)                      \
	X(vrfs, catalog_vrf)                     \
	X(bridge_domains, catalog_bridge_domain) \
	X(groups, catalog_group)                 \
	X(group_names, catalog_group_name)       \
	X(contracts, catalog_contract)           \
	X(rules, catalog_rule)                   \
	X(pairs, catalog_pair)                   \
	X(rule_sets, catalog_rule_set)           \
	X(members, catalog_member)               \
	X(relations, catalog_relation)           \
	X(bindings, catalog_binding)             \
	X(addresses, catalog_address)

/* Index of a rule, an element of the list that rule sets cut pieces from. */
struct catalog_member {
	uint32_t rule;
};

/* A catalog being read: pointers into the block, which must outlive it. */
struct catalog {
#define CATALOG_SECTION(name, type) \
	const struct type *name;    \
	size_t n_##name;
	CATALOG_SECTIONS(CATALOG_SECTION)
#undef CATALOG_SECTION
	const char *strings;
	size_t n_strings;
	const char *file; /* the policy's file name */
	/* Of an amended generation: what the contracts' slices of rules are cut from. NULL: the rules themselves. */
	const uint32_t *contract_rules;
};

/* Index of a contract's rule number i. */
static inline uint32_t catalog_contract_rule(const struct catalog *catalog, const struct catalog_contract *contract,
					     uint32_t i)
{
	uint32_t index = contract->first_rule + i;

	return catalog->contract_rules ? catalog->contract_rules[index] : index;
}

/* A rule that an amendment has removed: it matches nothing, and its index is not given out again. */
static inline bool catalog_rule_is_gone(const struct catalog_rule *rule)
{
	return rule->n_kinds == 0;
}

/* Checks the block (magic, version, bounds of each section) and fills the view. Returns 0 or -EBADMSG. */
int catalog_open(const void *block, size_t length, struct catalog *ret);

const char *catalog_string(const struct catalog *catalog, uint32_t string);

/* NULL where there is none. */
const struct catalog_group *catalog_group_by_class(const struct catalog *catalog, uint16_t class_id);
const struct catalog_group *catalog_group_by_name(const struct catalog *catalog, const char *name);
const struct catalog_rule_set *catalog_rules_between(const struct catalog *catalog, uint16_t source,
						     uint16_t destination);
/*
 * The binding of an interface itself (CATALOG_ALONE): the exact name before globs, earlier lines before later ones.
 */
const struct catalog_binding *catalog_binding_of(const struct catalog *catalog, const char *interface);
/*
 * The bindings of stations behind an interface, one after the other: `after` is the one told last, NULL for the first.
 * Of those with the same VLAN and MAC address the first one told decides. `uplink_vrf` is the index of the VRF whose
 * uplink the interface is, CATALOG_NONE: it is none.
 */
const struct catalog_binding *catalog_behind_next(const struct catalog *catalog, const char *interface,
						  uint32_t uplink_vrf, const struct catalog_binding *after);

#endif
