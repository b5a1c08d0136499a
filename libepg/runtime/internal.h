/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * What the parts of the library that talk to the kernel share: the context, failures, the pinned maps of an
 * instance, and the generations in it. The parts that read and compile a policy know none of this.
 */
#ifndef EPG_INTERNAL_H
#define EPG_INTERNAL_H

#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "compile/catalog.h"
#include "policy/diagnostic.h"
#include "epg/epg.h"
#include "policy/model.h"
#include "compile/tables.h"
#include "base/text.h"
#include "base/util.h"

/* ---- failures (context.c) ---- */

#define EPG_ERROR_TEXT 512

struct failure {
	struct epg_error public;
	char message[EPG_ERROR_TEXT];
	char where[EPG_ERROR_TEXT];
	char hint[EPG_ERROR_TEXT];
};

struct instance;

struct epg {
	pthread_mutex_t lock;
	char pin[PATH_MAX];
	epg_log_fn log;
	void *log_user;
	struct failure failure;
	struct instance *instance; /* NULL until the pinned maps were opened */
	struct arena *answer;      /* strings of the last answer; emptied by the next call */
};

/*
 * Begins a public call: takes the lock, clears the last failure, empties `answer`; the lock is released
 * when the scope ends.
 */
struct epg *context_enter(struct epg *epg);
void context_leave(struct epg **epg);
#define CONTEXT_CALL(epg) __attribute__((cleanup(context_leave), unused)) struct epg *context_call = context_enter(epg)

/*
 * Records a failure and returns `error`, a negative errno value. `where` and `hint` may be NULL.
 * The message gets no errno text by itself; pass it with %s and strerror where it helps.
 */
int context_fail(struct epg *epg, enum epg_failure failure, int error, const char *where, const char *hint,
		 const char *format, ...) __attribute__((format(printf, 6, 7)));
/*
 * The same for a system call: failure and hint are derived from the errno value (-EPERM, -ENOMEM, …), and the
 * errno's own text follows the message after a colon.
 */
int context_fail_kernel(struct epg *epg, int error, const char *where, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Forgets the failure: what failed is an answer to the caller, as "not loaded" is to epg_status. */
void context_clear(struct epg *epg);

/* Forgets a recorded failure: it was dealt with. */
void context_forget(struct epg *epg);

/*
 * Copies options of a caller, who may have been built against an older or newer header, into ours: what it
 * left out is zero. `options` may be NULL: all zero. -EINVAL with a failure recorded when it asks for what we
 * don't know.
 */
int context_options(struct epg *epg, void *ret, size_t size, const void *options);

void context_log(struct epg *epg, enum epg_log_level level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* ---- pins (pins.c) ---- */

/* Writes `<pin>/<relative>`; returns 0 or -ENAMETOOLONG with a failure recorded. */
int pins_path(struct epg *epg, char path[PATH_MAX], const char *format, ...) __attribute__((format(printf, 3, 4)));
/*
 * Takes the exclusive lock of the pin directory, waiting for others; returns a descriptor to close, or a negative
 * errno value with a failure recorded: -ENODEV when nothing is loaded there.
 */
int pins_lock(struct epg *epg);
/* Removes a file, or a directory with all that is in it; neither missing nor half-removed ones are errors. */
void pins_remove(const char *path);
/* 0 when the pin directory lies, or would lie, on a BPF file system; else -ENOTDIR with a failure recorded. */
int pins_check_file_system(struct epg *epg);

/* An instance is pinned there. */
bool pins_loaded(struct epg *epg);

/* Records that nothing is loaded, or that no BPF file system is there, and returns -ENODEV. */
int pins_fail_not_loaded(struct epg *epg);

/* ---- maps (maps.c) ---- */

/* Distance of two elements of an array map: the kernel rounds up to 8 bytes. */
#define MAP_STRIDE(size) (((size) + 7) & ~(size_t)7)

/* A memory-mapped array. */
struct map_view {
	uint8_t *bytes;
	size_t length;
};

/* Maps all of an array made with BPF_F_MMAPABLE. `writable`: stores reach the kernel's map. Returns 0 or -errno. */
int map_view_open(int fd, bool writable, struct map_view *ret);
void map_view_close(struct map_view *view);

/* ---- instance: the pinned maps (instance.c) ---- */

/* Sizes that epg_load gives to maps unless told otherwise. */
#define LOAD_DEFAULT_ENDPOINTS 16384
#define LOAD_DEFAULT_RULES 1048576

/* Maps of the programs that have a pin of their own; the tables are arrays of maps, one slot a generation. X(name) */
#define LOADED_MAPS(X)    \
	X(control)        \
	X(endpoints)      \
	X(addresses)      \
	X(ports)          \
	X(port_names)     \
	X(learned)        \
	X(macs)           \
	X(flows)          \
	X(flow_addresses) \
	X(flow_locks)     \
	X(near)           \
	X(tallies)        \
	X(fragments)      \
	X(inside)         \
	X(policers)       \
	X(drops)          \
	X(events)         \
	X(captures)       \
	X(stats)          \
	X(trace)          \
	X(classes)        \
	X(pairs)          \
	X(sets)           \
	X(nodes)          \
	X(rules)          \
	X(counters)

/* Every map with a pin of its own. Names of groups are for people: see groups.h. */
#define INSTANCE_MAPS(X) \
	LOADED_MAPS(X)   \
	X(groups)

struct instance {
	struct {
#define INSTANCE_MAP_FD(name) int name;
		INSTANCE_MAPS(INSTANCE_MAP_FD)
#undef INSTANCE_MAP_FD
	} fd;                        /* `groups` is -1 until a policy has had groups */
	struct epg_control *control; /* memory-mapped, shared with the programs */
	struct flow_table *flows;    /* NULL until somebody has looked for it; see flow_table_get */
	uint64_t device, inode;      /* of the pin directory: tells another instance at the same path */
};

/*
 * Opens the pinned maps of the context's pin directory, or returns those opened before when they are still
 * the ones that are pinned. -ENODEV with a failure recorded when nothing is loaded; -EPROTO when the layout differs.
 */
int instance_open(struct epg *epg, struct instance **ret);
void instance_close(struct instance *instance);

/* ---- generations (generation.c) ---- */

/* What an amended generation's catalog has otherwise than that of its tables. */
struct generation_merged {
	struct catalog_rule *rules;
	char *strings;
	struct catalog_contract *contracts;
	uint32_t *contract_rules;
	struct catalog_rule_set *rule_sets;
	struct catalog_member *members;
	size_t n_members;
};

/* What of a generation's maps is open. */
enum generation_view {
	GENERATION_CATALOG,
	GENERATION_RULES,
	GENERATION_COUNTERS,
	GENERATION_VIEWS
};

/* A rule that has counted more than its counter says. */
struct generation_count {
	uint32_t rule;
	struct epg_counter counter;
};

/* A generation as it lies in its maps, read in place; its catalog is packed there. */
struct generation {
	uint32_t number;
	uint32_t slot;
	struct catalog catalog;
	const struct epg_counter *counters; /* memory-mapped, shared with the programs; catalog.n_rules elements */
	uint64_t applied_at;                /* seconds since the epoch */
	struct map_view views[GENERATION_VIEWS];
	uint8_t *block;                  /* the catalog's, unpacked */
	struct generation_count *counts; /* of the running one; see counts_read */
	size_t n_counts, counts_capacity;
	bool amended; /* it goes on in the tables of an earlier one: see amendments.h */
	struct generation_merged merged;
};

/* -ENOENT with a failure recorded when no policy is in force. */
int generation_open_running(struct epg *epg, struct instance *instance, struct generation **ret);
void generation_close(struct generation *generation);
/* What rule `index` has counted; of the running generation, and exact where counts_read has been called. */
struct epg_counter generation_counter(const struct generation *generation, uint32_t rule);

/* ---- policy (policy.c, policy_cost.c) ---- */

struct edits;
struct amend;

struct epg_policy {
	struct model *model;
	struct edits *edits; /* since it was read; the model has them when edits_settle has been called */
	struct amend *amend; /* what it was applied as */
};

/*
 * Edits can be written into the policy's text: what is in force must be tellable. Looks once, at the first apply with
 * edits, since entries themselves can always be written. 0, -EBADMSG, -ENOMEM. A failure is recorded.
 */
int policy_check_text(struct epg *epg, const struct epg_policy *policy);
/* The text of the policy, with its edits; the caller frees it. A failure is recorded. */
int policy_text(struct epg *epg, const struct epg_policy *policy, char **ret, size_t *ret_length);

/* What a compiled policy takes. */
void policy_cost(const struct model *model, const struct tables *tables, struct epg_cost *ret);

/* Compiles without memory of other policies; `diagnostics` is told what is wrong, and a failure is recorded. */
int policy_compile(struct epg *epg, const struct model *model, struct epg_diagnostics *diagnostics,
		   struct tables **ret);

/* ---- texts (rule_text.c) ---- */

/* Room for the longest text of what a rule matches. */
#define RULE_TEXT_MATCH_MAX 160

/* "tcp dport 80-443": what a rule matches, for people. */
void rule_text_match(const struct catalog_rule *rule, char *text, size_t size);
/* Fills what an epg_rule_info says of rule `index`, its counters included; `match` must live as long as it. */
void rule_text_info(const struct generation *generation, uint32_t index, char *match, size_t size,
		    struct epg_rule_info *ret);

#endif
