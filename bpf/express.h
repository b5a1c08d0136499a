/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The express way: what belongs to a tracked flow of an endpoint and does not open it anew, as nearly all packets do. It
 * takes no decision that the other steps would not take, and leaves to them whatever it does not know: all other
 * protocols, options, fragments, what opens a connection, flows that are marked or policed.
 *
 * At ingress the packet's flow is looked up, and noted for the egress hook of its destination, which the packet reaches
 * on the same CPU: that one has but to see that it is the flow just noted.
 */
#ifndef BPF_EXPRESS_H
#define BPF_EXPRESS_H

#include "denial.h"
#include "direct.h"
#include "flow.h"
#include "near.h"
#include "tally.h"
#include "upper.h"
#include "work.h"

/* Beside a verdict: the other steps are to decide. */
#define EXPRESS_NOT (-4)
/* The same, of a plain packet that is part of no flow: `sought` is its key. */
#define EXPRESS_OPENS (-5)

/* IPv4, version 4, without options. */
#define IPV4_PLAIN 0x45

static __always_inline struct message express_message(const struct sought *key)
{
	__u8 flags = key->tcp_flags;

	return (struct message){EPG_FLOW_KEY_PROTOCOL(key->words[1]), flags, tcp_signals(flags)};
}

static __always_inline bool express_is_idle(const struct epg_control *config, const struct epg_flow *flow)
{
	__u32 now = (__u32)bpf_jiffies64();

	return flow->seen != now && flow_is_idle(config, flow, now);
}

/* What was followed last at this CPU. */
struct handover {
	struct flow_name name;
	__u32 from, to; /* endpoints */
	__u32 generation;
	__u32 epoch;
	__u32 seen;
	__u16 class_id; /* of the destination */
	__u16 end;      /* of the flow, from which it comes */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct handover);
} handovers SEC(".maps");

static __always_inline struct handover *handover_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&handovers, &zero);
}

/* What a plain packet's transport header says. */
struct upper {
	__u32 length; /* of the header */
	__u8 tcp_flags;
};

/* Reads a TCP segment, or a UDP datagram, that is as it should be. */
static __always_inline bool express_upper(struct upper *ret, const void *at, const void *end, __u8 protocol, __u32 left)
{
	const struct tcphdr *tcp = at;
	const struct udphdr *udp = at;
	__u32 length;

	if (protocol == IPPROTO_TCP) {
		if ((const void *)(tcp + 1) > end || tcp->doff < 5 || tcp->doff * 4u > left)
			return false;
		ret->length = tcp->doff * 4;
		ret->tcp_flags = ((const __u8 *)tcp)[13];
		return !tcp_flags_contradict(ret->tcp_flags);
	}
	if (protocol != IPPROTO_UDP || (const void *)(udp + 1) > end)
		return false;
	ret->length = sizeof(*udp);
	ret->tcp_flags = 0;
	length = bpf_ntohs(udp->len);
	return length >= sizeof(*udp) && length <= left;
}

/* The ports of a plain packet; NULL: it is none. */
static __always_inline const struct udphdr *plain_ipv4(const struct iphdr *ip, const void *end, __u32 left,
						       struct upper *ret)
{
	const struct udphdr *ports = (const void *)(ip + 1);
	__u32 total;

	if ((const void *)(ports + 1) > end || *(const __u8 *)ip != IPV4_PLAIN ||
	    ip->frag_off & bpf_htons(IPV4_MORE | IPV4_OFFSET_MASK))
		return NULL;
	total = bpf_ntohs(ip->tot_len);
	if (total > left || total < sizeof(*ip) || !express_upper(ret, ports, end, ip->protocol, total - sizeof(*ip)))
		return NULL;
	return ports;
}

static __always_inline const struct udphdr *plain_ipv6(const struct ipv6hdr *ip, const void *end, __u32 left,
						       struct upper *ret)
{
	const struct udphdr *ports = (const void *)(ip + 1);
	__u32 payload;

	if ((const void *)(ports + 1) > end || ip->version != 6)
		return NULL;
	payload = bpf_ntohs(ip->payload_len);
	if (payload + sizeof(*ip) > left || !express_upper(ret, ports, end, ip->nexthdr, payload))
		return NULL;
	return ports;
}

/* Fills in the key of a plain packet; EXPRESS_NOT: it is none, or else which end its source is. */
static __always_inline int express_ipv4(struct sought *key, const struct iphdr *ip, const void *end, __u32 left,
					__u32 vrf)
{
	struct upper upper;
	const struct udphdr *ports = plain_ipv4(ip, end, left, &upper);

	if (!ports)
		return EXPRESS_NOT;
	key->headers = sizeof(*ip) + upper.length;
	key->traffic_class = ip->tos;
	key->tcp_flags = upper.tcp_flags;
	return flow_key_ipv4(key, bpf_ntohl(ip->saddr), bpf_ntohl(ip->daddr), bpf_ntohs(ports->source),
			     bpf_ntohs(ports->dest), EPG_FLOW_KEY_REST(vrf, ip->protocol, 4));
}

static __always_inline int express_ipv6(struct sought *key, const struct ipv6hdr *ip, const void *end, __u32 left,
					__u32 vrf)
{
	struct upper upper;
	const struct udphdr *ports = plain_ipv6(ip, end, left, &upper);

	if (!ports)
		return EXPRESS_NOT;
	key->headers = sizeof(*ip) + upper.length;
	key->traffic_class = ip->priority << 4 | ip->flow_lbl[0] >> 4;
	key->tcp_flags = upper.tcp_flags;
	return flow_key_ipv6(key, (const union address *)&ip->saddr, (const union address *)&ip->daddr,
			     bpf_ntohs(ports->source), bpf_ntohs(ports->dest), EPG_FLOW_KEY_REST(vrf, ip->nexthdr, 6));
}

/* The key of a frame, sent with this MAC address if it is given, and to one station. */
static __always_inline int express_key(struct sought *key, const struct __sk_buff *skb, __u32 vrf, const __u8 *mac)
{
	const void *data = (const void *)(long)skb->data, *end = (const void *)(long)skb->data_end;
	const struct ethhdr *ethernet = data;

	if ((const void *)(ethernet + 1) > end || skb->vlan_present || ethernet->h_dest[0] & 1)
		return EXPRESS_NOT;
	if (mac && !mac_equal(ethernet->h_source, mac))
		return EXPRESS_NOT;
	if (ethernet->h_proto == bpf_htons(ETH_P_IP))
		return express_ipv4(key, (const void *)(ethernet + 1), end, skb->len - ETH_HLEN, vrf);
	if (ethernet->h_proto == bpf_htons(ETH_P_IPV6))
		return express_ipv6(key, (const void *)(ethernet + 1), end, skb->len - ETH_HLEN, vrf);
	return EXPRESS_NOT;
}

/* The flow is the sender's, and nothing has to be done to its packets. */
static __always_inline bool flow_is_plain(const struct epg_flow *flow, __u32 from, const struct epg_near *source)
{
	__u32 ifindex = from ? flow->ifindex[1] : flow->ifindex[0];
	__u16 class_id = from ? flow->class_id[1] : flow->class_id[0];

	return ifindex == source->ifindex && class_id == source->class_id && !(flow->flags & EPG_RULE_DSCP);
}

/* What opens a connection is no part of one that is over, on the same ports. */
static __always_inline bool flow_is_over(const struct epg_flow *flow, const struct sought *key)
{
	return flow->state == EPG_FLOW_CLOSING && tcp_signals(key->tcp_flags) & SIGNAL_OPENS;
}

/* What was permitted: to whom it goes, and by which generation. */
struct delivery {
	__u32 to; /* 0: outside this host */
	__u32 generation;
	__u16 class_id; /* of the endpoint that it goes to */
	bool stacked;   /* not to go past the host's stack */
};

static __always_inline void handover_note(const struct sought *key, const struct epg_control *config, __u32 from,
					  const struct delivery *delivery)
{
	struct handover *handover = handover_get();

	if (!handover)
		return;
	flow_name_note(&handover->name, key);
	handover->from = from;
	handover->to = delivery->to;
	handover->class_id = delivery->class_id;
	handover->end = key->from;
	handover->generation = delivery->generation;
	handover->epoch = config->epoch;
	handover->seen = (__u32)bpf_jiffies64();
}

/*
 * The sender's and the receiver's places in `near` may be the same one: what is needed of the sender is taken before the
 * receiver is looked up, which leaves no way to look at the sender.
 */
static __always_inline int express_direct(struct __sk_buff *skb, const struct epg_control *config,
					  const struct sought *key, const struct epg_near *sender,
					  const struct delivery *delivery)
{
	__u16 bridge_domain = sender->bridge_domain, vrf = sender->vrf;
	struct epg_near *receiver;
	__u8 gateway[6];

	__builtin_memcpy(gateway, sender->gateway, sizeof(gateway));
	receiver = near_get(config, *(volatile __u64 *)&config->active, delivery->to);
	if (!receiver || !receiver->direct || receiver->class_id != delivery->class_id || receiver->vrf != vrf)
		return TC_ACT_UNSPEC;
	return go_direct(skb, key, receiver, way_to(skb, receiver, bridge_domain, gateway));
}

/* Straight to its receiver where that may be, else by the stack to the receiver's hook. The verdict. */
static __always_inline int express_send(struct __sk_buff *skb, const struct epg_control *config,
					const struct sought *key, const struct epg_near *sender,
					const struct delivery *delivery)
{
	if (delivery->to && !delivery->stacked && sender->direct &&
	    express_direct(skb, config, key, sender, delivery) == TC_ACT_REDIRECT)
		return TC_ACT_REDIRECT;
	if (delivery->to)
		handover_note(key, config, skb->ifindex, delivery);
	skb->mark |= config->mark;
	return TC_ACT_UNSPEC;
}

/* From an endpoint: EXPRESS_NOT, EXPRESS_OPENS, or the verdict. Not a step: a call costs a tenth of all this. */
static __always_inline int express_from(struct __sk_buff *skb, struct epg_control *config)
{
	struct sought *key = sought_get();
	struct epg_near *source;
	struct delivery delivery;
	struct epg_flow *flow;
	__u64 active;
	__u32 rule;
	int from;

	if (!key)
		return EXPRESS_NOT;
	key->plain = false;
	active = *(volatile __u64 *)&config->active;
	source = near_get(config, active, skb->ifindex);
	if (!source || !source->sends || config->watch & EPG_WATCH_CAPTURE)
		return EXPRESS_NOT;
	from = express_key(key, skb, source->vrf, source->mac);
	if (from < 0)
		return EXPRESS_NOT;
	key->plain = true;
	key->from = from;
	flow = flow_seek(config, key);
	if (!flow || flow_is_over(flow, key))
		return denial_repeat(skb->ifindex, skb->len) ? TC_ACT_SHOT : EXPRESS_OPENS;
	if (!flow_is_current(config, flow, EPG_ACTIVE_GENERATION(active)) || !flow_is_plain(flow, from, source) ||
	    express_is_idle(config, flow) || tcp_signals(key->tcp_flags) & SIGNAL_OPENS)
		return EXPRESS_NOT;
	delivery.to = from ? flow->ifindex[0] : flow->ifindex[1];
	delivery.generation = EPG_ACTIVE_GENERATION(active);
	delivery.class_id = from ? flow->class_id[0] : flow->class_id[1];
	delivery.stacked = flow->stacked;
	rule = flow->rule;
	if (!flow_is_still(flow, key))
		return EXPRESS_NOT;
	flow_advance(flow, express_message(key), from);
	source->packets++;
	source->bytes += skb->len;
	tally_rule(source, EPG_ACTIVE_SLOT(active), rule, skb->len);
	return express_send(skb, config, key, source, &delivery);
}

/* What the other steps have let pass as a part of a flow goes on like any other packet of it. The verdict. */
STEP int express_on(struct __sk_buff *skb)
{
	struct epg_near *sender = near_at(skb->ifindex);
	struct epg_control *config = control_get();
	struct sought *key = sought_get();
	struct work *work = work_get();
	struct delivery delivery;

	if (!config || !key || !work || !sender)
		return TC_ACT_SHOT;
	if (!key->plain || !work->tracked || work->source.ifindex != skb->ifindex ||
	    work->decision.flags & EPG_RULE_DSCP) {
		skb->mark |= config->mark;
		return TC_ACT_UNSPEC;
	}
	delivery.to = work->destination.ifindex;
	delivery.generation = work->realm.generation;
	delivery.class_id = work->destination.bound;
	delivery.stacked = work->stacked;
	return express_send(skb, config, key, sender, &delivery);
}

/* From the sender's own MAC address, or from that by which the host is known: else there is something to be noted. */
static __always_inline bool is_from_known(const struct __sk_buff *skb, const struct epg_near *receiver,
					  const struct epg_near *sender)
{
	const void *data = (const void *)(long)skb->data, *end = (const void *)(long)skb->data_end;
	const struct ethhdr *ethernet = data;

	if ((const void *)(ethernet + 1) > end || !sender || sender->ifindex != skb->ingress_ifindex)
		return false;
	return mac_equal(ethernet->h_source, sender->mac) || mac_equal(ethernet->h_source, receiver->gateway);
}

/* Of the flow that was handed over, and from the same end of it, if the rest of the key is this. */
static __always_inline bool is_of_flow(const struct handover *handover, const struct udphdr *ports, __u32 rest)
{
	__u64 word = flow_key_rest(handover->end == EPG_FLOW_LOW, bpf_ntohs(ports->source), bpf_ntohs(ports->dest));

	return handover->name.words[1] == (word | rest);
}

static __always_inline bool ipv4_is_of_flow(const struct handover *handover, const struct iphdr *ip, const void *end,
					    __u32 left, __u32 vrf)
{
	struct upper upper;
	const struct udphdr *ports = plain_ipv4(ip, end, left, &upper);

	return ports &&
	       handover->name.words[0] ==
		       flow_key_addresses(handover->end == EPG_FLOW_LOW, bpf_ntohl(ip->saddr), bpf_ntohl(ip->daddr)) &&
	       is_of_flow(handover, ports, EPG_FLOW_KEY_REST(vrf, ip->protocol, 4));
}

static __always_inline bool ipv6_is_of_flow(const struct handover *handover, const struct ipv6hdr *ip, const void *end,
					    __u32 left, __u32 vrf)
{
	const struct flow_name *name = &handover->name;
	bool low = handover->end == EPG_FLOW_LOW;
	struct upper upper;
	const struct udphdr *ports = plain_ipv6(ip, end, left, &upper);

	return ports && address_equal((const union address *)&ip->saddr, low ? &name->low : &name->high) &&
	       address_equal((const union address *)&ip->daddr, low ? &name->high : &name->low) &&
	       is_of_flow(handover, ports, EPG_FLOW_KEY_REST(vrf, ip->nexthdr, 6));
}

/* Is this frame, to one station, a plain one of the flow? It takes no key: which end has sent it is known. */
static __always_inline bool frame_is_of_flow(const struct handover *handover, const struct __sk_buff *skb, __u32 vrf)
{
	const void *data = (const void *)(long)skb->data, *end = (const void *)(long)skb->data_end;
	const struct ethhdr *ethernet = data;
	__u32 left = skb->len - ETH_HLEN;

	if ((const void *)(ethernet + 1) > end || skb->vlan_present || ethernet->h_dest[0] & 1)
		return false;
	if (ethernet->h_proto == bpf_htons(ETH_P_IP))
		return ipv4_is_of_flow(handover, (const void *)(ethernet + 1), end, left, vrf);
	return ethernet->h_proto == bpf_htons(ETH_P_IPV6) &&
	       ipv6_is_of_flow(handover, (const void *)(ethernet + 1), end, left, vrf);
}

/* To an endpoint: EXPRESS_NOT, or the verdict. */
static __always_inline int express_towards(struct __sk_buff *skb, const struct epg_control *config)
{
	struct handover *handover = handover_get();
	struct epg_near *destination;
	__u64 active;

	if (!handover)
		return EXPRESS_NOT;
	active = *(volatile __u64 *)&config->active;
	if (!(skb->mark & config->mark) || !skb->ingress_ifindex || handover->from != skb->ingress_ifindex ||
	    handover->to != skb->ifindex || handover->generation != EPG_ACTIVE_GENERATION(active) ||
	    handover->epoch != config->epoch || handover->seen != (__u32)bpf_jiffies64())
		return EXPRESS_NOT;
	destination = near_get(config, active, skb->ifindex);
	if (!destination || !destination->receives || destination->class_id != handover->class_id)
		return EXPRESS_NOT;
	if (!frame_is_of_flow(handover, skb, destination->vrf) ||
	    (destination->direct && !is_from_known(skb, destination, near_at(skb->ingress_ifindex))))
		return EXPRESS_NOT;
	skb->mark &= ~config->mark;
	return TC_ACT_UNSPEC;
}

#endif
