/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What others run beside us: programs that count, and the two that make a trunk of an interface where the kernel has no
 * VLAN devices. What a VLAN device does is done in the same places: at the trunk's ingress the tag is taken off and the
 * frame comes in by the VLAN's own interface; what leaves by that gets its tag and leaves by the trunk.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define VLAN_ID 0xfff
#define VLANS_MAX 16

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");

/* VLAN -> the interface by which its frames come in. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, VLANS_MAX);
	__type(key, __u32);
	__type(value, __u32);
} inner SEC(".maps");

struct place {
	__u32 vlan;
	__u32 trunk;
};

/* That interface -> its VLAN, and the trunk. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, VLANS_MAX);
	__type(key, __u32);
	__type(value, struct place);
} outer SEC(".maps");

static __always_inline int count(__u32 which)
{
	__u64 *number = bpf_map_lookup_elem(&counts, &which);

	if (number)
		__sync_fetch_and_add(number, 1);
	return TC_ACT_UNSPEC;
}

SEC("tc")
int count_in(struct __sk_buff *skb)
{
	(void)skb;
	return count(0);
}

SEC("tc")
int count_out(struct __sk_buff *skb)
{
	(void)skb;
	return count(1);
}

SEC("tc")
int untag(struct __sk_buff *skb)
{
	__u32 vlan = skb->vlan_tci & VLAN_ID, *interface;

	if (!skb->vlan_present || !vlan)
		return TC_ACT_OK;
	interface = bpf_map_lookup_elem(&inner, &vlan);
	if (!interface || bpf_skb_vlan_pop(skb))
		return TC_ACT_SHOT;
	return (int)bpf_redirect(*interface, 0);
}

SEC("tc")
int tag(struct __sk_buff *skb)
{
	__u32 interface = skb->ifindex;
	struct place *place = bpf_map_lookup_elem(&outer, &interface);

	if (!place || bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), (__u16)place->vlan))
		return TC_ACT_SHOT;
	return (int)bpf_redirect(place->trunk, 0);
}

const char programs_license[] SEC("license") = "Dual BSD/GPL";
