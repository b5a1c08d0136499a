/* SPDX-License-Identifier: GPL-2.0-only */
#include "commands.h"

#include "base/util.h"

#define OPTIONS(list) .options = (list), .n_options = ARRAY_SIZE(list)
#define EXAMPLES(list) .examples = (list), .n_examples = ARRAY_SIZE(list)

#define OPTION(id_, name_, letter_, argument_, help_, ...)                                                          \
	{                                                                                                           \
		.id = OPTION_##id_, .name = (name_), .letter = (letter_), .argument = (argument_), .help = (help_), \
		__VA_ARGS__                                                                                         \
	}

#define SECTION_POLICY "Policy"
#define SECTION_ENDPOINTS "Endpoints"
#define SECTION_LOOK "Looking"
#define SECTION_INSTANCE "Instance"

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

static const struct command_option validate_options[] = {POLICY_FILE_OPTION};
static const struct command_example validate_examples[] = {
	{"epgctl validate -f examples/shop.yaml", "all errors and warnings of a file, and what it will take"},
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

static const struct command_option diff_options[] = {POLICY_FILE_OPTION};
static const struct command_example diff_examples[] = {
	{"epgctl diff -f next.yaml", "added (+), removed (-) and changed (~) objects and permissions"},
};

static const struct command_example rollback_examples[] = {
	{"epgctl rollback", "the policy before; once more: back again"},
};

static const struct command_example export_examples[] = {
	{"epgctl export > running.yaml", "keep what is in force"},
};

static const struct command_option attach_options[] = {
	OPTION(XDP, "xdp", 0, NULL, "decide what comes in by XDP: for uplinks, and for switches that bypass TC"),
};
static const struct command_example attach_examples[] = {
	{"epgctl attach veth-f1 veth-b1", "put two containers under enforcement"},
	{"epgctl attach --xdp eth0", "police an uplink before the kernel has made a packet of the frame"},
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
};
static const struct command_example endpoint_add_examples[] = {
	{"epgctl endpoint add veth7 --group shop/store/front --ip 10.1.0.7 --ip fd00:1::7", "bind a container by hand"},
	{"epgctl endpoint add eth0 --group shop/internet", "make eth0 an uplink, its sources external groups"},
};

static const struct command_example endpoint_rm_examples[] = {
	{"epgctl endpoint rm veth7", "quarantine veth7 from its next packet on"},
	{"epgctl endpoint rm if42", "forget the endpoint of an interface that has vanished"},
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
	OPTION(VRF, "vrf", 0, "VRF", "tenant/vrf of the addresses, where no endpoint tells it"),
};
static const struct command_example explain_examples[] = {
	{"epgctl explain -s veth-f1 -d 10.1.0.3 tcp/80", "whether the front end may reach the web server"},
	{"epgctl explain -s 10.1.0.3 -d 10.1.0.2 tcp/40000 --sport 80 --tcp-flags syn,ack", "a reply without a flow"},
	{"epgctl -q explain -s veth-f1 -d veth-b1 icmp || echo no ping", "the exit status is the answer"},
};

static const struct command_option monitor_options[] = {
	OPTION(DROP, "drop", 0, NULL, "drops only"),
	OPTION(GROUP, "group", 'g', "GROUP", "only what comes from or goes to this group",
	       .completion = COMPLETE_GROUP),
};
static const struct command_example monitor_examples[] = {
	{"epgctl monitor --drop", "watch what is dropped, and why"},
	{"epgctl -j monitor | jq -c 'select(.rule.contract == \"shop/web\")'", "follow one contract"},
};

static const struct command_example group_ls_examples[] = {
	{"epgctl group ls", "groups with their endpoints and what these have sent"},
};
static const struct command_example contract_ls_examples[] = {
	{"epgctl contract ls", "contracts and below each its rules, with what each has permitted or denied"},
	{"epgctl -j contract ls | jq '.contracts[].rules[] | select(.packets == 0)'", "rules that nobody has used"},
};
static const struct command_example drops_examples[] = {
	{"epgctl drops", "most packets first"},
};

static const struct command_option load_options[] = {
	OPTION(ENDPOINTS, "endpoints", 0, "N", "endpoints; twice as many addresses [65536]"),
	OPTION(FLOWS, "flows", 0, "N", "tracked flows [262144]"),
	OPTION(RULES, "rules", 0, "N", "rules that a policy may have [1048576]"),
	OPTION(DROP_PAIRS, "drop-pairs", 0, "N", "pairs and reasons with a drop counter of their own [16384]"),
	OPTION(EVENT_BYTES, "event-bytes", 0, "N", "ring buffer of events, a power of 2 [262144]"),
	OPTION(EVENTS_PER_SECOND, "events-per-second", 0, "N", "events a CPU and second, while watched [10000]"),
	OPTION(MARK, "mark", 0, "BIT", "the one bit of skb->mark that epg may use [0x10000000]"),
};
static const struct command_example load_examples[] = {
	{"epgctl load", "load with the default sizes"},
	{"epgctl load --flows 1048576 --endpoints 4096", "many flows, few containers"},
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
static const struct command commands[] = {
	{.section = SECTION_POLICY,
	 .words = "validate",
	 .operands = "",
	 .summary = "check a policy; touches nothing, needs no root",
	 .description = "Reads and compiles a policy and tells all its errors and warnings in one run, each with "
			"its place in the file. What the policy takes is told too: groups, contracts, rules, and "
			"kernel memory.",
	 .json = "{\"valid\": true, \"cost\": {\"groups\": N, \"contracts\": N, \"pairs\": N, \"rules\": N, …, "
		 "\"bytes\": N}, \"diagnostics\": […]}",
	 OPTIONS(validate_options),
	 EXAMPLES(validate_examples),
	 .run = cmd_validate},
	{.section = SECTION_POLICY,
	 .words = "apply",
	 .operands = "",
	 .summary = "make a policy the running one",
	 .description = "Builds the policy beside the running one, checks it, attaches the interfaces that it names "
			"or matches and that exist here, and flips one word: every packet is decided by the old "
			"policy or by the new one as a whole. Whatever goes wrong leaves the old one in force.\n\n"
			"Tracked flows that the new policy does not permit end with their next packet. Programs "
			"and maps are loaded first when they are not.",
	 .json = "{\"generation\": N, \"dryRun\": false, \"bound\": N, \"attached\": N, \"absent\": N, \"cost\": {…}, "
		 "\"diagnostics\": […]}",
	 OPTIONS(apply_options),
	 EXAMPLES(apply_examples),
	 .run = cmd_apply},
	{.section = SECTION_POLICY,
	 .words = "diff",
	 .operands = "",
	 .summary = "what an apply would change; exit status 1 when something",
	 .description = "Compares a policy with the running one: groups, contracts, rules, endpoints, and which group "
			"gains or loses the permission to talk to which.",
	 .json = "{\"differs\": true, \"changes\": [{\"change\": \"added|removed|changed\", \"object\", \"name\", "
		 "\"detail\", \"line\"}]}",
	 OPTIONS(diff_options),
	 EXAMPLES(diff_examples),
	 .run = cmd_diff},
	{.section = SECTION_POLICY,
	 .words = "rollback",
	 .operands = "",
	 .summary = "return to the policy before",
	 .description = "Makes the generation before the running one again, as one flip like an apply. Another "
			"rollback returns to where the first one began.",
	 .json = "{\"generation\": N, \"bound\": N, \"attached\": N, \"absent\": N, \"cost\": {…}}",
	 EXAMPLES(rollback_examples),
	 .run = cmd_rollback},
	{.section = SECTION_POLICY,
	 .words = "export",
	 .operands = "",
	 .summary = "print the running policy",
	 .description = "Prints the source of the running policy, byte for byte as it was applied. No file and no "
			"daemon is needed: it is kept beside the maps.",
	 .json = "{\"file\": \"…\", \"policy\": \"…\"}",
	 EXAMPLES(export_examples),
	 .run = cmd_export},

	{.section = SECTION_ENDPOINTS,
	 .words = "attach",
	 .operands = "IF…",
	 .min_operands = 1,
	 .max_operands = 1024,
	 .completion = COMPLETE_INTERFACE,
	 .summary = "put interfaces under enforcement",
	 .description = "Attaches the programs to interfaces of this network namespace. Where the running policy "
			"names or matches an interface it is an endpoint at once; otherwise it is quarantined, "
			"all through it dropped, until endpoint add or an apply makes it one. Either all of the "
			"interfaces are attached, or none.",
	 .json = "{\"interfaces\": [{\"interface\", \"xdp\", \"group\"}]}",
	 OPTIONS(attach_options),
	 EXAMPLES(attach_examples),
	 .run = cmd_attach},
	{.section = SECTION_ENDPOINTS,
	 .words = "detach",
	 .operands = "IF…",
	 .min_operands = 1,
	 .max_operands = 1024,
	 .completion = COMPLETE_INTERFACE,
	 .summary = "take interfaces out of enforcement",
	 .description = "Takes the programs off. The endpoint stays, should the interface be attached again.",
	 .json = "{\"interfaces\": [{\"interface\"}]}",
	 EXAMPLES(detach_examples),
	 .run = cmd_detach},
	{.section = SECTION_ENDPOINTS,
	 .words = "endpoint add",
	 .operands = "IF",
	 .min_operands = 1,
	 .max_operands = 1,
	 .completion = COMPLETE_INTERFACE,
	 .summary = "bind an interface to a group",
	 .description = "Makes an interface an endpoint of a group of the running policy, in place of what it was "
			"before, and attaches it if it is not. It takes effect at once and lasts until endpoint rm, "
			"across applies.",
	 .json = "{\"interface\", \"group\", \"addresses\": […], \"mac\"}",
	 OPTIONS(endpoint_add_options),
	 EXAMPLES(endpoint_add_examples),
	 .run = cmd_endpoint_add},
	{.section = SECTION_ENDPOINTS,
	 .words = "endpoint rm",
	 .operands = "IF",
	 .min_operands = 1,
	 .max_operands = 1,
	 .completion = COMPLETE_INTERFACE,
	 .summary = "unbind an interface",
	 .description = "The interface is quarantined from its next packet on, as long as it is attached.",
	 .json = "{\"interface\"}",
	 EXAMPLES(endpoint_rm_examples),
	 .run = cmd_endpoint_rm},
	{.section = SECTION_ENDPOINTS,
	 .words = "endpoint ls",
	 .operands = "",
	 .summary = "list endpoints",
	 .description = "Interfaces with their group, addresses, MAC address, and what they have sent and was "
			"permitted.",
	 .json = "{\"endpoints\": [{\"interface\", \"group\", \"addresses\": [{\"address\", \"learned\", …}], "
		 "\"quarantined\", \"packets\", \"bytes\", …}]}",
	 EXAMPLES(endpoint_ls_examples),
	 .run = cmd_endpoint_ls},

	{.section = SECTION_LOOK,
	 .words = "explain",
	 .operands = "PROTO[/DPORT]",
	 .min_operands = 1,
	 .max_operands = 1,
	 .completion = COMPLETE_WORDS,
	 .completion_words = "tcp/ udp/ icmp icmpv6",
	 .summary = "would this packet pass, and why; exit status 1 when not",
	 .description = "Builds the packet and runs the loaded program on it. The answer names the rule, the line of "
			"the policy that it stands on, and for a denial the rules that nearly matched and what to "
			"write to permit it. Counters and tracked flows are left alone; the question is about a "
			"packet that opens a flow, not about a flow that is there.",
	 .json = "{\"verdict\": \"permit|deny\", \"reason\", \"level\", \"source\": {\"group\", …}, \"destination\": "
		 "{…}, \"rule\": {…}, \"nearMisses\": […]}",
	 OPTIONS(explain_options),
	 EXAMPLES(explain_examples),
	 .run = cmd_explain},
	{.section = SECTION_LOOK,
	 .words = "monitor",
	 .operands = "",
	 .summary = "live decisions, one a line",
	 .description = "Prints drops and the first packet of each permitted flow as they happen, until it is "
			"interrupted; then says on standard error how many were lost. Only one process at a time "
			"may watch an instance.",
	 .json = "{\"time\", \"verdict\", \"reason\", \"source\": {\"group\", \"address\", \"port\"}, \"destination\": "
		 "{…}, \"protocol\", \"rule\": {…}, …}",
	 OPTIONS(monitor_options),
	 EXAMPLES(monitor_examples),
	 .run = cmd_monitor},
	{.section = SECTION_LOOK,
	 .words = "drops",
	 .operands = "",
	 .summary = "what was dropped, by reason and pair of groups",
	 .description = "Exact counters of all that was dropped since load.",
	 .json = "{\"drops\": [{\"reason\", \"text\", \"source\", \"destination\", \"packets\", \"bytes\"}]}",
	 EXAMPLES(drops_examples),
	 .run = cmd_drops},
	{.section = SECTION_LOOK,
	 .words = "group ls",
	 .operands = "",
	 .summary = "list groups",
	 .description = "Groups of the running policy with their endpoints, contracts and traffic.",
	 .json = "{\"groups\": [{\"name\", \"class\", \"external\", \"vrf\", \"endpoints\", \"packets\", \"bytes\", "
		 "…}]}",
	 EXAMPLES(group_ls_examples),
	 .run = cmd_group_ls},
	{.section = SECTION_LOOK,
	 .words = "contract ls",
	 .operands = "",
	 .summary = "list contracts and their rules",
	 .description = "Contracts of the running policy, and their rules with what each one matches and its packets "
			"and bytes: exact, replies and related errors included. Rules that every policy has come "
			"last.",
	 .json = "{\"contracts\": [{\"name\", \"packets\", \"bytes\", …, \"rules\": [{\"subject\", \"filter\", "
		 "\"entry\", \"packets\", …}]}], \"implicit\": […]}",
	 EXAMPLES(contract_ls_examples),
	 .run = cmd_contract_ls},

	{.section = SECTION_INSTANCE,
	 .words = "load",
	 .operands = "",
	 .summary = "load programs and maps",
	 .description = "Loads the programs, makes the maps in the sizes given, and pins both. apply, attach and "
			"endpoint add load with the default sizes when needed. Sizes hold until unload.",
	 .json = "{\"pin\": \"…\", \"loaded\": true}",
	 OPTIONS(load_options),
	 EXAMPLES(load_examples),
	 .run = cmd_load},
	{.section = SECTION_INSTANCE,
	 .words = "unload",
	 .operands = "",
	 .summary = "take programs, maps and pins away",
	 .description = "Detaches from every interface and removes all that load made. Nothing is policed any more.",
	 .json = "{\"pin\": \"…\", \"loaded\": false}",
	 EXAMPLES(unload_examples),
	 .run = cmd_unload},
	{.section = SECTION_INSTANCE,
	 .words = "status",
	 .operands = "",
	 .summary = "one screen of health",
	 .description = "What is in force since when, how many endpoints, rules and flows, what was permitted, dropped "
			"and lost.",
	 .json = "{\"loaded\", \"generation\", \"file\", \"endpoints\", \"quarantined\", \"flows\", \"permitted\": "
		 "{…}, \"dropped\": {…}, \"stats\": {…}, …}",
	 EXAMPLES(status_examples),
	 .run = cmd_status},
	{.section = SECTION_INSTANCE,
	 .words = "map ls",
	 .operands = "",
	 .summary = "list maps with fill and pins",
	 .description = "The BPF maps of the instance: type, entries in use, capacity, kernel memory, path.",
	 .json = "{\"maps\": [{\"name\", \"type\", \"entries\", \"capacity\", \"bytes\", \"pin\"}]}",
	 EXAMPLES(map_ls_examples),
	 .run = cmd_map_ls},
	{.section = SECTION_INSTANCE,
	 .words = "version",
	 .operands = "",
	 .summary = "print versions",
	 .description = "Versions of epgctl, of libepg, and of the layout of the maps.",
	 .json = "{\"epgctl\": \"…\", \"libepg\": \"…\", \"abi\": N}",
	 .run = cmd_version},
	{.section = SECTION_INSTANCE,
	 .words = "help",
	 .operands = "[COMMAND]",
	 .max_operands = 2,
	 .summary = "say how a command is used",
	 .description = "The same as COMMAND --help.",
	 EXAMPLES(help_examples),
	 .text = true,
	 .run = cmd_help},

	{.section = SECTION_INSTANCE,
	 .words = "manual",
	 .operands = "",
	 .summary = "print the manual page as scdoc reads it",
	 .description = "",
	 .text = true,
	 .hidden = true,
	 .run = cmd_manual},
	{.section = SECTION_INSTANCE,
	 .words = "completion",
	 .operands = "bash|zsh|groups",
	 .min_operands = 1,
	 .max_operands = 1,
	 .summary = "print a shell's completions",
	 .description = "",
	 .text = true,
	 .hidden = true,
	 .run = cmd_completion},
};

const struct command *commands_all(size_t *ret_count)
{
	*ret_count = ARRAY_SIZE(commands);
	return commands;
}

const struct command_option *commands_global_options(size_t *ret_count)
{
	*ret_count = ARRAY_SIZE(global_options);
	return global_options;
}
