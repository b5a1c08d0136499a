/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "inspect/endpoint_names.h"

#include "runtime/port.h"

/* As many as there may be endpoints by default: ids are given out one after the other, so few share a place. */
#define PLACES 65536

struct named {
	uint32_t id; /* 0: nothing has been noted here */
	char name[PORT_NAME_MAX];
};

struct endpoint_names {
	struct epg *epg;
	const struct instance *instance;
	struct named places[PLACES];
};

struct endpoint_names *endpoint_names_new(struct epg *epg, const struct instance *instance)
{
	struct endpoint_names *names = calloc(1, sizeof(*names));

	if (!names)
		return NULL;
	names->epg = epg;
	names->instance = instance;
	return names;
}

void endpoint_names_free(struct endpoint_names *names)
{
	free(names);
}

const char *endpoint_names_find(struct endpoint_names *names, uint32_t id)
{
	struct named *named = &names->places[(id ^ (id & EPG_PORT ? PLACES / 2 : 0)) % PLACES];

	if (!id)
		return "";
	if (named->id != id) {
		port_name(names->epg, names->instance, id, named->name);
		named->id = id;
	}
	return named->name;
}
