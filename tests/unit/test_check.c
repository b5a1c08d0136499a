/* SPDX-License-Identifier: GPL-2.0-only */
#include "reading.h"

Test(check, flags_that_contradict_each_other_never_match)
{
	expect_warning(BEFORE_ENTRY ", prot: tcp, tcpFlags: [syn, fin]" AFTER_ENTRY, ENTRY_LINE, "never decides");
	expect_warning(BEFORE_ENTRY ", prot: tcp, tcpFlags: [ack, rst, syn]" AFTER_ENTRY, ENTRY_LINE, "never decides");
	expect_nothing(BEFORE_ENTRY ", prot: tcp, tcpFlags: [fin]" AFTER_ENTRY);
	expect_nothing(BEFORE_ENTRY ", prot: tcp, tcpFlags: [rst, fin]" AFTER_ENTRY);
	expect_nothing(BEFORE_ENTRY ", prot: tcp, tcpFlags: [syn, ack]" AFTER_ENTRY);
	expect_nothing(BEFORE_ENTRY ", prot: tcp, tcpFlags: est" AFTER_ENTRY);
}

Test(check, what_never_decides_gets_a_warning)
{
	expect_warning(BEFORE_ENTRY "}\n    - {name: again" AFTER_ENTRY, 12, "entry \"again\" never decides");
	expect_warning(BEFORE_MORE "    - {name: x, bridgeDomain: bd1, match: [{ip: 10.9.0.0/24}]}\n", 20,
		       "it never matches");
	expect_warning(BEFORE_MORE
		       "    - {name: x, bridgeDomain: bd1, match: [{interface: \"v*\"}, {interface: \"v*\"}]}\n",
		       20, "never decides");
	expect_warning(BEFORE_MORE "    - {name: x, bridgeDomain: bd1, endpoints: [{interface: v}]}\n"
				   "    - {name: y, bridgeDomain: bd1, match: [{interface: v}]}\n",
		       21, "never decides");
}

Test(check, what_nobody_uses_gets_a_warning)
{
	expect_warning(BEFORE_ENTRY "}\n  - {name: unused, entries: [{name: a, prot: tcp}]" AFTER_ENTRY, 12,
		       "filter \"unused\" is used by no contract and no taboo");
	expect_warning(BEFORE_MORE "  taboos: [{name: no-web, filters: [http]}]\n", 20,
		       "taboo \"no-web\" is used by no EPG");
	expect_nothing(BEFORE_MORE "    - {name: x, bridgeDomain: bd1, taboos: [no-web]}\n"
				   "  taboos: [{name: no-web, filters: [http]}]\n");
}

Test(check, arp_is_for_contracts_only_where_a_bridge_domain_says_so)
{
	static const char before[] = BEFORE_ENTRY ", etherT: arp" AFTER_ENTRY;
	static const char after[] = BEFORE_ENTRY ", etherT: arp" AFTER_ENTRY "- name: other\n"
						 "  vrfs: [{name: v}]\n"
						 "  bridgeDomains: [{name: b, vrf: v, arp: require-contract}]\n";

	expect_warning(before, ENTRY_LINE, "entry \"web\" never decides: all bridge domains permit ARP");
	expect_nothing(after);
}

Test(check, a_preferred_group_has_members)
{
	expect_warning("version: 1\ntenants:\n- {name: a, vrfs: [{name: v, preferredGroup: true}]}\n", 3,
		       "the preferred group of VRF \"v\" has no member");
}

/* The filters a and b have an entry in common; the subject that uses them stands in line 10. */
#define TWO_FILTERS(uses)                                                                       \
	"version: 1\n"                                                                          \
	"tenants:\n"                                                                            \
	"- name: shop\n"                                                                        \
	"  filters:\n"                                                                          \
	"  - {name: a, entries: [{name: http, prot: tcp, dPort: 80}]}\n"                        \
	"  - {name: b, entries: [{name: web, prot: tcp, dPort: http}, {name: x, prot: udp}]}\n" \
	"  contracts:\n"                                                                        \
	"  - name: web\n"                                                                       \
	"    subjects:\n"                                                                       \
	"    - {name: s, filters: [" uses "]}\n"

static bool tells_of_repetition(const char *text)
{
	struct reading reading = read_good(text);
	bool tells = find(&reading, "never decides here");

	forget(&reading);
	return tells;
}

Test(check, filters_of_one_subject_that_overlap_get_a_warning)
{
	expect_warning(TWO_FILTERS("a, b"), 10, "entry \"web\" of filter \"b\" never decides here");
	expect_warning(TWO_FILTERS("b, a"), 10, "entry \"http\" of filter \"a\" never decides here");
	expect_warning(TWO_FILTERS("a, {name: b, action: deny}"), 10,
		       "entry \"http\" of filter \"a\" never decides here");
	cr_assert_not(tells_of_repetition(TWO_FILTERS("a, {name: b, action: deny, priority: level1}")),
		      "between groups the permit goes first, and between any the deny");
}

Test(check, dscp_and_fragments_tell_entries_apart)
{
	expect_nothing(BEFORE_ENTRY ", prot: tcp}\n    - {name: b, prot: tcp, matchDscp: EF}\n"
				    "    - {name: c, prot: tcp, tcpFlags: est}\n"
				    "    - {name: d, prot: tcp, fragments: only" AFTER_ENTRY);
}
