/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Second step: who sends, and who is meant. Interfaces and addresses become endpoints and groups. */
#ifndef BPF_ENDPOINT_H
#define BPF_ENDPOINT_H

#include "count.h"
#include "generation.h"
#include "packet.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, struct epg_endpoint_key);
	__type(value, struct epg_endpoint);
} endpoints SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 131072);
	__type(key, struct epg_address_key);
	__type(value, struct epg_address);
} addresses SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 524288);
	__type(key, struct epg_learned_key);
	__type(value, struct epg_address_key);
} learned SEC(".maps");

/* Who is behind an interface that several share. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, struct epg_port_key);
	__type(value, __u32);
} ports SEC(".maps");

/* Names of ports, for libepg; the programs don't read it. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, __u32);
	__type(value, struct epg_port_name);
} port_names SEC(".maps");

/* Those who have sent lately; what was forgotten comes back with the endpoint's next binding. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct epg_mac_key);
	__type(value, __u32);
} macs SEC(".maps");

/*
 * Names for those who write the maps by hand. The programs don't read them: libepg makes the map with the first policy
 * that has groups, and tools show its fields because the records are described here.
 */
struct groups {
	struct epg_group_key key;
	struct epg_group value;
};
const volatile struct groups *const groups_described = NULL;

/* One side of a conversation. */
struct party {
	__u32 ifindex;  /* its endpoint's; 0: outside this host */
	__u16 bound;    /* class its endpoint is bound to; outside: class of its address */
	__u16 class_id; /* class that rules speak of: `bound`, refined by its address; 0: unknown */
};

/* Where a decision is made: the generation, and the VRF of the hook's endpoint with what it implies. */
struct realm {
	__u32 generation;
	__u32 slot;
	__u32 vrf;
	__u16 bridge_domain;
	__u16 reserved;
	__u32 flags; /* EPG_CLASS_… of the hook's endpoint */
	__u32 prefixes4, prefixes6;
	__u32 subnets4, subnets6;
};

/* Numbers of generations are never reused; the difference is signed so that they may wrap. */
static __always_inline bool is_staged(__u32 next_generation, __u32 generation)
{
	return next_generation && (__s32)(generation - next_generation) >= 0;
}

static __always_inline struct epg_endpoint *endpoint_get(__u32 ifindex)
{
	struct epg_endpoint_key key = {.ifindex = ifindex};

	return bpf_map_lookup_elem(&endpoints, &key);
}

static __always_inline struct epg_binding *endpoint_binding(struct epg_endpoint *endpoint, __u32 generation)
{
	return is_staged(endpoint->next_generation, generation) ? &endpoint->next : &endpoint->now;
}

static __always_inline __u32 owner_in_vrf(const struct realm *realm, __u32 vrf, const union address *address)
{
	struct epg_address_key key = {.vrf = vrf};
	struct epg_address *entry;

	__builtin_memcpy(key.address, address, sizeof(key.address));
	entry = bpf_map_lookup_elem(&addresses, &key);
	if (!entry)
		return 0;
	return is_staged(entry->next_generation, realm->generation) ? entry->next.ifindex : entry->now.ifindex;
}

/* The port that a key leads to, if it is bound in this generation: `ports` is not staged, bindings are. */
static __always_inline __u32 port_bound(const struct epg_port_key *key, __u32 generation)
{
	__u32 *port = bpf_map_lookup_elem(&ports, key);
	struct epg_endpoint *endpoint = port ? endpoint_get(*port) : NULL;

	return endpoint && endpoint_binding(endpoint, generation)->class_id ? *port : 0;
}

/* The port behind a shared interface; 0: there is none, and an untagged frame is the interface's own. */
static __noinline __u32 port_find(__u32 ifindex, __u32 generation, __u16 vlan, const __u8 *mac)
{
	struct epg_port_key key = {.ifindex = ifindex, .vlan = vlan};
	__u32 port;

	__builtin_memcpy(key.mac, mac, sizeof(key.mac));
	port = port_bound(&key, generation);
	if (port || !vlan)
		return port;
	__builtin_memset(key.mac, 0, sizeof(key.mac));
	return port_bound(&key, generation);
}

/* A station of a VLAN all of whose ports are stations. */
static __noinline __u32 port_of_stations(__u32 ifindex, __u32 generation, __u16 vlan)
{
	struct epg_port_key key = {.ifindex = ifindex, .vlan = vlan};

	__builtin_memset(key.mac, 0xff, sizeof(key.mac));
	return port_bound(&key, generation);
}

/* The interface of the endpoint that owns an address; 0: nobody. */
static __always_inline __u32 address_owner(const struct realm *realm, const union address *address)
{
	return owner_in_vrf(realm, realm->vrf, address);
}

static __always_inline __u32 find_address(__u32 slot, __u32 root, const union address *address)
{
	return diagram_find(slot, root, bpf_be64_to_cpu(address->halves_be[0]), bpf_be64_to_cpu(address->halves_be[1]));
}

static __always_inline __u32 address_prefix(const struct realm *realm, const union address *address, bool ipv4)
{
	return find_address(realm->slot, ipv4 ? realm->prefixes4 : realm->prefixes6, address);
}

static __always_inline bool address_in_subnets(const struct realm *realm, const union address *address, bool ipv4)
{
	__u32 leaf = find_address(realm->slot, ipv4 ? realm->subnets4 : realm->subnets6, address);

	return leaf & EPG_TARGET_LEAF && leaf != EPG_TARGET_MISS;
}

static __always_inline bool leaf_is_class(__u32 leaf)
{
	return leaf & EPG_TARGET_LEAF && leaf != EPG_TARGET_MISS && !(leaf & EPG_PREFIX_VRF);
}

static __always_inline bool leaf_is_vrf(__u32 leaf)
{
	return leaf & EPG_TARGET_LEAF && leaf != EPG_TARGET_MISS && leaf & EPG_PREFIX_VRF;
}

/* An address that `match: {ip}` names is a member of that group, whatever its interface is bound to. */
static __always_inline void party_refine(struct party *party, __u32 leaf)
{
	if (!leaf_is_class(leaf))
		return;
	if (party->ifindex && !(leaf & EPG_PREFIX_MEMBER))
		return;
	party->class_id = EPG_PREFIX_CLASS(leaf);
	if (!party->ifindex)
		party->bound = party->class_id;
}

static __always_inline void party_be_endpoint(struct party *party, const struct realm *realm, __u32 ifindex)
{
	struct epg_endpoint *endpoint = endpoint_get(ifindex);

	party->ifindex = ifindex;
	party->class_id = party->bound = endpoint ? endpoint_binding(endpoint, realm->generation)->class_id : 0;
}

/* Who owns an address in another VRF, the one of this group, into which a contract leads: as seen from there. */
static __noinline int party_across(const struct realm *realm, __u16 group, const union address *address,
				   struct party *party)
{
	struct epg_class *class = classes_get(realm->slot, group);
	__u32 owner;

	if (!class)
		return 0;
	owner = owner_in_vrf(realm, class->vrf, address);
	if (owner)
		party_be_endpoint(party, realm, owner);
	party_refine(party, find_address(realm->slot, address_is_mapped(address) ? class->prefixes4 : class->prefixes6,
					 address));
	return 0;
}

/*
 * Who owns an address: an endpoint, else by its longest prefix an external group, or whoever owns it in another VRF,
 * else nobody.
 */
static __noinline int party_of_address(const struct realm *realm, const union address *address, bool ipv4,
				       struct party *party)
{
	__u32 leaf = address_prefix(realm, address, ipv4), owner = address_owner(realm, address);

	party->ifindex = 0;
	party->class_id = party->bound = EPG_CLASS_NONE;
	if (owner)
		party_be_endpoint(party, realm, owner);
	else if (leaf_is_vrf(leaf))
		return party_across(realm, EPG_PREFIX_CLASS(leaf), address, party);
	party_refine(party, leaf);
	return 0;
}

/* Enters the realm of a group. False: the running policy has no such group. */
static __always_inline bool realm_enter(struct realm *realm, __u16 class_id)
{
	struct epg_class *class = classes_get(realm->slot, class_id);

	if (!class || !(class->flags & EPG_CLASS_VALID))
		return false;
	realm->vrf = class->vrf;
	realm->bridge_domain = class->bridge_domain;
	realm->flags = class->flags;
	realm->prefixes4 = class->prefixes4;
	realm->prefixes6 = class->prefixes6;
	realm->subnets4 = class->subnets4;
	realm->subnets6 = class->subnets6;
	return true;
}

/* ---- what an endpoint may use as its source ---- */

/* The endpoint's MAC is declared, or the first one it was seen with; many stations have many. */
static __always_inline bool mac_is_own(struct epg_binding *binding, const __u8 *mac)
{
	if (mac[0] & 1 || mac_is_zero(mac))
		return false;
	if (binding->flags & EPG_ENDPOINT_MANY)
		return true;
	if (!mac_is_zero(binding->mac))
		return mac_equal(binding->mac, mac);
	if (!epg_explaining)
		__builtin_memcpy(binding->mac, mac, 6);
	return true;
}

/* Of so many stations' slots so many are tried. */
#define LEARNED_PROBES 64

/* Where an endpoint's slots are looked through from: so many stations find one quickly. */
static __always_inline __u32 learned_first(const struct epg_address_key *key, __u16 flags)
{
	const __be32 *words_be = (const void *)(key->address + 8);
	__u32 hash = bpf_ntohl(words_be[0]) * 0x85ebca6bu + bpf_ntohl(words_be[1]);

	hash = (hash ^ hash >> 16) * 0x9e3779b1u;
	return flags & EPG_ENDPOINT_MANY ? hash >> 16 : 0;
}

/*
 * Makes an address the endpoint's. A slot is taken first: inserting into a taken one fails, which holds the
 * number of learned addresses exactly, without a lock. Then the address, which fails when it has an owner.
 */
static __noinline int address_learn(__u32 ifindex, __u16 flags, const struct epg_address_key *key)
{
	struct epg_address entry = {.now = {.ifindex = ifindex, .flags = EPG_ADDRESS_LEARNED}};
	__u32 slots = flags & EPG_ENDPOINT_MANY ? EPG_LEARNED_MANY : EPG_LEARNED_MAX;
	struct epg_learned_key slot = {.ifindex = ifindex};
	__u32 first = learned_first(key, flags);

	for (__u32 i = 0; i < LEARNED_PROBES && i < slots; i++) {
		slot.slot = (first + i) & (slots - 1);
		if (bpf_map_update_elem(&learned, &slot, key, BPF_NOEXIST))
			continue;
		if (!bpf_map_update_elem(&addresses, key, &entry, BPF_NOEXIST)) {
			count_stat(EPG_STAT_ADDRESSES_LEARNED);
			return EPG_REASON_NONE;
		}
		bpf_map_delete_elem(&learned, &slot);
		return EPG_REASON_SPOOFED_ADDRESS;
	}
	return EPG_REASON_LEARN_LIMIT;
}

/* Devices inside are known by MAC address in no bridge domain too. */
#define ANY_BRIDGE_DOMAIN 0

/* The endpoint of the bridge domain that has a MAC address; 0: nobody, as far as known. */
static __noinline __u32 mac_owner(const struct realm *realm, const struct epg_mac_key *key)
{
	__u32 *ifindex = bpf_map_lookup_elem(&macs, key);
	struct epg_endpoint *endpoint = ifindex ? endpoint_get(*ifindex) : NULL;
	struct epg_binding *binding;
	struct epg_class *class;

	if (!endpoint)
		return 0;
	binding = endpoint_binding(endpoint, realm->generation);
	class = classes_get(realm->slot, binding->class_id);
	if (!class || !mac_equal(binding->mac, key->mac))
		return 0;
	if (key->bridge_domain == ANY_BRIDGE_DOMAIN)
		return binding->flags & EPG_ENDPOINT_INSIDE ? *ifindex : 0;
	return class->bridge_domain == key->bridge_domain ? *ifindex : 0;
}

static __always_inline __u32 mac_owner_of(const struct realm *realm, const __u8 *mac)
{
	struct epg_mac_key key = {.bridge_domain = realm->bridge_domain};

	__builtin_memcpy(key.mac, mac, sizeof(key.mac));
	return mac_owner(realm, &key);
}

/* The endpoint inside another network namespace whose device has a MAC address; 0: nobody. */
static __always_inline __u32 inside_of_mac(const struct realm *realm, const __u8 *mac)
{
	struct epg_mac_key key = {.bridge_domain = ANY_BRIDGE_DOMAIN};

	__builtin_memcpy(key.mac, mac, sizeof(key.mac));
	return mac_owner(realm, &key);
}

/*
 * Notes where a MAC address is to be found: at its endpoint's first frame, and after each change of the binding. One
 * that another endpoint has stays with that one: frames must not change hands because somebody asks for them.
 */
static __noinline int mac_note(const struct realm *realm, __u32 ifindex, struct epg_binding *binding)
{
	struct epg_mac_key key = {.bridge_domain = realm->bridge_domain};

	__builtin_memcpy(key.mac, binding->mac, sizeof(key.mac));
	binding->mac_noted = realm->bridge_domain;
	if (binding->flags & EPG_ENDPOINT_MANY)
		return 0;
	if (!mac_owner(realm, &key))
		bpf_map_update_elem(&macs, &key, &ifindex, BPF_ANY);
	if (!(binding->flags & EPG_ENDPOINT_INSIDE))
		return 0;
	key.bridge_domain = ANY_BRIDGE_DOMAIN;
	if (!mac_owner(realm, &key))
		bpf_map_update_elem(&macs, &key, &ifindex, BPF_ANY);
	return 0;
}

/*
 * Is the address the endpoint's own? One that nobody owns may become its own: always an IPv6 link-local one,
 * which each interface makes for itself; others where no addresses were declared and the bridge domain's
 * subnets contain it.
 */
static __noinline int address_claim(const struct realm *realm, __u32 ifindex, __u16 flags, const union address *address)
{
	struct epg_address_key key = {.vrf = realm->vrf};
	bool ipv4 = address_is_mapped(address);
	__u32 owner = address_owner(realm, address);

	if (owner)
		return owner == ifindex ? EPG_REASON_NONE : EPG_REASON_SPOOFED_ADDRESS;
	if (ipv4 || !address_is_link_local(address)) {
		if (flags & EPG_ENDPOINT_ADDRESSES_DECLARED)
			return EPG_REASON_SPOOFED_ADDRESS;
		if (!address_in_subnets(realm, address, ipv4))
			return EPG_REASON_OUTSIDE_SUBNET;
	}
	if (epg_explaining)
		return EPG_REASON_NONE;
	__builtin_memcpy(key.address, address, sizeof(key.address));
	return address_learn(ifindex, flags, &key);
}

#endif
