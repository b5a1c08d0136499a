/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* The instance: what is in force, its endpoints, how full its maps are, what it should never have dropped. */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <bpf/bpf.h>

#include "inspect/doctor.h"
#include "inspect/flow_fill.h"
#include "runtime/walk.h"

/* A map that is fuller is as good as full. */
#define FULL_PERCENT 90
/* Of the table of flows: a flow has eight places to choose from, and more than one in twenty finds none of them free. */
#define FLOWS_FULL_PERCENT 50

static void check_loaded(struct doctor *doctor)
{
	doctor_tell(doctor, "instance", EPG_HEALTH_GOOD, doctor->epg->pin, NULL, "loaded, ABI %u",
		    doctor->instance->control->abi_version);
}

static void check_policy(struct doctor *doctor)
{
	if (doctor->running)
		doctor_tell(doctor, "instance-policy", EPG_HEALTH_GOOD, doctor->running->catalog.file, NULL,
			    "generation %" PRIu32 " is in force", doctor->running->number);
	else
		doctor_tell(doctor, "instance-policy", EPG_HEALTH_NOTE, NULL, "epgctl apply -f FILE",
			    "no policy has been applied: all is dropped where we are attached");
}

/* ---- pins ---- */

static void check_pins(struct doctor *doctor)
{
	/* Those that explain are there when somebody has asked. */
	static const char *const programs[] = {"tc_ingress", "tc_egress", "xdp_ingress", "tc_inside_out",
					       "tc_inside_in"};
	size_t missing = 0;

	for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
		char path[PATH_MAX];

		(void)pins_path(doctor->epg, path, "programs/%s", programs[i]);
		if (!access(path, F_OK))
			continue;
		missing++;
		doctor_tell(doctor, "instance-pins", EPG_HEALTH_BAD, path, "epgctl unload, then apply the policy again",
			    "the pin of a program is missing: nothing can be attached any more");
	}
	if (doctor->running && doctor->running->catalog.n_groups && doctor->instance->fd.groups < 0) {
		missing++;
		doctor_tell(doctor, "instance-pins", EPG_HEALTH_BAD, "groups", "apply the policy again",
			    "the pin of the map of groups is missing: nobody finds a group by its name");
	}
	if (!missing)
		doctor_tell(doctor, "instance-pins", EPG_HEALTH_GOOD, NULL, NULL, "all pins are there");
}

/* ---- another instance ---- */

/* The mark of an instance of our layout at `pin`; 0: there is none. */
static uint32_t mark_at(const char *pin)
{
	AUTO_CLOSE int fd = -1;
	struct bpf_map_info info = {0};
	struct epg_control control = {0};
	__u32 size = sizeof(info);
	const uint32_t zero = 0;
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/control", pin) >= (int)sizeof(path))
		return 0;
	fd = bpf_obj_get(path);
	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size) || info.value_size != sizeof(control) ||
	    bpf_map_lookup_elem(fd, &zero, &control) || control.abi_version != EPG_ABI_VERSION)
		return 0;
	return control.mark;
}

/* Instances beside ours, in the same directory. */
static void check_mark(struct doctor *doctor)
{
	char parent[PATH_MAX], other[PATH_MAX];
	uint32_t mark = doctor->instance->control->mark;
	const char *own = strrchr(doctor->epg->pin, '/') + 1;
	struct dirent *entry;
	size_t clashes = 0;
	DIR *directory;

	snprintf(parent, sizeof(parent), "%.*s", (int)(own - doctor->epg->pin), doctor->epg->pin);
	directory = opendir(parent);
	while (directory && (entry = readdir(directory))) {
		if (*entry->d_name == '.' || !strcmp(entry->d_name, own) ||
		    snprintf(other, sizeof(other), "%s%s", parent, entry->d_name) >= (int)sizeof(other) ||
		    mark_at(other) != mark)
			continue;
		clashes++;
		doctor_tell(doctor, "instance-mark", EPG_HEALTH_NOTE, other, "load one of both with another --mark",
			    "another instance uses the same bit of packet marks, 0x%" PRIx32
			    ": what it has permitted, ours believes to have permitted itself",
			    mark);
	}
	if (directory)
		closedir(directory);
	if (!clashes)
		doctor_tell(doctor, "instance-mark", EPG_HEALTH_GOOD, NULL, NULL,
			    "no other instance uses bit 0x%" PRIx32 " of packet marks", mark);
}

/* ---- endpoints ---- */

static bool is_enforced(struct doctor *doctor, const struct patient *patient)
{
	const struct hooks *hooks = doctor_hooks(doctor, port_hooks_id(doctor->instance, patient->id));

	return hooks && hooks_complete(hooks);
}

static void check_endpoint(struct doctor *doctor, const struct patient *patient, size_t *bad)
{
	char name[DOCTOR_NAME_MAX], hint[DOCTOR_NAME_MAX + 64];

	doctor_name(doctor, patient->id, name);
	if (!port_lives(doctor->epg, doctor->instance, patient->id)) {
		++*bad;
		snprintf(hint, sizeof(hint), "epgctl endpoint rm %s", name);
		doctor_tell(doctor, "endpoint-vanished", EPG_HEALTH_NOTE, name, hint,
			    "its interface has vanished: its addresses stay taken");
		return;
	}
	if (!patient->binding.class_id || is_enforced(doctor, patient))
		return;
	++*bad;
	snprintf(hint, sizeof(hint), "epgctl attach %s", name);
	doctor_tell(doctor, "endpoint-unattached", EPG_HEALTH_BAD, name, hint,
		    "it is bound to a group, and not attached in both directions: nothing holds it to the policy");
}

static void check_endpoints(struct doctor *doctor)
{
	size_t bad = 0;

	for (size_t i = 0; i < doctor->n_patients && !doctor->stopped; i++)
		check_endpoint(doctor, &doctor->patients[i], &bad);
	if (!bad)
		doctor_tell(doctor, "endpoints", EPG_HEALTH_GOOD, NULL, NULL, "%zu bound, all of them attached",
			    doctor->n_patients);
}

/* ---- maps ---- */

static void tell_unreadable(struct doctor *doctor, const char *name, int error)
{
	doctor_tell(doctor, "map-fill", EPG_HEALTH_BAD, name, NULL, "the map can't be read: %s", strerror(-error));
}

static void check_fill(struct doctor *doctor, int fd, const char *name, const char *full, const char *hint)
{
	struct bpf_map_info info = {0};
	__u32 size = sizeof(info);
	uint64_t used;
	int error = bpf_obj_get_info_by_fd(fd, &info, &size) ? -errno : walk_count(fd, &used);

	if (error)
		tell_unreadable(doctor, name, error);
	else if (used * 100 > (uint64_t)info.max_entries * FULL_PERCENT)
		doctor_tell(doctor, "map-fill", EPG_HEALTH_NOTE, name, hint, "%" PRIu64 " of %" PRIu32 " in use: %s",
			    used, info.max_entries, full);
	else
		doctor_tell(doctor, "map-fill", EPG_HEALTH_GOOD, name, NULL, "%" PRIu64 " of %" PRIu32 " in use", used,
			    info.max_entries);
}

static void check_flows(struct doctor *doctor)
{
	struct flow_fill fill;
	int error = flow_fill_read(doctor->instance, &fill);

	if (error)
		tell_unreadable(doctor, "flows", error);
	else if (fill.flows * 100 > fill.capacity * FLOWS_FULL_PERCENT)
		doctor_tell(doctor, "map-fill", EPG_HEALTH_NOTE, "flows",
			    "load with more --flows, or with shorter --timeout",
			    "%" PRIu64 " of %" PRIu64 " in use: new flows often take the places of others, of those "
			    "without an answer first",
			    fill.flows, fill.capacity);
	else
		doctor_tell(doctor, "map-fill", EPG_HEALTH_GOOD, "flows", NULL, "%" PRIu64 " of %" PRIu64 " in use",
			    fill.flows, fill.capacity);
}

static void check_maps(struct doctor *doctor)
{
	const struct instance *instance = doctor->instance;

	check_flows(doctor);
	check_fill(doctor, instance->fd.fragments, "fragments",
		   "pieces of a packet whose first one was forgotten are dropped", "load with more --fragments");
	check_fill(doctor, instance->fd.learned, "learned", "soon no endpoint can learn an address any more",
		   "declare addresses, remove endpoints that have vanished, or load with more --endpoints");
}

/* ---- drops ---- */

struct totals {
	uint64_t packets[EPG_REASON_COUNT];
};

static int add_drop(void *user, const void *key, const void *value)
{
	uint16_t reason = ((const struct epg_drop_key *)key)->reason;
	struct totals *totals = user;

	if (reason < EPG_REASON_COUNT)
		totals->packets[reason] += ((const struct epg_counter *)value)->packets;
	return 0;
}

static void check_drops(struct doctor *doctor)
{
	static const struct {
		enum epg_reason reason;
		enum epg_health health;
		const char *hint;
	} suspicious[] = {
		{EPG_REASON_INTERNAL, EPG_HEALTH_BAD, "apply the policy again; if it goes on, tell us"},
		{EPG_REASON_FLOW_TABLE, EPG_HEALTH_NOTE, "load with more --flows"},
		{EPG_REASON_UNVOUCHED, EPG_HEALTH_NOTE,
		 "epgctl monitor --drop tells which; a container that sends so tries to evade the policy"},
	};
	struct totals totals = {0};
	bool any = false;
	int error = walk_map(doctor->instance->fd.drops, add_drop, &totals);

	if (error) {
		doctor_tell(doctor, "drops", EPG_HEALTH_BAD, "drops", NULL, "the map can't be read: %s",
			    strerror(-error));
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(suspicious); i++) {
		uint64_t packets = totals.packets[suspicious[i].reason];

		if (!packets)
			continue;
		any = true;
		doctor_tell(doctor, "drops", suspicious[i].health, epg_reason_name(suspicious[i].reason),
			    suspicious[i].hint, "%" PRIu64 " packets: %s", packets,
			    epg_reason_text(suspicious[i].reason));
	}
	if (!any)
		doctor_tell(doctor, "drops", EPG_HEALTH_GOOD, NULL, NULL,
			    "nothing was dropped for want of room or for a damaged table");
}

static const doctor_check checks[] = {
	check_loaded, check_policy, check_pins, check_mark, check_endpoints, check_maps, check_drops,
};

void doctor_check_instance(struct doctor *doctor)
{
	for (size_t i = 0; i < ARRAY_SIZE(checks); i++)
		checks[i](doctor);
}
