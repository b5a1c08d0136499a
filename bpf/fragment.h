/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Fragments. The first one has the ports: it is decided as the whole packet, and the others follow it. Those that come
 * before it pass on credit: only where it may be permitted, and so many of them at most. Nobody can put the packet
 * together before the first one, and that one is decided.
 */
#ifndef BPF_FRAGMENT_H
#define BPF_FRAGMENT_H

#include "track.h"

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct epg_fragment_key);
	__type(value, struct epg_fragments);
} fragments SEC(".maps");

static __always_inline void fragment_key(struct epg_fragment_key *key, const struct work *work)
{
	const struct packet *packet = &work->packet;

	__builtin_memcpy(key->source, &packet->source, 16);
	__builtin_memcpy(key->destination, &packet->destination, 16);
	key->id_be = packet->fragment_id_be;
	key->vrf = work->realm.vrf;
	key->protocol = is_ipv4(packet) ? packet->protocol : 0;
	key->reserved = 0;
}

static __always_inline bool fragments_are_of(const struct epg_fragments *entry, const struct work *work)
{
	const struct party *source = &work->source, *destination = &work->destination;

	/* Outside, a class follows from the address. */
	return entry->ifindex[0] == source->ifindex && entry->ifindex[1] == destination->ifindex &&
	       (!source->ifindex || entry->bound[0] == source->bound) &&
	       (!destination->ifindex || entry->bound[1] == destination->bound);
}

/* What is known of the packet, between the same parties, unless it is too long ago. */
static __always_inline struct epg_fragments *fragments_find(const struct epg_control *config, const struct work *work,
							    const struct epg_fragment_key *key)
{
	struct epg_fragments *entry;

	if (epg_explaining)
		return NULL;
	entry = bpf_map_lookup_elem(&fragments, key);
	if (!entry || (__u32)bpf_jiffies64() - entry->seen > config->fragment_timeout || !fragments_are_of(entry, work))
		return NULL;
	return entry;
}

static __always_inline void fragments_begin(struct epg_fragments *entry, const struct work *work)
{
	entry->seen = (__u32)bpf_jiffies64();
	entry->ifindex[0] = work->source.ifindex;
	entry->ifindex[1] = work->destination.ifindex;
	entry->bound[0] = work->source.bound;
	entry->bound[1] = work->destination.bound;
}

/*
 * A later hook of this host sees the pieces once more: it neither counts them nor decides for the others. Across VRFs
 * each side has an entry of its own.
 */
static __always_inline bool keeps_fragments(const struct work *work)
{
	return !epg_explaining && (!work->decided || work->crosses);
}

/* ---- the first fragment ---- */

/* Do pieces that have passed already write over what it says? */
STEP int first_is_overlapped(void)
{
	struct epg_control *config = control_get();
	struct work *work = work_get();
	struct epg_fragment_key key;
	struct epg_fragments *entry;

	if (!config || !work)
		return false;
	fragment_key(&key, work);
	entry = fragments_find(config, work, &key);
	return entry && entry->early && entry->lowest < work->packet.fragment_end;
}

/* Only what rules have decided: who is dropped for a false address decides nothing for its owner. */
static __always_inline bool is_decided_by_rules(int reason)
{
	return !reason || reason == EPG_REASON_IMPLICIT_DENY || reason == EPG_REASON_DENIED ||
	       reason == EPG_REASON_POLICED || reason == EPG_REASON_OVERLAP;
}

/* The others are to follow. */
STEP int first_settle(int reason)
{
	struct epg_fragments entry = {.state = reason ? EPG_FRAGMENTS_DENIED : EPG_FRAGMENTS_PERMITTED};
	struct work *work = work_get();
	struct epg_fragment_key key;

	if (!work || !keeps_fragments(work) || !is_decided_by_rules(reason))
		return 0;
	entry.generation = work->realm.generation;
	entry.rule = work->decision.rule;
	entry.end = work->packet.fragment_end;
	entry.flags = work->decision.flags & ~EPG_RULE_LOG;
	entry.dscp = work->decision.dscp;
	fragments_begin(&entry, work);
	fragment_key(&key, work);
	bpf_map_update_elem(&fragments, &key, &entry, BPF_ANY);
	return 0;
}

/* ---- later ones ---- */

static __always_inline int deny_piece(struct decision *decision, enum epg_reason reason)
{
	decision->rule = EPG_RULE_IMPLICIT_DENY;
	decision->audited_rule = EPG_RULE_NONE;
	decision->verdict = EPG_DENY;
	decision->level = EPG_LEVEL_IMPLICIT;
	decision->flags = 0;
	decision->reason = reason;
	return reason;
}

static __always_inline int follow_first(struct work *work, struct epg_fragments *entry)
{
	struct decision *decision = &work->decision;

	/* On its way to a later hook of this host a piece may have been cut in pieces again. */
	if (keeps_fragments(work) && work->packet.fragment_start < entry->end) {
		entry->state = EPG_FRAGMENTS_DENIED;
		return deny_piece(decision, EPG_REASON_OVERLAP);
	}
	/* A rule has its number in its own generation only. */
	decision->rule = entry->generation == work->realm.generation ? entry->rule : EPG_RULE_NONE;
	decision->audited_rule = EPG_RULE_NONE;
	decision->verdict = EPG_PERMIT;
	decision->flags = entry->flags;
	decision->dscp = entry->dscp;
	decision->reason = EPG_REASON_NONE;
	work->by_flow = true;
	return EPG_REASON_NONE;
}

/* May the first one be permitted: between these groups, or as a reply? */
static __always_inline bool may_be_permitted(struct work *work)
{
	struct decision *decision = &work->decision;

	rule_key_of_piece(&work->key, &work->packet, EPG_PIECE_EARLY);
	decide(pair_of(&work->source, &work->destination));
	if (decision->verdict == EPG_PERMIT)
		return true;
	decide(pair_of(&work->destination, &work->source));
	return decision->verdict == EPG_PERMIT && decision->flags & EPG_RULE_STATEFUL;
}

static __always_inline bool take_credit(const struct epg_control *config, const struct work *work,
					struct epg_fragments *entry, const struct epg_fragment_key *key)
{
	__u16 start = work->packet.fragment_start;
	struct epg_fragments fresh = {.state = EPG_FRAGMENTS_EARLY, .early = 1, .lowest = start};

	if (!keeps_fragments(work))
		return true;
	if (!entry) {
		fragments_begin(&fresh, work);
		/* Another CPU may have seen the first one meanwhile: what it has settled stays. */
		if (!bpf_map_update_elem(&fragments, key, &fresh, BPF_NOEXIST) || fragments_find(config, work, key))
			return true;
		return !bpf_map_update_elem(&fragments, key, &fresh, BPF_ANY);
	}
	if (entry->early >= EPG_FRAGMENTS_EARLY_MAX)
		return false;
	entry->early++;
	if (start < entry->lowest)
		entry->lowest = start;
	return true;
}

STEP int decide_later(void)
{
	struct epg_control *config = control_get();
	struct work *work = work_get();
	struct decision *decision;
	struct epg_fragment_key key;
	struct epg_fragments *entry;

	if (!config || !work)
		return EPG_REASON_INTERNAL;
	decision = &work->decision;
	fragment_key(&key, work);
	entry = fragments_find(config, work, &key);
	rule_key_of_piece(&work->key, &work->packet, EPG_PIECE_LATER);
	decide(pair_of(&work->source, &work->destination));
	if (decision->flags & EPG_RULE_FRAGMENTS)
		return decision->reason;
	if (entry && entry->state == EPG_FRAGMENTS_PERMITTED)
		return follow_first(work, entry);
	if (entry && entry->state == EPG_FRAGMENTS_DENIED)
		return deny_piece(decision, EPG_REASON_FRAGMENT);
	if (decision->reason != EPG_REASON_IMPLICIT_DENY)
		return decision->reason;
	if (!may_be_permitted(work) || !take_credit(config, work, entry, &key))
		return deny_piece(decision, EPG_REASON_FRAGMENT);
	decision->audited_rule = EPG_RULE_NONE;
	return EPG_REASON_NONE;
}

/* ---- what both are a part of ---- */

/* What is sent about packets that nobody tracks may still be what a rule permits. */
static __always_inline int follow_or_decide(const struct work *work)
{
	int reason;

	if (work->packet.fragment == EPG_FRAGMENT_LATER)
		return decide_later();
	if (work->packet.fragment == EPG_FRAGMENT_FIRST && first_is_overlapped())
		return EPG_REASON_OVERLAP; /* before it opens a flow */
	if (!is_icmp_error(&work->packet))
		return decide_and_track();
	reason = follow_quoted();
	if (reason != NOT_TRACKED)
		return reason;
	reason = decide_and_track();
	return reason == EPG_REASON_IMPLICIT_DENY ? EPG_REASON_UNRELATED : reason;
}

#endif
