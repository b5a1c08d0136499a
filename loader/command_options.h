/* SPDX-License-Identifier: GPL-2.0-only */
/* Options and examples of the commands, for the table in commands.c alone. */
#ifndef EPGCTL_COMMAND_OPTIONS_H
#define EPGCTL_COMMAND_OPTIONS_H

#include "commands.h"
#include "epg/epg.h"

#define OPTION(id_, name_, letter_, argument_, help_, ...)                                                          \
	{                                                                                                           \
		.id = OPTION_##id_, .name = (name_), .letter = (letter_), .argument = (argument_), .help = (help_), \
		__VA_ARGS__                                                                                         \
	}

static const struct command_option global_options[] = {
	OPTION(PIN, "pin", 0, "DIR", "the instance to talk to: its directory on a BPF file system [/sys/fs/bpf/epg]",
	       .completion = COMPLETE_DIRECTORY),
	OPTION(JSON, "json", 'j', NULL, "one JSON document on standard output, errors too; monitor: one a line"),
	OPTION(QUIET, "quiet", 'q', NULL, "say nothing when all is well; the exit status tells the answer"),
	OPTION(NO_HEADERS, "no-headers", 0, NULL, "tables without headings"),
	OPTION(COLOR, "color", 0, "WHEN", "auto, always or never; auto is on terminals, unless NO_COLOR is set",
	       .completion = COMPLETE_WORDS, .words = "auto always never"),
	OPTION(HELP, "help", 'h', NULL, "say how a command is used"),
	OPTION(VERSION, "version", 0, NULL, "print the version"),
};

#define POLICY_FILE_OPTION                                                                    \
	OPTION(FILE, "file", 'f', "FILE", "the policy, YAML or JSON; - reads standard input", \
	       .completion = COMPLETE_FILE, .required = true)

static const struct command_option validate_options[] = {
	POLICY_FILE_OPTION,
	OPTION(COST, "cost", 0, NULL, "also what each contract takes, and all of it of each map's capacity"),
};
static const struct command_example validate_examples[] = {
	{"epgctl validate -f examples/shop.yaml", "all errors and warnings of a file, and what it will take"},
	{"epgctl validate --cost -f next.yaml", "which contract takes how much, the most expensive first"},
};

#define LINT_CODE(id, name, severity, text) {(name), (text)},
static const struct command_term lint_codes[] = {EPG_LINTS(LINT_CODE)};
#undef LINT_CODE

#define LINT_WORD(id, name, severity, text) " " name
static const struct command_option lint_options[] = {
	POLICY_FILE_OPTION,
	OPTION(DENY, "deny", 0, "CODE", "exit with status 1 where a finding has this code; all: any code",
	       .repeatable = true, .completion = COMPLETE_WORDS, .words = "all" EPG_LINTS(LINT_WORD)),
	OPTION(INSTANCE, "instance", 0, NULL, "a group counts as used too where an endpoint is bound to it now"),
};
#undef LINT_WORD
static const struct command_example lint_examples[] = {
	{"epgctl lint -f examples/shop.yaml", "what nobody uses, and what never decides"},
	{"epgctl lint -f next.yaml --deny rule-shadowed --deny filter-unused", "fail a pipeline for these two"},
	{"epgctl -j lint -f next.yaml | jq -r '.findings[].code'", "the codes alone"},
};

static const struct command_option apply_options[] = {
	POLICY_FILE_OPTION,
	OPTION(DRY_RUN, "dry-run", 'n', NULL, "check everything, capacity included, and change nothing"),
};
static const struct command_example apply_examples[] = {
	{"epgctl apply -f examples/shop.yaml", "make the file the running policy"},
	{"epgctl export | sed s/8080/80/ | epgctl apply -f -", "change the running policy"},
	{"epgctl apply -n -f next.yaml && epgctl diff -f next.yaml", "see beforehand what would happen"},
};

static const struct command_option diff_options[] = {
	POLICY_FILE_OPTION,
	OPTION(MAX_FLOWS, "max-flows", 0, "N", "flows told at most, of those denied and of those kept each [100]"),
};
static const struct command_example diff_examples[] = {
	{"epgctl diff -f next.yaml", "added (+), removed (-), changed (~); flows that would be denied (!) or kept (=)"},
	{"epgctl -j diff -f next.yaml | jq .flows.denied", "how many open connections it would cut"},
};

static const struct command_example rollback_examples[] = {
	{"epgctl rollback", "the policy before; once more: back again"},
};

static const struct command_example export_examples[] = {
	{"epgctl export > running.yaml", "keep what is in force"},
};

#define NETNS_OPTION \
	OPTION(NETNS, "netns", 0, "NAME|PATH", "the interface is inside of this network namespace, as macvlan has it")
#define DETOUR_OPTION \
	OPTION(DETOUR, "detour", 0, NULL, "what it sends comes by a switch that the kernel does not see (OVS, VEPA)")

static const struct command_option attach_options[] = {
	OPTION(XDP, "xdp", 0, NULL, "decide what comes in by XDP: for uplinks, and for switches that bypass TC"),
	NETNS_OPTION,
	DETOUR_OPTION,
	OPTION(BEFORE, "before", 0, "ID", "before the BPF program of this id (bpftool net) instead of first"),
	OPTION(AFTER, "after", 0, "ID", "behind the BPF program of this id instead of first"),
};
static const struct command_example attach_examples[] = {
	{"epgctl attach veth-f1 veth-b1", "put two containers under enforcement"},
	{"epgctl attach --xdp eth0", "police an uplink before the kernel has made a packet of the frame"},
	{"epgctl attach --netns c1 eth0", "a macvlan device, where the container has it"},
	{"epgctl attach --after 42 eth0", "behind the program 42 of somebody else"},
};

static const struct command_option detach_options[] = {
	NETNS_OPTION,
};

static const struct command_example detach_examples[] = {
	{"epgctl detach veth-f1", "traffic of veth-f1 is no longer policed"},
};

static const struct command_option endpoint_add_options[] = {
	OPTION(GROUP, "group", 'g', "GROUP", "full name of the group, tenant/profile/epg or tenant/external-group",
	       .completion = COMPLETE_GROUP, .required = true),
	OPTION(IP, "ip", 0, "ADDR", "an address that the endpoint owns; none: addresses are learned",
	       .repeatable = true),
	OPTION(MAC, "mac", 0, "MAC", "the only source MAC address it may use; none: the first one seen is kept"),
	OPTION(VLAN, "vlan", 0, "N", "the stations behind the interface that send with this VLAN: IF/N"),
	NETNS_OPTION,
	DETOUR_OPTION,
};
static const struct command_example endpoint_add_examples[] = {
	{"epgctl endpoint add veth7 --group shop/store/front --ip 10.1.0.7 --ip fd00:1::7", "bind a container by hand"},
	{"epgctl endpoint add eth0 --group shop/internet", "make eth0 an uplink, its sources external groups"},
	{"epgctl endpoint add eth1 --vlan 120 --group shop/lab/phones", "a VLAN behind eth1; it is called eth1/120"},
	{"epgctl endpoint add eth1/02:00:00:00:00:07 --group shop/lab/printer", "one station behind eth1"},
	{"epgctl endpoint add --netns c1 eth0 --group shop/store/front", "a macvlan device inside of a container"},
};

static const struct command_option endpoint_rm_options[] = {
	OPTION(VLAN, "vlan", 0, "N", "the stations behind the interface that send with this VLAN: IF/N"),
	NETNS_OPTION,
};

static const struct command_example endpoint_rm_examples[] = {
	{"epgctl endpoint rm veth7", "quarantine veth7 from its next packet on"},
	{"epgctl endpoint rm if42", "forget the endpoint of an interface that has vanished"},
	{"epgctl endpoint rm port7", "the same of an endpoint that is no interface of the host"},
};

static const struct command_example endpoint_ls_examples[] = {
	{"epgctl endpoint ls", "who is bound to what"},
	{"epgctl -j endpoint ls | jq -r '.endpoints[] | select(.quarantined) | .interface'", "who may not speak"},
};

static const struct command_option explain_options[] = {
	OPTION(SOURCE, "source", 's', "IF|ADDR", "who sends: an endpoint's interface or an address",
	       .completion = COMPLETE_INTERFACE, .required = true),
	OPTION(DESTINATION, "destination", 'd', "ADDR|IF", "to whom: an address or an endpoint's interface",
	       .completion = COMPLETE_INTERFACE, .required = true),
	OPTION(SPORT, "sport", 0, "N", "source port [40000]"),
	OPTION(ICMP_TYPE, "icmp-type", 0, "TYPE", "number or name, such as echo-reply [echo-request]"),
	OPTION(ICMP_CODE, "icmp-code", 0, "N", "number [0]"),
	OPTION(TCP_FLAGS, "tcp-flags", 0, "FLAGS", "fin, syn, rst, psh, ack, urg, commas between [syn]"),
	OPTION(ARP_OPCODE, "arp-opcode", 0, "WHICH", "request or reply [request]", .completion = COMPLETE_WORDS,
	       .words = "request reply"),
	OPTION(DSCP, "dscp", 0, "DSCP", "number from 0 to 63 or name, such as AF21 [0]"),
	OPTION(FRAGMENT, "fragment", 0, "WHICH", "first: a fragment with the ports; later: one without",
	       .completion = COMPLETE_WORDS, .words = "first later"),
	OPTION(REPLY, "reply", 0, NULL, "ask about the answer to this packet, which goes back"),
	OPTION(ICMP_ERROR, "icmp-error", 0, NULL, "ask about an ICMP error about this packet, which goes back"),
	OPTION(VRF, "vrf", 0, "VRF", "tenant/vrf of the addresses, where no endpoint tells it"),
};
static const struct command_example explain_examples[] = {
	{"epgctl explain -s veth-f1 -d 10.1.0.3 tcp/80", "whether the front end may reach the web server"},
	{"epgctl explain -s veth-f1 -d 10.1.0.3 tcp/80 --reply", "whether its answers come back, and why"},
	{"epgctl explain -s veth-f1 -d 10.1.0.3 udp --fragment later", "a piece that carries no ports"},
	{"epgctl explain -s 10.1.0.3 -d 10.1.0.2 tcp/40000 --sport 80 --tcp-flags syn,ack", "a reply without a flow"},
	{"epgctl -q explain -s veth-f1 -d veth-b1 icmp || echo no ping", "the exit status is the answer"},
};

static const struct command_option monitor_options[] = {
	OPTION(DROP, "drop", 0, NULL, "drops; with several of these three: each of them"),
	OPTION(AUDIT, "audit", 0, NULL, "what audited subjects would have decided otherwise"),
	OPTION(LOG, "log", 0, NULL, "what rules with `log: true` decide"),
	OPTION(GROUP, "group", 'g', "GROUP", "only what comes from or goes to this group",
	       .completion = COMPLETE_GROUP),
};
static const struct command_example monitor_examples[] = {
	{"epgctl monitor --drop", "watch what is dropped, and why"},
	{"epgctl monitor --audit", "what would be denied if audited subjects were enforced"},
	{"epgctl -j monitor | jq -c 'select(.rule.contract == \"shop/web\")'", "follow one contract"},
};

static const struct command_option capture_options[] = {
	OPTION(WRITE, "write", 'w', "FILE", "where to; -, the default: standard output", .completion = COMPLETE_FILE),
	OPTION(DROP, "drop", 0, NULL, "only what is dropped"),
	OPTION(PERMIT, "permit", 0, NULL, "only what is permitted"),
	OPTION(GROUP, "group", 'g', "GROUP", "only what comes from or goes to this group",
	       .completion = COMPLETE_GROUP),
	OPTION(PACKETS, "count", 'c', "N", "end after so many packets"),
	OPTION(SNAPLEN, "snaplen", 's', "N", "bytes of each frame that are kept [256, which is the most]"),
};
static const struct command_example capture_examples[] = {
	{"epgctl capture | wireshark -k -i -", "watch all packets with their verdicts"},
	{"epgctl capture --drop veth-f1 | tcpdump -n -r -", "what is dropped of one container's"},
	{"epgctl capture -c 1000 -w sample.pcapng -g shop/store/back", "a sample of what a group sends and gets"},
};

static const struct command_example group_ls_examples[] = {
	{"epgctl group ls", "groups with their endpoints and what these have sent"},
	{"epgctl -j group ls | jq -r '.groups[] | select(.isolated) | .name'", "which are isolated"},
};
static const struct command_example contract_ls_examples[] = {
	{"epgctl contract ls", "contracts and below each its rules, with what each has permitted or denied"},
	{"epgctl -j contract ls | jq '.contracts[].rules[] | select(.packets == 0)'", "rules that nobody has used"},
	{"epgctl -j contract ls | jq '.contracts[].rules[] | select(.audit)'", "what audited subjects would decide"},
};
static const struct command_example drops_examples[] = {
	{"epgctl drops", "most packets first"},
};

#define FLOW_OPTIONS                                                                                                   \
	OPTION(INTERFACE, "interface", 'i', "IF", "an endpoint at either end", .completion = COMPLETE_INTERFACE),      \
		OPTION(GROUP, "group", 'g', "GROUP", "a group at either end, by its full name",                        \
		       .completion = COMPLETE_GROUP),                                                                  \
		OPTION(ADDRESS, "address", 'a', "ADDR", "at either end: an address, or a prefix such as 10.1.0.0/24"), \
		OPTION(PROTO, "proto", 'p', "PROTO", "tcp, udp, sctp, icmp, icmpv6, …, or a number",                   \
		       .completion = COMPLETE_WORDS, .words = "tcp udp sctp dccp icmp icmpv6"),                        \
		OPTION(PORT, "port", 0, "N", "a port at either end"),                                                  \
		OPTION(STATE, "state", 0, "STATE", "new, established or closing", .completion = COMPLETE_WORDS,        \
		       .words = "new established closing"),                                                            \
		OPTION(REVOKED, "revoked", 0, NULL, "those that the policy has cut and no longer permits")

static const struct command_option flow_ls_options[] = {FLOW_OPTIONS};
static const struct command_example flow_ls_examples[] = {
	{"epgctl flow ls --address 10.1.0.2 --port 5432", "who talks to a data base, or from it"},
	{"epgctl flow ls --group shop/store/front --state established", "open connections of a group"},
	{"epgctl -j flow ls | jq -r '.flows[].rule.contract' | sort | uniq -c", "how many flows each contract has"},
};
static const struct command_option flow_flush_options[] = {
	FLOW_OPTIONS,
	OPTION(ALL, "all", 0, NULL, "all flows, where nothing else says which"),
};
static const struct command_example flow_flush_examples[] = {
	{"epgctl flow flush --interface veth-f1", "decide all that veth-f1 has open anew, as new connections"},
	{"epgctl flow flush --all", "forget every flow"},
};
static const struct command_example doctor_examples[] = {
	{"epgctl doctor", "what this host can do, and what is wrong"},
	{"epgctl -q doctor || epgctl doctor", "only where something is wrong"},
	{"epgctl -j doctor | jq '.checks[] | select(.health != \"good\")'", "for a monitoring system"},
};

static const struct command_option load_options[] = {
	OPTION(ENDPOINTS, "endpoints", 0, "N", "endpoints; twice as many addresses [16384]"),
	OPTION(FLOWS, "flows", 0, "N", "tracked flows [262144]"),
	OPTION(RULES, "rules", 0, "N", "rules that a policy may have [1048576]"),
	OPTION(DROP_PAIRS, "drop-pairs", 0, "N", "pairs and reasons with a drop counter of their own [16000]"),
	OPTION(EVENT_BYTES, "event-bytes", 0, "N", "ring buffer of events, a power of 2 [262144]"),
	OPTION(EVENTS_PER_SECOND, "events-per-second", 0, "N", "events a CPU and second, while watched [10000]"),
	OPTION(MARK, "mark", 0, "BIT", "the one bit of skb->mark that epg may use [0x10000000]"),
	OPTION(FRAGMENTS, "fragments", 0, "N", "packets whose fragments are told apart [8192]"),
	OPTION(TIMEOUT, "timeout", 0, "NAME=TIME", "when a silent flow is forgotten; seconds, or with s, m, h behind",
	       .repeatable = true, .completion = COMPLETE_WORDS,
	       .words = "tcp-new= tcp-established= tcp-closing= new= established= closing= fragment="),
};
static const struct command_term timeout_names[] = {
	{"tcp-new", "of TCP, SCTP and DCCP: nobody has answered yet [60s]"},
	{"tcp-established", "both have spoken [8h]"},
	{"tcp-closing", "after FIN or RST [30s]"},
	{"new", "of all other protocols: nobody has answered yet [30s]"},
	{"established", "both have spoken [3m]"},
	{"closing", "of those that say that they end [30s]"},
	{"fragment", "how long other fragments of a packet are expected [30s]"},
};
static const struct command_example load_examples[] = {
	{"epgctl load", "load with the default sizes"},
	{"epgctl load --flows 1048576 --endpoints 4096", "many flows, few containers"},
	{"epgctl load --timeout tcp-established=1h --timeout established=60s", "also where it is loaded already"},
};
static const struct command_example unload_examples[] = {
	{"epgctl unload", "nothing is policed any more, nothing stays behind"},
};
static const struct command_example status_examples[] = {
	{"epgctl status", "one screen"},
	{"epgctl -j status | jq .dropped.packets", "a number for a monitoring system"},
};
static const struct command_example map_ls_examples[] = {
	{"epgctl map ls", "how full the maps are, and where they are pinned"},
};
static const struct command_example help_examples[] = {
	{"epgctl help endpoint add", "how a command is used"},
};

#endif
