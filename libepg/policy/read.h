/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * From the tree to the model, shared by the parts of the reader. What stands in a tenant is read after what it names
 * there; contracts and groups, which may be another tenant's, are resolved at the end. What is wrong becomes a
 * message and reading goes on; the model is thrown away at the end if there was an error, so nobody sees the gaps.
 */
#ifndef EPG_READ_H
#define EPG_READ_H

#include "base/arena.h"
#include "policy/diagnostic.h"
#include "policy/model.h"
#include "policy/schema.h"
#include "base/string_index.h"
#include "policy/tree.h"

/*
 * The lists of a group, or of a VRF's vzAny, that may name what stands further down, or in another tenant. They are
 * resolved when all tenants have been read; NULL where the list is absent.
 */
struct read_binding {
	uint32_t group; /* MODEL_NONE: a VRF's vzAny */
	uint32_t vrf;
	const char *tenant_name;
	const char *profile; /* of an EPG; NULL: external */
	const struct tree_node *provide, *consume, *intra, *taboos, *inherit;
};

struct reader {
	struct model *model;
	struct arena *arena; /* of the model */
	struct epg_diagnostics *diagnostics;
	bool out_of_memory;

	/* The tenant that is being read. */
	uint32_t tenant;
	const char *tenant_name;
	uint32_t n_app_profiles; /* of the whole policy, so far */

	struct read_binding *bindings;
	size_t n_bindings;
	size_t bindings_capacity;

	/* By full name; values are indices into the model's arrays. */
	struct string_index tenants;
	struct string_index vrfs;
	struct string_index bridge_domains;
	struct string_index filters;
	struct string_index contracts;
	struct string_index taboos;
	struct string_index app_profiles;
	struct string_index groups;

	/* What may be given once only: across the policy, or in one VRF. */
	struct string_index classes;
	struct string_index interfaces;
	struct string_index globs;
	struct string_index stations;
	struct string_index addresses;
	struct string_index prefixes;

	struct string_index services; /* ports by "protocol/name": asking the host takes long */
	size_t guesses;               /* names compared so far in search of typing errors */
};

typedef void (*read_item_fn)(struct reader *reader, const struct tree_node *item, void *object);

/* Calls `fn` for each item of a list; `list` may be NULL. */
void read_each(struct reader *reader, const struct tree_node *list, read_item_fn fn, void *object);
/* A zeroed array with room for each item of a list; NULL when there is none, or no memory. */
void *read_array(struct reader *reader, const struct tree_node *list, size_t size);
/* One more element of an array of the model; NULL without memory. */
void *read_push(struct reader *reader, void *array, size_t *count, size_t size);

/* "tenant/name", or "tenant/profile/name" with a profile. NULL without a proper name, or memory. */
const char *read_full_name(struct reader *reader, const char *profile, const struct tree_node *name);

/*
 * Makes an object known. `kind` as in "filter "http" exists already"; `key` lives as long as the index. An object
 * without a name (key NULL) is not known.
 */
void read_register(struct reader *reader, struct string_index *index, const char *kind, const char *key,
		   const struct tree_node *name, uint32_t value);
/*
 * The same for anything that may be given once: "the address 10.1.0.2 is given twice". The key is copied.
 * False when it was given before.
 */
bool read_once(struct reader *reader, struct string_index *index, const void *key, size_t length, const char *what,
	       const struct tree_node *node);

/* ---- read_reference.c ---- */

/* The object of this tenant that a value names, or MODEL_NONE. `node` may be NULL. */
uint32_t read_reference(struct reader *reader, const struct string_index *index, const char *kind,
			const struct tree_node *node);
/* A contract of this tenant, or "tenant/contract". */
uint32_t read_contract_reference(struct reader *reader, const struct tree_node *node);
/* What an EPG of an application profile may inherit from; without a profile, what an external EPG may. */
uint32_t read_group_reference(struct reader *reader, const char *profile, const struct tree_node *node);

/* ---- read_binding.c, read_inherit.c ---- */

void read_bind_later(struct reader *reader, const struct read_binding *binding);
void read_bindings(struct reader *reader);
void read_inherited(struct reader *reader);

/* ---- read_address.c ---- */

/* "10.1.0.0/24". With `gateway`, the address may be one of a host. */
bool read_prefix(struct reader *reader, const struct tree_node *node, bool gateway, struct model_prefix *ret);
/* An address that an endpoint can have. */
bool read_address(struct reader *reader, const struct tree_node *node, struct model_prefix *ret);
bool read_mac(struct reader *reader, const struct tree_node *node, uint8_t ret[6]);
/* The name of an interface, or with `glob` a pattern of names. */
bool read_interface(struct reader *reader, const struct tree_node *node, bool glob);
bool read_is_within(const struct model_prefix *prefix, const struct model_prefix *outer);

/* ---- read_member.c ---- */

/* A group while it is being read; it moves into the model when all is known. */
struct read_group {
	struct model_group group;
	const struct model_bridge_domain *bridge_domain; /* NULL: external, or unknown */
};

/* Of an address, or a prefix, that may stand once in the group's VRF: false when it was given before. */
bool read_once_in_vrf(struct reader *reader, struct string_index *index, const struct model_group *group,
		      const struct model_prefix *prefix, const struct tree_node *node);
/* The members of an EPG; the lists may be NULL. */
void read_endpoints(struct reader *reader, const struct tree_node *list, struct read_group *group);
void read_matches(struct reader *reader, const struct tree_node *list, struct read_group *group);

/* ---- read_field.c ---- */

/* A port, a range or a service of IPPROTO_TCP, …. `ret` is left alone when it is none. */
void read_ports(struct reader *reader, const struct tree_node *node, uint8_t protocol, struct model_range *ret);
/* `est` or a list of flags, as model_entry.tcp_flags. */
void read_tcp_flags(struct reader *reader, const struct tree_node *node, uint16_t *ret);
bool read_dscp(struct reader *reader, const struct tree_node *node, uint8_t *ret);

/* ---- read_filter.c, read_entry.c, read_contract.c, read_group.c, read_police.c ---- */

void read_filter(struct reader *reader, const struct tree_node *node, void *unused);
void read_entry(struct reader *reader, const struct tree_node *node, void *filter);
void read_contract(struct reader *reader, const struct tree_node *node, void *unused);
void read_taboo(struct reader *reader, const struct tree_node *node, void *unused);
void read_app_profile(struct reader *reader, const struct tree_node *node, void *unused);
void read_external(struct reader *reader, const struct tree_node *node, void *unused);
void read_police(struct reader *reader, const struct tree_node *node, struct model_police *police);

/* The keys of a filter entry, by read_entry_schema; NULL: absent. */
struct read_entry_nodes {
	const struct tree_node *name, *ether_type, *protocol, *source_port, *destination_port;
	const struct tree_node *icmp_type, *icmp_code, *arp_opcode, *tcp_flags, *fragments, *dscp, *stateful;
};

extern const struct schema read_entry_schema;

/*
 * An entry from its keys. False when it has no proper name; what is wrong with it becomes a message, and an entry
 * that matches nothing.
 */
bool read_entry_of(struct reader *reader, struct place place, const struct read_entry_nodes *nodes,
		   struct model_entry *ret);

/* What an entry matches, as bytes that are equal for equal matches. */
const void *read_entry_match(const struct model_entry *entry, size_t *ret_length);

/* ---- check.c, check_scope.c ---- */

/* What can only be said of the policy as a whole. */
void read_check(struct reader *reader);
void read_check_scopes(struct reader *reader);

#endif
