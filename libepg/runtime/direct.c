/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "runtime/direct.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <linux/if_link.h>
#include <linux/pkt_sched.h>

#include <bpf/bpf.h>

#include "runtime/libbpf_log.h"
#include "runtime/link.h"
#include "runtime/membership.h"
#include "runtime/observe.h"
#include "runtime/runtime.h"

struct look {
	struct epg *epg;
	uint32_t ifindex;
	const struct hooks *hooks;
	struct direct *found;
};

/* Returns true: there is something in the way. */
__attribute__((format(printf, 2, 3))) static bool because(struct look *look, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(look->found->why, sizeof(look->found->why), format, arguments);
	va_end(arguments);
	return true;
}

static bool unknown(struct look *look, int error, const char *what)
{
	return because(look, "%s can't be found out: %s", what, strerror(-error));
}

/* ---- what it is ---- */

static bool is_bound_otherwise(struct look *look, uint16_t flags)
{
	if (look->ifindex & EPG_PORT || flags & EPG_ENDPOINT_INSIDE)
		return because(look, "it is no interface of its own on the host");
	if (flags & EPG_ENDPOINT_SHARED)
		return because(look, "several endpoints share it");
	if (flags & EPG_ENDPOINT_DETOUR)
		return because(look, "what it sends goes by a switch that the kernel does not see");
	if (look->hooks->xdp)
		return because(look, "it is attached by XDP");
	if (!hooks_complete(look->hooks))
		return because(look, "it is not attached in both directions");
	return false;
}

/* Of these nothing is lost when a packet does not meet them: they neither sort nor delay on a veth, which never waits. */
static bool is_plain_qdisc(const char *name)
{
	static const char *const plain[] = {"noop", "noqueue", "pfifo_fast", "fq_codel"};

	for (size_t i = 0; i < ARRAY_SIZE(plain); i++)
		if (!strcmp(name, plain[i]))
			return true;
	return false;
}

static int judge_link(void *user, const struct nlmsghdr *message)
{
	const size_t header = sizeof(struct ifinfomsg);
	const char *kind = link_text(link_nested(link_attribute(message, header, IFLA_LINKINFO), IFLA_INFO_KIND));
	const char *qdisc = link_text(link_attribute(message, header, IFLA_QDISC));
	uint32_t mtu = link_number(link_attribute(message, header, IFLA_MTU));
	struct look *look = user;

	if (strcmp(kind, "veth"))
		return because(look, "it is no veth%s%s", *kind ? " but of the kind " : "", kind);
	if (!link_attribute(message, header, IFLA_LINK_NETNSID))
		return because(look, "its peer is not in another network namespace");
	if (!is_plain_qdisc(qdisc))
		return because(look, "it has a queueing discipline: %s", qdisc);
	look->found->mtu = mtu < UINT16_MAX ? (uint16_t)mtu : UINT16_MAX;
	return 0;
}

static bool is_unfit(struct look *look)
{
	int result = link_find(look->ifindex, judge_link, look);

	return result < 0 ? unknown(look, result, "what kind of interface it is") : result;
}

/* ---- programs and filters of others ---- */

/* Those behind ours would not see what a sender's packets do; at egress none is met. */
static bool has_program(struct look *look, bool egress)
{
	uint32_t own = hooks_program(look->epg, look->ifindex, egress);
	struct tcx_place place = {.netns = -1, .ifindex = look->ifindex, .egress = egress};
	char name[HOOKS_PROGRAM_NAME_MAX];
	int other = tcx_other(&place, own, egress);

	if (other < 0)
		return unknown(look, other, "which programs are attached to it");
	if (!other)
		return false;
	hooks_program_name((uint32_t)other, name);
	return because(look, "a program of somebody else is attached %s: %s",
		       egress ? "at its egress" : "behind ours at its ingress", name);
}

static int is_strange_filter(void *user, const struct nlmsghdr *message)
{
	const struct tcmsg *filter = NLMSG_DATA(message);
	const struct look *look = user;
	bool first = TC_H_MAJ(filter->tcm_info) >> 16 == HOOKS_CLSACT_PRIORITY;

	/* Each of them comes after a message about all of its priority, with handle 0. */
	return !(look->hooks->kind == EPG_ATTACHMENT_CLSACT && first && filter->tcm_handle <= HOOKS_CLSACT_HANDLE);
}

/* 1: there is one; 0, also where there is no place for filters; or a negative errno value. `parent` 0: the root qdisc. */
static int look_for_filter(struct look *look, uint32_t parent)
{
	struct {
		struct nlmsghdr header;
		struct tcmsg place;
	} request = {
		.header = {.nlmsg_len = sizeof(request), .nlmsg_type = RTM_GETTFILTER},
		.place = {.tcm_ifindex = (int)look->ifindex, .tcm_parent = parent},
	};

	return link_ask(&request.header, true, is_strange_filter, look);
}

static bool has_filter(struct look *look, bool egress)
{
	int result = look_for_filter(look, TC_H_MAKE(TC_H_CLSACT, egress ? TC_H_MIN_EGRESS : TC_H_MIN_INGRESS));

	if (!result && egress)
		result = look_for_filter(look, 0);
	if (result < 0)
		return unknown(look, result, "which filters it has");
	return result && because(look, "a filter of somebody else stands at its %s", egress ? "egress" : "ingress");
}

void direct_look(struct epg *epg, uint32_t id, uint16_t flags, const struct hooks *hooks, struct direct *ret)
{
	struct look look = {epg, id, hooks, ret};

	LIBBPF_LOG(epg);
	*ret = (struct direct){0};
	(void)(is_bound_otherwise(&look, flags) || is_unfit(&look) || has_program(&look, false) ||
	       has_program(&look, true) || has_filter(&look, false) || has_filter(&look, true));
}

/* ---- between two applies ---- */

static bool is_asked(struct epg *epg, struct instance *instance, uint16_t class_id)
{
	AUTO_CLOSE int fd = generation_table(epg, observe_generation(instance), "classes");
	struct epg_class record;
	uint32_t key = class_id;

	return fd >= 0 && !bpf_map_lookup_elem(fd, &key, &record) && record.flags & EPG_CLASS_DIRECT;
}

static int write_mtu(struct epg *epg, struct instance *instance, struct journal *journal, uint32_t id, uint16_t mtu)
{
	struct epg_endpoint_key key = {.ifindex = id};
	struct epg_endpoint entry;
	int error;

	if (bpf_map_lookup_elem(instance->fd.endpoints, &key, &entry) || entry.mtu == mtu)
		return 0;
	entry.mtu = mtu;
	error = journal_write(journal, instance->fd.endpoints, &key, &entry);
	return error ? membership_fail_write(epg, error, instance->fd.endpoints, "endpoints") : 0;
}

/* 1: it may be passed by; 0; or a negative errno value with a failure recorded. */
static int find_out(struct epg *epg, uint32_t id, const struct epg_binding *binding, const char *name,
		    uint16_t *ret_mtu)
{
	struct direct found;
	struct hooks hooks;
	int error = hooks_find(epg, id, &hooks);

	if (error)
		return error;
	direct_look(epg, id, binding->flags, &hooks, &found);
	if (*found.why)
		context_log(epg, EPG_LOG_WARNING, "%s: forwarding by the stack, not direct: %s", name, found.why);
	*ret_mtu = found.mtu;
	return !*found.why;
}

int direct_mark(struct epg *epg, struct instance *instance, struct journal *journal, uint32_t id, const char *name)
{
	struct epg_binding binding;
	uint16_t mtu = 0;
	int direct = 0, error;

	if (!membership_find(instance, id, &binding))
		return 0;
	if (is_asked(epg, instance, binding.class_id))
		direct = find_out(epg, id, &binding, name, &mtu);
	error = direct > 0 ? write_mtu(epg, instance, journal, id, mtu) : direct;
	return error ? error : membership_set_flag(epg, instance, journal, id, EPG_ENDPOINT_DIRECT, direct > 0);
}
