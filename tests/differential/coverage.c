// SPDX-License-Identifier: GPL-2.0-only
#include "coverage.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include <linux/if_ether.h>

#include "base/util.h"
#include "epg/epg.h"

/* "object.key=value" of everything that the language knows and that decides; the pattern is as of fnmatch(3). */
static const char *const key_patterns[] = {
	"vrfs.enforcement=unenforced",
	"vrfs.preferredGroup=true",
	"vzAny.provide=*",
	"vzAny.consume=*",
	"bridgeDomains.subnets=10.*",
	"bridgeDomains.subnets=?fd00:*",
	"bridgeDomains.arp=require-contract",
	"entries.etherT=ip",
	"entries.etherT=ipv4",
	"entries.etherT=ipv6",
	"entries.etherT=arp",
	"entries.etherT=0x88b5",
	"entries.prot=tcp",
	"entries.prot=udp",
	"entries.prot=sctp",
	"entries.prot=udplite",
	"entries.prot=dccp",
	"entries.prot=icmp",
	"entries.prot=icmpv6",
	"entries.prot=47",
	"entries.dPort=*-*",
	"entries.dPort=80",
	"entries.dPort=http",
	"entries.sPort=*-*",
	"entries.sPort=80",
	"entries.icmpType=*",
	"entries.icmpCode=*",
	"entries.arpOpcode=request",
	"entries.arpOpcode=reply",
	"entries.tcpFlags=est",
	"entries.tcpFlags=syn",
	"entries.tcpFlags=ack",
	"entries.tcpFlags=fin",
	"entries.tcpFlags=rst",
	"entries.fragments=only",
	"entries.matchDscp=46",
	"entries.matchDscp=AF21",
	"entries.stateful=false",
	"contracts.scope=application-profile",
	"contracts.scope=vrf",
	"contracts.scope=tenant",
	"contracts.scope=global",
	"contracts.onChange=keep",
	"subjects.bothDirections=false",
	"subjects.reverseFilterPorts=false",
	"subjects.mode=audit",
	"subjects.dscp=*",
	"filters.action=deny",
	"filters.action=permit",
	"filters.priority=level1",
	"filters.priority=level2",
	"filters.priority=level3",
	"filters.log=true",
	"taboos.filters=*",
	"epgs.class=*",
	"epgs.provide=c?",
	"epgs.provide=t?/c?",
	"epgs.consume=c?",
	"epgs.consume=t?/c?",
	"epgs.taboos=*",
	"epgs.inherit=g?",
	"epgs.inherit=p?/g?",
	"epgs.inherit=t?/p?/g?",
	"epgs.preferredGroupMember=true",
	"intraEpg.isolation=true",
	"intraEpg.contracts=*",
	"police.rate=*",
	"police.burst=*",
	"endpoints.interface=*",
	"endpoints.ips=*",
	"endpoints.mac=*",
	"match.interface=*",
	"match.ip=10.*",
	"match.ip=?fd00:*",
	"externalEpgs.subnets=192.*",
	"externalEpgs.subnets=?2001:*",
	"externalEpgs.subnets=0.0.0.0/0",
	"externalEpgs.provide=*",
	"externalEpgs.consume=*",
	"externalEpgs.taboos=*",
	"externalEpgs.inherit=*",
	"externalEpgs.preferredGroupMember=true",
	"externalEpgs.class=*",
};
_Static_assert(ARRAY_SIZE(key_patterns) <= COVERAGE_KEYS_MAX, "room for every key");

static const unsigned int levels[] = {1, 2, 3, 5, 7, 9, 13, 14, 15, 16, 17, 18, 19, 20, 21};

static const char *const role_names[REFERENCE_ROLES] = {"group", "to-any", "from-any", "any", "intra-epg", "taboo"};

/* What the mapping is: its key, or that of the list in which it stands. */
static const char *object_name(const struct document_node *mapping)
{
	if (mapping->key)
		return mapping->key;
	return mapping->parent ? mapping->parent->key : "policy";
}

static void note_scalar(const struct document_node *scalar, bool *seen)
{
	const struct document_node *named = scalar->key ? scalar : scalar->parent;
	char text[256];

	snprintf(text, sizeof(text), "%s.%s=%s", object_name(named->parent), named->key, scalar->text);
	for (size_t i = 0; i < ARRAY_SIZE(key_patterns); i++)
		if (!seen[i] && fnmatch(key_patterns[i], text, 0) == 0)
			seen[i] = true;
}

void coverage_add_policy(struct coverage *coverage, struct document_node *root)
{
	bool seen[ARRAY_SIZE(key_patterns)] = {false};

	coverage->policies++;
	for (struct document_node *node = root; node; node = document_next(node))
		if (node->kind == DOCUMENT_SCALAR)
			note_scalar(node, seen);
	for (size_t i = 0; i < ARRAY_SIZE(key_patterns); i++)
		coverage->keys[i] += seen[i];
}

void coverage_add_packet(struct coverage *coverage, const struct reference_packet *packet,
			 const struct reference_answer *answer)
{
	coverage->packets++;
	coverage->permitted += answer->verdict == EPG_PERMIT;
	coverage->audited += answer->has_audited;
	coverage->reasons[answer->reason]++;
	coverage->fragments += packet->fragment != EPG_FRAGMENT_NONE;
	coverage->ipv4 += packet->ether_type == ETH_P_IP;
	coverage->ipv6 += packet->ether_type == ETH_P_IPV6;
	coverage->arp += packet->ether_type == ETH_P_ARP;
	coverage->others +=
		packet->ether_type != ETH_P_IP && packet->ether_type != ETH_P_IPV6 && packet->ether_type != ETH_P_ARP;
	if (!answer->has_rule)
		return;
	coverage->levels[answer->level]++;
	if (answer->rule.implicit)
		return;
	coverage->roles[answer->rule.role]++;
	coverage->opposite += answer->rule.opposite;
}

static double percent(const struct coverage *coverage, size_t part)
{
	return coverage->packets ? 100.0 * (double)part / (double)coverage->packets : 0;
}

static size_t keys_seen(const struct coverage *coverage)
{
	size_t seen = 0;

	for (size_t i = 0; i < ARRAY_SIZE(key_patterns); i++)
		seen += coverage->keys[i] > 0;
	return seen;
}

void coverage_print(const struct coverage *coverage, unsigned long seed,
		    const char *const witnesses[COVERAGE_WITNESSES])
{
	printf("# coverage: %zu policies (%zu more were refused), %zu packets: IPv4 %.0f %%, IPv6 %.0f %%, ARP %.1f "
	       "%%, "
	       "others %.1f %%, fragments %.0f %%; permitted %.0f %%; seed %lu\n",
	       coverage->policies, coverage->refused, coverage->packets, percent(coverage, coverage->ipv4),
	       percent(coverage, coverage->ipv6), percent(coverage, coverage->arp), percent(coverage, coverage->others),
	       percent(coverage, coverage->fragments), percent(coverage, coverage->permitted), seed);
	printf("# coverage: witnesses:");
	for (size_t i = 0; i < COVERAGE_WITNESSES; i++)
		printf("%s %s %zu", i ? "," : "", witnesses[i], coverage->asked[i]);
	printf("\n");
	printf("# coverage: levels:");
	for (size_t i = 0; i < ARRAY_SIZE(levels); i++)
		printf("%s %u: %zu (%.1f %%)", i ? "," : "", levels[i], coverage->levels[levels[i]],
		       percent(coverage, coverage->levels[levels[i]]));
	printf("\n# coverage: keys: %zu of %zu; rules:", keys_seen(coverage), ARRAY_SIZE(key_patterns));
	for (size_t i = 0; i < REFERENCE_ROLES; i++)
		printf("%s %s %zu", i ? "," : "", role_names[i], coverage->roles[i]);
	printf("; opposite %zu, audited otherwise %zu\n", coverage->opposite, coverage->audited);
	printf("# coverage: reasons:");
	for (unsigned int i = 1; i < EPG_REASON_COUNT; i++)
		if (coverage->reasons[i])
			printf(" %s %zu", epg_reason_name(i), coverage->reasons[i]);
	printf("\n");
	fflush(stdout);
}

bool coverage_is_complete(const struct coverage *coverage)
{
	bool complete = true;

	for (size_t i = 0; i < ARRAY_SIZE(levels); i++) {
		if (coverage->levels[levels[i]] * 100 < coverage->packets) {
			fprintf(stderr, "level %u decided less than 1 %% of the packets\n", levels[i]);
			complete = false;
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(key_patterns); i++) {
		if (coverage->keys[i] == 0) {
			fprintf(stderr, "no policy had %s\n", key_patterns[i]);
			complete = false;
		}
	}
	for (size_t i = 0; i < REFERENCE_ROLES; i++) {
		if (coverage->roles[i] == 0) {
			fprintf(stderr, "no rule of role %s decided\n", role_names[i]);
			complete = false;
		}
	}
	return complete && coverage->opposite > 0 && coverage->audited > 0;
}
