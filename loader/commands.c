/* SPDX-License-Identifier: GPL-2.0-only */
#include "commands.h"

#include "base/util.h"
#include "command_options.h"

#define OPTIONS(list) .options = (list), .n_options = ARRAY_SIZE(list)
#define EXAMPLES(list) .examples = (list), .n_examples = ARRAY_SIZE(list)

#define SECTION_POLICY "Policy"
#define SECTION_ENDPOINTS "Endpoints"
#define SECTION_LOOK "Looking"
#define SECTION_INSTANCE "Instance"

static const struct command commands[] = {
	{.section = SECTION_POLICY,
	 .words = "validate",
	 .operands = "",
	 .summary = "check a policy; touches nothing, needs no root",
	 .description = "Reads and compiles a policy and tells all its errors and warnings in one run, each with "
			"its place in the file. What the policy takes is told too: groups, contracts, rules, and "
			"kernel memory. With --cost also what each contract takes, and what all of it takes of the "
			"maps: of those of the loaded instance, or as load would make them. What several contracts "
			"share is counted with each of them.",
	 .json = "{\"valid\": true, \"cost\": {\"groups\": N, \"contracts\": N, \"pairs\": N, \"rules\": N, …, "
		 "\"bytes\": N}, \"contracts\": […], \"maps\": […], \"diagnostics\": […]}",
	 OPTIONS(validate_options),
	 EXAMPLES(validate_examples),
	 .run = cmd_validate},
	{.section = SECTION_POLICY,
	 .words = "lint",
	 .operands = "",
	 .summary = "what is suspicious about a policy as a whole",
	 .description = "Reads and compiles a policy and looks for what nobody uses and what never decides. Each "
			"finding has a code that stays, and a line. The exit status is 0 whatever is found, unless "
			"--deny says otherwise. It touches nothing and needs no root; only --instance asks the "
			"loaded one.",
	 .json = "{\"findings\": [{\"code\", \"severity\": \"warning|note\", \"denied\", \"file\", \"line\", "
		 "\"message\", \"hint\", …}], \"denied\": N}",
	 .terms_heading = "codes",
	 .terms = lint_codes,
	 .n_terms = ARRAY_SIZE(lint_codes),
	 OPTIONS(lint_options),
	 EXAMPLES(lint_examples),
	 .run = cmd_lint},
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
			"gains or loses the permission to talk to which. Tracked flows are decided by the new "
			"policy's own tables: those that it would deny are told, and those that it would only keep "
			"because their contract says so.",
	 .json = "{\"differs\": true, \"changes\": [{\"change\": \"added|removed|changed|denied|kept\", "
		 "\"object\", \"name\", \"detail\", \"line\"}], \"flows\": {\"tracked\": N, \"denied\": N, "
		 "\"kept\": N}}",
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
	 .description = "Prints the source of the running policy, as it was applied. No file and no "
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
	 .description = "Attaches the programs to interfaces of this network namespace, or with --netns of another "
			"one: only there macvlan can be policed. Where the running policy "
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
	 OPTIONS(detach_options),
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
			"across applies.\n\n"
			"With --vlan, or as IF/MAC, IF/VLAN or IF/VLAN/MAC, it is not the interface but those behind "
			"it that send so: several endpoints share the interface then, and what none of them has sent "
			"is the interface's own.",
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
	 OPTIONS(endpoint_rm_options),
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
	 .completion_words = "tcp/ udp/ sctp/ icmp icmpv6 arp",
	 .summary = "would this packet pass, and why; exit status 1 when not",
	 .description = "Builds the packet and runs the loaded program on it, a copy that is made for the first "
			"question. The answer names the rule, the line of "
			"the policy that it stands on, the rules that it goes before, and for a denial those that "
			"nearly matched and what to write to permit it. Counters and tracked flows are left alone; "
			"the question is about a packet that opens a flow, not about a flow that is there.\n\n"
			"PROTO is a name or number of IP, arp, or an EtherType such as 0x88cc. With --reply or "
			"--icmp-error the packet is asked about first: where it would open a flow, what comes back "
			"passes by that.",
	 .json = "{\"verdict\": \"permit|deny\", \"reason\", \"level\", \"source\": {\"group\", …}, \"destination\": "
		 "{…}, \"rule\": {…}, \"beaten\": […], \"audited\": {…}, \"nearMisses\": […], \"remedy\": {…}, "
		 "\"opening\": {…}, …}",
	 OPTIONS(explain_options),
	 EXAMPLES(explain_examples),
	 .run = cmd_explain},
	{.section = SECTION_LOOK,
	 .words = "monitor",
	 .operands = "",
	 .summary = "live decisions, one a line",
	 .description = "Prints drops and the first packet of each permitted flow as they happen, until it is "
			"interrupted; then says on standard error how many were lost. With --drop, --audit or "
			"--log only what these name. Only one process at a time may watch an instance.",
	 .json = "{\"time\", \"verdict\", \"reason\", \"source\": {\"group\", \"address\", \"port\"}, \"destination\": "
		 "{…}, \"protocol\", \"rule\": {…}, \"wouldBe\", \"auditedRule\": {…}, …}",
	 OPTIONS(monitor_options),
	 EXAMPLES(monitor_examples),
	 .run = cmd_monitor},
	{.section = SECTION_LOOK,
	 .words = "capture",
	 .operands = "[IF…]",
	 .max_operands = 1024,
	 .completion = COMPLETE_INTERFACE,
	 .summary = "packets with their verdicts, as a pcapng file",
	 .description =
		 "Writes each packet once, as the hook that decides on it sees it, until it is interrupted or has "
		 "as many as --count says; then says on standard error how many were lost. The comment of a "
		 "packet has verdict, reason or contract, groups, hook and generation. Wireshark shows it; "
		 "tcpdump reads such files too, and leaves comments out. With interfaces, only what passes "
		 "their hooks, or comes from or goes to these endpoints.\n\n"
		 "While it runs every packet is decided step by step and by way of the host's stack, also where "
		 "the bridge domain forwards directly: so it costs more. Only one process at a time may "
		 "watch an instance, by capture or monitor.",
	 .json = "{\"file\": \"…\", \"packets\": N, \"lost\": N}",
	 OPTIONS(capture_options),
	 EXAMPLES(capture_examples),
	 .run = cmd_capture},
	{.section = SECTION_LOOK,
	 .words = "drops",
	 .operands = "",
	 .summary = "what was dropped, by reason and pair of groups",
	 .description = "Exact counters of all that was dropped since load; and how many packets audited subjects "
			"would have decided otherwise.",
	 .json = "{\"drops\": [{\"reason\", \"text\", \"source\", \"destination\", \"packets\", \"bytes\"}], "
		 "\"wouldDeny\": N, \"wouldPermit\": N}",
	 EXAMPLES(drops_examples),
	 .run = cmd_drops},
	{.section = SECTION_LOOK,
	 .words = "group ls",
	 .operands = "",
	 .summary = "list groups",
	 .description = "Groups of the running policy with their endpoints, contracts and traffic, and what else "
			"holds for them: isolation, contracts within the group, taboos, the preferred group, the "
			"rate that they are policed to.",
	 .json = "{\"groups\": [{\"name\", \"class\", \"external\", \"vrf\", \"endpoints\", \"packets\", \"bytes\", "
		 "…}]}",
	 EXAMPLES(group_ls_examples),
	 .run = cmd_group_ls},
	{.section = SECTION_LOOK,
	 .words = "contract ls",
	 .operands = "",
	 .summary = "list contracts, taboos and their rules",
	 .description = "Contracts and taboos of the running policy, and their rules with what each one matches and "
			"its packets and bytes: exact, replies and related errors included. Rules of audited "
			"subjects count what they would have decided otherwise. Rules that every policy has come "
			"last, for people those that have met something.",
	 .json = "{\"contracts\": [{\"name\", \"kind\", \"packets\", \"bytes\", …, \"rules\": [{\"subject\", "
		 "\"filter\", \"entry\", \"audit\", \"packets\", …}]}], \"implicit\": […]}",
	 EXAMPLES(contract_ls_examples),
	 .run = cmd_contract_ls},

	{.section = SECTION_LOOK,
	 .words = "flow ls",
	 .operands = "",
	 .summary = "list tracked flows",
	 .description = "Flows that are remembered, in no order, the end that has opened one first: their state, how "
			"long they have been silent and when they are forgotten, and the contract that has permitted "
			"them. A revoked flow is one that the policy has cut: it goes on when one permits it again. "
			"Of several options, flows that agree with all.",
	 .json = "{\"flows\": [{\"protocol\", \"source\": {\"group\", \"interface\", \"address\", \"port\"}, "
		 "\"destination\": {…}, \"state\", \"revoked\", \"current\", \"idleMilliseconds\", "
		 "\"expiresMilliseconds\", \"rule\": {…}, …}]}",
	 OPTIONS(flow_ls_options),
	 EXAMPLES(flow_ls_examples),
	 .run = cmd_flow_ls},
	{.section = SECTION_LOOK,
	 .words = "flow flush",
	 .operands = "",
	 .summary = "forget tracked flows",
	 .description = "The next packet of each is decided as that of a new flow: what is in the middle of a TCP "
			"connection passes where a rule permits such a packet too. Nothing else is changed.",
	 .json = "{\"flushed\": N}",
	 OPTIONS(flow_flush_options),
	 EXAMPLES(flow_flush_examples),
	 .run = cmd_flow_flush},
	{.section = SECTION_LOOK,
	 .words = "doctor",
	 .operands = "",
	 .summary = "what is wrong with host and instance; exit status 1 when something",
	 .description = "Looks at the kernel, the BPF file system, the instance, and each attachment. What is bad does "
			"not work, or does not enforce what it seems to; a note is something to know about. Nothing is "
			"changed, and no packet is touched. Whether a driver has native XDP can't be found out "
			"harmlessly: it is told where XDP is attached.",
	 .json = "{\"checks\": [{\"health\": \"good|note|bad\", \"name\", \"subject\", \"text\", \"hint\"}], "
		 "\"good\": N, \"notes\": N, \"bad\": N}",
	 EXAMPLES(doctor_examples),
	 .run = cmd_doctor},

	{.section = SECTION_INSTANCE,
	 .words = "load",
	 .operands = "",
	 .summary = "load programs and maps",
	 .description = "Loads the programs, makes the maps in the sizes given, and pins both. apply, attach and "
			"endpoint add load with the default sizes when needed. Sizes hold until unload; timeouts "
			"can be set at any time.",
	 .json = "{\"pin\": \"…\", \"loaded\": true}",
	 .terms_heading = "timeouts",
	 .terms = timeout_names,
	 .n_terms = ARRAY_SIZE(timeout_names),
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
