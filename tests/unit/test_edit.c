/* SPDX-License-Identifier: GPL-2.0-only */
#include "reading.h"

#include <linux/if_ether.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "policy/edit.h"
#include "policy/edit_entry.h"
#include "policy/read.h"
#include "random.h"

#define FILTER "shop/http"

/* A policy whose only filter is changed. */
struct editing {
	struct reading reading;
	struct edits edits;
	uint32_t filter;
	struct epg_diagnostics *diagnostics; /* of the last call */
};

static struct editing begin(const char *text)
{
	struct editing editing = {.reading = read_good(text)};

	editing.edits.model = editing.reading.model;
	cr_assert_eq(edits_filter(&editing.edits, FILTER, &editing.filter), 0);
	cr_assert_eq(editing.filter, 0);
	return editing;
}

static void end(struct editing *editing)
{
	epg_diagnostics_free(editing->diagnostics);
	edits_clear(&editing->edits);
	forget(&editing->reading);
}

static int add(struct editing *editing, const struct epg_entry *entries, size_t n)
{
	epg_diagnostics_free(editing->diagnostics);
	cr_assert_eq(diagnostics_new("p.yaml", &editing->diagnostics), 0);
	return edits_add(&editing->edits, editing->filter, entries, n, editing->diagnostics);
}

static int drop(struct editing *editing, const char *name)
{
	size_t missing;

	return edits_remove(&editing->edits, editing->filter, &name, 1, &missing);
}

static const struct model_filter *settled(struct editing *editing)
{
	edits_settle(&editing->edits);
	return &editing->reading.model->filters[0];
}

static const char *names_of(struct editing *editing)
{
	static char text[1024];
	const struct model_filter *filter = settled(editing);
	size_t length = 0;

	text[0] = '\0';
	for (size_t i = 0; i < filter->n_entries; i++)
		length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%s", i ? " " : "",
					   filter->entries[i].name);
	return text;
}

#define ENTRY(entry_name, ...) ((struct epg_entry){.size = sizeof(struct epg_entry), .name = (entry_name), __VA_ARGS__})
#define POLICY BEFORE_ENTRY ", etherT: ip, prot: tcp, dPort: http" AFTER_ENTRY

static void expect_names(struct editing *editing, const char *names)
{
	cr_assert_str_eq(names_of(editing), names);
}

/* ---- an entry means what it would in a file ---- */

static const struct {
	struct epg_entry entry;
	const char *keys;
} same[] = {
	{{0}, ""},
	{{.ether_type = EPG_ETHER_TYPE_IP}, ", etherT: ip"},
	{{.ether_type = ETH_P_IP}, ", etherT: ipv4"},
	{{.ether_type = ETH_P_IPV6}, ", etherT: ipv6"},
	{{.ether_type = ETH_P_ARP, .arp_opcode = 2}, ", etherT: arp, arpOpcode: reply"},
	{{.ether_type = 0x88cc}, ", etherT: 0x88cc"},
	{{.protocol = 47}, ", prot: 47"},
	{{.zeros = EPG_ENTRY_PROTOCOL}, ", prot: 0"},
	{{.protocol = IPPROTO_TCP, .destination_first = 80}, ", prot: tcp, dPort: 80"},
	{{.protocol = IPPROTO_TCP, .destination_first = 80, .destination_last = 443}, ", prot: tcp, dPort: 80-443"},
	{{.protocol = IPPROTO_UDP, .source_last = 9}, ", prot: udp, sPort: 0-9"},
	{{.protocol = IPPROTO_UDP, .zeros = EPG_ENTRY_SOURCE | EPG_ENTRY_DESTINATION},
	 ", prot: udp, sPort: 0, dPort: 0"},
	{{.protocol = IPPROTO_ICMP, .icmp_type = 8}, ", prot: icmp, icmpType: echo-request"},
	{{.protocol = IPPROTO_ICMP, .zeros = EPG_ENTRY_ICMP_TYPE}, ", prot: icmp, icmpType: 0"},
	{{.protocol = IPPROTO_ICMPV6, .icmp_type = 1, .icmp_code = 4}, ", prot: icmpv6, icmpType: 1, icmpCode: 4"},
	{{.protocol = IPPROTO_ICMP, .icmp_type = 3, .zeros = EPG_ENTRY_ICMP_CODE},
	 ", prot: icmp, icmpType: 3, icmpCode: 0"},
	{{.protocol = IPPROTO_TCP, .tcp_flags = EPG_ENTRY_ESTABLISHED}, ", prot: tcp, tcpFlags: est"},
	{{.protocol = IPPROTO_TCP, .tcp_flags = 0x12}, ", prot: tcp, tcpFlags: [syn, ack]"},
	{{.protocol = IPPROTO_TCP, .tcp_flags = 0x05}, ", prot: tcp, tcpFlags: [fin, rst]"},
	{{.dscp = 46}, ", matchDscp: EF"},
	{{.zeros = EPG_ENTRY_DSCP}, ", matchDscp: 0"},
	{{.protocol = IPPROTO_TCP, .fragments_only = true}, ", prot: tcp, fragments: only"},
	{{.protocol = IPPROTO_TCP, .stateless = true}, ", prot: tcp, stateful: false"},
};

static void expect_same(const struct model_entry *one, const struct model_entry *other, const char *keys)
{
	size_t length;
	const void *match = read_entry_match(one, &length);

	cr_assert_arr_eq(match, read_entry_match(other, &length), length, "%s", keys);
	cr_assert_eq(one->icmp, other->icmp, "%s", keys);
	cr_assert_eq(one->arp, other->arp, "%s", keys);
	cr_assert_eq(one->tcp, other->tcp, "%s", keys);
	cr_assert_eq(one->filtered, other->filtered, "%s", keys);
	cr_assert_eq(one->stateful, other->stateful, "%s", keys);
}

Test(edit, entries_are_what_a_file_has)
{
	for (size_t i = 0; i < ARRAY_SIZE(same); i++) {
		struct editing editing = begin(POLICY);
		struct epg_entry entry = same[i].entry;
		struct edit_entry packed;
		char text[2048], line[EDIT_LINE_BYTES];
		struct reading read;

		entry.size = sizeof(entry);
		entry.name = "it";
		cr_assert_eq(add(&editing, &entry, 1), 0, "%s: %s", same[i].keys,
			     epg_diagnostics_get(editing.diagnostics, 0)->message);
		snprintf(text, sizeof(text), "%s%s%s", BEFORE_ENTRY, same[i].keys, AFTER_ENTRY);
		read = read_good(text);
		expect_same(&settled(&editing)->entries[1], &read.model->filters[0].entries[0], same[i].keys);
		cr_assert_eq(editing.reading.model->filters[0].entries[1].place.line, 0);
		forget(&read);
		cr_assert_eq(edit_pack(&entry, &packed), 0);
		for (int json = 0; json < 2; json++) {
			edit_line(&packed, "it", json, line);
			snprintf(text, sizeof(text), "%s}\n    - %s\n  - {name: x, entries: [{name: y%s", BEFORE_ENTRY,
				 line, "}]" AFTER_ENTRY);
			read = read_good(text);
			expect_same(&settled(&editing)->entries[1], &read.model->filters[0].entries[1], line);
			forget(&read);
		}
		end(&editing);
	}
}

static struct epg_entry random_entry(uint64_t *random, char *name, unsigned int number)
{
	struct epg_entry entry = same[random_below(random, ARRAY_SIZE(same))].entry;

	/* Most have an equal that was read before, but for its ports; some of these are the wrong way round. */
	if (entry.protocol == IPPROTO_TCP || entry.protocol == IPPROTO_UDP)
		entry.destination_first = (uint16_t)random_below(random, 4);
	if (entry.destination_first && random_below(random, 2))
		entry.destination_last = (uint16_t)random_below(random, 4);
	if (entry.destination_first && random_below(random, 4) == 0)
		entry.source_last = (uint16_t)(1 + random_below(random, 9));
	sprintf(name, random_below(random, 20) ? "n%u" : "no name %u", number);
	entry.size = sizeof(entry);
	entry.name = name;
	return entry;
}

/* Of many that are alike, most are not read but taken from an earlier one. */
Test(edit, entries_given_together_are_what_they_are_alone)
{
	uint64_t random = 1;

	for (unsigned int round = 0; round < 300; round++) {
		struct editing alone = begin(POLICY), together = begin(POLICY);
		struct epg_entry good[64];
		char names[ARRAY_SIZE(good)][16];
		size_t n_good = 0;

		while (n_good < ARRAY_SIZE(good)) {
			struct epg_entry entry = random_entry(&random, names[n_good], (unsigned int)n_good);
			struct editing fresh = begin(POLICY);
			struct epg_entry all[ARRAY_SIZE(good)];
			bool bad = add(&fresh, &entry, 1);

			memcpy(all, good, n_good * sizeof(*all));
			all[n_good] = entry;
			if (bad) {
				cr_assert_eq(add(&together, all, n_good + 1), -EBADMSG);
				cr_assert_str_eq(epg_diagnostics_get(together.diagnostics, 0)->message,
						 epg_diagnostics_get(fresh.diagnostics, 0)->message);
				cr_assert_eq(epg_diagnostics_get(together.diagnostics, 0)->column, n_good + 1);
			} else {
				cr_assert_eq(add(&alone, &entry, 1), 0);
				good[n_good++] = entry;
			}
			end(&fresh);
		}
		cr_assert_eq(add(&together, good, n_good), 0);
		for (size_t i = 0; i < n_good; i++) {
			const struct model_entry *one = &settled(&alone)->entries[1 + i];
			const struct model_entry *other = &settled(&together)->entries[1 + i];

			expect_same(one, other, names[i]);
			cr_assert_str_eq(one->name, other->name);
		}
		end(&alone);
		end(&together);
	}
}

/* ---- what is wrong with entries ---- */

static const struct {
	struct epg_entry entry;
	const char *piece, *hint;
} wrong[] = {
	{{.name = "a b"}, "\"a b\" is not a name", "letters, digits"},
	{{.name = ""}, "is not a name", "letters, digits"},
	{{.name = "web"}, "entry \"web\" exists already", "remove it first"},
	{{.ether_type = 5}, "EtherType 0x0005 is out of range", "0x600"},
	{{.ether_type = ETH_P_ARP, .protocol = IPPROTO_TCP}, "frames of etherT arp have no IP protocol", "etherT: ip"},
	{{.destination_first = 80}, "dPort needs a prot", "add prot"},
	{{.protocol = IPPROTO_GRE, .destination_first = 80}, "has no ports: dPort", "have ports"},
	{{.protocol = IPPROTO_TCP, .destination_first = 9, .destination_last = 8}, "the wrong way round", "write 8-9"},
	{{.protocol = IPPROTO_TCP, .icmp_type = 8}, "icmpType is for prot icmp", "add prot: icmp"},
	{{.ether_type = ETH_P_IPV6, .protocol = IPPROTO_ICMP}, "prot icmp does not occur with etherT ipv6", "icmpv6"},
	{{.protocol = IPPROTO_ICMP, .icmp_code = 1}, "icmpCode needs an icmpType", "depends on the type"},
	{{.protocol = IPPROTO_UDP, .tcp_flags = 2}, "tcpFlags is for prot tcp", "prot: tcp"},
	{{.arp_opcode = 1}, "arpOpcode is for etherT arp", "etherT: arp"},
	{{.ether_type = ETH_P_ARP, .arp_opcode = 3}, "\"3\" is not possible here", "request or reply"},
	{{.dscp = 64}, "DSCP 64 is out of range", "0 to 63"},
	{{.protocol = IPPROTO_TCP, .tcp_flags = 0x08}, "unknown bits", "struct epg_entry"},
	{{.protocol = IPPROTO_TCP, .tcp_flags = EPG_ENTRY_ESTABLISHED | 2}, "unknown bits", "struct epg_entry"},
	{{.zeros = 0x8000}, "unknown bits", "struct epg_entry"},
	{{.protocol = IPPROTO_TCP, .destination_first = 80, .fragments_only = true},
	 "only the first fragment",
	 "two entries"},
};

Test(edit, what_is_wrong_is_told_and_nothing_is_added)
{
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct editing editing = begin(POLICY);
		struct epg_entry entries[] = {ENTRY("it", .protocol = IPPROTO_TCP), wrong[i].entry};
		const struct epg_diagnostic *message;

		entries[1].size = sizeof(entries[1]);
		if (!entries[1].name)
			entries[1].name = "wrong";
		cr_assert_eq(add(&editing, entries, 2), -EBADMSG, "%s", wrong[i].piece);
		message = epg_diagnostics_get(editing.diagnostics, 0);
		cr_assert(strstr(message->message, wrong[i].piece), "%s: %s", wrong[i].piece, message->message);
		cr_assert(strstr(message->hint, wrong[i].hint), "%s: %s", wrong[i].piece, message->hint);
		cr_assert_eq(message->line, 0);
		cr_assert_eq(message->column, 2);
		cr_assert_not(editing.edits.edited);
		expect_names(&editing, "web");
		cr_assert_eq(add(&editing, entries, 1), 0, "the name that was taken back is free");
		expect_names(&editing, "web it");
		end(&editing);
	}
}

Test(edit, sizes_of_older_and_of_unlike_callers)
{
	struct editing editing = begin(POLICY);
	struct epg_entry entries[] = {ENTRY("it", .protocol = IPPROTO_TCP), ENTRY("it", .protocol = IPPROTO_UDP)};
	struct {
		size_t size;
		const char *name;
	} older[] = {{sizeof(older[0]), "one"}, {sizeof(older[0]), "two"}};

	entries[1].size--;
	cr_assert_eq(add(&editing, entries, 2), -EINVAL);
	expect_names(&editing, "web");
	cr_assert_eq(add(&editing, (const void *)older, 2), 0);
	expect_names(&editing, "web one two");
	end(&editing);
}

Test(edit, what_a_newer_caller_says_is_not_overlooked)
{
	struct {
		struct epg_entry entry;
		uint64_t newer;
	} larger = {.entry = ENTRY("it", .protocol = IPPROTO_TCP)};
	struct editing editing = begin(POLICY);

	larger.entry.size = sizeof(larger);
	larger.newer = 1;
	cr_assert_eq(add(&editing, &larger.entry, 1), -EINVAL);
	larger.newer = 0;
	cr_assert_eq(add(&editing, &larger.entry, 1), 0);
	expect_names(&editing, "web it");
	end(&editing);
}

/* ---- adding and removing ---- */

Test(edit, names_come_and_go)
{
	struct editing editing = begin(POLICY);
	struct epg_entry one = ENTRY("one", .protocol = 1), two = ENTRY("two", .protocol = 2);
	struct epg_entry web = ENTRY("web", .protocol = 3);

	cr_assert_eq(add(&editing, &one, 1), 0);
	cr_assert_eq(drop(&editing, "web"), 0);
	cr_assert_eq(drop(&editing, "web"), -ENOENT);
	cr_assert_eq(add(&editing, &two, 1), 0);
	expect_names(&editing, "one two");
	cr_assert_eq(add(&editing, &web, 1), 0);
	cr_assert_eq(add(&editing, &web, 1), -EBADMSG);
	cr_assert_eq(drop(&editing, "one"), 0);
	cr_assert_eq(add(&editing, &one, 1), 0);
	expect_names(&editing, "two web one");
	cr_assert_eq(drop(&editing, "web"), 0);
	cr_assert_eq(drop(&editing, "nothing"), -ENOENT);
	expect_names(&editing, "two one");
	end(&editing);
}

Test(edit, removals_are_all_or_none)
{
	struct editing editing = begin(POLICY);
	struct epg_entry one = ENTRY("one", .protocol = 1);
	const char *missing[] = {"one", "web", "two"}, *twice[] = {"web", "one", "web"}, *good[] = {"one", "web"};
	size_t which = 9;

	cr_assert_eq(add(&editing, &one, 1), 0);
	cr_assert_eq(edits_remove(&editing.edits, 0, missing, 3, &which), -ENOENT);
	cr_assert_eq(which, 2);
	which = 9;
	cr_assert_eq(edits_remove(&editing.edits, 0, twice, 3, &which), -ENOENT);
	cr_assert_eq(which, 2);
	expect_names(&editing, "web one");
	cr_assert_eq(edits_remove(&editing.edits, 0, good, 2, &which), 0);
	expect_names(&editing, "");
	end(&editing);
}

Test(edit, changes_since_the_last_apply_are_known_up_to_a_bound)
{
	struct editing editing = begin(POLICY);
	struct epg_entry one = ENTRY("one", .protocol = 1);

	cr_assert_eq(add(&editing, &one, 1), 0);
	cr_assert_eq(drop(&editing, "web"), 0);
	cr_assert_eq(editing.edits.n_changes, 2);
	cr_assert_not(editing.edits.changes[0].removed);
	cr_assert_str_eq(editing.edits.changes[0].entry.name, "one");
	cr_assert(editing.edits.changes[1].removed);
	cr_assert_str_eq(editing.edits.changes[1].entry.name, "web");
	edits_forget_changes(&editing.edits);
	for (size_t i = 0; i < EDIT_CHANGES_MAX; i++)
		cr_assert_eq(i % 2 ? add(&editing, &one, 1) : drop(&editing, "one"), 0);
	cr_assert_eq(editing.edits.n_changes, EDIT_CHANGES_MAX);
	cr_assert_eq(drop(&editing, "one"), 0);
	cr_assert_gt(editing.edits.n_changes, EDIT_CHANGES_MAX);
	end(&editing);
}
