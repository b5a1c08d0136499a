/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Endpoints by name: interfaces of this network namespace, and ports: stations behind an interface that several share,
 * and interfaces inside other network namespaces. The grammar stands in epg.h.
 */
#ifndef EPG_PORT_NAMES_H
#define EPG_PORT_NAMES_H

#include <net/if.h>
#include <string.h>

#include "runtime/internal.h"
#include "runtime/journal.h"

/* Room for the longest name that port_name tells. */
#define PORT_NAME_MAX (EPG_PORT_INTERFACE_MAX + EPG_PORT_PLACE_MAX + 24)

/* A name, taken apart. */
struct port_spec {
	char interface[IF_NAMESIZE];
	uint16_t vlan;        /* 0: none */
	uint8_t mac[6];       /* all zero: none */
	char netns[PATH_MAX]; /* "": the current network namespace */
};

/* What a name stands for: an endpoint, or what may become one. */
struct port {
	uint32_t id;                /* 0: a port that has no number yet */
	uint32_t ifindex;           /* of the interface, as its namespace numbers it */
	int netns;                  /* of an interface inside: the namespace; else -1 */
	struct epg_port_name entry; /* of a port: `place` is set, or `netns` */
	uint32_t parent;            /* of a macvlan device inside: as inside.h has it */
	bool vepa;
};

#define PORT_INIT           \
	{                   \
		.netns = -1 \
	}
void port_close(struct port *port);
#define AUTO_PORT __attribute__((cleanup(port_close)))

static inline bool mac_is_zero(const uint8_t mac[6])
{
	static const uint8_t zero[6];

	return !memcmp(mac, zero, sizeof(zero));
}

static inline bool port_is_inside(const struct epg_port_name *entry)
{
	return entry->netns != 0;
}

/* A station, or the stations of a VLAN, behind an interface of this namespace. */
static inline bool port_is_behind(const struct epg_port_name *entry)
{
	return !entry->netns && entry->place.ifindex;
}

/* ---- by name ---- */

/* -EINVAL with a failure recorded where it is no name. Nothing is looked for. */
int port_parse(struct epg *epg, const char *name, struct port_spec *ret);
/*
 * Finds the interface that is named; a port's `id` is not set. -ENOENT with a failure recorded where there is no such
 * interface or namespace. `ret` begins with PORT_INIT.
 */
int port_locate(struct epg *epg, const char *name, struct port *ret);
/* Sets the `id` of a port that has one. */
int port_identify(struct epg *epg, struct instance *instance, struct port *port);
/*
 * The id of an endpoint that may have vanished: by its name, "if<ifindex>" or "port<number>". -ENOENT with a failure
 * recorded where there is nothing of that name.
 */
int port_find_vanished(struct epg *epg, struct instance *instance, const char *name, uint32_t *ret);

/* ---- by id ---- */

/* The name of an endpoint, by any id: "" when it, or what it is behind, has vanished. */
const char *port_name(struct epg *epg, const struct instance *instance, uint32_t id, char name[PORT_NAME_MAX]);
/* Is it there? */
bool port_lives(struct epg *epg, const struct instance *instance, uint32_t id);
/* Whose hooks decide for it: of a port behind an interface that interface, else itself. */
uint32_t port_hooks_id(const struct instance *instance, uint32_t id);
/* False: there is no such port. */
bool port_read(const struct instance *instance, uint32_t id, struct epg_port_name *ret);
/* The name of a port whose interface is called so. */
void port_text(const struct epg_port_name *entry, const char *interface, char name[PORT_NAME_MAX]);

/* ---- changes ---- */

/* The number behind another one, or behind the last one given out; none is given out twice. */
uint32_t port_number_last(const struct instance *instance);
uint32_t port_number_after(uint32_t id);
/* From now on the number is given out. */
void port_number_take(struct instance *instance, uint32_t id);

/* Writes down what a port stands for, or removes that. Failures are recorded. */
int port_write(struct epg *epg, struct instance *instance, struct journal *journal, uint32_t id,
	       const struct epg_port_name *entry);
int port_delete(struct epg *epg, struct instance *instance, struct journal *journal, uint32_t id);

typedef int (*port_fn)(void *user, uint32_t id, const struct epg_port_name *entry);
/* All ports; a walk that `fn` ends by a value other than 0 returns that, else 0 or a negative errno value. */
int port_each(struct instance *instance, port_fn fn, void *user);

/* Removes ports that are neither endpoints nor attached: what was begun and came to no end, or has ended. */
void port_sweep(struct epg *epg, struct instance *instance);

#endif
