/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The model: a policy that was read, checked and resolved. Names have become indices into the model's
 * own arrays, ports and types have become intervals; every object remembers its place in the file.
 * It is built by read.c, and only read after that.
 */
#ifndef EPG_MODEL_H
#define EPG_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/place.h"
#include "epg/abi.h"

#define MODEL_NONE UINT32_MAX

/* An inclusive interval of one 16-bit field. */
struct model_range {
	uint16_t first;
	uint16_t last;
};

#define MODEL_RANGE_ANY ((struct model_range){0, UINT16_MAX})

/* An address with the number of its leading bits that count, in the 128-bit mapped form: IPv4 /24 is 120. */
struct model_prefix {
	uint8_t address[16]; /* bits beyond length are zero, except in a bridge domain's subnet (a gateway) */
	uint8_t length;
	bool ipv4;
	struct place place;
};

struct model_tenant {
	const char *name;
	struct place place;
};

struct model_contract_use {
	uint32_t contract;
	struct place place;
};

struct model_vrf {
	const char *name; /* tenant/vrf */
	struct place place;
	uint32_t tenant;
	bool enforced;
	bool preferred_group;
	struct model_contract_use *provide; /* by vzAny: for all groups of the VRF */
	size_t n_provide;
	struct model_contract_use *consume;
	size_t n_consume;
};

struct model_bridge_domain {
	const char *name; /* tenant/bridge-domain */
	struct place place;
	uint32_t tenant;
	uint32_t vrf;
	struct model_prefix *subnets;
	size_t n_subnets;
	bool arp_contract; /* ARP and neighbour discovery between endpoints take a contract */
	bool direct;       /* established flows go past the host's stack */
};

/* A filter entry, as intervals of enum epg_field. */
struct model_entry {
	const char *name;
	struct place place;
	struct model_range kinds[2]; /* IPv4 and IPv6 halves of "tcp", say */
	unsigned int n_kinds;
	struct model_range destination; /* port as seen by the consumer's packets; ICMP: type; ARP: opcode */
	struct model_range source;      /* port; ICMP: code */
	struct model_range dscp;
	struct model_range
		fragment;   /* of EPG_FIELD_FRAGMENT: an entry that asks for ports, flags or a type has 0 only */
	uint16_t tcp_flags; /* bit n: matches packets whose EPG_FLAG_… are n; all bits: any */
	bool icmp;          /* destination and source are type and code */
	bool arp;           /* exactly ARP: in the opposite direction, request and reply change places */
	bool tcp;           /* exactly TCP: a stateless reverse rule asks for ACK or RST */
	bool filtered;      /* says more than `etherT: ip` or nothing: level 7, else 9 */
	bool stateful;      /* never for what is not IP */
};

#define MODEL_TCP_FLAGS_ANY UINT16_MAX

struct model_filter {
	const char *name; /* tenant/filter */
	struct place place;
	uint32_t tenant;
	struct model_entry *entries;
	size_t n_entries;
};

/* Priority of a deny: the level whose rules it ranks with. */
enum model_priority {
	MODEL_PRIORITY_DEFAULT, /* its own rule's */
	MODEL_PRIORITY_LEVEL1,  /* any to any with a filter */
	MODEL_PRIORITY_LEVEL2,  /* EPG to any with a filter, or any to EPG */
	MODEL_PRIORITY_LEVEL3,  /* EPG to EPG with a filter */
};

struct model_filter_use {
	uint32_t filter;
	struct place place;
	bool deny;
	enum model_priority priority;
	bool log;
};

#define MODEL_DSCP_NONE 0xff

struct model_subject {
	const char *name;
	struct place place;
	bool both_directions;
	bool reverse_ports; /* meaningful with both_directions only */
	bool audit;
	uint8_t dscp; /* that permitted packets are marked with, or MODEL_DSCP_NONE */
	struct model_filter_use *filters;
	size_t n_filters;
};

enum model_scope {
	MODEL_SCOPE_APPLICATION_PROFILE,
	MODEL_SCOPE_VRF,
	MODEL_SCOPE_TENANT,
	MODEL_SCOPE_GLOBAL,
};

struct model_contract {
	const char *name; /* tenant/contract */
	struct place place;
	uint32_t tenant;
	enum model_scope scope;
	bool keep; /* tracked flows outlive an apply that no longer permits them */
	struct model_subject *subjects;
	size_t n_subjects;
};

/* What nobody may send to a group, whatever its contracts say. */
struct model_taboo {
	const char *name; /* tenant/taboo */
	struct place place;
	uint32_t tenant;
	struct model_filter_use *filters; /* all of them deny */
	size_t n_filters;
};

struct model_taboo_use {
	uint32_t taboo;
	struct place place;
};

/* A group whose contracts another one takes too. */
struct model_inherit {
	uint32_t group;
	struct place place;
};

/* A token bucket for all that a group's endpoints send together. */
struct model_police {
	uint64_t rate;  /* bytes a second; 0: none */
	uint32_t burst; /* bytes */
	struct place place;
};

/* An endpoint known beforehand. */
struct model_endpoint {
	const char *interface;
	struct place place;
	struct model_prefix *ips; /* length is always 128 */
	size_t n_ips;
	uint8_t mac[6];
	bool has_mac;
};

/*
 * A rule that makes members: interfaces (a glob), stations behind an interface that several share (by VLAN, MAC address
 * or both; a MAC address without an interface: behind any uplink), or addresses (a prefix).
 */
struct model_match {
	const char *interface;      /* glob as of fnmatch(3), or NULL */
	struct model_prefix prefix; /* only where nothing else is set */
	struct place place;
	uint16_t vlan; /* 1 … 4094; 0: untagged */
	uint8_t mac[6];
	bool has_mac;
	struct model_prefix *ips; /* declared addresses, with a VLAN or MAC address only; length is always 128 */
	size_t n_ips;
};

static inline bool model_match_is_prefix(const struct model_match *match)
{
	return !match->interface && !match->has_mac;
}

/* Of stations that share an interface with others. */
static inline bool model_match_is_behind(const struct model_match *match)
{
	return match->vlan || match->has_mac;
}

/* "eth1/120/02:00:0a:01:00:02", without what is not given: how stations behind an interface are named. */
#define MODEL_STATION_MAX 40
void model_match_station(const struct model_match *match, char text[MODEL_STATION_MAX]);

/* An endpoint group: an EPG of an application profile, or an external EPG. */
struct model_group {
	const char *name; /* tenant/application-profile/epg, or tenant/external */
	struct place place;
	uint32_t tenant;
	uint32_t app_profile; /* counts over the whole model; MODEL_NONE: external */
	uint32_t vrf;
	uint32_t bridge_domain; /* MODEL_NONE: external */
	uint16_t class_id;      /* as the policy demands; EPG_CLASS_NONE: to be allocated */
	bool external;
	bool isolated; /* intraEpg: {isolation: true} */
	bool preferred_member;
	struct model_police police;
	struct model_contract_use *provide; /* inherited ones behind its own; no contract twice */
	size_t n_provide;
	struct model_contract_use *consume;
	size_t n_consume;
	struct model_contract_use *intra; /* contracts within the group */
	size_t n_intra;
	struct model_taboo_use *taboos;
	size_t n_taboos;
	struct model_inherit *inherit; /* directly; already followed in `provide` and `consume` */
	size_t n_inherit;
	struct model_endpoint *endpoints;
	size_t n_endpoints;
	struct model_match *matches;
	size_t n_matches;
	struct model_prefix *subnets; /* external groups only; host bits are zero */
	size_t n_subnets;
};

struct model {
	const char *file; /* as named by the caller; "-" is standard input */
	const char *text; /* the source, byte for byte */
	size_t text_length;

	struct model_tenant *tenants;
	size_t n_tenants;
	struct model_vrf *vrfs;
	size_t n_vrfs;
	struct model_bridge_domain *bridge_domains;
	size_t n_bridge_domains;
	struct model_filter *filters;
	size_t n_filters;
	struct model_contract *contracts;
	size_t n_contracts;
	struct model_taboo *taboos;
	size_t n_taboos;
	struct model_group *groups;
	size_t n_groups;
};

struct arena;
struct epg_diagnostics;

/*
 * Reads a policy. All errors and warnings of the text go to `diagnostics`.
 * Returns 0 and a model, which the caller frees with model_free; or -EBADMSG when there was at least
 * one error, -EFBIG when the text is longer than `max_bytes`, -ENOMEM. `name` is what messages call the file.
 */
int model_read(const char *name, const char *text, size_t length, size_t max_bytes, struct epg_diagnostics *diagnostics,
	       struct model **ret);
void model_free(struct model *model);
/* What everything in the model lives in. */
struct arena *model_arena(struct model *model);

#endif
