/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Putting interfaces under enforcement, and taking them off. */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "runtime/attach.h"
#include "runtime/hooks.h"
#include "runtime/membership.h"
#include "runtime/observe.h"
#include "runtime/runtime.h"

int attach_find_interface(struct epg *epg, const char *interface, uint32_t *ret)
{
	unsigned int ifindex;

	if (!interface || !*interface)
		return context_fail(epg, EPG_FAILURE_INPUT, -EINVAL, NULL, NULL, "no interface was given");
	if (strlen(interface) >= IF_NAMESIZE)
		return context_fail(epg, EPG_FAILURE_INPUT, -ENAMETOOLONG, interface, NULL,
				    "the name is longer than an interface's can be, %d characters", IF_NAMESIZE - 1);
	ifindex = if_nametoindex(interface);
	if (!ifindex)
		return context_fail(epg, EPG_FAILURE_NOT_FOUND, -ENOENT, interface, "ip link shows the interfaces",
				    "there is no such interface in this network namespace");
	*ret = ifindex;
	return 0;
}

int attach_find_vanished(struct epg *epg, const char *interface, uint32_t *ret)
{
	unsigned int ifindex;
	char rest;

	if (interface && !if_nametoindex(interface) && sscanf(interface, "if%u%c", &ifindex, &rest) == 1) {
		*ret = ifindex;
		return 0;
	}
	return attach_find_interface(epg, interface, ret);
}

int attach_interface(struct epg *epg, struct instance *instance, struct journal *journal, uint32_t ifindex,
		     const char *interface, bool xdp)
{
	int attached, error;

	attached = hooks_attach(epg, ifindex, interface, xdp);
	if (attached < 0)
		return attached;
	/* Only now: what an endpoint's XDP hook has permitted is believed by the hooks of others. */
	error = membership_set_xdp(epg, instance, journal, ifindex, xdp);
	if (error && attached)
		hooks_detach(epg, ifindex);
	return error ? error : attached;
}

/* Binds an interface that nobody has bound yet as the running policy says. */
static int bind_by_policy(struct epg *epg, struct instance *instance, struct journal *journal, uint32_t ifindex,
			  const char *interface)
{
	AUTO(generation_close) struct generation *running = NULL;
	const struct catalog_binding *wanted;
	struct membership membership;
	struct epg_binding binding;
	int error;

	if (membership_find(instance, ifindex, &binding))
		return 0;
	error = observe_running(epg, instance, &running);
	if (error || !running)
		return error;
	wanted = catalog_binding_of(&running->catalog, interface);
	if (!wanted)
		return 0;
	membership = membership_of_policy(&running->catalog, wanted, ifindex);
	return membership_write(epg, instance, journal, &membership);
}

int epg_attach(struct epg *epg, const char *interface, const struct epg_attach_options *given)
{
	CONTEXT_CALL(epg);
	AUTO_JOURNAL struct journal journal = {0};
	struct epg_attach_options options;
	struct instance *instance;
	AUTO_CLOSE int lock = -1;
	uint32_t ifindex;
	int error;

	error = context_options(epg, &options, sizeof(options), given);
	if (!error)
		error = attach_find_interface(epg, interface, &ifindex);
	if (!error)
		error = instance_begin_change(epg, true, &lock, &instance);
	if (!error)
		error = bind_by_policy(epg, instance, &journal, ifindex, interface);
	if (error)
		return error;
	error = attach_interface(epg, instance, &journal, ifindex, interface, options.xdp);
	if (error < 0)
		return error;
	if (journal.n_changes)
		__atomic_add_fetch(&instance->control->epoch, 1, __ATOMIC_RELEASE);
	journal_keep(&journal);
	return 0;
}

int epg_detach(struct epg *epg, const char *interface)
{
	CONTEXT_CALL(epg);
	AUTO_JOURNAL struct journal journal = {0};
	struct instance *instance;
	AUTO_CLOSE int lock = -1;
	uint32_t ifindex;
	int error;

	error = attach_find_vanished(epg, interface, &ifindex);
	if (!error)
		error = instance_begin_change(epg, false, &lock, &instance);
	/* Before the program goes: afterwards nobody has decided what comes from there. */
	if (!error)
		error = membership_set_xdp(epg, instance, &journal, ifindex, false);
	if (error)
		return error;
	if (!hooks_detach(epg, ifindex))
		return context_fail(epg, EPG_FAILURE_NOT_FOUND, -ENOENT, interface, NULL,
				    "the interface is not attached");
	journal_keep(&journal);
	return 0;
}

int epg_attachments_each(struct epg *epg, epg_attachment_fn fn, void *user)
{
	CONTEXT_CALL(epg);
	AUTO_FREE struct hooks *hooks = NULL;
	struct instance *instance;
	size_t count;
	int result;

	result = instance_open(epg, &instance);
	if (!result)
		result = hooks_read(epg, &hooks, &count);
	if (result)
		return result;
	for (size_t i = 0; !result && i < count; i++) {
		char name[IF_NAMESIZE];
		struct epg_attachment attachment = {
			.ifindex = hooks[i].ifindex,
			.interface = observe_interface(hooks[i].ifindex, name),
			.kind = hooks[i].kind,
			.ingress = hooks[i].ingress,
			.egress = hooks[i].egress,
			.xdp = hooks[i].xdp,
		};

		result = fn(user, &attachment);
	}
	return result;
}
