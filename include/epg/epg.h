/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * libepg: group policy for Linux containers, enforced by BPF.
 *
 * Conventions
 * - Functions that can fail return 0 or a negative errno value. What went wrong in words, where, and what
 *   to do about it, is in epg_error() of the context until its next call.
 * - Outputs named `ret_…` or `ret` are set only on success. The caller owns what is handed out by them and
 *   gives it back to the matching …_free or …_close function. Strings and structs handed to a callback
 *   belong to the library and live until the callback returns.
 * - A callback stops a walk by returning non-zero; the walk then returns that value.
 * - Structs that callers fill begin with their size, so that they may grow: set `.size = sizeof(it)`
 *   and leave out the rest as you like; zero means the default.
 * - Threads: contexts are independent of each other. Calls on one context from several threads are
 *   serialised by a lock inside; epg_error() then tells of the last call of any thread, so threads that
 *   need their own messages open their own contexts. Callbacks run under that lock and must not call
 *   back into the same context. Processes exclude each other by a lock on the pin directory wherever they change state.
 * - The library prints nothing, never exits, has no global state, and sets no signal handlers.
 * - Nearly everything needs CAP_BPF and CAP_NET_ADMIN, in practice root; what does not says so.
 *
 * Errors that every function with a context may return, beside its own:
 *   -ENOMEM  no memory
 *   -EPERM   not permitted to use BPF or the pin directory
 *   -ENODEV  not loaded: there is no instance at this pin directory
 *   -EPROTO  the pinned maps have another layout than this library (another version's ABI)
 */
#ifndef EPG_EPG_H
#define EPG_EPG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <epg/abi.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Marks what the shared library exports; everything else is hidden. */
#define EPG_API __attribute__((visibility("default")))

/* The version as "1.2.3". Any thread, no privilege. */
EPG_API const char *epg_version(void);

/* ------------------------------------------------------------------------------------ context --- */

struct epg;

enum epg_log_level {
	EPG_LOG_ERROR,
	EPG_LOG_WARNING,
	EPG_LOG_INFO,
	EPG_LOG_DEBUG,
};

typedef void (*epg_log_fn)(void *user, enum epg_log_level level, const char *message);

struct epg_options {
	size_t size;
	const char *pin; /* directory on a BPF file system; NULL: EPG_DEFAULT_PIN. Copied. */
	epg_log_fn log;  /* NULL: messages are dropped. Called with the context's lock held. */
	void *log_user;
};

/* What kind of failure it was: epgctl's exit status. */
enum epg_failure {
	EPG_FAILURE_NONE = 0,
	EPG_FAILURE_INPUT = 3,     /* a bad policy or argument */
	EPG_FAILURE_NOT_FOUND = 4, /* no such interface, group, endpoint, generation */
	EPG_FAILURE_PERMISSION = 5,
	EPG_FAILURE_UNSUPPORTED = 6, /* not loaded, or this kernel can't */
	EPG_FAILURE_KERNEL = 7,      /* the kernel refused */
};

/* The last failure of a context. Strings are never NULL; they live until the context's next call. */
struct epg_error {
	enum epg_failure failure;
	int error;           /* the negative errno value that was returned */
	const char *message; /* what failed */
	const char *where;   /* which file, map, interface; "" where it does not apply */
	const char *hint;    /* what to do about it; "" where nobody knows */
};

/*
 * Makes a context. Touches neither kernel nor file system; no privilege needed.
 * Errors: -EINVAL (pin directory not absolute, too long, or options of an unknown size).
 */
EPG_API int epg_open(const struct epg_options *options, struct epg **ret);

/* Ends a context; NULL is allowed. What it loaded, attached and applied stays in force. */
EPG_API void epg_close(struct epg *epg);

/* The last failure; failure is EPG_FAILURE_NONE after a success. */
EPG_API const struct epg_error *epg_error(const struct epg *epg);

/* ------------------------------------------------------------------------------------- policy --- */

struct epg_policy;
struct epg_diagnostics;

enum epg_severity {
	EPG_SEVERITY_ERROR,
	EPG_SEVERITY_WARNING,
	EPG_SEVERITY_NOTE, /* of epg_lint only: nothing is wrong with it, if it is meant */
};

/*
 * What can be suspicious about a policy that has no errors: X(ENUM, "code", severity, "sentence"). Codes are stable;
 * new ones are added at the end.
 */
#define EPG_LINTS(X)                                                                                                   \
	X(CONTRACT_WITHOUT_PROVIDER, "contract-without-provider", EPG_SEVERITY_WARNING,                                \
	  "a contract that nobody provides: it permits nothing")                                                       \
	X(CONTRACT_WITHOUT_CONSUMER, "contract-without-consumer", EPG_SEVERITY_WARNING,                                \
	  "a contract that nobody consumes: it permits nothing")                                                       \
	X(CONTRACT_UNUSED, "contract-unused", EPG_SEVERITY_WARNING, "a contract that nobody provides or consumes")     \
	X(SCOPE_EXCLUDES, "scope-excludes", EPG_SEVERITY_WARNING,                                                      \
	  "somebody provides or consumes a contract, and its scope leaves nobody at the other end")                    \
	X(RULE_SHADOWED, "rule-shadowed", EPG_SEVERITY_WARNING,                                                        \
	  "an entry never decides: a stronger rule matches all of it")                                                 \
	X(RULE_UNREACHABLE, "rule-unreachable", EPG_SEVERITY_WARNING,                                                  \
	  "an entry never decides: stronger rules together match all of it, or nothing asks for it")                   \
	X(ENTRIES_OVERLAP, "entries-overlap", EPG_SEVERITY_NOTE,                                                       \
	  "entries of one subject match the same packets in part: the first one decides and counts them")              \
	X(FILTER_UNUSED, "filter-unused", EPG_SEVERITY_WARNING, "a filter that neither contract nor taboo uses")       \
	X(TABOO_UNUSED, "taboo-unused", EPG_SEVERITY_WARNING, "a taboo that no group lists")                           \
	X(SUBJECT_AUDITED, "subject-audited", EPG_SEVERITY_NOTE,                                                       \
	  "a subject in audit mode decides nothing: it only counts what it would have decided otherwise")              \
	X(GROUP_WITHOUT_ENDPOINTS, "group-without-endpoints", EPG_SEVERITY_NOTE,                                       \
	  "an endpoint group has neither endpoints nor a match, and no endpoint is bound to it")                       \
	X(PREFERRED_MEMBER_WITHOUT_GROUP, "preferred-member-without-group", EPG_SEVERITY_WARNING,                      \
	  "a member of the preferred group in a VRF that has none")                                                    \
	X(PREFERRED_GROUP_WITHOUT_MEMBER, "preferred-group-without-member", EPG_SEVERITY_WARNING,                      \
	  "a VRF with a preferred group that nobody is a member of")                                                   \
	X(PERMITS_EVERYTHING, "permits-everything", EPG_SEVERITY_WARNING,                                              \
	  "an unfiltered permit from any group to any group: the VRF is as good as unenforced")                        \
	X(VRF_UNENFORCED, "vrf-unenforced", EPG_SEVERITY_NOTE, "a VRF that is not enforced: its contracts do nothing") \
	X(FILTER_EMPTY, "filter-empty", EPG_SEVERITY_WARNING, "a filter without entries: it matches nothing")          \
	X(CONTRACT_EMPTY, "contract-empty", EPG_SEVERITY_WARNING,                                                      \
	  "a contract, a subject or a taboo without filters: it decides nothing")                                      \
	X(MATCH_UNREACHABLE, "match-unreachable", EPG_SEVERITY_WARNING,                                                \
	  "a match of a group that nothing can meet, or that another one always takes")                                \
	X(SETTING_WITHOUT_EFFECT, "setting-without-effect", EPG_SEVERITY_WARNING,                                      \
	  "a key that does nothing where it stands")                                                                   \
	X(CLASS_CHANGES, "class-changes", EPG_SEVERITY_WARNING,                                                        \
	  "a group gets another class id than it has: what was bound by hand must be bound again")                     \
	X(BRIDGE_DOMAIN_WITHOUT_SUBNETS, "bridge-domain-without-subnets", EPG_SEVERITY_WARNING,                        \
	  "a bridge domain without subnets: groups of other VRFs cannot find its endpoints")

enum epg_lint_code {
#define EPG_LINT_ENUM(id, name, severity, text) EPG_LINT_##id,
	EPG_LINTS(EPG_LINT_ENUM)
#undef EPG_LINT_ENUM
	EPG_LINT_COUNT
};

/* One message about a policy. */
struct epg_diagnostic {
	enum epg_severity severity;
	enum epg_lint_code code; /* of a warning; EPG_LINT_COUNT of an error */
	const char *file;
	uint32_t line;   /* from 1; 0: the file as a whole */
	uint32_t column; /* from 1, in characters */
	const char *message;
	const char *hint;        /* "" where there is none */
	const char *excerpt;     /* the line, at most 200 bytes, tabs as they are; "" where there is none */
	uint32_t excerpt_column; /* of the excerpt's first character: 1 unless a long line was cut */
};

struct epg_policy_source {
	size_t size;
	const char *path; /* a file to read; "-": standard input */
	const char *text; /* or the text itself; then `path`, if set, only names it in messages */
	size_t length;    /* of text, bytes */
	size_t max_bytes; /* refuse longer ones; 0: 256 MiB */
};

/*
 * Reads and checks a policy. No privilege needed, nothing is touched. The object is for one call at a time, of whatever
 * context: also those that take it as const note in it what they have worked out.
 * `ret_diagnostics` may be NULL; otherwise it is set whenever 0 or -EBADMSG is returned, to all errors and
 * warnings in the order of lines; free it with epg_diagnostics_free.
 * Errors: -EBADMSG (at least one error in the policy), -EFBIG (longer than max_bytes), -ENOENT and
 * other errors of open(2) and read(2), -EINVAL (neither path nor text).
 */
EPG_API int epg_policy_read(struct epg *epg, const struct epg_policy_source *source, struct epg_policy **ret,
			    struct epg_diagnostics **ret_diagnostics);
EPG_API void epg_policy_free(struct epg_policy *policy);

/* Keys of a filter entry, as bits. */
#define EPG_ENTRY_ETHER_TYPE 0x001
#define EPG_ENTRY_PROTOCOL 0x002
#define EPG_ENTRY_SOURCE 0x004
#define EPG_ENTRY_DESTINATION 0x008
#define EPG_ENTRY_ICMP_TYPE 0x010
#define EPG_ENTRY_ICMP_CODE 0x020
#define EPG_ENTRY_ARP_OPCODE 0x040
#define EPG_ENTRY_TCP_FLAGS 0x080
#define EPG_ENTRY_DSCP 0x100
#define EPG_ENTRY_ALL 0x1ff

/* In epg_entry.ether_type: IPv4 and IPv6. */
#define EPG_ETHER_TYPE_IP 1
/* In epg_entry.tcp_flags, alone: ACK or RST, as `tcpFlags: est`. */
#define EPG_ENTRY_ESTABLISHED 0x100

/*
 * An entry of a filter, with the meaning, and the checks, of a policy file's. A field that is 0 is not said, unless its
 * bit stands in `zeros`: so {.name = "web", .protocol = IPPROTO_TCP, .destination_first = 80} is what the file has as
 * `{name: web, prot: tcp, dPort: 80}`.
 */
struct epg_entry {
	size_t size;
	const char *name;                             /* no two entries of a filter have the same */
	uint32_t zeros;                               /* EPG_ENTRY_…: of these, 0 is meant */
	uint16_t ether_type;                          /* as frames have it, or EPG_ETHER_TYPE_IP */
	uint16_t destination_first, destination_last; /* dPort; the last one 0: the same as the first */
	uint16_t source_first, source_last;           /* sPort */
	uint16_t arp_opcode;
	uint16_t tcp_flags; /* as in a TCP header, of FIN 1, SYN 2, RST 4, ACK 16: all of them are set */
	uint8_t protocol;
	uint8_t icmp_type, icmp_code;
	uint8_t dscp;
	bool fragments_only;
	bool stateless; /* `stateful: false` */
};

/*
 * Adds entries to a filter ("tenant/filter") behind those that it has, all of them or none. The policy object changes,
 * nothing else does: epg_apply brings it into force, and epg_export then gives a text that has the entries, with those
 * that were removed cut out. The first change of a filter takes a time that grows with its entries, later ones do not;
 * n 0 gets that over with. `ret_diagnostics` as of epg_policy_read; a message of it has line 0, and as column the
 * entry's place in the array, from 1. What is suspicious about entries, epg_lint tells. No privilege needed. Nobody
 * else may use the policy meanwhile, in a context of their own either.
 * Errors: -ENOENT (no such filter), -EBADMSG (something is wrong with an entry: epg_error tells the first one), -EINVAL
 * (entries of unlike or unknown size).
 */
EPG_API int epg_policy_add_entries(struct epg *epg, struct epg_policy *policy, const char *filter,
				   const struct epg_entry *entries, size_t n, struct epg_diagnostics **ret_diagnostics);

/*
 * Removes entries of a filter by name, all of them or none; whether they came from a text or from
 * epg_policy_add_entries makes no difference. Errors: -ENOENT (no such filter or entry).
 */
EPG_API int epg_policy_remove_entries(struct epg *epg, struct epg_policy *policy, const char *filter,
				      const char *const *names, size_t n);

/* Number of messages that are kept, 1000 at most; an error is kept rather than a warning. */
EPG_API size_t epg_diagnostics_count(const struct epg_diagnostics *diagnostics);
/* Number of all errors, also of those that are not kept. */
EPG_API size_t epg_diagnostics_errors(const struct epg_diagnostics *diagnostics);
/* Message `index`; it lives as long as the diagnostics. NULL beyond the end. */
EPG_API const struct epg_diagnostic *epg_diagnostics_get(const struct epg_diagnostics *diagnostics, size_t index);
EPG_API void epg_diagnostics_free(struct epg_diagnostics *diagnostics);

/*
 * What a policy takes once it is compiled: elements of its tables, and their bytes in kernel memory. Beside them names and
 * text are kept, packed.
 */
struct epg_cost {
	size_t groups, contracts, taboos, pairs, rules, rule_sets, nodes;
	size_t bytes;
};

/*
 * Compiles a policy and tells what it takes, without touching anything. No privilege needed.
 * Errors: -EBADMSG (it can't be compiled; `ret_diagnostics`, which may be NULL, is set then).
 */
EPG_API int epg_policy_cost(struct epg *epg, const struct epg_policy *policy, struct epg_cost *ret,
			    struct epg_diagnostics **ret_diagnostics);

/* What one contract or taboo takes. Pairs and rule sets that several share are counted with each of them. */
struct epg_contract_cost {
	const char *name;
	const char *kind; /* "contract" or "taboo" */
	const char *file;
	uint32_t line;
	size_t pairs;     /* that have rules of it */
	size_t rules;     /* elements of the maps rules and counters */
	size_t rule_sets; /* that have rules of it */
	size_t nodes;     /* elements of the map nodes that its rules would take alone */
	size_t bytes;     /* its rules, counters and nodes */
};

/* What all of the policy takes of one map. */
struct epg_map_need {
	const char *map;
	uint64_t entries;
	uint64_t capacity; /* of the loaded instance, else what epg_load makes by default */
	uint64_t bytes;    /* of the entries */
};

typedef int (*epg_contract_cost_fn)(void *user, const struct epg_contract_cost *cost);
typedef int (*epg_map_need_fn)(void *user, const struct epg_map_need *need);

/*
 * Compiles a policy and tells what each contract takes, the most expensive first, then what all of it needs of each
 * map, without touching anything. Either function may be NULL. No privilege needed; where it may look at a loaded
 * instance, capacities are that one's. Errors: -EBADMSG as epg_policy_cost.
 */
EPG_API int epg_policy_costs_each(struct epg *epg, const struct epg_policy *policy, epg_contract_cost_fn contract_fn,
				  epg_map_need_fn map_fn, void *user);

/* One finding about a policy. */
struct epg_finding {
	enum epg_lint_code code;
	const char *code_name; /* "filter-unused" */
	enum epg_severity severity;
	const char *file;
	uint32_t line;   /* from 1 */
	uint32_t column; /* from 1, in characters */
	const char *message;
	const char *hint;    /* "" where there is none */
	const char *excerpt; /* as of an epg_diagnostic */
	uint32_t excerpt_column;
};

typedef int (*epg_finding_fn)(void *user, const struct epg_finding *finding);

struct epg_lint_options {
	size_t size;
	bool instance; /* ask the loaded instance too, which groups have endpoints */
};

/*
 * Looks for what is suspicious about a policy: what nobody uses, what never decides. The warnings of epg_policy_read
 * are among the findings, which come in the order of lines, each once, at most 1000. No privilege needed without
 * `instance`.
 * Errors: -EBADMSG as epg_policy_cost.
 */
EPG_API int epg_lint(struct epg *epg, const struct epg_policy *policy, const struct epg_lint_options *options,
		     epg_finding_fn fn, void *user);

/* ----------------------------------------------------------------------------------- instance --- */

/*
 * Sizes of the maps, in elements, and timeouts; 0: the default in brackets. Sizes hold until unload; timeouts that are
 * not 0 take effect also where the instance is loaded already.
 */
struct epg_load_options {
	size_t size;
	uint32_t endpoints;         /* [16384] endpoints; twice as many addresses; made on demand */
	uint32_t flows;             /* [262144] tracked flows, rounded up; the oldest of a few gives way */
	uint32_t rules;             /* [1048576] rules a policy may have; made on demand */
	uint32_t drop_pairs;        /* [16000] pairs and reasons with a drop counter of their own; made on demand */
	uint32_t event_bytes;       /* [262144] ring buffer of events; a power of 2, at least 4096 */
	uint32_t events_per_second; /* [10000] events a CPU and second, while somebody watches */
	uint32_t mark;              /* [0x10000000] the one bit of skb->mark that we use; see docs/datapath.md */
	uint32_t fragments;         /* [8192] packets whose fragments are told apart; the least recent gives way */
	/*
	 * Seconds after which a silent flow is forgotten, by enum epg_flow_state: of TCP, SCTP and DCCP [60, 28800, 30],
	 * and of all others [30, 180, 30]; and after which a packet's other fragments are no longer expected [30].
	 */
	uint32_t connection_timeout[EPG_FLOW_STATES];
	uint32_t timeout[EPG_FLOW_STATES];
	uint32_t fragment_timeout;
};

/*
 * Loads the programs, makes the maps, pins both. Already loaded: sets the timeouts that are given, and returns 0.
 * Errors: -EINVAL (a size out of range), -ENOTDIR (no BPF file system there), -EOPNOTSUPP (this kernel
 * lacks something that is named), and what the kernel returned for bpf(2). Nothing stays behind on failure.
 */
EPG_API int epg_load(struct epg *epg, const struct epg_load_options *options);

/* Detaches from every interface and takes programs, maps and pins away. Errors: none of its own. */
EPG_API int epg_unload(struct epg *epg);

/* ------------------------------------------------------------------------------------- attach --- */

/*
 * How an endpoint is named, here and wherever a parameter `interface` is taken or told:
 *
 *     veth-f1               an interface of the current network namespace
 *     eth1/120              the stations behind an interface that send with VLAN 120 (IEEE 802.1Q)
 *     eth1/02:00:…:07       one station behind it, by its MAC address; eth1/120/02:00:…:07 by both
 *     eth0@/run/netns/c1    an interface inside another network namespace, as macvlan has it: by any path that leads
 *                           to the namespace, /proc/PID/ns/net too
 *
 * A name of an interface has no slash, so these can't be mixed up. An endpoint whose interface has vanished is told as
 * "", and taken as "if<ifindex>", or "port<number>" for any but the first kind.
 */

struct epg_attach_options {
	size_t size;
	bool xdp; /* ingress is decided by XDP: for uplinks, and for switches that bypass TC; TC ingress only marks */
	/*
	 * What it sends reaches others by a switch that the kernel does not see, in user space for one: its address
	 * together with its MAC address is believed where it comes back. Macvlan in VEPA mode has it by itself.
	 */
	bool detour;
	/*
	 * Ids of programs of others (bpftool net) before or after which ours are to stand, 0: ours come first. At a hook
	 * where that program is not attached ours come first too. Needs TCX (Linux 6.6).
	 */
	uint32_t before, after;
};

/*
 * Puts an interface under enforcement: everything through it is dropped until it is an endpoint, which it becomes at
 * once where the running policy names or matches it. Loads first when needed. Attached already in the same way:
 * returns 0. Inside another network namespace it takes TCX: what a container could remove is no enforcement.
 * Errors: -ENOENT (no such interface, namespace, or program), -EEXIST (attached the other way, TC or XDP: detach
 * first), -EOPNOTSUPP (the kernel lacks TCX, and it was asked for), -EINVAL (not a name as above; XDP inside another
 * namespace), and what the kernel returned.
 */
EPG_API int epg_attach(struct epg *epg, const char *interface, const struct epg_attach_options *options);

/*
 * Takes the programs off an interface; its endpoint stays. Errors: -ENOENT (not attached).
 */
EPG_API int epg_detach(struct epg *epg, const char *interface);

enum epg_attachment_kind {
	EPG_ATTACHMENT_TCX,   /* BPF links; nobody else can take them away */
	EPG_ATTACHMENT_CLSACT /* filters of a qdisc, on kernels before 6.6 */
};

struct epg_attachment {
	uint32_t ifindex;      /* or a port: see abi.h */
	const char *interface; /* "" when it has vanished */
	enum epg_attachment_kind kind;
	bool ingress, egress, xdp;
};

typedef int (*epg_attachment_fn)(void *user, const struct epg_attachment *attachment);
EPG_API int epg_attachments_each(struct epg *epg, epg_attachment_fn fn, void *user);

/* -------------------------------------------------------------------------------------- apply --- */

struct epg_apply_options {
	size_t size;
	bool dry_run; /* check everything, capacity included, and change nothing */
};

struct epg_apply_result {
	uint32_t generation; /* number of the new generation; 0 after a dry run */
	size_t attached;     /* interfaces newly attached */
	size_t bound;        /* endpoints bound by the policy now */
	size_t absent;       /* interfaces that the policy names and this host does not have */
	struct epg_cost cost;
};

/*
 * Makes a policy the running one: builds its generation beside the running one, checks it, attaches the
 * interfaces that it names or matches and that exist, and flips one word. Loads first when needed.
 * Every packet is decided by one generation; whatever goes wrong leaves the old one in force.
 * `ret` may be NULL. `ret_diagnostics` as in epg_policy_cost.
 * Errors: -EBADMSG (can't be compiled beside the running policy: see diagnostics), -ENOSPC (exceeds a
 * map's size; epg_error names map, size and option), and what the kernel returned.
 */
EPG_API int epg_apply(struct epg *epg, const struct epg_policy *policy, const struct epg_apply_options *options,
		      struct epg_apply_result *ret, struct epg_diagnostics **ret_diagnostics);

/* Returns to the generation before; a second call returns to where it began. Errors: -ENOENT (there is none). */
EPG_API int epg_rollback(struct epg *epg, struct epg_apply_result *ret);

/*
 * The source of the running policy, and the file name it was read from: byte for byte as it was applied, with the entries
 * that were added and removed since (epg_policy_add_entries) in their places.
 * The caller frees both with free(3). Errors: -ENOENT (no policy has been applied).
 */
EPG_API int epg_export(struct epg *epg, char **ret_text, size_t *ret_length, char **ret_file);

enum epg_change_kind {
	EPG_CHANGE_ADDED,
	EPG_CHANGE_REMOVED,
	EPG_CHANGE_CHANGED,
	EPG_CHANGE_DENIED, /* of a flow: it would be cut at its next packet */
	EPG_CHANGE_KEPT,   /* of a flow: no rule would permit it any more, but its contract keeps what is open */
};

struct epg_change {
	enum epg_change_kind kind;
	const char *object; /* "vrf", "bridge-domain", "group", "contract", "taboo", "rule", "permission", "endpoint",
			       "flow" */
	const char *name;   /* full name; a permission is "source -> destination", a flow "tcp A:port -> B:port" */
	const char *detail; /* what changed, for people; "" where the name says it all */
	uint32_t line;      /* in the new policy, or in the old one for what is removed; 0: unknown. Of a flow: of the
			       rule of the new policy that denies it */
};

typedef int (*epg_change_fn)(void *user, const struct epg_change *change);

struct epg_diff_options {
	size_t size;
	size_t max_flows; /* flows told at most, denied and kept ones each; 0: 100 */
};

struct epg_diff_result {
	size_t changes;      /* all objects but flows */
	size_t flows;        /* tracked and not idle for longer than their timeout */
	size_t flows_denied; /* all of them, also those that were not told */
	size_t flows_kept;
};

/*
 * What an apply of `policy` would change against the running one, in the order of objects above. Tracked flows are
 * decided by the tables that the policy compiles to, with the endpoints as the apply would bind them.
 * `options` and `ret` may be NULL. Errors: -EBADMSG as for epg_policy_cost, -EEXIST (two endpoints of the policy
 * claim one address: an apply would fail too).
 */
EPG_API int epg_diff(struct epg *epg, const struct epg_policy *policy, const struct epg_diff_options *options,
		     epg_change_fn fn, void *user, struct epg_diff_result *ret);

/* ---------------------------------------------------------------------------------- endpoints --- */

struct epg_endpoint_spec {
	size_t size;
	const char *interface;
	const char *group;            /* full name of a group of the running policy */
	const char *const *addresses; /* numeric, IPv4 or IPv6; none: they are learned */
	size_t n_addresses;
	const char *mac; /* "02:00:0a:01:00:02"; NULL: the first one seen is kept; none where the name has one */
	bool detour;     /* as of epg_attach_options */
};

/*
 * Binds an interface to a group, at once, and attaches it if it is not attached. An external group makes
 * it an uplink of that group's VRF. Replaces an earlier binding of the interface. Where the name has a VLAN or a MAC
 * address the interface becomes a shared one, and all that is sent otherwise remains what the interface itself is
 * bound to: quarantined, if nothing.
 * Errors: -ENOENT (no such interface or group), -EINVAL (an address or MAC that is none), -EEXIST (an
 * address that another endpoint owns; epg_error names it), -ENOSPC (map full; epg_error says which).
 */
EPG_API int epg_endpoint_add(struct epg *epg, const struct epg_endpoint_spec *spec);

/*
 * Unbinds an interface (also one that has vanished, by "if<ifindex>"): quarantined from the next packet on.
 * Errors: -ENOENT (not bound).
 */
EPG_API int epg_endpoint_remove(struct epg *epg, const char *interface);

struct epg_endpoint_info {
	uint32_t ifindex;
	const char *interface; /* "" when it has vanished */
	const char *group;     /* "" when the running policy has no such group: quarantined */
	uint16_t class_id;
	uint16_t flags; /* EPG_ENDPOINT_… */
	bool attached;
	const char *mac; /* "" when not known yet */
	const char *const *addresses;
	const uint16_t *address_flags; /* EPG_ADDRESS_…, one an address */
	size_t n_addresses;
	uint64_t packets, bytes; /* sent by the endpoint and permitted */
	bool direct_asked;       /* its bridge domain forwards directly; that it does, EPG_ENDPOINT_DIRECT says */
	const char *stack_why; /* what stands in the way of that right now; "" for nothing, or where it is not asked */
};

typedef int (*epg_endpoint_fn)(void *user, const struct epg_endpoint_info *endpoint);
/* In the order of ifindexes. */
EPG_API int epg_endpoints_each(struct epg *epg, epg_endpoint_fn fn, void *user);

/* ----------------------------------------------------------------------------- what is in force --- */

struct epg_group_info {
	const char *name;
	uint16_t class_id;
	bool external;
	const char *vrf;
	const char *bridge_domain; /* "" for external groups */
	uint32_t line;
	size_t endpoints;          /* bound right now */
	size_t provides, consumes; /* contracts, inherited ones too; those of vzAny stand with the VRF */
	size_t intra_contracts;    /* within the group */
	size_t taboos;
	bool isolated;           /* its endpoints talk to each other by intra-EPG contracts only */
	bool preferred_member;   /* of the VRF's preferred group */
	uint64_t police_rate;    /* bytes a second that its endpoints may send together; 0: not policed */
	uint32_t police_burst;   /* bytes */
	size_t pairs;            /* pairs with rules that it takes part in by itself, as source or destination */
	uint64_t packets, bytes; /* sent by its endpoints and permitted */
};

typedef int (*epg_group_fn)(void *user, const struct epg_group_info *group);
/* In the order of names. */
EPG_API int epg_groups_each(struct epg *epg, epg_group_fn fn, void *user);

/*
 * A rule of the running policy: a filter entry as used by a contract's subject, or by a taboo, between one kind of
 * parties in one direction.
 */
struct epg_rule_info {
	uint32_t index;
	const char *name;     /* "implicit-deny", …: of the rules that every policy has; "" for all others */
	const char *text;     /* what such a rule is for; "" for all others */
	const char *contract; /* full name of the contract or taboo; "" for the rules that every policy has */
	const char *subject;  /* "" for a taboo */
	const char *filter;
	const char *entry;
	const char *file;
	uint32_t line;     /* of the entry; 0: implicit */
	const char *match; /* for people: "tcp dport 80-443 flags syn", "arp request", "ip dscp AF21" */
	/*
	 * Between whom, as its packets go: "group" (to group), "to-any" (group to any of a VRF), "from-any", "any",
	 * "intra-epg", "taboo" (everybody to group); "" for the rules that every policy has.
	 */
	const char *role;
	bool permit;
	bool stateful; /* opens tracked flows: replies and related errors follow */
	bool reverse;  /* provider to consumer */
	bool audit;    /* of an audited subject: counts what it would have decided otherwise, and decides nothing */
	bool keep;     /* its flows outlive an apply that no longer permits them */
	bool log;
	int dscp; /* that permitted packets are marked with; -1: none */
	uint8_t level;
	uint64_t packets, bytes; /* decided by it; audited: that it would have decided otherwise */
};

/* A contract, or a taboo. */
struct epg_contract_info {
	const char *name;
	const char *kind;  /* "contract" or "taboo" */
	const char *scope; /* "application-profile", "vrf", "tenant", "global"; "" for a taboo */
	bool keep;         /* tracked flows outlive an apply that no longer permits them */
	const char *file;
	uint32_t line;
	size_t providers, consumers; /* of a taboo: groups that list it, and 0 */
	uint64_t packets, bytes;     /* of all its rules: both directions, replies and related errors included */
	const struct epg_rule_info *rules;
	size_t n_rules;
};

typedef int (*epg_contract_fn)(void *user, const struct epg_contract_info *contract);
/* Contracts, then taboos, each in the order of names. */
EPG_API int epg_contracts_each(struct epg *epg, epg_contract_fn fn, void *user);

typedef int (*epg_rule_fn)(void *user, const struct epg_rule_info *rule);
/* All rules by index, the implicit ones first. */
EPG_API int epg_rules_each(struct epg *epg, epg_rule_fn fn, void *user);

struct epg_drop_info {
	enum epg_reason reason;
	const char *reason_name;
	const char *reason_text;
	const char *source;      /* group; "" where unknown */
	const char *destination; /* group; "" where unknown */
	uint64_t packets, bytes;
};

typedef int (*epg_drop_fn)(void *user, const struct epg_drop_info *drop);
/* Most packets first. */
EPG_API int epg_drops_each(struct epg *epg, epg_drop_fn fn, void *user);

struct epg_map_info {
	const char *name;
	const char *type; /* "hash", "lru hash", "array", "ring buffer", … */
	const char *pin;  /* path */
	uint64_t entries; /* in use; 0 where the type does not tell */
	uint64_t capacity;
	uint64_t bytes; /* kernel memory, as the kernel accounts it */
};

typedef int (*epg_map_fn)(void *user, const struct epg_map_info *map);
EPG_API int epg_maps_each(struct epg *epg, epg_map_fn fn, void *user);

struct epg_status {
	const char *pin;
	bool loaded;
	uint32_t generation;          /* 0: no policy applied */
	uint32_t previous_generation; /* 0: nothing to roll back to */
	const char *file;             /* of the running policy */
	uint64_t applied_at;          /* seconds since the epoch */
	size_t endpoints, quarantined, attached;
	size_t groups, contracts, rules, pairs;
	uint64_t flows, flows_capacity;
	uint64_t permitted_packets, permitted_bytes;
	uint64_t dropped_packets, dropped_bytes;
	uint64_t stats[EPG_STAT_COUNT];
	uint64_t memory_bytes; /* kernel memory of all maps */
};

/* One look at everything. Works when not loaded too. Strings live until the context's next call. */
EPG_API int epg_status(struct epg *epg, struct epg_status *ret);

/* -------------------------------------------------------------------------------------- flows --- */

/* Which tracked flows: those that agree with all that is given. NULL and 0: any. */
struct epg_flow_filter {
	size_t size;
	const char *interface; /* an endpoint at either end */
	const char *group;     /* full name, at either end */
	const char *address;   /* at either end: an address, or a prefix "10.1.0.0/24" */
	const char *protocol;  /* "tcp", "udp", "icmp", "icmpv6", … or a number */
	uint16_t port;         /* at either end */
	const char *state;     /* "new", "established", "closing" */
	bool revoked;          /* only those that the policy no longer permits */
};

struct epg_flow_info {
	const char *protocol;                                 /* "tcp" */
	const char *source_address, *destination_address;     /* the source is who has opened it */
	uint16_t source_port, destination_port;               /* ICMP echo: identifier and type; 0 without ports */
	const char *source_group, *destination_group;         /* "" where unknown */
	const char *source_interface, *destination_interface; /* "" outside this host */
	const char *vrf;
	const char *state;
	bool revoked; /* the policy no longer permits it */
	bool current; /* decided by the running generation; else it is decided anew at its next packet */
	const struct epg_rule_info *rule; /* NULL: of a generation that is gone */
	uint64_t idle_ms;                 /* since its last packet */
	uint64_t expires_ms;              /* until it is forgotten, if it stays silent */
};

typedef int (*epg_flow_fn)(void *user, const struct epg_flow_info *flow);

/*
 * Tracked flows, in no order, those that are idle for longer than their timeout left out. `filter` may be NULL.
 * Errors: -EINVAL (not an address, protocol or state), -ENOENT (no such group or interface).
 */
EPG_API int epg_flows_each(struct epg *epg, const struct epg_flow_filter *filter, epg_flow_fn fn, void *user);

/*
 * Forgets flows: their next packet is decided as a new one's. `ret_count` may be NULL. Errors as epg_flows_each.
 */
EPG_API int epg_flows_flush(struct epg *epg, const struct epg_flow_filter *filter, size_t *ret_count);

/* ------------------------------------------------------------------------------------- doctor --- */

enum epg_health {
	EPG_HEALTH_GOOD,
	EPG_HEALTH_NOTE, /* works, and something is to be known about it */
	EPG_HEALTH_BAD,  /* does not work, or does not enforce what it seems to */
};

/* One thing that was looked at. */
struct epg_checkup {
	const char *name; /* stable: "kernel-tcx", "attachment-clsact", … */
	enum epg_health health;
	const char *subject; /* an interface, a path; "" for the host as a whole */
	const char *text;    /* what was found */
	const char *hint;    /* what to do; "" where nothing needs to be done */
};

typedef int (*epg_checkup_fn)(void *user, const struct epg_checkup *checkup);

/* What this kernel can do, and what is wrong with the instance. Works when not loaded too. */
EPG_API int epg_doctor(struct epg *epg, epg_checkup_fn fn, void *user);

/* ------------------------------------------------------------------------------------ explain --- */

/* What is asked about a packet. */
enum epg_ask {
	EPG_ASK_PACKET = 0, /* may it pass, opening a flow where its rule is stateful? */
	EPG_ASK_REPLY,      /* may the answer to it pass? */
	EPG_ASK_ERROR,      /* may an ICMP error about it pass, from its destination to its source? */
};

struct epg_question {
	size_t size;
	const char *source;        /* an endpoint's interface, or an address */
	const char *destination;   /* an address, or an endpoint's interface */
	const char *protocol;      /* "tcp", "udp", "icmp", "icmpv6", a number; or "arp", or an EtherType: "0x88cc" */
	uint16_t source_port;      /* 0: 40000 */
	uint16_t destination_port; /* required where the protocol has ports, unless it is a later fragment */
	int icmp_type;             /* -1: echo request; for "arp" its opcode, -1: request */
	int icmp_code;
	uint8_t tcp_flags;          /* as in the TCP header; 0: SYN */
	const char *vrf;            /* "tenant/vrf" of both addresses; NULL: found by the endpoints */
	uint8_t dscp;               /* 0 … 63 */
	enum epg_fragment fragment; /* a later one: of a packet whose first one has not been seen */
	enum epg_ask ask;
};

/* In what a packet missed a rule. X(ENUM, "name") */
#define EPG_MISSES(X)                           \
	X(PROTOCOL, "protocol")                 \
	X(DESTINATION_PORT, "destination-port") \
	X(SOURCE_PORT, "source-port")           \
	X(ICMP_TYPE, "icmp-type")               \
	X(ICMP_CODE, "icmp-code")               \
	X(ARP_OPCODE, "arp-opcode")             \
	X(TCP_FLAGS, "tcp-flags")               \
	X(DSCP, "dscp")                         \
	X(FRAGMENT, "fragment")                 \
	X(DIRECTION, "direction")               \
	X(REPLY, "reply")                       \
	X(CONSUMER, "not-a-consumer")           \
	X(PROVIDER, "not-a-provider")           \
	X(SCOPE, "scope")                       \
	X(INTRA, "not-within-the-group")        \
	X(AUDIT, "audited")

enum epg_miss {
#define EPG_MISS_ENUM(id, name) EPG_MISS_##id,
	EPG_MISSES(EPG_MISS_ENUM)
#undef EPG_MISS_ENUM
	EPG_MISS_COUNT
};

/* A permit that was not far off. */
struct epg_near_miss {
	const struct epg_rule_info *rule;
	uint32_t missed; /* bits 1 << enum epg_miss */
	const char *why; /* "destination port 443 is not 80", "it permits the other direction" */
};

/* How to lift a denial. */
struct epg_remedy {
	const char *hint; /* in words: "add "web" to consume of shop/store/front (shop.yaml:30)"; "": nobody knows */
	const char *yaml; /* the line to add to the policy, "consume: [web]"; "" where it takes something else */
	/* Where: within the object that begins there; an entry of a filter beside the one that does. */
	const char *file;
	uint32_t line; /* 0: there is no line to add */
};

struct epg_answer {
	enum epg_verdict verdict;
	enum epg_reason reason;
	uint8_t level;
	uint32_t generation;
	const char *reason_text;
	const char *packet; /* what was asked about: "tcp dport 80 sport 40000 flags syn" */
	const char *source_group, *source_interface, *source_address; /* "" where there is none */
	const char *destination_group, *destination_interface, *destination_address;
	const struct epg_rule_info *rule; /* NULL: dropped before any rule */
	/* Other rules that match the packet, best first: they would decide if those before them were not there. */
	const struct epg_rule_info *beaten;
	size_t n_beaten;     /* that are told: at most 16 */
	size_t n_beaten_all; /* that there are */
	/* Of an audited subject: it would decide otherwise if it were enforced. NULL: there is none. */
	const struct epg_rule_info *audited;
	const struct epg_near_miss *near_misses; /* permits that missed, nearest first; of a denial by no rule */
	size_t n_near_misses;
	struct epg_remedy remedy;
	/* With EPG_ASK_REPLY and EPG_ASK_ERROR: the answer about the packet itself. */
	const struct epg_answer *opening;
	/* It passes as part of the flow that `opening` has begun; `rule` and `level` are the opener's. */
	bool by_flow;
};

/*
 * Asks the loaded program itself about a packet: it is built, run through the program with
 * BPF_PROG_TEST_RUN, and leaves neither counters nor flows behind. Tracked flows do not answer for the policy: a
 * reply, or an error, passes by the flow where the packet it is about would have opened one; else it is decided as a
 * packet of its own.
 * It is run through a copy of the program, which is loaded for the first question about its hook, takes a fraction of a
 * second then, and is pinned beside the others until unload. The answer's strings live until the context's next call.
 * Errors: -EPROTO (also where the programs in force are of another build of this library, whose copies might decide
 * otherwise: ask by that one, or unload and load again), -EINVAL (not an address, unknown protocol, port missing, contradictions), -ENOENT (no such interface or
 * endpoint; neither side is an endpoint of this host; no policy applied; a MAC address that a question about neither
 * IP nor ARP needs is not known).
 */
EPG_API int epg_explain(struct epg *epg, const struct epg_question *question, struct epg_answer *ret);

/* ------------------------------------------------------------------------------------ monitor --- */

struct epg_monitor;

struct epg_monitor_options {
	size_t size;
	/*
	 * EPG_WATCH_…: what is told; 0: EPG_WATCH_DENY | EPG_WATCH_PERMIT. With EPG_WATCH_CAPTURE every packet is told, not
	 * only the first of a flow, with the beginning of its frame; the rest says of which packets, none: of all. No packet
	 * then goes past the host (EPG_ENDPOINT_DIRECT), and each costs more.
	 */
	uint32_t watch;
	const char *group; /* only events with this group on either side; NULL: all */
	/* Only events at one of these interfaces, or from or to one of these endpoints; none: all. */
	const char *const *interfaces;
	size_t n_interfaces;
};

/* A decision with its names. */
struct epg_event_info {
	const struct epg_event *event;
	const char *interface;                            /* of the hook */
	const char *source_group, *destination_group;     /* "" where unknown */
	const char *source_address, *destination_address; /* "" for frames without */
	const char *protocol;                             /* "tcp", … */
	const char *reason_name, *reason_text;
	const struct epg_rule_info *rule; /* NULL: none was reached, or its generation is gone */
	/* That would have decided otherwise (EPG_EVENT_WOULD_… in event->flags); NULL as above. */
	const struct epg_rule_info *audited_rule;
	uint64_t time_unix_ns; /* CLOCK_REALTIME */
	/* With EPG_WATCH_CAPTURE the first bytes of the frame, without a tag that the kernel has taken off (event->vlan). */
	const uint8_t *frame;
	uint32_t captured; /* of them; event->length is the whole frame's */
};

typedef int (*epg_event_fn)(void *user, const struct epg_event_info *event);

/*
 * Starts to watch decisions: from now on, until the monitor is closed (or its process has died for two
 * seconds), what the options ask for is told: every drop, every first packet of a permitted flow, what audited
 * subjects would have decided otherwise, what rules with `log` decide; or every packet. One monitor an instance.
 * Errors: -ENOENT (no such group or interface), -EBUSY (another process watches), -EINVAL (unknown bits in `watch`).
 */
EPG_API int epg_monitor_open(struct epg *epg, const struct epg_monitor_options *options, struct epg_monitor **ret);

/* A file descriptor for poll(2), readable when there are events; owned by the monitor. */
EPG_API int epg_monitor_fd(const struct epg_monitor *monitor);

/*
 * Waits at most `timeout_ms` (0: not at all, -1: for ever) and tells what has come. Returns the number of
 * events told, what `fn` returned if that is not 0, or a negative errno value (-EINTR: a signal came).
 * It must be called at least once a second for the watch to go on.
 */
EPG_API int epg_monitor_poll(struct epg_monitor *monitor, int timeout_ms, epg_event_fn fn, void *user);

/* Events lost since the monitor was opened: beyond the rate limit, or for a full ring buffer. */
EPG_API uint64_t epg_monitor_lost(const struct epg_monitor *monitor);
EPG_API void epg_monitor_close(struct epg_monitor *monitor);

/* -------------------------------------------------------------------------------------- names --- */

/* The stable name of a reason, "implicit-deny", and a sentence; NULL for a number that is none. */
EPG_API const char *epg_reason_name(enum epg_reason reason);
EPG_API const char *epg_reason_text(enum epg_reason reason);
/* The stable name of a counter of epg_status.stats, and a sentence; NULL for a number that is none. */
EPG_API const char *epg_stat_name(enum epg_stat stat);
EPG_API const char *epg_stat_text(enum epg_stat stat);
/* The stable code of a finding, "filter-unused", and a sentence; NULL for a number that is none. */
EPG_API const char *epg_lint_code_name(enum epg_lint_code code);
EPG_API const char *epg_lint_code_text(enum epg_lint_code code);
/* The stable name of what a packet missed a rule in, "destination-port"; NULL for a number that is none. */
EPG_API const char *epg_miss_name(enum epg_miss miss);
/* "AF21": the name of a DSCP, NULL for one that has none. */
EPG_API const char *epg_dscp_name(uint8_t dscp);

#ifdef __cplusplus
}
#endif

#endif
