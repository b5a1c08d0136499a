/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Putting interfaces under enforcement, and taking them off. */
#include "runtime/attach.h"

#include <errno.h>
#include <string.h>

#include "runtime/direct.h"
#include "runtime/membership.h"
#include "runtime/observe.h"
#include "runtime/runtime.h"

int attach_find_vanished(struct epg *epg, const char *interface, uint32_t *ret)
{
	return port_find_vanished(epg, epg->instance, interface, ret);
}

int attach_interface(struct epg *epg, struct instance *instance, struct journal *journal,
		     const struct hooks_order *order)
{
	int attached, error;

	attached = hooks_attach(epg, order);
	if (attached < 0)
		return attached;
	/* Only now: what an endpoint's XDP hook has permitted is believed by the hooks of others. */
	error = membership_set_xdp(epg, instance, journal, order->id, order->xdp);
	if (!error)
		error = direct_mark(epg, instance, journal, order->id, order->name);
	if (error && attached)
		hooks_detach(epg, order->id);
	return error ? error : attached;
}

int attach_number(struct epg *epg, struct instance *instance, struct journal *journal, struct port *port)
{
	if (port->id)
		return 0;
	port->id = port_number_after(port_number_last(instance));
	port_number_take(instance, port->id);
	return port_write(epg, instance, journal, port->id, &port->entry);
}

void attach_note_parent(struct epg *epg, struct instance *instance, const struct port *port, const char *name)
{
	char parent[IF_NAMESIZE];
	struct epg_binding binding;
	struct hooks hooks;

	if (!port->parent || !*observe_interface(port->parent, parent))
		return;
	if (!hooks_find(epg, port->parent, &hooks) && hooks_complete(&hooks) &&
	    membership_find(instance, port->parent, &binding))
		return;
	context_log(
		epg, EPG_LOG_WARNING,
		"%s: the interface below it, %s, is not under enforcement: what is sent past the hooks of a macvlan "
		"device can't be seen there; make it an uplink",
		name, parent);
}

/* Stations have no hook of their own. */
static int check_can_attach(struct epg *epg, const char *name, const struct port *port, bool xdp)
{
	if (port_is_behind(&port->entry))
		return context_fail(epg, EPG_FAILURE_INPUT, -EINVAL, name, "epgctl attach takes the interface itself",
				    "those behind an interface have no hook of their own");
	if (port_is_inside(&port->entry) && xdp)
		return context_fail(epg, EPG_FAILURE_INPUT, -EINVAL, name, "attach it without XDP",
				    "an interface inside another network namespace is not attached by XDP");
	return 0;
}

static int attach_located(struct epg *epg, struct instance *instance, const char *name,
			  const struct epg_attach_options *options, struct port *port)
{
	AUTO_JOURNAL struct journal journal = {0};
	struct hooks_order order;
	struct epg_binding binding;
	int error;

	error = port_identify(epg, instance, port);
	if (!error)
		error = attach_number(epg, instance, &journal, port);
	if (!error && !port_is_inside(&port->entry))
		error = attach_by_policy(epg, instance, &journal, port->ifindex, name);
	if (!error && (options->detour || (port->vepa && membership_find(instance, port->id, &binding))))
		error = membership_set_flag(epg, instance, &journal, port->id, EPG_ENDPOINT_DETOUR, true);
	if (error)
		return error;
	order = (struct hooks_order){
		.id = port->id,
		.name = name,
		.netns = port->netns,
		.ifindex = port->ifindex,
		.xdp = options->xdp,
		.before = options->before,
		.after = options->after,
	};
	error = attach_interface(epg, instance, &journal, &order);
	if (error < 0)
		return error;
	attach_note_parent(epg, instance, port, name);
	if (journal.n_changes)
		__atomic_add_fetch(&instance->control->epoch, 1, __ATOMIC_RELEASE);
	journal_keep(&journal);
	return 0;
}

int epg_attach(struct epg *epg, const char *interface, const struct epg_attach_options *given)
{
	CONTEXT_CALL(epg);
	AUTO_PORT struct port port = PORT_INIT;
	struct epg_attach_options options;
	struct instance *instance;
	AUTO_CLOSE int lock = -1;
	int error;

	error = context_options(epg, &options, sizeof(options), given);
	if (!error)
		error = port_locate(epg, interface, &port);
	if (!error)
		error = check_can_attach(epg, interface, &port, options.xdp);
	if (!error)
		error = instance_begin_change(epg, true, &lock, &instance);
	return error ? error : attach_located(epg, instance, interface, &options, &port);
}

/* What was said when it was attached goes with the programs; a number that nobody needs any more too. */
static int forget_attachment(struct epg *epg, struct instance *instance, struct journal *journal, uint32_t id)
{
	struct epg_binding binding;
	int error;

	/* Before the program goes: afterwards nobody has decided what comes from there. */
	error = membership_set_xdp(epg, instance, journal, id, false);
	if (!error)
		error = membership_set_flag(epg, instance, journal, id, EPG_ENDPOINT_DETOUR, false);
	if (!error)
		error = membership_set_flag(epg, instance, journal, id, EPG_ENDPOINT_DIRECT, false);
	if (error || !(id & EPG_PORT) || membership_look(instance, id, &binding))
		return error;
	return port_delete(epg, instance, journal, id);
}

int epg_detach(struct epg *epg, const char *interface)
{
	CONTEXT_CALL(epg);
	AUTO_JOURNAL struct journal journal = {0};
	struct instance *instance;
	AUTO_CLOSE int lock = -1;
	bool detached;
	uint32_t id;
	int error;

	error = instance_begin_change(epg, false, &lock, &instance);
	if (!error)
		error = port_find_vanished(epg, instance, interface, &id);
	if (error)
		return error;
	if (port_hooks_id(instance, id) != id)
		return context_fail(epg, EPG_FAILURE_INPUT, -EINVAL, interface,
				    "epgctl detach takes the interface itself",
				    "those behind an interface have no hook of their own");
	error = forget_attachment(epg, instance, &journal, id);
	if (error)
		return error;
	detached = hooks_detach(epg, id);
	/* Not before: its last packets would teach them again. */
	if (detached)
		error = membership_forget_parents(epg, instance, &journal);
	if (error)
		return error;
	if (!detached)
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
		char name[PORT_NAME_MAX];
		struct epg_attachment attachment = {
			.ifindex = hooks[i].ifindex,
			.interface = port_name(epg, instance, hooks[i].ifindex, name),
			.kind = hooks[i].kind,
			.ingress = hooks[i].ingress,
			.egress = hooks[i].egress,
			.xdp = hooks[i].xdp,
		};

		result = fn(user, &attachment);
	}
	return result;
}
