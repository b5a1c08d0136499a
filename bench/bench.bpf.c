// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What the benchmark measures the programs against: nothing, single steps of theirs on the maps of the instance, and
 * stubs that change a packet each time before they lead to the program.
 */
#include <stdbool.h>
#include <stddef.h>

#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_helpers.h>

/* The steps need less than the programs do. */
#pragma clang diagnostic ignored "-Wunused-function"

#include "decide.h"
#include "express.h"
#include "frame.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Set by user space. */
__u32 pair;       /* source class << 16 | destination class, of the decision */
__u64 key_high;   /* of the decision */
__u32 flow_count; /* flows that bench_random picks from: 50 000 source ports each of so many destination ports */
__u16 first_port; /* of the destination */

#define SOURCE_PORTS 50000
#define FIRST_SOURCE_PORT 10000

/* Where the stubs lead. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} target SEC(".maps");

/* ---- steps ---- */

SEC("tc")
int bench_empty(struct __sk_buff *skb __attribute__((unused)))
{
	return TC_ACT_UNSPEC;
}

SEC("tc")
int bench_parse(struct __sk_buff *skb)
{
	struct packet packet = {.length = skb->len};

	return parse_frame(&packet, (void *)(long)skb->data, (void *)(long)skb->data_end) ? TC_ACT_SHOT : TC_ACT_UNSPEC;
}

SEC("tc")
int bench_endpoint(struct __sk_buff *skb)
{
	struct epg_endpoint *endpoint = endpoint_get(skb->ifindex);

	return endpoint && endpoint_binding(endpoint, 1)->class_id ? TC_ACT_UNSPEC : TC_ACT_SHOT;
}

SEC("tc")
int bench_near(struct __sk_buff *skb)
{
	struct epg_control *config = control_get();

	return config && near_get(config, config->active, skb->ifindex) ? TC_ACT_UNSPEC : TC_ACT_SHOT;
}

/* The endpoint, the packet's key, and its flow. */
SEC("tc")
int bench_flow(struct __sk_buff *skb)
{
	struct epg_control *config = control_get();
	struct sought *key = sought_get();
	struct epg_near *near;

	if (!config || !key)
		return TC_ACT_SHOT;
	near = near_get(config, config->active, skb->ifindex);
	if (!near || express_key(key, skb, near->vrf, near->mac) < 0)
		return TC_ACT_SHOT;
	return flow_seek(config, key) ? TC_ACT_UNSPEC : TC_ACT_SHOT;
}

SEC("tc")
int bench_decide(struct __sk_buff *skb __attribute__((unused)))
{
	struct epg_control *config = control_get();
	__u32 leaf;

	if (!config)
		return TC_ACT_SHOT;
	leaf = groups_decide(EPG_ACTIVE_SLOT(config->active), EPG_ACTIVE_GENERATION(config->active), pair, key_high, 0);
	return EPG_LEAF_ACTION(leaf) == EPG_PERMIT ? TC_ACT_UNSPEC : TC_ACT_SHOT;
}

/* ---- stubs ---- */

static __always_inline struct tcphdr *tcp_of(struct __sk_buff *skb)
{
	struct tcphdr *tcp = (void *)(long)skb->data + sizeof(struct ethhdr) + sizeof(struct iphdr);

	return (void *)(tcp + 1) <= (void *)(long)skb->data_end ? tcp : NULL;
}

static __always_inline void set_flow(struct tcphdr *tcp, __u32 number)
{
	tcp->source = bpf_htons(FIRST_SOURCE_PORT + number % SOURCE_PORTS);
	tcp->dest = bpf_htons(first_port + number / SOURCE_PORTS);
}

__u32 next_flow;

/* Another flow each time. */
SEC("tc")
int bench_next(struct __sk_buff *skb)
{
	struct tcphdr *tcp = tcp_of(skb);

	if (tcp)
		set_flow(tcp, next_flow++);
	bpf_tail_call(skb, &target, 0);
	return TC_ACT_SHOT;
}

/* One of many, in no order. */
SEC("tc")
int bench_random(struct __sk_buff *skb)
{
	__u32 hash = next_flow++ * 0x9e3779b1u;
	struct tcphdr *tcp = tcp_of(skb);

	hash = (hash ^ hash >> 16) * 0x85ebca6bu;
	hash = (hash ^ hash >> 13) * 0xc2b2ae35u;
	if (tcp)
		set_flow(tcp, (__u32)((__u64)(hash ^ hash >> 16) * flow_count >> 32));
	bpf_tail_call(skb, &target, 0);
	return TC_ACT_SHOT;
}

/* As it leaves an ingress hook. */
SEC("tc")
int bench_marked(struct __sk_buff *skb)
{
	struct epg_control *config = control_get();

	if (config)
		skb->mark |= config->mark;
	bpf_tail_call(skb, &target, 0);
	return TC_ACT_SHOT;
}
