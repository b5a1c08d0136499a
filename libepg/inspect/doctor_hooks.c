/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* What is attached: is it whole, is anybody before us, can it see what it is to decide? */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/sockios.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "inspect/doctor.h"
#include "runtime/inside.h"
#include "runtime/libbpf_log.h"

/* Of linux/bpf.h from Linux 6.6 on; older headers lack them. */
#define ATTACH_TCX_INGRESS 46
#define ATTACH_TCX_EGRESS 47

/* Programs at one TCX hook that are looked at; the kernel allows 64. */
#define PROGRAMS_MAX 64

static uint16_t flags_of(const struct doctor *doctor, uint32_t id)
{
	const struct patient *patient = doctor_patient(doctor, id);

	return patient ? patient->binding.flags : 0;
}

/* ---- whole ---- */

static void check_whole(struct doctor *doctor, const struct hooks *hooks, const char *name)
{
	char hint[DOCTOR_NAME_MAX + 64];

	if (hooks_complete(hooks))
		return;
	snprintf(hint, sizeof(hint), "epgctl attach %s%s", hooks->xdp ? "--xdp " : "", name);
	doctor_tell(doctor, "attachment-half", EPG_HEALTH_BAD, name, hint, "attached by half: what %s is not decided",
		    hooks->ingress ? "goes out" : "comes in");
}

static void check_kind(struct doctor *doctor, const struct hooks *hooks, const char *name)
{
	if (hooks->kind == EPG_ATTACHMENT_CLSACT)
		doctor_tell(doctor, "attachment-clsact", EPG_HEALTH_NOTE, name,
			    "epgctl attach puts them back; Linux 6.6 or later has TCX, which nobody can remove",
			    "our programs are filters of the clsact qdisc: others can remove them");
}

static void check_bound(struct doctor *doctor, const struct hooks *hooks, const char *name)
{
	const struct patient *patient = doctor_patient(doctor, hooks->ifindex);
	char hint[DOCTOR_NAME_MAX + 64];

	if (!doctor->running ||
	    (patient && catalog_group_by_class(&doctor->running->catalog, patient->binding.class_id)))
		return;
	snprintf(hint, sizeof(hint), "epgctl endpoint add %s --group GROUP, or a match in the policy", name);
	doctor_tell(doctor, "attachment-quarantined", EPG_HEALTH_NOTE, name, hint, "%s",
		    patient && patient->binding.flags & EPG_ENDPOINT_SHARED
			    ? "what nobody behind it has sent is dropped: the interface itself belongs to no group"
			    : "all through it is dropped: it belongs to no group of the running policy");
}

/* ---- programs of others ---- */

static void check_order_at(struct doctor *doctor, const struct hooks *hooks, const char *name, bool egress)
{
	uint32_t ids[PROGRAMS_MAX] = {0}, own = hooks_program(doctor->epg, hooks->ifindex, egress);
	int type = egress ? ATTACH_TCX_EGRESS : ATTACH_TCX_INGRESS;
	LIBBPF_OPTS(bpf_prog_query_opts, options, .prog_ids = ids, .prog_cnt = PROGRAMS_MAX);

	if (!own || bpf_prog_query_opts((int)hooks->ifindex, type, &options))
		return;
	for (uint32_t i = 0; i < options.prog_cnt && i < PROGRAMS_MAX && ids[i] != own; i++) {
		char other[HOOKS_PROGRAM_NAME_MAX];

		hooks_program_name(ids[i], other);
		doctor_tell(
			doctor, "attachment-order", EPG_HEALTH_NOTE, name,
			"detach and attach again to come first, or leave it if it was asked for by --before, --after",
			"another program comes before ours at its %s, and may let packets pass us by: %s",
			egress ? "egress" : "ingress", other);
	}
}

/* Inside another namespace an ifindex is another interface's. */
static void check_order(struct doctor *doctor, const struct hooks *hooks, const char *name)
{
	if (hooks->kind != EPG_ATTACHMENT_TCX || hooks->ifindex & EPG_PORT)
		return;
	check_order_at(doctor, hooks, name, false);
	check_order_at(doctor, hooks, name, true);
}

/* ---- XDP ---- */

static bool is_generic(struct epg *epg, uint32_t ifindex)
{
	LIBBPF_LOG(epg);
	LIBBPF_OPTS(bpf_xdp_query_opts, options);

	return !bpf_xdp_query((int)ifindex, 0, &options) && options.attach_mode == XDP_ATTACHED_SKB;
}

/* Whether the device takes VLAN tags off before XDP sees the frame. */
static bool takes_tags_off(const char *interface)
{
	AUTO_CLOSE int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ethtool_value value = {.cmd = ETHTOOL_GFLAGS};
	struct ifreq request = {.ifr_data = (char *)&value};

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
	return fd >= 0 && !ioctl(fd, SIOCETHTOOL, &request) && value.data & ETH_FLAG_RXVLAN;
}

static void check_xdp(struct doctor *doctor, const struct hooks *hooks, const char *name)
{
	bool shared = flags_of(doctor, hooks->ifindex) & EPG_ENDPOINT_SHARED;
	char hint[DOCTOR_NAME_MAX + 64];

	if (!hooks->xdp)
		return;
	if (is_generic(doctor->epg, hooks->ifindex))
		doctor_tell(doctor, "attachment-xdp-generic", EPG_HEALTH_NOTE, name,
			    "without --xdp the same is decided a little later, and not more slowly",
			    "the driver has no XDP: the kernel makes a packet of each frame before it is decided");
	snprintf(hint, sizeof(hint), "ethtool -K %s rxvlan off", name);
	if (takes_tags_off(name))
		doctor_tell(doctor, "attachment-xdp-vlan", shared ? EPG_HEALTH_BAD : EPG_HEALTH_NOTE, name, hint,
			    "the device takes VLAN tags off before XDP sees them: tagged frames look untagged");
}

/* ---- shared interfaces, macvlan ---- */

static void check_shared(struct doctor *doctor, const struct hooks *hooks, const char *name)
{
	uint16_t flags = flags_of(doctor, hooks->ifindex);

	if (flags & EPG_ENDPOINT_SHARED && !(flags & EPG_ENDPOINT_UPLINK))
		doctor_tell(doctor, "attachment-shared", EPG_HEALTH_NOTE, name,
			    "bind it to an external group where others than endpoints are behind it",
			    "several endpoints are behind it, and it is no uplink");
}

/* What is in order is told by its number: there may be thousands. */
static void tell_complete(struct doctor *doctor)
{
	size_t complete = 0;

	for (size_t i = 0; i < doctor->n_hooks; i++)
		complete += hooks_complete(&doctor->hooks[i]);
	if (!doctor->n_hooks)
		doctor_tell(doctor, "attachment", EPG_HEALTH_NOTE, NULL,
			    "epgctl attach IF…, or a policy that names interfaces", "nothing is attached");
	else
		doctor_tell(doctor, "attachment", EPG_HEALTH_GOOD, NULL, NULL,
			    "%zu of %zu interfaces are attached in both directions", complete, doctor->n_hooks);
}

/* The interface below a macvlan device that is attached inside; 0: it can't be told. */
static uint32_t parent_of(struct doctor *doctor, uint32_t port)
{
	struct inside_device device = {0};
	struct epg_port_name entry;
	AUTO_CLOSE int netns = -1;

	if (!port_read(doctor->instance, port, &entry))
		return 0;
	netns = inside_open(doctor->epg, entry.path);
	if (netns < 0) {
		context_forget(doctor->epg);
		return 0;
	}
	return inside_find(netns, entry.interface, &device) ? 0 : device.parent;
}

static void check_macvlan(struct doctor *doctor, const struct hooks *hooks, const char *name)
{
	char below[DOCTOR_NAME_MAX], hint[DOCTOR_NAME_MAX + 64];
	const struct hooks *parent;
	uint32_t ifindex;

	if (!(hooks->ifindex & EPG_PORT))
		return;
	ifindex = parent_of(doctor, hooks->ifindex);
	parent = ifindex ? doctor_hooks(doctor, ifindex) : NULL;
	if (!ifindex || (parent && hooks_complete(parent)))
		return;
	doctor_name(doctor, ifindex, below);
	snprintf(hint, sizeof(hint), "epgctl endpoint add %s --group TENANT/EXTERNAL-GROUP", below);
	doctor_tell(doctor, "attachment-macvlan", EPG_HEALTH_NOTE, name, hint,
		    "%s below it is not attached: what a container sends past its own hook leaves unseen", below);
}

static const doctor_check_hooks checks[] = {
	check_whole, check_kind, check_bound, check_order, check_xdp, check_shared, check_macvlan,
};

void doctor_check_attachments(struct doctor *doctor)
{
	tell_complete(doctor);
	for (size_t i = 0; i < doctor->n_hooks && !doctor->stopped; i++) {
		char name[DOCTOR_NAME_MAX];

		doctor_name(doctor, doctor->hooks[i].ifindex, name);
		for (size_t j = 0; j < ARRAY_SIZE(checks); j++)
			checks[j](doctor, &doctor->hooks[i], name);
	}
}
