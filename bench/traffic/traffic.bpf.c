// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What the load generators put into the containers, the same for every system that is compared: an end of the way
 * that costs next to nothing, and a source of frames without sockets. And two programs to compare with: one that
 * does nothing, and one that inserts into an LRU hash.
 */
#include <stdbool.h>
#include <stddef.h>

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "traffic-shared.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* enum sink_mode */
volatile __u32 sink_mode;
struct sink_count received[SINK_CPUS];
struct sink_count answered[SINK_CPUS];

struct frame_ports frame_ports[FRAME_FLOWS_MAX];
volatile __u32 frame_flows = 1;
__u32 frame_next;
struct frame_headers frame_headers;
/* The sum of the template's UDP header with both ports 0, not yet complemented; 0: the frame carries none. */
volatile __u32 frame_sum;

struct headers {
	struct ethhdr *ethernet;
	void *network;
	struct udphdr *udp;
	bool ip6;
};

/* Whether it is a UDP packet without IP options, and where its headers are. */
static __always_inline bool find_udp(struct headers *headers, void *data, void *end)
{
	struct ethhdr *ethernet = data;
	void *network = ethernet + 1;
	struct ipv6hdr *ip6 = network;
	struct iphdr *ip4 = network;

	if ((void *)(ip4 + 1) + sizeof(struct udphdr) > end)
		return false;
	headers->ethernet = ethernet;
	headers->network = network;
	headers->ip6 = ethernet->h_proto == bpf_htons(ETH_P_IPV6);
	if (headers->ip6) {
		headers->udp = (void *)(ip6 + 1);
		return (void *)(headers->udp + 1) <= end && ip6->nexthdr == IPPROTO_UDP;
	}
	headers->udp = (void *)(ip4 + 1);
	return ethernet->h_proto == bpf_htons(ETH_P_IP) && ip4->protocol == IPPROTO_UDP && ip4->ihl == 5;
}

static __always_inline void count(struct sink_count *counts)
{
	counts[bpf_get_smp_processor_id() & (SINK_CPUS - 1)].packets++;
}

/* Turned round; sums of checksums don't change by it. */
static __always_inline void turn(struct headers *headers)
{
	__u8 mac[ETH_ALEN];
	__be16 port_be = headers->udp->source;

	__builtin_memcpy(mac, headers->ethernet->h_source, ETH_ALEN);
	__builtin_memcpy(headers->ethernet->h_source, headers->ethernet->h_dest, ETH_ALEN);
	__builtin_memcpy(headers->ethernet->h_dest, mac, ETH_ALEN);
	headers->udp->source = headers->udp->dest;
	headers->udp->dest = port_be;
	if (headers->ip6) {
		struct ipv6hdr *ip = headers->network;
		struct in6_addr address = ip->saddr;

		ip->saddr = ip->daddr;
		ip->daddr = address;
	} else {
		struct iphdr *ip = headers->network;
		__be32 address_be = ip->saddr;

		ip->saddr = ip->daddr;
		ip->daddr = address_be;
	}
}

/* At the receiving container: the end of a flood. */
SEC("tc")
int sink_receiver(struct __sk_buff *skb)
{
	struct headers headers;

	if (sink_mode == SINK_PASS || !find_udp(&headers, (void *)(long)skb->data, (void *)(long)skb->data_end))
		return TC_ACT_UNSPEC;
	count(received);
	if (sink_mode == SINK_DROP)
		return TC_ACT_SHOT;
	turn(&headers);
	return bpf_redirect(skb->ifindex, 0);
}

/* At the sending container: the end of answers to a flood. */
SEC("tc")
int sink_sender(struct __sk_buff *skb)
{
	struct headers headers;

	if (sink_mode == SINK_PASS || !find_udp(&headers, (void *)(long)skb->data, (void *)(long)skb->data_end))
		return TC_ACT_UNSPEC;
	count(answered);
	return TC_ACT_SHOT;
}

/* What goes between headers and payload, of the next flow. */
static __always_inline void set_ports(struct udphdr *udp)
{
	__u32 index = frame_next;
	struct frame_ports ports = frame_ports[index & (FRAME_FLOWS_MAX - 1)];
	__u32 sum = frame_sum;

	frame_next = index + 1 < frame_flows ? index + 1 : 0;
	udp->source = ports.source_be;
	udp->dest = ports.destination_be;
	if (!sum)
		return;
	sum += ports.source_be + ports.destination_be;
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	udp->check = (__u16)~sum;
}

/* Frames as if they came in by an interface. Their memory is used again, so all headers are written each time. */
SEC("xdp")
int frames(struct xdp_md *context)
{
	struct frame_headers *headers = (void *)(long)context->data;
	void *end = (void *)(long)context->data_end;
	void *network = (char *)headers + ETH_HLEN;

	if ((void *)(headers + 1) > end)
		return XDP_DROP;
	*headers = frame_headers;
	if (((struct ethhdr *)headers)->h_proto == bpf_htons(ETH_P_IPV6))
		set_ports(network + sizeof(struct ipv6hdr));
	else
		set_ports(network + sizeof(struct iphdr));
	return XDP_TX;
}

SEC("tc")
int bench_empty(struct __sk_buff *skb __attribute__((unused)))
{
	return TC_ACT_UNSPEC;
}

/* Key and value as large as those of a tracked flow. */
struct insert_entry {
	__u64 words[5];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 262144);
	__type(key, struct insert_entry);
	__type(value, struct insert_entry);
} inserted SEC(".maps");

SEC("tc")
int bench_insert(struct __sk_buff *skb)
{
	struct insert_entry key = {}, value = {};
	struct headers headers;

	if (!find_udp(&headers, (void *)(long)skb->data, (void *)(long)skb->data_end))
		return TC_ACT_UNSPEC;
	key.words[0] = headers.udp->source;
	key.words[1] = headers.udp->dest;
	bpf_map_update_elem(&inserted, &key, &value, BPF_ANY);
	return TC_ACT_UNSPEC;
}
