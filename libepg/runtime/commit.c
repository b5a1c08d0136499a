/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Bringing a generation into force, in one store. */
#include "runtime/commit.h"

#include <errno.h>
#include <string.h>

#include <bpf/bpf.h>

#include "runtime/groups.h"
#include "runtime/membership.h"
#include "runtime/observe.h"
#include "runtime/runtime.h"
#include "runtime/walk.h"

/* ---- the public map of groups ---- */

static struct epg_group_key group_key(const struct catalog *catalog, const struct catalog_group *group)
{
	struct epg_group_key key = {0};
	const char *name = catalog_string(catalog, group->name);

	memcpy(key.name, name, strnlen(name, sizeof(key.name) - 1));
	return key;
}

/* New groups are there before the flip, so that nobody who has seen the new policy misses them. */
static int write_groups(struct epg *epg, struct instance *instance, struct journal *journal,
			const struct catalog *catalog)
{
	int made = catalog->n_groups ? groups_make(epg, instance) : 0;

	if (made)
		return made;
	for (size_t i = 0; i < catalog->n_groups; i++) {
		const struct catalog_group *group = &catalog->groups[i];
		struct epg_group_key key = group_key(catalog, group);
		struct epg_group value = {
			.class_id = (__u16)group->class_id,
			.flags = group->external ? EPG_GROUP_EXTERNAL : 0,
			.vrf = catalog->vrfs[group->vrf].id,
		};
		struct epg_group old;
		int error;

		if (!bpf_map_lookup_elem(instance->fd.groups, &key, &old) && !memcmp(&old, &value, sizeof(old)))
			continue;
		error = journal_write(journal, instance->fd.groups, &key, &value);
		if (error)
			return membership_fail_write(epg, error, instance->fd.groups, "groups");
	}
	return 0;
}

struct vanished {
	const struct catalog *catalog;
	struct epg_group_key *keys;
	size_t n_keys;
	size_t capacity;
};

static int collect_vanished(void *user, const void *key, const void *value)
{
	const struct epg_group_key *group = key;
	struct vanished *vanished = user;

	(void)value;
	if (memchr(group->name, '\0', sizeof(group->name)) && catalog_group_by_name(vanished->catalog, group->name))
		return 0;
	if (vanished->n_keys == vanished->capacity) {
		size_t capacity = vanished->capacity * 2 + 64;
		struct epg_group_key *keys = reallocarray(vanished->keys, capacity, sizeof(*keys));

		if (!keys)
			return -ENOMEM;
		vanished->keys = keys;
		vanished->capacity = capacity;
	}
	vanished->keys[vanished->n_keys++] = *group;
	return 0;
}

static void remove_vanished_groups(struct instance *instance, const struct catalog *catalog)
{
	struct vanished vanished = {.catalog = catalog};

	if (instance->fd.groups >= 0)
		(void)walk_map(instance->fd.groups, collect_vanished, &vanished);
	for (size_t i = 0; i < vanished.n_keys; i++)
		bpf_map_delete_elem(instance->fd.groups, &vanished.keys[i]);
	free(vanished.keys);
}

int commit_check_groups(struct epg *epg, struct instance *instance, const struct catalog *catalog)
{
	struct vanished vanished = {.catalog = catalog};
	struct bpf_map_info info = {0};
	__u32 size = sizeof(info);
	int error;

	if (instance->fd.groups < 0)
		return 0; /* it is made with room for as many as there can be */
	error = walk_map(instance->fd.groups, collect_vanished, &vanished);
	free(vanished.keys);
	if (!error && bpf_obj_get_info_by_fd(instance->fd.groups, &info, &size))
		error = -errno;
	if (error)
		return context_fail_kernel(epg, error, "groups", "can't read the map");
	if (catalog->n_groups + vanished.n_keys <= info.max_entries)
		return 0;
	return context_fail(epg, EPG_FAILURE_KERNEL, -ENOSPC, "groups",
			    "apply the policy in two steps, or use fewer groups",
			    "the map groups has room for %u; the policy has %zu beside %zu that go", info.max_entries,
			    catalog->n_groups, vanished.n_keys);
}

/* ---- before and after ---- */

uint32_t commit_number(struct instance *instance)
{
	uint32_t number = instance->control->last_generation + 1;

	number = number ? number : 1;
	__atomic_store_n(&instance->control->last_generation, number, __ATOMIC_RELEASE);
	return number;
}

static int prepare(struct build *build, const struct plan *plan, uint32_t number, struct journal *journal,
		   uint32_t **ret_attached, size_t *ret_count)
{
	int error;

	error = build_pin(build, number);
	if (!error)
		error = write_groups(build->epg, build->instance, journal, plan->policy->catalog);
	if (!error)
		error = plan_stage(plan, journal, number);
	if (!error)
		error = plan_attach(plan, ret_attached, ret_count);
	return error;
}

static void move_counters(struct epg *epg, struct instance *instance, uint32_t from, uint32_t to, bool late)
{
	if (!from || !past_fold(epg, instance, from, to, late))
		return;
	context_log(epg, EPG_LOG_WARNING, "counters could not be moved to generation %u: %s", to, epg->failure.message);
	context_forget(epg);
}

/*
 * The new generation is in force. What fails from here on is repaired by the next apply; nothing of it bears on
 * how packets are decided.
 */
static void finish(struct build *build, struct plan *plan, uint32_t before, uint32_t number)
{
	struct instance *instance = build->instance;
	bool waited;

	move_counters(build->epg, instance, before, number, false);
	plan_settle(plan);
	remove_vanished_groups(instance, plan->policy->catalog);
	waited = past_retire(build->epg, instance);
	if (before && !waited)
		slots_wait();
	if (before)
		move_counters(build->epg, instance, before, number, true);
	context_log(build->epg, EPG_LOG_INFO, "generation %u is in force", number);
}

int commit(struct build *build, struct plan *plan, uint32_t number, uint32_t slot, size_t *ret_attached)
{
	AUTO_JOURNAL struct journal journal = {0};
	struct epg_control *control = build->instance->control;
	AUTO_FREE uint32_t *attached = NULL;
	uint64_t before = control->active;
	size_t n_attached = 0;
	int error;

	error = prepare(build, plan, number, &journal, &attached, &n_attached);
	if (error) {
		for (size_t i = 0; i < n_attached; i++)
			hooks_detach(build->epg, attached[i]);
		return error;
	}
	if (build->in_slot)
		__atomic_store_n(&control->tables[slot], number, __ATOMIC_RELEASE);
	__atomic_store_n(&control->active, EPG_ACTIVE(number, slot), __ATOMIC_SEQ_CST);
	generation_set_previous(control, EPG_ACTIVE_GENERATION(before), EPG_ACTIVE_SLOT(before));
	journal_keep(&journal);
	build_keep(build);
	finish(build, plan, EPG_ACTIVE_GENERATION(before), number);
	*ret_attached = n_attached;
	return 0;
}

static int prepare_amended(struct build *build, const struct plan *plan, uint32_t number, struct journal *journal,
			   uint32_t **ret_attached, size_t *ret_count)
{
	int error = build_pin(build, number);

	if (!error)
		error = plan_stage(plan, journal, number);
	return error ? error : plan_attach(plan, ret_attached, ret_count);
}

/* The slot of the generation before the last one is emptied by the next whole apply: that waits for the kernel. */
int commit_amended(struct build *build, struct plan *plan, uint32_t number, size_t *ret_attached)
{
	AUTO_JOURNAL struct journal journal = {0};
	struct instance *instance = build->instance;
	AUTO_FREE uint32_t *attached = NULL;
	struct epg *epg = build->epg;
	uint64_t before = instance->control->active;
	size_t n_attached = 0;
	int error = prepare_amended(build, plan, number, &journal, &attached, &n_attached);

	if (error) {
		for (size_t i = 0; i < n_attached; i++)
			hooks_detach(epg, attached[i]);
		return error;
	}
	__atomic_store_n(&instance->control->active, EPG_ACTIVE(number, EPG_ACTIVE_SLOT(before)), __ATOMIC_SEQ_CST);
	generation_set_previous(instance->control, EPG_ACTIVE_GENERATION(before), EPG_ACTIVE_SLOT(before));
	journal_keep(&journal);
	build_keep(build);
	plan_settle(plan);
	past_retire_pins(epg, instance);
	context_log(epg, EPG_LOG_INFO, "generation %u is in force: an amendment of %u", number,
		    EPG_ACTIVE_GENERATION(before));
	*ret_attached = n_attached;
	return 0;
}
