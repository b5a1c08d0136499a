/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A stage for datapath tests: a network namespace with interfaces, an instance with a policy, and programs
 * that are given one frame at a time. What they decide, count and tell is read back by name.
 */
#ifndef EPG_TEST_STAGE_H
#define EPG_TEST_STAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "epg/epg.h"
#include "inspect/packet.h"
#include "runtime/flow_table.h"

/* Interfaces that every stage has; the policy below binds the first six. */
enum stage_interface {
	STAGE_FRONT,  /* shop/store/front, 10.1.0.2, fd00:1::2, MAC 02:…:02 */
	STAGE_FRONT2, /* the same group, .3 */
	STAGE_BACK,   /* shop/store/back, .4 */
	STAGE_DB,     /* shop/store/db, .5 */
	STAGE_GUEST,  /* shop/store/guest: neither addresses nor MAC declared */
	STAGE_FREE,   /* shop/lab/free, in a VRF that is not enforced, 10.2.0.2 */
	STAGE_NOBODY, /* attached by nobody, bound to nothing */
	STAGE_INTERFACES
};

/*
 * The policy of STAGE_POLICY: front consumes of back: tcp 80-443 and udp 53 and ping; tcp 22 is in no contract;
 * back consumes of db: tcp 5432, stateless; the world (0.0.0.0/0, ::/0) consumes tcp 80 of back; partners
 * (192.0.2.0/24, 2001:db8::/32) consume tcp 443 of it; addresses 10.1.0.64/26 belong to group vip, which back may
 * reach at tcp 8080.
 */
extern const char STAGE_POLICY[];

struct stage;

struct stage *stage_open(const char *policy); /* NULL: load, but apply nothing */
struct stage *stage_open_with(const char *policy, const struct epg_load_options *load);
void stage_close(struct stage *stage);
struct epg *stage_epg(struct stage *stage);
void stage_apply(struct stage *stage, const char *policy);
const char *stage_interface_name(enum stage_interface interface);
uint32_t stage_ifindex(struct stage *stage, enum stage_interface interface);

/* Address number `host` of the first bridge domain: 10.1.0.<host> or fd00:1::<host>. */
void stage_address(bool ipv4, unsigned int host, uint8_t ret[16]);
/* MAC 02:00:00:00:00:<host>. */
void stage_mac(unsigned int host, uint8_t ret[6]);
/* From the interface's own MAC and address to 10.1.0.<host>. */
struct packet_spec stage_spec(bool ipv4, enum stage_interface from, unsigned int to_host);
unsigned int stage_host(enum stage_interface interface);

enum stage_program {
	STAGE_INGRESS,
	STAGE_EGRESS,
	STAGE_XDP
};

struct stage_hook {
	enum stage_program program;
	enum stage_interface interface;
	uint32_t ingress_ifindex; /* egress: where the packet came in; 0: the host itself */
	uint32_t mark;
};

struct stage_result {
	bool passed;
	uint32_t mark;
	uint8_t frame[PACKET_MAX]; /* as it left */
};

struct stage_result stage_run(struct stage *stage, const struct stage_hook *hook, const struct packet *packet);
/* Builds the packet and runs it; the common case. */
bool stage_sends(struct stage *stage, enum stage_interface from, const struct packet_spec *spec);
/* At the egress hook of `to`, permitted by the ingress hook of `from`. */
bool stage_delivers(struct stage *stage, enum stage_interface from, enum stage_interface to,
		    const struct packet_spec *spec);

/* The stage's policy with a piece of it replaced; the caller frees. */
char *stage_policy_with(const char *policy, const char *piece, const char *replacement);
/* Moves an endpoint as a stranger to the library would: its entry is written, and nothing else. */
void stage_move_endpoint(struct stage *stage, enum stage_interface interface, enum stage_interface to_group_of);
/* The table of flows, which may be written too; to be closed. */
struct flow_table stage_flow_table(struct stage *stage);
/* Moves the clock of all tracked flows: as if they had been seen `jiffies` later. */
void stage_shift_flows(struct stage *stage, int jiffies);
size_t stage_count_flows(struct stage *stage, enum epg_flow_state state);
/* How long a UDP or ICMP flow in this state is remembered. */
void stage_set_timeout(struct stage *stage, enum epg_flow_state state, unsigned int seconds);

/* Packets dropped for a reason, of all pairs. */
uint64_t stage_drops(struct stage *stage, enum epg_reason reason);
/* Packets of one pair and reason; "" for an unknown group. */
uint64_t stage_drops_between(struct stage *stage, const char *source, const char *destination, enum epg_reason reason);
/* Packets and bytes of a contract's entry. */
uint64_t stage_rule_packets(struct stage *stage, const char *contract, const char *entry);
uint64_t stage_rule_bytes(struct stage *stage, const char *contract, const char *entry);
/* Packets of an implicit rule. */
uint64_t stage_implicit_packets(struct stage *stage, enum epg_implicit_rule rule);
uint64_t stage_stat(struct stage *stage, enum epg_stat stat);

/* Expects one more drop for this reason, and that the packet was dropped. */
#define STAGE_EXPECT_DROP(stage, why, passed)                                                          \
	do {                                                                                           \
		uint64_t stage_before_ = stage_drops(stage, why);                                      \
		bool stage_passed_ = (passed);                                                         \
		uint64_t stage_after_ = stage_drops(stage, why);                                       \
		cr_assert(!stage_passed_, "a packet passed that should be dropped: %s", #why);         \
		cr_assert_eq(stage_after_ - stage_before_, 1, "dropped, but not counted as %s", #why); \
	} while (0)

#endif
