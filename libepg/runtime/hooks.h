/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Programs on interfaces. What is attached is pinned under `links`: `<ifindex>-ingress`, `<ifindex>-egress` and
 * `<ifindex>-xdp` are BPF links; `<ifindex>-clsact-ingress` and `<ifindex>-clsact-egress`, on kernels before 6.6,
 * stand for filters of the clsact qdisc and pin the program that they run. An interface inside another network
 * namespace is attached by TCX only, under the number of its port.
 */
#ifndef EPG_HOOKS_H
#define EPG_HOOKS_H

#include "runtime/hooks_kinds.h"
#include "runtime/internal.h"

struct hooks {
	uint32_t ifindex; /* or the port of an interface inside */
	enum epg_attachment_kind kind;
	bool ingress, egress, xdp; /* each: attached, and in force */
};

/* All attachments in the order of ifindexes, those that are in force; the caller frees. */
int hooks_read(struct epg *epg, struct hooks **ret, size_t *ret_count);

/* Those of one interface: nothing set when there are none. */
int hooks_find(struct epg *epg, uint32_t ifindex, struct hooks *ret);

/* Attached in both directions; XDP is beside, not instead: TC marks what it has let pass. */
static inline bool hooks_complete(const struct hooks *hooks)
{
	return hooks->egress && hooks->ingress;
}

/* What the links of an interface inside say of it. */
enum hooks_life {
	HOOKS_NONE, /* nothing: it is not attached */
	HOOKS_ALIVE,
	HOOKS_DEAD, /* the interface has vanished */
};
enum hooks_life hooks_life(struct epg *epg, uint32_t port);

/* Which interface is to be attached, and how. */
struct hooks_order {
	uint32_t id;      /* its ifindex, or its port */
	const char *name; /* for messages */
	int netns;        /* of an interface inside; else -1 */
	uint32_t ifindex; /* as its namespace numbers it */
	bool xdp;
	uint32_t before, after; /* as in struct epg_attach_options */
};

#define HOOKS_ORDER(index, interface) \
	((struct hooks_order){.id = (index), .name = (interface), .netns = -1, .ifindex = (index)})

/*
 * Attaches what is missing. -EEXIST when it is attached the other way, TC or XDP; -ENOENT when the program before or
 * after which ours are to stand is at neither hook; -EOPNOTSUPP when that, or the namespace, takes TCX, and there is
 * none.
 * On failure nothing new stays. Returns 1 when something was attached, 0 when all was there.
 */
int hooks_attach(struct epg *epg, const struct hooks_order *order);

/* Removes the pins of attachments whose interface has vanished. The caller holds the lock of the pin directory. */
void hooks_sweep(struct epg *epg);

/* The program that a TCX link of ours on an interface runs; 0: there is none, or it can't be told. */
uint32_t hooks_program(struct epg *epg, uint32_t ifindex, bool egress);
/* "name, id 42", or "id 42" of one that has no name. */
#define HOOKS_PROGRAM_NAME_MAX 32
void hooks_program_name(uint32_t id, char name[HOOKS_PROGRAM_NAME_MAX]);

/* Takes all off an interface. True: there was something. */
bool hooks_detach(struct epg *epg, uint32_t ifindex);
void hooks_detach_all(struct epg *epg);

#endif
