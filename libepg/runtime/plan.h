/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The plan of an apply: what becomes of each endpoint and each address when a generation comes into force. It is
 * made first and changes nothing; then it is staged, and takes effect by itself with the generation.
 */
#ifndef EPG_PLAN_H
#define EPG_PLAN_H

#include <net/if.h>

#include "runtime/direct.h"
#include "runtime/hooks.h"
#include "runtime/internal.h"
#include "runtime/journal.h"
#include "runtime/port.h"

/* The generation that the plan is for: its names, and those of its tables that say what an address may be. */
struct plan_policy {
	const struct catalog *catalog;
	const struct catalog *running; /* of the generation in force; NULL: none */
	const struct epg_class *classes;
	size_t n_classes;
	const struct epg_node *nodes;
	size_t n_nodes;
};

/* An endpoint that is, or will be. */
struct plan_endpoint {
	uint32_t ifindex; /* or port */
	uint32_t vrf;     /* afterwards */
	bool exists;      /* has an entry */
	bool present;     /* the interface is there */
	bool xdp;
	bool attached;
	bool slots_due;             /* an address that it has learned goes */
	bool unnamed;               /* a port that nobody has written down yet */
	uint16_t mtu_before, mtu;   /* as the entry has it; with EPG_ENDPOINT_DIRECT the interface's */
	struct epg_port_name place; /* of a port; all zero: an interface of this namespace */
	struct epg_binding before;
	struct epg_binding after;
	const struct catalog_binding *wanted; /* by the policy; NULL: it does not speak of the interface */
	char interface[PORT_NAME_MAX];
};

/* How good a claim to an address is: the better one gets it. */
enum plan_claim {
	PLAN_DECLARED, /* by the policy */
	PLAN_BY_HAND,
	PLAN_WEAK, /* learned, or of an interface that has vanished */
};

struct plan_address {
	struct epg_address_key key;
	struct epg_owner owner; /* before, or afterwards */
	enum plan_claim claim;
};

struct plan_addresses {
	struct plan_address *items;
	size_t count;
	size_t capacity;
};

struct plan {
	struct epg *epg;
	struct instance *instance;
	const struct plan_policy *policy;
	uint32_t running;                /* number of the generation in force */
	struct plan_endpoint *endpoints; /* by ifindex, ports behind interfaces */
	size_t n_endpoints;
	size_t endpoints_capacity;
	struct hooks *hooks; /* by ifindex */
	size_t n_hooks;
	uint32_t last_port;           /* given out, if the plan is carried out */
	struct plan_addresses before; /* entries of the map; by key */
	struct plan_addresses after;  /* claims that are met; by key */
	size_t bound;
	size_t absent;
	size_t by_stack; /* endpoints that can't have what their bridge domain asks for: forwarding past the host */
	char by_stack_first[PORT_NAME_MAX + 2 + DIRECT_WHY_MAX]; /* one of them, and why */
};

/* Begins as all zero. -EEXIST when two endpoints claim one address. */
int plan_make(struct plan *plan, struct epg *epg, struct instance *instance, const struct plan_policy *policy);
void plan_clear(struct plan *plan);
#define AUTO_PLAN __attribute__((cleanup(plan_clear)))

/* -ENOSPC when the maps of the instance can't hold what the plan needs. */
int plan_check_room(const struct plan *plan);
/* Stages all changes for generation `number`. */
int plan_stage(const struct plan *plan, struct journal *journal, uint32_t number);
/* Attaches what the policy names; `ret_attached` holds ifindexes, also on failure. The caller frees. */
int plan_attach(const struct plan *plan, uint32_t **ret_attached, size_t *ret_count);
/* After the generation has come into force: removes entries of those who are no endpoints any more. */
void plan_settle(struct plan *plan);

/* Endpoints that are pushed stand behind those that are sorted; NULL: no memory. */
struct plan_endpoint *plan_push(struct plan *plan, uint32_t ifindex);
void plan_sort(struct plan *plan);
/* Among the first `count`, which are sorted. */
struct plan_endpoint *plan_find(const struct plan *plan, size_t count, uint32_t ifindex);
/* What becomes of an endpoint whose `wanted` is known. */
void plan_decide(struct plan *plan, struct plan_endpoint *endpoint);

/* plan_ports.c */
/* Sets what the endpoints that are ports stand for. */
int plan_read_ports(struct plan *plan);
/* After the interfaces have been decided: who is behind them, and which of them are shared. */
int plan_make_ports(struct plan *plan);
/* Writes down the ports that are new. */
int plan_stage_ports(const struct plan *plan, struct journal *journal);
/* Forgets a port that is no endpoint any more. */
void plan_settle_port(const struct plan *plan, uint32_t id);
size_t plan_count_new_ports(const struct plan *plan);

/* plan_direct.c */
/* After it is known who is shared: which endpoints get their packets past the host. */
void plan_make_direct(struct plan *plan);
/* Tells the log of those who don't, though their bridge domain asks for it. */
void plan_note_direct(const struct plan *plan);

/* plan_addresses.c */
int plan_make_addresses(struct plan *plan);
void plan_clear_addresses(struct plan *plan);
int plan_stage_addresses(const struct plan *plan, struct journal *journal, uint32_t number);
void plan_settle_addresses(struct plan *plan);
/* Entries that the map will have for a moment, old and new ones. */
size_t plan_count_addresses(const struct plan *plan);

/* NULL where there is none. */
const struct plan_endpoint *plan_endpoint_of(const struct plan *plan, uint32_t ifindex);
const struct hooks *plan_hooks_of(const struct plan *plan, uint32_t id);

#endif
