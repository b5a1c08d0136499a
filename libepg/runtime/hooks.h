/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Programs on interfaces. What is attached is pinned under `links`: `<ifindex>-ingress`, `<ifindex>-egress` and
 * `<ifindex>-xdp` are BPF links; `<ifindex>-clsact-ingress` and `<ifindex>-clsact-egress`, on kernels before 6.6,
 * stand for filters of the clsact qdisc and pin the program that they run.
 */
#ifndef EPG_HOOKS_H
#define EPG_HOOKS_H

#include "runtime/internal.h"

/* Our filters of a clsact qdisc: before those of all others, which could let a packet pass us by. */
#define HOOKS_CLSACT_HANDLE 1
#define HOOKS_CLSACT_PRIORITY 1

struct hooks {
	uint32_t ifindex;
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

/*
 * Attaches what is missing; `interface` is for messages. -EEXIST when it is attached the other way, TC or XDP.
 * On failure nothing new stays. Returns 1 when something was attached, 0 when all was there.
 */
int hooks_attach(struct epg *epg, uint32_t ifindex, const char *interface, bool xdp);

/* Removes the pins of attachments whose interface has vanished. The caller holds the lock of the pin directory. */
void hooks_sweep(struct epg *epg);

/* Takes all off an interface. True: there was something. */
bool hooks_detach(struct epg *epg, uint32_t ifindex);
void hooks_detach_all(struct epg *epg);

#endif
