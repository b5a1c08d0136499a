/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The layout of everything that epg keeps in BPF maps: ids, drop reasons, keys and values.
 *
 * This header stands alone. The BPF programs, libepg and anybody who writes the pinned maps by hand
 * (a CNI plugin, another agent) include the same file; nothing else has to be linked.
 *
 * Conventions
 * - Widths are fixed, padding is explicit and must be written as zero, sizes are asserted below.
 * - Integers are in host byte order unless a field's name ends in _be.
 * - An address is always 16 bytes; IPv4 is written as the IPv4-mapped IPv6 address ::ffff:a.b.c.d
 *   (RFC 4291, section 2.5.5.2), so that both families take one path.
 * - A value of 0 means "nothing", "nobody" or "any", never a valid id.
 *
 * - An endpoint is known by 32 bits: the ifindex of an interface of the host's network namespace, or a port, whose
 *   uppermost bit is set (EPG_PORT): one of several endpoints behind one interface, told apart by VLAN or MAC address,
 *   or an interface inside another network namespace, where ifindexes are others. Fields named ifindex take either.
 *
 * Which maps others may write: `endpoints` and `addresses`; read: all. The rest belongs to libepg.
 */
#ifndef EPG_ABI_H
#define EPG_ABI_H

#include <linux/types.h>

/* Goes up whenever a layout in this file changes. It is kept in `control`; libepg refuses others. */
#define EPG_ABI_VERSION 6

/* Where an instance keeps its maps, programs and links unless told otherwise. */
#define EPG_DEFAULT_PIN "/sys/fs/bpf/epg"

/*
 * Class ids: 0 is nobody, 1 to 15 are reserved for epg itself. A group has one; a VRF's id is one too, in the same
 * space: it stands for any group of the VRF.
 */
#define EPG_CLASS_NONE 0
#define EPG_CLASS_FIRST 16
#define EPG_CLASS_LAST 65535

/* Longest full name of a group, with its terminating zero: three names of 63 bytes and two slashes. */
#define EPG_NAME_MAX 192

/*
 * Generations a host holds at once: the running one, the one before (for rollback), the one being built.
 */
#define EPG_SLOTS 3

/* Addresses one endpoint may own by being seen with them; and one that stands for many stations. */
#define EPG_LEARNED_MAX 8
#define EPG_LEARNED_MANY 1024

/* Of an endpoint's id: it is a port, not an ifindex. libepg gives them numbers from 1 to EPG_PORT_LAST. */
#define EPG_PORT 0x80000000u
#define EPG_PORT_LAST 0x00ffffffu

/* Places of one diagram node in its two forms, and pairs in one bucket: each fills one 64-byte cache line. */
#define EPG_NODE_WIDE 10
#define EPG_NODE_NARROW 15
#define EPG_BUCKET_PAIRS 8

/*
 * Why a packet was dropped. X(ENUM, "json-and-table-name", "sentence for people")
 * The order is part of the ABI: append only.
 */
#define EPG_REASONS(X)                                                                                          \
	X(NONE, "none", "not dropped")                                                                          \
	X(IMPLICIT_DENY, "implicit-deny", "no contract permits it")                                             \
	X(DENIED, "denied", "a rule denies it")                                                                 \
	X(QUARANTINE, "quarantine", "the interface belongs to no endpoint group")                               \
	X(NO_POLICY, "no-policy", "no policy has been applied yet")                                             \
	X(SPOOFED_MAC, "spoofed-mac", "the source MAC address is not the endpoint's")                           \
	X(SPOOFED_ADDRESS, "spoofed-address", "the source address is not the endpoint's")                       \
	X(OUTSIDE_SUBNET, "outside-subnet", "the source address is in no subnet of the bridge domain")          \
	X(LEARN_LIMIT, "learn-limit", "the endpoint already owns as many learned addresses as it may")          \
	X(MISDIRECTED, "misdirected", "the frame leads to another endpoint than the one that owns the address") \
	X(UNKNOWN_DESTINATION, "unknown-destination", "no endpoint and no external group owns the address")     \
	X(MALFORMED, "malformed", "a header is cut short or contradicts itself")                                \
	X(ETHERTYPE, "ethertype", "the frame is neither IP nor ARP, and is not sent to one endpoint")           \
	X(VLAN, "vlan", "the frame carries a VLAN tag that its interface was not given")                        \
	X(FRAGMENT, "fragment", "a later fragment of a packet whose first one was not permitted")               \
	X(EXTENSION, "extension", "the IPv6 extension headers go on for too long, or cannot be followed")       \
	X(ROUTER, "router", "an endpoint acts as a router: advertisement, redirect or membership query")        \
	X(UNRELATED, "unrelated", "the ICMP error quotes no tracked flow of the endpoint")                      \
	X(FLOW_TABLE, "flow-table", "the flow could not be tracked: its table is missing")                      \
	X(INTERNAL, "internal", "a table of the running generation is missing or damaged")                      \
	X(UNKNOWN_SOURCE, "unknown-source", "no endpoint and no external group owns the source address")        \
	X(POLICED, "policed", "the endpoint group sends more than its police allows")                           \
	X(MARTIAN, "martian", "nobody has such an address: multicast, loopback or none as source, or loopback") \
	X(TCP_FLAGS, "tcp-flags", "no TCP segment has these flags together")                                    \
	X(OVERLAP, "overlap", "a fragment writes over the one that has the ports")                              \
	X(UNVOUCHED, "unvouched", "a macvlan device has sent it past the hook that decides")

enum epg_reason {
#define EPG_REASON_ENUM(id, name, text) EPG_REASON_##id,
	EPG_REASONS(EPG_REASON_ENUM)
#undef EPG_REASON_ENUM
	EPG_REASON_COUNT
};

enum epg_verdict {
	EPG_DENY = 0,
	EPG_PERMIT = 1,
};

/* The hook that decided. */
enum epg_hook {
	EPG_HOOK_TC_INGRESS = 1, /* from the endpoint: ingress of its host-side veth, egress of its device inside */
	EPG_HOOK_TC_EGRESS = 2,  /* towards the endpoint: the other way */
	EPG_HOOK_XDP = 3,        /* as TC ingress, before the kernel has made a packet of the frame */
};

/* The levels of a decision: the lowest one that has a matching rule decides (docs/policy.md). */
enum epg_level {
	EPG_LEVEL_INFRASTRUCTURE = 0, /* ARP, neighbour discovery, DHCP, IGMP, MLD; unenforced VRF; kept flows */
	EPG_LEVEL_INTRA_CONTRACT = 1,
	EPG_LEVEL_ISOLATION = 2,
	EPG_LEVEL_INTRA_EPG = 3,
	EPG_LEVEL_TABOO = 5,
	EPG_LEVEL_FILTERED = 7,
	EPG_LEVEL_UNFILTERED = 9,
	EPG_LEVEL_TO_ANY_FILTERED = 13,
	EPG_LEVEL_FROM_ANY_FILTERED = 14,
	EPG_LEVEL_TO_ANY_UNFILTERED = 15,
	EPG_LEVEL_FROM_ANY_UNFILTERED = 16,
	EPG_LEVEL_ANY_FILTERED = 17,
	EPG_LEVEL_SOURCE_NOT_PREFERRED = 18,
	EPG_LEVEL_DESTINATION_NOT_PREFERRED = 19,
	EPG_LEVEL_ANY_UNFILTERED = 20, /* and within the preferred group */
	EPG_LEVEL_IMPLICIT = 21,
};

/* ------------------------------------------------------------------------------------------------
 * Public maps: endpoints and their addresses. Plain hash maps, written without an apply.
 * ------------------------------------------------------------------------------------------------ */

/* Key of `endpoints`: an interface of the host's network namespace, or a port. */
struct epg_endpoint_key {
	__u32 ifindex;
	__u32 reserved;
};

/* Only the addresses that stand in `addresses` are the endpoint's: nothing is learned. */
#define EPG_ENDPOINT_ADDRESSES_DECLARED 0x0001
/* A port to the outside: a source is classified by its address, among the external groups of the VRF. */
#define EPG_ENDPOINT_UPLINK 0x0002
/* XDP decides at the interface's ingress, and TC behind it only marks. Set by libepg's attach, with both in place. */
#define EPG_ENDPOINT_XDP 0x0004
/* Bound by the policy: the next apply may change or remove it. Bindings made by hand lack it. */
#define EPG_ENDPOINT_FROM_POLICY 0x0008
/* Of an interface: `ports` tells who is behind it, by VLAN and MAC address; the binding is for all others. */
#define EPG_ENDPOINT_SHARED 0x0010
/* A port that stands for many stations, those of a VLAN: no MAC address is held to it. */
#define EPG_ENDPOINT_MANY 0x0020
/* An interface inside another network namespace: its hooks vouch for what it sends (struct epg_control). */
#define EPG_ENDPOINT_INSIDE 0x0040
/*
 * What it sends reaches others by a switch that the kernel does not see: in user space, or outside the host (VEPA). Its
 * address together with its MAC address is believed, where no hook vouches.
 */
#define EPG_ENDPOINT_DETOUR 0x0080
/* An uplink that is a piece of hardware: once its driver has been seen to use NAPI, what comes otherwise is no frame of its. */
#define EPG_ENDPOINT_DEVICE 0x0100
/*
 * The interface is a veth whose peer is in another network namespace, and nothing of others has to see what goes
 * through its hooks: what is sent to the endpoint, or by it, may go past the host's stack. Written with `mtu`.
 */
#define EPG_ENDPOINT_DIRECT 0x0200

/* What an interface is bound to. */
struct epg_binding {
	__u16 class_id;  /* the endpoint group; EPG_CLASS_NONE: quarantined */
	__u16 flags;     /* EPG_ENDPOINT_… */
	__u8 mac[6];     /* the only source MAC; all zero: the first one seen is kept. Of an uplink: its own, as seen */
	__u16 mac_noted; /* written by the programs: the bridge domain in which it stands in `macs` */
};

/* Of an uplink: devices of endpoints are stacked on it; its frames come by a driver, not by the kernel itself. */
#define EPG_SEEN_STACKED 0x0001
#define EPG_SEEN_DRIVER 0x0002
/* Of a port inside: its parent is under enforcement, and vouches for what comes from outside. */
#define EPG_SEEN_PARENT 0x0004

/*
 * Value of `endpoints`. To bind an interface by hand: fill `now`, leave everything else zero.
 * `next` takes effect by itself with generation `next_generation`: so bindings change in the same
 * instant as the policy.
 */
struct epg_endpoint {
	struct epg_binding now;
	struct epg_binding next;
	__u32 next_generation; /* 0: never */
	__u32 seen;            /* EPG_SEEN_…, written by the programs */
	__u64 packets;         /* permitted packets that the endpoint has sent */
	__u64 bytes;           /* their frames' bytes, Ethernet header included; see `near` */
	__u8 gateway[6];       /* the host's MAC address towards it, as seen in what the host routes to it */
	__u16 mtu;             /* of the interface, with EPG_ENDPOINT_DIRECT: what is longer goes by the host's stack */
};

/* Key of `addresses`. */
struct epg_address_key {
	__u32 vrf; /* id of the VRF: look the group up in `groups` */
	__u8 address[16];
};

#define EPG_ADDRESS_LEARNED 0x0001
#define EPG_ADDRESS_FROM_POLICY 0x0002

struct epg_owner {
	__u32 ifindex; /* 0: nobody */
	__u16 flags;   /* EPG_ADDRESS_… */
	__u16 reserved;
};

/* Value of `addresses`: who owns the address. Staged as struct epg_endpoint is. */
struct epg_address {
	struct epg_owner now;
	struct epg_owner next;
	__u32 next_generation; /* 0: never */
	__u32 reserved;
};

/*
 * Key of `groups`: "tenant/application-profile/epg" or "tenant/external-group", padded with zeros. The map is there from
 * the first policy that has groups.
 */
struct epg_group_key {
	char name[EPG_NAME_MAX];
};

#define EPG_GROUP_EXTERNAL 0x0001

/* Value of `groups`: the ids to write into `endpoints` and `addresses`. They stay from apply to apply. */
struct epg_group {
	__u16 class_id;
	__u16 flags; /* EPG_GROUP_… */
	__u32 vrf;
};

/*
 * Key of `ports`: who is behind an interface with EPG_ENDPOINT_SHARED. Asked with both VLAN and MAC address, then with
 * the VLAN alone; an untagged frame with neither is the interface's own. The value is the port.
 */
struct epg_port_key {
	__u32 ifindex; /* of the interface; of one inside another network namespace: as that numbers it */
	__u16 vlan;    /* 0: untagged */
	__u8 mac[6];   /* all zero: any; all ones: one of the stations, for what is sent to all of them */
};

#define EPG_PORT_INTERFACE_MAX 16
#define EPG_PORT_PLACE_MAX 64

/* Value of `port_names`, whose key is a port. For people, and for libepg to find it again; no program reads it. */
struct epg_port_name {
	struct epg_port_key place;
	__u64 netns; /* cookie of the network namespace (SO_NETNS_COOKIE) of an interface inside; else 0 */
	char interface[EPG_PORT_INTERFACE_MAX]; /* as it was called when it was bound */
	char path[EPG_PORT_PLACE_MAX];          /* by which the namespace was found; its end, where it is longer */
};

/* ------------------------------------------------------------------------------------------------
 * What packets write: learned addresses, flows, drops, events.
 * ------------------------------------------------------------------------------------------------ */

/* Key of `learned`: the slots of one endpoint. Inserting one that exists fails: that is the limit. */
struct epg_learned_key {
	__u32 ifindex;
	__u32 slot; /* 0 … EPG_LEARNED_MAX - 1, or EPG_LEARNED_MANY - 1 */
};

/* Value of `learned` is a struct epg_address_key: the address that fills the slot. */

/*
 * Key of `macs`: where frames that are neither IP nor ARP find their destination. The value is the ifindex of the
 * endpoint that was seen with the address; it counts only as long as that endpoint's binding agrees.
 */
struct epg_mac_key {
	__u16 bridge_domain;
	__u8 mac[6];
};

enum epg_flow_state {
	EPG_FLOW_NEW = 0,         /* packets of the opener only */
	EPG_FLOW_ESTABLISHED = 1, /* both have spoken */
	EPG_FLOW_CLOSING = 2,     /* TCP: FIN or RST seen */
	EPG_FLOW_STATES
};

/* A flow may have been seen so many jiffies after the time with which `seen` is compared. */
#define EPG_FLOW_SEEN_LATER 256

/* What ends a flow: FIN, which both must send, and RST. Of SCTP: SHUTDOWN COMPLETE counts as RST, as ABORT does. */
#define EPG_FLOW_CLOSED_FIN 0x01
#define EPG_FLOW_CLOSED_RST 0x04

/* Which end of an epg_flow_key: index into the arrays of struct epg_flow. */
#define EPG_FLOW_LOW 0
#define EPG_FLOW_HIGH 1

/*
 * A tracked flow, in one cache line. Its key names both ends, the lower one (address, then port, compared as memory)
 * first, so that both directions meet in one entry. ICMP echo: the identifier is the requester's port, the type of a
 * request the other one, so that two hosts that ping each other have two flows.
 *
 *     key[0]  IPv4: the lower address in the upper half, the higher one below; IPv6: a keyed hash of all that names the
 *             flow, and the addresses stand in `flow_addresses`
 *     key[1]  the lower end's port << 48 | the other one's << 32 | VRF << 16 | protocol << 8 | 4 or 6, the family
 */
struct epg_flow {
	__u64 key[2];
	__u32 generation;  /* that decided it; another one decides anew */
	__u32 epoch;       /* of `control` when it was decided; another one decides anew */
	__u32 rule;        /* index into that generation's rules */
	__u32 seen;        /* jiffies, low 32 bits, of the last packet */
	__u32 ifindex[2];  /* the endpoint at each end; 0: outside this host */
	__u16 class_id[2]; /* what each end's endpoint is bound to, or the external group of its address */
	__u16 group[2];    /* classes of both ends as the rules saw them, by `match: {ip}` for one */
	__u8 opener;       /* EPG_FLOW_LOW or EPG_FLOW_HIGH */
	__u8 state;        /* enum epg_flow_state */
	__u8 closed;       /* EPG_FLOW_CLOSED_…, shifted by the end that has said so */
	__u8 revoked;      /* denied by the policy at its last packet; it goes on when a policy permits it again */
	__u8 opened_flags; /* EPG_FLAG_… of the packet that opened it: how it is decided anew */
	__u8 opened_dscp;  /* its DSCP */
	__u8 flags;        /* EPG_RULE_… of the rule that permitted it: KEEP, DSCP */
	__u8 dscp;         /* that its packets are marked with */
	__u8 stacked; /* opened at an egress hook, behind the host's stack, which may translate addresses: never direct */
	__u8 reserved[7];
};

#define EPG_FLOW_KEY_PORTS(low, high) ((__u64)(low) << 48 | (__u64)(high) << 32)
#define EPG_FLOW_KEY_REST(vrf, protocol, family) ((__u64)(vrf) << 16 | (__u64)(protocol) << 8 | (family))
#define EPG_FLOW_KEY_LOW_PORT(word) ((__u16)((word) >> 48))
#define EPG_FLOW_KEY_HIGH_PORT(word) ((__u16)((word) >> 32))
#define EPG_FLOW_KEY_VRF(word) ((__u16)((word) >> 16))
#define EPG_FLOW_KEY_PROTOCOL(word) ((__u8)((word) >> 8))
#define EPG_FLOW_KEY_FAMILY(word) ((__u8)(word))

/* In key[1] of an entry that was never used, where a search ends; and of one that was forgotten, where it goes on. */
#define EPG_FLOW_UNUSED 0
#define EPG_FLOW_FORGOTTEN (~0ull)

/*
 * Element of the table of flows: those whose hash leads here may stand in one of these places, and nowhere else. They
 * fill them from the first one on. The table is the only element of `flows`, made by the first policy that has
 * groups; control.flow_groups says how long it is.
 */
#define EPG_FLOW_WAYS 8

/* Words of 32 bits that name an IPv6 flow. */
#define EPG_FLOW_KEY_WORDS 10

struct epg_flow_group {
	struct epg_flow flow[EPG_FLOW_WAYS];
};

/* Element of the table in `flow_addresses`, of the same length: addresses of the IPv6 flows in the same places. */
struct epg_flow_addresses {
	__u8 low[16];
	__u8 high[16];
};
struct epg_flow_addresses_group {
	struct epg_flow_addresses flow[EPG_FLOW_WAYS];
};

/*
 * Element of the per-CPU array `near`: what a CPU knows of an endpoint for the rest of a jiffy, at the endpoint's id
 * modulo EPG_NEAR_ENDPOINTS. Packets and bytes are those that have yet to be added to the endpoint's entry.
 */
#define EPG_NEAR_ENDPOINTS 128
struct epg_near {
	__u64 packets;
	__u64 bytes;
	__u32 ifindex; /* 0: nobody */
	__u32 generation;
	__u32 epoch;
	__u32 seen;    /* jiffies, low 32 bits, when it was looked up */
	__u32 stacked; /* and when its packets have last taken the host's stack although they need not */
	__u32 tables;  /* control.tables of the generation */
	__u16 class_id;
	__u16 bridge_domain;
	__u16 vrf;
	__u16 mtu;
	__u8 mac[6];
	__u8 gateway[6];
	__u8 sends;    /* nothing about what it sends asks for more than a flow: see bpf/near.h */
	__u8 receives; /* nor about what it is sent */
	__u8 direct;   /* which may go past the host's stack */
	__u8 reserved;
};

/*
 * Element of the array `tallies`, at the number of a CPU: what it has counted of rules and has yet to add to their
 * counters, so that CPUs don't write to one place for each packet, nor wait for it. Where `tables` are not those in
 * force nobody but libepg touches an entry: it adds it to the counters of those tables, and frees it.
 */
#define EPG_TALLIES 4
struct epg_tally {
	__u64 bytes;
	__u32 packets; /* 0: free */
	__u32 rule;
	__u32 tables; /* control.tables of the slot in which the rule is */
	__u32 seen;   /* jiffies, low 32 bits, when it was begun: it is good for one */
};
struct epg_tallies {
	struct epg_tally tally[EPG_TALLIES];
	__u32 last;     /* the entry that was begun last */
	__u32 sequence; /* odd: an entry is being added to its counter, and begun anew */
	__u32 reserved[6];
};

/*
 * Key of `fragments`: a packet that comes in pieces (RFC 791, section 3.2; RFC 8200, section 4.5).
 */
struct epg_fragment_key {
	__u8 source[16];
	__u8 destination[16];
	__be32 id_be;
	__u16 vrf;
	__u8 protocol; /* IPv6: 0, it is not part of a packet's identity */
	__u8 reserved;
};

enum epg_fragment_state {
	EPG_FRAGMENTS_EARLY = 0,     /* the first fragment has not been seen */
	EPG_FRAGMENTS_PERMITTED = 1, /* it was permitted: the others follow it */
	EPG_FRAGMENTS_DENIED = 2,
};

/* Later fragments that pass before the first one has been seen, a packet, where a rule may permit it. */
#define EPG_FRAGMENTS_EARLY_MAX 64

/* Value of `fragments`. The decision holds for the packet, whatever generation its later fragments see. */
struct epg_fragments {
	__u32 generation; /* that decided */
	__u32 rule;       /* of that generation */
	__u32 ifindex[2]; /* source, destination; 0: outside this host */
	__u16 bound[2];   /* what they are bound to */
	__u32 seen;       /* jiffies, low 32 bits, of the first piece to come */
	__u16 end;        /* bytes of the packet that its first fragment holds */
	__u16 lowest;     /* where the earliest piece begins that came before the first one */
	__u8 state;       /* enum epg_fragment_state */
	__u8 early;       /* pieces that came before the first one */
	__u8 flags;       /* EPG_RULE_… of the rule */
	__u8 dscp;
};

/* Value of `policers`, whose key is a class id, 32 bits: the token bucket of a policed group. */
struct epg_policer {
	__u32 lock; /* a struct bpf_spin_lock */
	__u32 reserved;
	__u64 full_at; /* when the bucket is full again: CLOCK_MONOTONIC in sixteenths of a nanosecond */
};

/* Key of `drops`. Pairs beyond the map's size are counted with both class ids zero. */
struct epg_drop_key {
	__u16 source;      /* class id; 0: unknown */
	__u16 destination; /* class id; 0: unknown */
	__u16 reason;      /* enum epg_reason */
	__u16 reserved;
};

/* Value of `drops`, and of each generation's `counters`, where `tallies` come to it. Added to atomically: exact. */
struct epg_counter {
	__u64 packets;
	__u64 bytes; /* frames, Ethernet header included */
};

/* One decision: a record of the ring buffer `events`, and what an explained packet leaves in `trace`. */
struct epg_event {
	__u64 time_ns; /* CLOCK_MONOTONIC */
	__u32 generation;
	__u32 rule;                /* index into the generation's rules; EPG_RULE_NONE where none was reached */
	__u32 ifindex;             /* the interface of the hook */
	__u32 source_ifindex;      /* 0: no endpoint of this host */
	__u32 destination_ifindex; /* 0: no endpoint of this host */
	__u32 length;              /* of the frame, bytes */
	__u8 source[16];
	__u8 destination[16];
	__u16 source_class;
	__u16 destination_class;
	__u16 source_port;      /* ICMP: code */
	__u16 destination_port; /* ICMP: type; ARP: opcode */
	__u16 ethertype;
	__u8 protocol;
	__u8 tcp_flags; /* as in the TCP header */
	__u8 hook;      /* enum epg_hook */
	__u8 verdict;   /* enum epg_verdict */
	__u8 reason;    /* enum epg_reason */
	__u8 level;     /* enum epg_level */
	__u8 source_mac[6];
	__u8 destination_mac[6];
	__u8 flags;    /* EPG_EVENT_… */
	__u8 dscp;     /* of the packet, as it came */
	__u8 fragment; /* enum epg_fragment */
	__u8 reserved;
	__u32 audited_rule; /* that would have decided otherwise if its subject were enforced; EPG_RULE_NONE */
	__u16 vlan;         /* of its tag; 0: none */
	__u16 reserved2;
};

/* A record of the ring buffer `captures`: a decision, and the beginning of the frame that it was made on. */
#define EPG_CAPTURED_BYTES 256
struct epg_captured {
	struct epg_event event;
	__u32 captured; /* bytes; event.length is the whole frame's */
	__u32 reserved;
	__u8 bytes[EPG_CAPTURED_BYTES];
};

#define EPG_RULE_NONE 0xffffffffu

#define EPG_EVENT_LOG 0x01          /* the rule asks for it */
#define EPG_EVENT_WOULD_DENY 0x02   /* permitted, but `audited_rule` would deny */
#define EPG_EVENT_WOULD_PERMIT 0x04 /* denied, but `audited_rule` would permit */

/* What of a packet a frame carries. */
enum epg_fragment {
	EPG_FRAGMENT_NONE = 0,  /* all of it */
	EPG_FRAGMENT_FIRST = 1, /* the beginning, with ports */
	EPG_FRAGMENT_LATER = 2, /* a piece without */
};

/* Index into the per-CPU array `stats`. X(ENUM, "name", "sentence") */
#define EPG_STATS(X)                                                                                     \
	X(EVENTS_LOST, "events-lost", "events that found the ring buffer full")                          \
	X(EVENTS_LIMITED, "events-limited", "events beyond the rate limit")                              \
	X(FLOWS_CREATED, "flows-created", "flows tracked")                                               \
	X(FLOWS_REDECIDED, "flows-redecided", "tracked flows decided anew after an apply or a move")     \
	X(FLOWS_REVOKED, "flows-revoked", "tracked flows cut because the policy no longer permits them") \
	X(ADDRESSES_LEARNED, "addresses-learned", "addresses learned")                                   \
	X(FLOWS_KEPT, "flows-kept", "tracked flows that outlived their permit, as their contract says")  \
	X(WOULD_DENY, "would-deny", "packets that passed, but an audited subject would deny")            \
	X(WOULD_PERMIT, "would-permit", "packets that were denied, but an audited subject would permit") \
	X(FLOWS_EVICTED, "flows-evicted", "tracked flows that gave way to new ones before their time")

enum epg_stat {
#define EPG_STAT_ENUM(id, name, text) EPG_STAT_##id,
	EPG_STATS(EPG_STAT_ENUM)
#undef EPG_STAT_ENUM
	EPG_STAT_COUNT
};

/* ------------------------------------------------------------------------------------------------
 * A generation: tables that user space lays out in memory-mapped arrays. What is in force in them never changes.
 * Each table is an array of maps with EPG_SLOTS slots; `control` says which slot is in force.
 * ------------------------------------------------------------------------------------------------ */

/*
 * A diagram decides on a key of eight 16-bit fields, an interval at a time: rules, prefixes and subnets
 * are all diagrams. A target is the index of the next node, or with EPG_TARGET_LEAF the answer.
 */
#define EPG_TARGET_LEAF 0x80000000u
#define EPG_TARGET_MISS 0xffffffffu /* a leaf: nothing matches */
#define EPG_LEAF_VALUE(target) ((target) & ~EPG_TARGET_LEAF)

/*
 * Leaf of a rule's diagram: what decides between rules of different diagrams stands uppermost, so that the smallest
 * leaf wins: the lowest level, within it a deny before a permit, then the rule that stands first.
 * EPG_TARGET_MISS is greater than all of them.
 */
#define EPG_LEAF(level, action, rule) (EPG_TARGET_LEAF | (__u32)(level) << 25 | (__u32)(action) << 24 | (rule))
#define EPG_LEAF_LEVEL(leaf) ((leaf) >> 25 & 0x1f)
#define EPG_LEAF_ACTION(leaf) ((leaf) >> 24 & 1)
#define EPG_LEAF_RULE(leaf) ((leaf)&0xffffffu)

/* Upper bound of nodes on any way through a diagram: 8 fields, each at most 5 nodes deep. */
#define EPG_DIAGRAM_DEPTH 40

enum epg_node_form {
	EPG_FORM_WIDE = 0,   /* EPG_NODE_WIDE places, with any targets */
	EPG_FORM_NARROW = 1, /* EPG_NODE_NARROW places, with targets that lie near each other, or miss */
};

/* A step of a narrow node: nothing matches. */
#define EPG_STEP_MISS 0xffff

/*
 * One element of table `nodes`. Place 0 begins at 0, place i at start[i - 1], and ends before the next one; unused
 * places repeat the last target and begin at 0xffff. The starts of a narrow node go on in narrow.start.
 * A node may lead to another node of the same field: that is how more intervals are told apart than it has places.
 * epg_node_find and its like below read either form.
 */
struct epg_node {
	__u8 field; /* 0 … 7: which 16 bits of the key */
	__u8 form;  /* enum epg_node_form */
	__u16 start[EPG_NODE_WIDE - 1];
	union {
		struct {
			__u32 reserved;
			__u32 target[EPG_NODE_WIDE];
		} wide;
		struct {
			__u16 start[EPG_NODE_NARROW - EPG_NODE_WIDE];
			__u16 step[EPG_NODE_NARROW]; /* from `base` to the target, or EPG_STEP_MISS */
			__u32 base;
		} narrow;
	};
};

/* Fields of a rule's key. A prefix's key is the address itself, field 0 its first 16 bits. */
enum epg_field {
	EPG_FIELD_KIND = 0,        /* EPG_KIND_… */
	EPG_FIELD_DESTINATION = 1, /* destination port; ICMP: type; ARP: opcode */
	EPG_FIELD_SOURCE = 2,      /* source port; ICMP: code */
	EPG_FIELD_FLAGS = 3,       /* EPG_FLAG_…, 0 unless TCP */
	EPG_FIELD_DSCP = 4,        /* 0 … 63, 0 unless IP */
	EPG_FIELD_FRAGMENT = 5,    /* enum epg_piece */
	EPG_FIELD_VIEW = 7,        /* enum epg_view */
};

/* What a rule's key says of fragments. */
enum epg_piece {
	EPG_PIECE_WHOLE = 0, /* or the first fragment */
	EPG_PIECE_LATER = 1, /* which has neither ports nor flags nor type: they are 0 */
	/*
	 * The same before the first one has come: may the packet be permitted? A rule that permits matches it whatever
	 * ports, flags or type it asks for; one that denies only if it asks for none.
	 */
	EPG_PIECE_EARLY = 2,
};

/* The policy as it is enforced, and as it would be if audited subjects were enforced too. */
enum epg_view {
	EPG_VIEW_ENFORCED = 0,
	EPG_VIEW_AUDITED = 1,
};

/* Kind of a packet: IPv4 by its protocol, IPv6 by its protocol, anything else by its EtherType (>= 0x600). */
#define EPG_KIND_IPV4 0x0000
#define EPG_KIND_IPV6 0x0100

/* TCP flags as a field: ordered so that "established" (ACK or RST) is one interval, 4 to 15. */
#define EPG_FLAG_FIN 1
#define EPG_FLAG_SYN 2
#define EPG_FLAG_RST 4
#define EPG_FLAG_ACK 8
#define EPG_FLAGS_ALL 15

/* What a rule's leaf does not say of it. */
struct epg_rule_more {
	__u8 flags; /* EPG_RULE_… */
	__u8 dscp;  /* with EPG_RULE_DSCP: what permitted packets are marked with */
};

/*
 * Element of table `rules`. The kernel keeps elements of an array 8 bytes apart at least, so that one holds several rules:
 * rule i, which table `counters` has at index i, is number i % EPG_RULES_EACH of element i / EPG_RULES_EACH.
 */
#define EPG_RULES_EACH 4
struct epg_rules {
	struct epg_rule_more rule[EPG_RULES_EACH];
};

/* The flow that the rule permits is tracked; replies and related errors follow it. */
#define EPG_RULE_STATEFUL 0x01
/* Its flows outlive an apply that no longer permits them, unless something denies them. */
#define EPG_RULE_KEEP 0x02
/* Packets that it decides are told to those who watch for it. */
#define EPG_RULE_LOG 0x04
#define EPG_RULE_DSCP 0x08
/* Of an audited subject: it decides in EPG_VIEW_AUDITED only, and counts what it would have decided otherwise. */
#define EPG_RULE_AUDIT 0x10
/* Of an entry with `fragments: only`: it speaks of later fragments, whatever was decided of the first one. */
#define EPG_RULE_FRAGMENTS 0x20

/*
 * Rules that every generation has, at these indices.
 * X(ENUM, "name", action, level, flags, "sentence for people")
 */
#define EPG_IMPLICIT_RULES(X)                                                                                       \
	X(IMPLICIT_DENY, "implicit-deny", EPG_DENY, EPG_LEVEL_IMPLICIT, 0, "no contract permits it")                \
	X(INTRA_EPG, "intra-epg", EPG_PERMIT, EPG_LEVEL_INTRA_EPG, EPG_RULE_STATEFUL, "both are of the same group") \
	X(UNENFORCED, "unenforced", EPG_PERMIT, EPG_LEVEL_INFRASTRUCTURE, EPG_RULE_STATEFUL,                        \
	  "the VRF is not enforced")                                                                                \
	X(INFRASTRUCTURE, "infrastructure", EPG_PERMIT, EPG_LEVEL_INFRASTRUCTURE, 0,                                \
	  "ARP, neighbour discovery, DHCP of a client, IGMP, MLD")                                                  \
	X(ISOLATION, "isolation", EPG_DENY, EPG_LEVEL_ISOLATION, 0, "the group's endpoints are isolated")           \
	X(SOURCE_NOT_PREFERRED, "source-not-preferred", EPG_DENY, EPG_LEVEL_SOURCE_NOT_PREFERRED, 0,                \
	  "the source is not a member of the preferred group")                                                      \
	X(DESTINATION_NOT_PREFERRED, "destination-not-preferred", EPG_DENY, EPG_LEVEL_DESTINATION_NOT_PREFERRED, 0, \
	  "the destination is not a member of the preferred group")                                                 \
	X(PREFERRED_GROUP, "preferred-group", EPG_PERMIT, EPG_LEVEL_ANY_UNFILTERED, EPG_RULE_STATEFUL,              \
	  "both are members of the preferred group")                                                                \
	X(KEPT, "kept", EPG_PERMIT, EPG_LEVEL_INFRASTRUCTURE, EPG_RULE_STATEFUL,                                    \
	  "the flow has outlived the contract that permitted it")

enum epg_implicit_rule {
#define EPG_IMPLICIT_RULE_ENUM(id, name, action, level, flags, text) EPG_RULE_##id,
	EPG_IMPLICIT_RULES(EPG_IMPLICIT_RULE_ENUM)
#undef EPG_IMPLICIT_RULE_ENUM
	EPG_RULE_IMPLICIT_COUNT
};

/* The leaf that an implicit rule would have. */
enum epg_implicit_leaf {
#define EPG_IMPLICIT_LEAF_ENUM(id, name, action, level, flags, text) \
	EPG_LEAF_##id = (__u32)EPG_LEAF(level, action, EPG_RULE_##id),
	EPG_IMPLICIT_RULES(EPG_IMPLICIT_LEAF_ENUM)
#undef EPG_IMPLICIT_LEAF_ENUM
};

/*
 * Table `pairs`: two buckets are candidates for a pair (epg_pair_bucket below). For a packet from group s in VRF v to
 * group d in VRF w these pairs may have rules: (s, d), (EPG_CLASS_NONE, d): taboos of d, (s, w), (v, d), (v, w).
 * Within one group it is (s, s) alone.
 */
struct epg_bucket {
	__u32 pair[EPG_BUCKET_PAIRS]; /* source class << 16 | destination class; 0: free */
	__u32 set[EPG_BUCKET_PAIRS];  /* index into `sets`: the pair's rules */
};

/*
 * Element of table `sets`: where the diagram of the rules begins that some pairs have in common. Staged as struct
 * epg_endpoint is, so that a generation can begin in the tables of the one before, with another set of rules.
 */
struct epg_rule_set {
	__u32 root;            /* target */
	__u32 next_root;       /* takes effect with generation `next_generation` */
	__u32 next_generation; /* 0: never */
	__u32 reserved;
};

#define EPG_CLASS_VALID 0x0001      /* the running policy has this group */
#define EPG_CLASS_EXTERNAL 0x0002   /* an external group */
#define EPG_CLASS_UNENFORCED 0x0004 /* its VRF is not enforced */
#define EPG_CLASS_AMBIGUOUS 0x0008  /* its VRF shares addresses with another one: an address alone tells nobody */
#define EPG_CLASS_TABOO 0x0010      /* it has taboos */
#define EPG_CLASS_ANY 0x0020        /* there are rules from or to any group of its VRF */
#define EPG_CLASS_PREFERRED 0x0040  /* its VRF has a preferred group */
#define EPG_CLASS_MEMBER 0x0080     /* it is a member of the preferred group */
#define EPG_CLASS_ISOLATED 0x0100   /* its endpoints may talk to each other only as its intra-EPG contracts say */
#define EPG_CLASS_AUDITED 0x0200    /* an audited subject may concern it */
#define EPG_CLASS_POLICED 0x0400 /* it is policed, or it has endpoints with addresses that belong to a group that is */
#define EPG_CLASS_ARP 0x0800     /* ARP and neighbour discovery between its endpoints take a contract */
#define EPG_CLASS_DIRECT 0x2000  /* its bridge domain lets endpoints' packets go past the host's stack */
#define EPG_CLASS_ISOLATED_AUDITED 0x1000 /* it would be isolated if its audited intra-EPG contracts were enforced */

/* Table `classes`, by class id: all that a group inherits from its VRF and bridge domain. */
struct epg_class {
	__u32 flags; /* EPG_CLASS_… */
	__u16 vrf;   /* id, the class of any group of the VRF */
	__u16 bridge_domain;
	__u32 prefixes4; /* target: diagram from an IPv4 address (in its mapped form) to EPG_PREFIX_… */
	__u32 prefixes6;
	__u32 subnets4; /* target: diagram that hits for addresses of the bridge domain's subnets */
	__u32 subnets6;
	__u32 police_burst; /* bytes */
	__u32 reserved;
	__u64 police_rate; /* bytes a second; 0: not policed */
};

/*
 * Leaf of a prefix diagram: a class id, and what it is: of a group's `match: {ip}` (a member), of externalEpgs
 * (neither flag), or some group of another VRF, in which it is then looked who owns the address.
 */
#define EPG_PREFIX_CLASS(value) ((value)&0xffffu)
#define EPG_PREFIX_MEMBER 0x10000u
#define EPG_PREFIX_VRF 0x20000u

/* The tables of a generation. X(name, struct) */
#define EPG_TABLES(X)         \
	X(classes, epg_class) \
	X(pairs, epg_bucket)  \
	X(sets, epg_rule_set) \
	X(nodes, epg_node)    \
	X(rules, epg_rules)   \
	X(counters, epg_counter)

/* What is in force: one word, so that it changes in one store. */
#define EPG_ACTIVE(generation, slot) ((__u64)(slot) << 32 | (generation))
#define EPG_ACTIVE_GENERATION(word) ((__u32)(word))
#define EPG_ACTIVE_SLOT(word) ((__u32)((word) >> 32))

/* The only element of `control`. What each packet reads stands first, in one cache line. */
struct epg_control {
	__u64 active; /* EPG_ACTIVE; 0: no policy yet */
	/*
	 * Add 1 after endpoints or addresses were taken away or moved: tracked flows are then decided anew at
	 * their next packet.
	 */
	__u32 epoch;
	__u32 mark;        /* the bit of skb->mark that says "decided on this host" */
	__u32 watch;       /* EPG_WATCH_…; 0: events cost nothing */
	__u32 flow_groups; /* elements of the table of flows, a power of 2 */
	/*
	 * Of the hash from which the places of flows follow: who could choose them could make others' flows give way (see
	 * bpf/flow_table.h). Secret, random, never changed.
	 */
	__u64 flow_key[EPG_FLOW_KEY_WORDS + 1];
	__u32 abi_version;         /* EPG_ABI_VERSION */
	__u32 last_generation;     /* highest number ever given out: none is used twice */
	__u32 previous_generation; /* what rollback returns to; 0: nothing */
	__u32 previous_slot;
	__u32 pair_buckets[EPG_SLOTS]; /* elements of each slot's `pairs` */
	__u32 tables[EPG_SLOTS];       /* the generation that the tables in each slot were made for */
	__u32 hz;                      /* jiffies a second */
	__u32 connection_timeout
		[EPG_FLOW_STATES];      /* idle jiffies after which a flow of TCP, SCTP or DCCP is forgotten */
	__u32 timeout[EPG_FLOW_STATES]; /* the same for all others */
	__u32 rule_limit;               /* rules that a generation may have */
	__u32 events_per_second;        /* a CPU */
	__u64 watch_until_ns;           /* CLOCK_MONOTONIC: until then somebody reads `events` */
	__u32 fragment_timeout;         /* jiffies after which a packet's other fragments are no longer expected */
	__u32 last_port;                /* highest number ever given to a port: none is used twice */
	/*
	 * For the hooks of macvlan devices and of their parent: which packets another one of them has decided, they tell
	 * by a keyed hash of the packet in skb->hash, which no container can choose. Secret, random, never changed.
	 */
	__u64 voucher_key[2];
};

#define EPG_WATCH_DENY 1
#define EPG_WATCH_PERMIT 2
#define EPG_WATCH_AUDIT 4    /* what an audited subject would have decided otherwise */
#define EPG_WATCH_LOG 8      /* what rules with `log` decide */
#define EPG_WATCH_CAPTURE 16 /* all packets, with their beginnings, in `captures` */

/*
 * The two buckets in which a pair may stand, among `buckets`. Multiply-shift hashing; the constants are
 * odd 32-bit numbers near the golden ratio and the square root of 2. Either side computes the same.
 */
static inline __u32 epg_pair_bucket(__u32 pair, __u32 choice, __u32 buckets)
{
	__u32 hash = choice ? (pair ^ pair >> 15) * 0xb504f333u : (pair ^ pair >> 16) * 0x9e3779b1u;

	hash ^= hash >> 13;
	hash *= choice ? 0x9e3779b1u : 0x85ebca6bu;
	return (__u32)((__u64)hash * buckets >> 32);
}

/*
 * One field of a diagram's key: fields 0 to 3 stand in `high`, 4 to 7 in `low`, the first one uppermost. Without a branch,
 * as most of what follows: the verifier goes each way from one, for each node of a walk.
 */
static inline __u32 epg_key_field(__u64 high, __u64 low, __u32 field)
{
	__u64 half = high ^ (high ^ low) * (field >> 2 & 1);

	return (__u32)(half >> (48 - 16 * (field & 3))) & 0xffff;
}

static inline __u32 epg_node_places(const struct epg_node *node)
{
	return node->form == EPG_FORM_WIDE ? EPG_NODE_WIDE : EPG_NODE_NARROW;
}

/* The first value of one of a node's places. */
static inline __u32 epg_node_start(const struct epg_node *node, __u32 place)
{
	if (!place)
		return 0;
	return place < EPG_NODE_WIDE ? node->start[place - 1] : node->narrow.start[place - EPG_NODE_WIDE];
}

/* A target of a narrow node. */
static inline __u32 epg_node_narrow_target(const struct epg_node *node, __u32 place)
{
	__u32 step = node->narrow.step[place];

	return (node->narrow.base + step) | -((step + 1) >> 16);
}

/* Where one of a node's places leads. */
static inline __u32 epg_node_target(const struct epg_node *node, __u32 place)
{
	return node->form == EPG_FORM_WIDE ? node->wide.target[place] : epg_node_narrow_target(node, place);
}

/* 1 if a place that begins there begins at or before a value of 16 bits, else 0. */
static inline __u32 epg_node_begins(__u16 start, __u32 value)
{
	return (start - value - 1) >> 31;
}

#ifdef __clang__
#define EPG_UNROLL _Pragma("unroll")
#else
#define EPG_UNROLL
#endif

/* Where a value of the node's field leads. */
static inline __u32 epg_node_find(const struct epg_node *node, __u32 value)
{
	__u32 place = 0;

	EPG_UNROLL
	for (int i = 0; i < EPG_NODE_WIDE - 1; i++)
		place += epg_node_begins(node->start[i], value);
	if (node->form == EPG_FORM_WIDE)
		return node->wide.target[place];
	EPG_UNROLL
	for (int i = 0; i < EPG_NODE_NARROW - EPG_NODE_WIDE; i++)
		place += epg_node_begins(node->narrow.start[i], value);
	return epg_node_narrow_target(node, place);
}

#define EPG_ASSERT_SIZE(type, size) _Static_assert(sizeof(type) == (size), "layout of " #type " is ABI")
EPG_ASSERT_SIZE(struct epg_endpoint_key, 8);
EPG_ASSERT_SIZE(struct epg_binding, 12);
EPG_ASSERT_SIZE(struct epg_endpoint, 56);
EPG_ASSERT_SIZE(struct epg_address_key, 20);
EPG_ASSERT_SIZE(struct epg_owner, 8);
EPG_ASSERT_SIZE(struct epg_address, 24);
EPG_ASSERT_SIZE(struct epg_group_key, EPG_NAME_MAX);
EPG_ASSERT_SIZE(struct epg_group, 8);
EPG_ASSERT_SIZE(struct epg_learned_key, 8);
EPG_ASSERT_SIZE(struct epg_mac_key, 8);
EPG_ASSERT_SIZE(struct epg_flow, 64);
EPG_ASSERT_SIZE(struct epg_flow_group, 512);
EPG_ASSERT_SIZE(struct epg_flow_addresses_group, 256);
EPG_ASSERT_SIZE(struct epg_near, 64);
EPG_ASSERT_SIZE(struct epg_tallies, 128);
EPG_ASSERT_SIZE(struct epg_policer, 16);
EPG_ASSERT_SIZE(struct epg_drop_key, 8);
EPG_ASSERT_SIZE(struct epg_counter, 16);
EPG_ASSERT_SIZE(struct epg_event, 104);
EPG_ASSERT_SIZE(struct epg_captured, 368);
EPG_ASSERT_SIZE(struct epg_node, 64);
EPG_ASSERT_SIZE(struct epg_rules, 8);
EPG_ASSERT_SIZE(struct epg_bucket, 64);
EPG_ASSERT_SIZE(struct epg_rule_set, 16);
EPG_ASSERT_SIZE(struct epg_class, 40);
EPG_ASSERT_SIZE(struct epg_control, 224);
EPG_ASSERT_SIZE(struct epg_port_key, 12);
EPG_ASSERT_SIZE(struct epg_port_name, 104);
EPG_ASSERT_SIZE(struct epg_fragment_key, 40);
EPG_ASSERT_SIZE(struct epg_fragments, 32);

#endif
