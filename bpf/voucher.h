/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Vouchers. Between macvlan devices of one parent a packet carries nothing that tells who has sent it: marks are wiped,
 * and a container may send past the hook of its own device (PACKET_QDISC_BYPASS), rewrite what that has permitted, or put
 * a second device on the parent. But skb->hash goes with the packet, and nothing that a container has can choose it. So
 * the hook that has decided leaves a keyed hash of the packet there, and of who it is; the next one computes the same.
 */
#ifndef BPF_VOUCHER_H
#define BPF_VOUCHER_H

#include "work.h"

/* Who vouches for what comes from outside: the parent's hook, whether or not it has decided. No port has these numbers. */
#define VOUCHER_OUTSIDE EPG_PORT
#define VOUCHER_UNDECIDED 0xffffffffu

#define VOUCHER_WORDS 12

static __always_inline __u64 mac_word(const __u8 *mac)
{
	const __u16 *words = (const void *)mac;

	return words[0] | (__u64)words[1] << 16 | (__u64)words[2] << 32;
}

/* All that a decision depends on, but for the DSCP, which the hook itself may have written. */
static __always_inline void voucher_words(__u64 words[VOUCHER_WORDS], const struct packet *packet, __u32 id)
{
	words[0] =
		id | (__u64)packet->ethertype << 32 | (__u64)packet->tcp_flags << 48 | (__u64)packet->hop_limit << 56;
	words[1] = packet->source.halves_be[0];
	words[2] = packet->source.halves_be[1];
	words[3] = packet->destination.halves_be[0];
	words[4] = packet->destination.halves_be[1];
	words[5] = packet->target.halves_be[0];
	words[6] = packet->target.halves_be[1];
	words[7] = mac_word(packet->source_mac) | (__u64)packet->protocol << 48 | (__u64)packet->icmp_type << 56;
	words[8] = mac_word(packet->destination_mac) | (__u64)packet->icmp_code << 48 | (__u64)packet->fragment << 56;
	words[9] = mac_word(packet->claimed_mac) | (__u64)packet->arp_operation << 48;
	words[10] = packet->source_port_be | (__u64)packet->destination_port_be << 16 | (__u64)packet->echo_be << 32 |
		    (__u64)packet->upper << 48;
	words[11] = packet->fragment_id_be | (__u64)packet->fragment_start << 32 | (__u64)packet->fragment_end << 48;
}

static __always_inline __u64 rotate(__u64 value, __u32 bits)
{
	return value << bits | value >> (64 - bits);
}

/* SipHash (Aumasson and Bernstein, 2012), with one round a word and three at the end. */
static __always_inline void sip_round(__u64 v[4])
{
	v[0] += v[1];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[0] = rotate(v[0], 32);
	v[2] += v[3];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[2] = rotate(v[2], 32);
}

STEP __u32 voucher(__u32 id)
{
	struct epg_control *config = control_get();
	__u64 words[VOUCHER_WORDS], v[4];
	struct work *work = work_get();

	if (!config || !work)
		return 0;
	voucher_words(words, &work->packet, id);
	v[0] = config->voucher_key[0] ^ 0x736f6d6570736575ull;
	v[1] = config->voucher_key[1] ^ 0x646f72616e646f6dull;
	v[2] = config->voucher_key[0] ^ 0x6c7967656e657261ull;
	v[3] = config->voucher_key[1] ^ 0x7465646279746573ull;
#pragma unroll
	for (int i = 0; i < VOUCHER_WORDS; i++) {
		v[3] ^= words[i];
		sip_round(v);
		v[0] ^= words[i];
	}
	v[2] ^= 0xff;
	sip_round(v);
	sip_round(v);
	sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static __always_inline bool is_inside(const struct work *work, __u32 id)
{
	struct epg_endpoint *endpoint = id & EPG_PORT ? endpoint_get(id) : NULL;

	return endpoint && endpoint_binding(endpoint, work->realm.generation)->flags & EPG_ENDPOINT_INSIDE;
}

/* The device inside whose hook has decided the packet, who can only be the owner of its source address; 0: none. */
STEP __u32 vouched_by(void)
{
	struct work *work = work_get();
	__u32 id;

	if (!work)
		return 0;
	id = address_owner(&work->realm, &work->packet.source);
	if (!is_inside(work, id))
		id = inside_of_mac(&work->realm, work->packet.source_mac);
	return id && work->hash == voucher(id) ? id : 0;
}

/*
 * Nobody vouches for it, and it is, or claims to be, of a device inside: sent past the hook of that device, or by somebody
 * else. Where a switch outside brings frames back their MAC addresses are to be believed.
 */
STEP int is_of_device_inside(void)
{
	struct work *work = work_get();
	struct epg_endpoint *endpoint;
	__u32 id;

	if (!work)
		return true;
	id = inside_of_mac(&work->realm, work->packet.source_mac);
	if (!id && !mac_is_zero(work->packet.claimed_mac))
		id = inside_of_mac(&work->realm, work->packet.claimed_mac);
	endpoint = id ? endpoint_get(id) : NULL;
	return endpoint && !(endpoint_binding(endpoint, work->realm.generation)->flags & EPG_ENDPOINT_DETOUR);
}

static __always_inline void note_seen(struct epg_endpoint *endpoint, __u32 what)
{
	/* What another CPU's store overwrites is noted again by a later packet. */
	if (!(endpoint->seen & what) && !epg_explaining)
		endpoint->seen |= what;
}

#endif
