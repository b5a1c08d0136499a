/* SPDX-License-Identifier: GPL-2.0-only */
/* Models built by hand, for the tests of what comes after reading. Names are string literals or the arena's. */
#ifndef EPG_TEST_MODEL_BUILDER_H
#define EPG_TEST_MODEL_BUILDER_H

#include <criterion/criterion.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "policy/diagnostic.h"
#include "policy/model.h"
#include "compile/tables.h"
#include "base/util.h"

DEFINE_AUTO(struct arena, arena_free)
DEFINE_AUTO(struct epg_diagnostics, diagnostics_free)
DEFINE_AUTO(struct tables, tables_free)

struct model_builder {
	struct model model;
	struct arena *arena;
	uint32_t line; /* of the next object: each has its own */
};

/* A model under construction that is given back at the end of the scope. */
#define MODEL_BUILDER(name)                                        \
	AUTO(arena_free) struct arena *name##_arena = arena_new(); \
	struct model_builder name = {.model = {.file = "test.yaml", .text = ""}, .arena = name##_arena}

/* Appends an element to an array of the model and returns its index. */
#define BUILD(builder, array, count, ...)                                                                         \
	({                                                                                                        \
		struct model_builder *owner = (builder);                                                          \
		__typeof__(&(array)[0]) added = arena_push(owner->arena, &(array), &(count), sizeof((array)[0])); \
                                                                                                                  \
		*added = (__typeof__((array)[0]))__VA_ARGS__;                                                     \
		added->place = (struct place){++owner->line, 1};                                                  \
		(uint32_t)((count)-1);                                                                            \
	})

static inline uint32_t build_tenant(struct model_builder *builder, const char *name)
{
	return BUILD(builder, builder->model.tenants, builder->model.n_tenants, {.name = name});
}

static inline uint32_t build_vrf(struct model_builder *builder, const char *name, uint32_t tenant, bool enforced)
{
	return BUILD(builder, builder->model.vrfs, builder->model.n_vrfs,
		     {.name = name, .tenant = tenant, .enforced = enforced});
}

static inline uint32_t build_bridge_domain(struct model_builder *builder, const char *name, uint32_t vrf)
{
	return BUILD(builder, builder->model.bridge_domains, builder->model.n_bridge_domains,
		     {.name = name, .vrf = vrf, .tenant = builder->model.vrfs[vrf].tenant});
}

/* "10.0.0.0/8" or "fd00::/8". */
static inline struct model_prefix build_prefix(const char *text)
{
	char address[INET6_ADDRSTRLEN];
	const char *slash = strchr(text, '/');
	struct model_prefix prefix = {.ipv4 = !strchr(text, ':')};

	snprintf(address, sizeof(address), "%.*s", (int)(slash - text), text);
	prefix.length = (uint8_t)(atoi(slash + 1) + (prefix.ipv4 ? 96 : 0));
	if (prefix.ipv4)
		prefix.address[10] = prefix.address[11] = 0xff;
	cr_assert_eq(inet_pton(prefix.ipv4 ? AF_INET : AF_INET6, address, prefix.address + (prefix.ipv4 ? 12 : 0)), 1);
	return prefix;
}

static inline void build_subnet(struct model_builder *builder, uint32_t bridge_domain, const char *prefix)
{
	struct model_bridge_domain *domain = &builder->model.bridge_domains[bridge_domain];
	uint32_t index = BUILD(builder, domain->subnets, domain->n_subnets, {.length = 0});
	struct place place = domain->subnets[index].place;

	domain->subnets[index] = build_prefix(prefix);
	domain->subnets[index].place = place;
}

/* An EPG of the bridge domain. */
static inline uint32_t build_group(struct model_builder *builder, const char *name, uint32_t app_profile,
				   uint32_t bridge_domain)
{
	const struct model_bridge_domain *domain = &builder->model.bridge_domains[bridge_domain];

	return BUILD(builder, builder->model.groups, builder->model.n_groups,
		     {.name = name,
		      .tenant = domain->tenant,
		      .app_profile = app_profile,
		      .vrf = domain->vrf,
		      .bridge_domain = bridge_domain});
}

static inline uint32_t build_external(struct model_builder *builder, const char *name, uint32_t vrf)
{
	return BUILD(builder, builder->model.groups, builder->model.n_groups,
		     {.name = name,
		      .tenant = builder->model.vrfs[vrf].tenant,
		      .app_profile = MODEL_NONE,
		      .vrf = vrf,
		      .bridge_domain = MODEL_NONE,
		      .external = true});
}

static inline void build_external_subnet(struct model_builder *builder, uint32_t group, const char *prefix)
{
	struct model_group *into = &builder->model.groups[group];
	uint32_t index = BUILD(builder, into->subnets, into->n_subnets, {.length = 0});
	struct place place = into->subnets[index].place;

	into->subnets[index] = build_prefix(prefix);
	into->subnets[index].place = place;
}

static inline void build_match_prefix(struct model_builder *builder, uint32_t group, const char *prefix)
{
	struct model_group *into = &builder->model.groups[group];
	uint32_t index = BUILD(builder, into->matches, into->n_matches, {.prefix = build_prefix(prefix)});

	into->matches[index].prefix.place = into->matches[index].place;
}

static inline void build_match_interface(struct model_builder *builder, uint32_t group, const char *glob)
{
	struct model_group *into = &builder->model.groups[group];

	BUILD(builder, into->matches, into->n_matches, {.interface = glob});
}

/* By VLAN and MAC address, of which the last byte is given; 0: by neither. NULL: behind any uplink. */
static inline struct model_match *build_match_station(struct model_builder *builder, uint32_t group,
						      const char *interface, uint16_t vlan, uint8_t mac)
{
	struct model_group *into = &builder->model.groups[group];

	BUILD(builder, into->matches, into->n_matches,
	      {.interface = interface, .vlan = vlan, .has_mac = mac > 0, .mac = {mac ? 2 : 0, 0, 0, 0, 0, mac}});
	return &into->matches[into->n_matches - 1];
}

static inline struct model_endpoint *build_endpoint(struct model_builder *builder, uint32_t group,
						    const char *interface)
{
	struct model_group *into = &builder->model.groups[group];

	BUILD(builder, into->endpoints, into->n_endpoints, {.interface = interface});
	return &into->endpoints[into->n_endpoints - 1];
}

static inline uint32_t build_filter(struct model_builder *builder, const char *name)
{
	return BUILD(builder, builder->model.filters, builder->model.n_filters, {.name = name});
}

/* TCP or UDP over both families to a range of ports; change what it returns for anything else. */
static inline struct model_entry *build_entry(struct model_builder *builder, uint32_t filter, const char *name,
					      uint8_t protocol, struct model_range ports)
{
	struct model_filter *into = &builder->model.filters[filter];
	uint16_t ipv4 = EPG_KIND_IPV4 | protocol, ipv6 = EPG_KIND_IPV6 | protocol;
	bool any_port = ports.first == 0 && ports.last == UINT16_MAX;

	BUILD(builder, into->entries, into->n_entries,
	      {.name = name,
	       .kinds = {{ipv4, ipv4}, {ipv6, ipv6}},
	       .n_kinds = 2,
	       .destination = ports,
	       .source = MODEL_RANGE_ANY,
	       .dscp = MODEL_RANGE_ANY,
	       .fragment = any_port ? MODEL_RANGE_ANY : (struct model_range){0, 0},
	       .tcp_flags = MODEL_TCP_FLAGS_ANY,
	       .filtered = true,
	       .tcp = protocol == 6,
	       .stateful = true});
	return &into->entries[into->n_entries - 1];
}

static inline uint32_t build_contract(struct model_builder *builder, const char *name, enum model_scope scope)
{
	return BUILD(builder, builder->model.contracts, builder->model.n_contracts, {.name = name, .scope = scope});
}

/* A subject with one filter. */
static inline void build_subject(struct model_builder *builder, uint32_t contract, const char *name, uint32_t filter)
{
	struct model_contract *into = &builder->model.contracts[contract];
	struct model_subject *subject;

	BUILD(builder, into->subjects, into->n_subjects,
	      {.name = name, .both_directions = true, .reverse_ports = true, .dscp = MODEL_DSCP_NONE});
	subject = &into->subjects[into->n_subjects - 1];
	BUILD(builder, subject->filters, subject->n_filters, {.filter = filter});
}

static inline void build_provide(struct model_builder *builder, uint32_t group, uint32_t contract)
{
	struct model_group *into = &builder->model.groups[group];

	BUILD(builder, into->provide, into->n_provide, {.contract = contract});
}

static inline void build_consume(struct model_builder *builder, uint32_t group, uint32_t contract)
{
	struct model_group *into = &builder->model.groups[group];

	BUILD(builder, into->consume, into->n_consume, {.contract = contract});
}

/* Compiles what must compile; the caller frees it. */
static inline struct tables *build_tables(const struct model_builder *builder, const struct compile_memory *memory)
{
	AUTO(diagnostics_free) struct epg_diagnostics *diagnostics = NULL;
	struct tables *tables = NULL;

	cr_assert_eq(diagnostics_new("test.yaml", &diagnostics), 0);
	cr_assert_eq(tables_compile(&builder->model, memory, diagnostics, &tables), 0, "%s",
		     epg_diagnostics_count(diagnostics) ? epg_diagnostics_get(diagnostics, 0)->message : "");
	return tables;
}

#endif
