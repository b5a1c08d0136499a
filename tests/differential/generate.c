// SPDX-License-Identifier: GPL-2.0-only
#include "generate.h"

#include "base/util.h"
#include "generate_filter.h"

#define VRFS_MAX 4
#define GROUPS_MAX 7

struct plan_group {
	unsigned int tenant, profile, vrf, domain;
	bool external;
};

/* What there is, before it is written down. */
struct plan {
	struct generator generator;
	unsigned int vrfs;
	unsigned int vrf_tenant[VRFS_MAX];
	bool overlap; /* VRFs use the same addresses */
	bool by_any;  /* contracts are mostly vzAny's */
	unsigned int first_class;
	bool backwards; /* groups inherit from later ones, not from earlier ones */
	struct plan_group groups[GROUPS_MAX];
	unsigned int n_groups;
	int interface_group[POOL_INTERFACES]; /* index; -1: nobody's */
	bool by_glob[POOL_INTERFACES];
};

/* Two bridge domains in each VRF; each has a number of its own, which its addresses tell. */
#define DOMAINS_PER_VRF 2

static unsigned int subnet_of(const struct plan *plan, unsigned int vrf, unsigned int domain)
{
	return 1 + (plan->overlap ? 0 : vrf * DOMAINS_PER_VRF) + domain;
}

/* ---- references to contracts ---- */

/* Up to `most` contracts, each once. */
static void add_uses(struct plan *plan, struct document_node *parent, const char *key, unsigned int tenant,
		     unsigned int most)
{
	struct generator *generator = &plan->generator;
	unsigned int n = pick(generator, most + 1), first = pick(generator, generator->contracts);
	struct document_node *list;

	if (n == 0 && chance(generator, 80))
		return;
	list = document_sequence(generator->arena, parent, key);
	for (unsigned int i = 0; i < n && i < generator->contracts; i++) {
		unsigned int contract = (first + i) % generator->contracts;

		if (generator->tenants > 1 && chance(generator, 40))
			document_scalar(generator->arena, list, NULL, "t%u/c%u",
					chance(generator, 80) ? 1 - tenant : tenant, contract);
		else
			document_scalar(generator->arena, list, NULL, "c%u", contract);
	}
}

static void add_taboo_uses(struct plan *plan, struct document_node *parent)
{
	struct generator *generator = &plan->generator;
	struct document_node *list;

	if (generator->taboos == 0 || !chance(generator, 20))
		return;
	list = document_sequence(generator->arena, parent, "taboos");
	for (unsigned int i = 0; i < generator->taboos; i++)
		if (i == 0 || chance(generator, 60))
			document_scalar(generator->arena, list, NULL, "n%u", generator->taboos - 1 - i);
}

/* ---- VRFs and bridge domains ---- */

static void write_vrf(struct plan *plan, struct document_node *vrfs, unsigned int index)
{
	struct generator *generator = &plan->generator;
	struct document_node *vrf = document_mapping(generator->arena, vrfs, NULL), *any;

	document_scalar(generator->arena, vrf, "name", "v%u", index);
	if (chance(generator, index == 0 ? 1 : 10))
		document_scalar(generator->arena, vrf, "enforcement", "unenforced");
	else if (chance(generator, 5))
		document_scalar(generator->arena, vrf, "enforcement", "enforced");
	if (chance(generator, 38))
		document_scalar(generator->arena, vrf, "preferredGroup", "%s",
				chance(generator, 95) ? "true" : "false");
	if (!plan->by_any && !chance(generator, 50))
		return;
	any = document_mapping(generator->arena, vrf, "vzAny");
	add_uses(plan, any, "provide", plan->vrf_tenant[index], plan->by_any ? 3 : 2);
	add_uses(plan, any, "consume", plan->vrf_tenant[index], plan->by_any ? 3 : 2);
}

static void write_domain(struct plan *plan, struct document_node *domains, unsigned int vrf, unsigned int index)
{
	struct generator *generator = &plan->generator;
	struct document_node *domain = document_mapping(generator->arena, domains, NULL), *subnets;
	unsigned int subnet = subnet_of(plan, vrf, index);

	document_scalar(generator->arena, domain, "name", "b%u-%u", vrf, index);
	document_scalar(generator->arena, domain, "vrf", "v%u", vrf);
	subnets = document_sequence(generator->arena, domain, "subnets");
	document_scalar(generator->arena, subnets, NULL, "10.0.%u.1/24", subnet);
	document_scalar(generator->arena, subnets, NULL, "\"fd00:%u::1/64\"", subnet);
	if (chance(generator, 35))
		document_scalar(generator->arena, domain, "arp", "%s",
				chance(generator, 90) ? "require-contract" : "permit");
}

static void write_vrfs(struct plan *plan, struct document_node *tenant, unsigned int index)
{
	struct document_node *vrfs = document_sequence(plan->generator.arena, tenant, "vrfs"), *domains;

	for (unsigned int i = 0; i < plan->vrfs; i++)
		if (plan->vrf_tenant[i] == index)
			write_vrf(plan, vrfs, i);
	domains = document_sequence(plan->generator.arena, tenant, "bridgeDomains");
	for (unsigned int i = 0; i < plan->vrfs; i++)
		for (unsigned int j = 0; plan->vrf_tenant[i] == index && j < DOMAINS_PER_VRF; j++)
			write_domain(plan, domains, i, j);
}

/* ---- groups ---- */

/* Far apart from policy to policy: ids are remembered for a while, and belong to their groups as long. */
static void add_class(struct plan *plan, struct document_node *node, unsigned int group)
{
	if (chance(&plan->generator, 20))
		document_scalar(plan->generator.arena, node, "class", "%u", plan->first_class + group);
}

/* From groups of one VRF and kind, and always in the same direction: so there is no cycle. */
static void add_inherit(struct plan *plan, struct document_node *node, unsigned int group)
{
	struct generator *generator = &plan->generator;
	const struct plan_group *heir = &plan->groups[group];
	struct document_node *list = NULL;

	for (unsigned int i = 0; i < plan->n_groups; i++) {
		const struct plan_group *from = &plan->groups[i];

		if (i == group || (i > group) != plan->backwards || from->vrf != heir->vrf ||
		    from->external != heir->external || !chance(generator, 20))
			continue;
		if (!list)
			list = document_sequence(generator->arena, node, "inherit");
		if (heir->external)
			document_scalar(generator->arena, list, NULL, chance(generator, 50) ? "x%u" : "t%2$u/x%1$u", i,
					from->tenant);
		else if (from->profile == heir->profile && chance(generator, 40))
			document_scalar(generator->arena, list, NULL, "g%u", i);
		else if (chance(generator, 50))
			document_scalar(generator->arena, list, NULL, "p%u/g%u", from->profile, i);
		else
			document_scalar(generator->arena, list, NULL, "t%u/p%u/g%u", from->tenant, from->profile, i);
	}
}

static void add_endpoints(struct plan *plan, struct document_node *node, unsigned int group)
{
	struct generator *generator = &plan->generator;
	unsigned int subnet = subnet_of(plan, plan->groups[group].vrf, plan->groups[group].domain);
	struct document_node *list = document_sequence(generator->arena, node, "endpoints");

	for (unsigned int i = 0; i < POOL_INTERFACES; i++) {
		struct document_node *endpoint, *ips;

		if (plan->interface_group[i] != (int)group || plan->by_glob[i])
			continue;
		endpoint = document_mapping(generator->arena, list, NULL);
		document_scalar(generator->arena, endpoint, "interface", "e%u", i);
		ips = document_sequence(generator->arena, endpoint, "ips");
		document_scalar(generator->arena, ips, NULL, "10.0.%u.%u", subnet, POOL_HOST(i));
		document_scalar(generator->arena, ips, NULL, "\"fd00:%u::%x\"", subnet, POOL_HOST(i));
		if (chance(generator, 40)) {
			document_scalar(generator->arena, ips, NULL, "10.0.%u.%u", subnet, POOL_SECOND_HOST(i));
			document_scalar(generator->arena, ips, NULL, "\"fd00:%u::%x\"", subnet, POOL_SECOND_HOST(i));
		}
		document_scalar(generator->arena, endpoint, "mac", "\"02:00:00:00:00:%02x\"", POOL_HOST(i));
	}
}

/* Prefixes that cover endpoints' first or second addresses, or one of them, or addresses that nobody has. */
static void add_ip_match(struct plan *plan, struct document_node *list, unsigned int group)
{
	struct generator *generator = &plan->generator;
	unsigned int subnet = subnet_of(plan, plan->groups[group].vrf, plan->groups[group].domain);
	/* Each group has a length of its own, since a prefix may stand only once in a VRF. */
	unsigned int bits = group % 6;
	unsigned int host = (chance(generator, 50) ? POOL_HOST(0) : POOL_SECOND_HOST(0)) + pick(generator, 12);
	struct document_node *match = document_mapping(generator->arena, list, NULL);

	host &= ~0u << bits;
	if (chance(generator, 50))
		document_scalar(generator->arena, match, "ip", "10.0.%u.%u/%u", subnet, host, 32 - bits);
	else
		document_scalar(generator->arena, match, "ip", "\"fd00:%u::%x/%u\"", subnet, host, 128 - bits);
}

static void add_matches(struct plan *plan, struct document_node *node, unsigned int group)
{
	struct generator *generator = &plan->generator;
	struct document_node *list = document_sequence(generator->arena, node, "match"), *match;

	for (unsigned int i = POOL_GLOB_FIRST; i < POOL_INTERFACES; i++) {
		if (plan->interface_group[i] == (int)group && plan->by_glob[i]) {
			match = document_mapping(generator->arena, list, NULL);
			document_scalar(generator->arena, match, "interface", "\"%s%u%s\"", "[e]", i, "*");
		}
	}
	if (chance(generator, 25))
		add_ip_match(plan, list, group);
}

static void add_police(struct plan *plan, struct document_node *node)
{
	struct generator *generator = &plan->generator;
	struct document_node *police;

	if (!chance(generator, 8))
		return;
	police = document_mapping(generator->arena, node, "police");
	document_scalar(generator->arena, police, "rate", "%s", chance(generator, 50) ? "100gbit" : "10gbps");
	if (chance(generator, 50))
		document_scalar(generator->arena, police, "burst", "%s", chance(generator, 50) ? "128mb" : "65536kb");
}

static void add_intra(struct plan *plan, struct document_node *node, unsigned int tenant)
{
	struct document_node *intra;

	if (!chance(&plan->generator, 50))
		return;
	intra = document_mapping(plan->generator.arena, node, "intraEpg");
	if (chance(&plan->generator, 50))
		document_scalar(plan->generator.arena, intra, "isolation", "%s",
				chance(&plan->generator, 90) ? "true" : "false");
	if (chance(&plan->generator, 75))
		add_uses(plan, intra, "contracts", tenant, 2);
}

static void write_common(struct plan *plan, struct document_node *node, unsigned int index)
{
	const struct plan_group *group = &plan->groups[index];

	add_class(plan, node, index);
	add_uses(plan, node, "provide", group->tenant, plan->by_any ? 1 : 2);
	add_uses(plan, node, "consume", group->tenant, plan->by_any ? 1 : 2);
	add_taboo_uses(plan, node);
	add_inherit(plan, node, index);
	if (chance(&plan->generator, 55))
		document_scalar(plan->generator.arena, node, "preferredGroupMember", "%s",
				chance(&plan->generator, 90) ? "true" : "false");
}

static void write_epg(struct plan *plan, struct document_node *epgs, unsigned int index)
{
	const struct plan_group *group = &plan->groups[index];
	struct document_node *node = document_mapping(plan->generator.arena, epgs, NULL);

	document_scalar(plan->generator.arena, node, "name", "g%u", index);
	document_scalar(plan->generator.arena, node, "bridgeDomain", "b%u-%u", group->vrf, group->domain);
	write_common(plan, node, index);
	add_intra(plan, node, group->tenant);
	add_police(plan, node);
	add_endpoints(plan, node, index);
	add_matches(plan, node, index);
}

static void write_profiles(struct plan *plan, struct document_node *tenant, unsigned int index)
{
	struct document_node *profiles = document_sequence(plan->generator.arena, tenant, "appProfiles");

	for (unsigned int profile = 0; profile < 2; profile++) {
		struct document_node *node = document_mapping(plan->generator.arena, profiles, NULL), *epgs;

		document_scalar(plan->generator.arena, node, "name", "p%u", profile);
		epgs = document_sequence(plan->generator.arena, node, "epgs");
		for (unsigned int i = 0; i < plan->n_groups; i++)
			if (!plan->groups[i].external && plan->groups[i].tenant == index &&
			    plan->groups[i].profile == profile)
				write_epg(plan, epgs, i);
	}
}

/* Nested prefixes; all addresses only where no other VRF can get to know of them. */
static void add_external_subnets(struct plan *plan, struct document_node *node, unsigned int group)
{
	static const char *const ipv4[] = {"192.%u.0.0/16", "192.%u.1.0/24", "192.%u.1.128/25", "192.%u.2.2/32"};
	static const char *const ipv6[] = {"\"2001:db8:%u::/48\"", "\"2001:db8:%u:1::/64\"", "\"2001:db8:%u:1::8/125\"",
					   "\"2001:db8:%u:2::2/128\""};
	struct generator *generator = &plan->generator;
	unsigned int vrf = plan->groups[group].vrf, nth = group % ARRAY_SIZE(ipv4);
	struct document_node *list = document_sequence(generator->arena, node, "subnets");

	document_scalar(generator->arena, list, NULL, ipv4[nth], vrf);
	document_scalar(generator->arena, list, NULL, ipv6[nth], vrf);
	if (!generator->wide && nth == 0 && chance(generator, 50)) {
		document_scalar(generator->arena, list, NULL, "0.0.0.0/0");
		document_scalar(generator->arena, list, NULL, "\"::/0\"");
	}
	/* Within a bridge domain: what endpoints own there is theirs nevertheless. */
	if (!generator->wide && chance(generator, 25)) {
		unsigned int subnet = subnet_of(plan, vrf, 0), host = nth % 2 * 64;

		document_scalar(generator->arena, list, NULL, "10.0.%u.%u/26", subnet, host);
		document_scalar(generator->arena, list, NULL, "\"fd00:%u::%x/122\"", subnet, host);
	}
}

static void write_externals(struct plan *plan, struct document_node *tenant, unsigned int index)
{
	struct document_node *externals = document_sequence(plan->generator.arena, tenant, "externalEpgs");

	for (unsigned int i = 0; i < plan->n_groups; i++) {
		struct document_node *node;

		if (!plan->groups[i].external || plan->groups[i].tenant != index)
			continue;
		node = document_mapping(plan->generator.arena, externals, NULL);
		document_scalar(plan->generator.arena, node, "name", "x%u", i);
		document_scalar(plan->generator.arena, node, "vrf", "v%u", plan->groups[i].vrf);
		add_external_subnets(plan, node, i);
		write_common(plan, node, i);
	}
}

/* ---- the plan ---- */

static void plan_groups(struct plan *plan)
{
	struct generator *generator = &plan->generator;
	unsigned int epgs = 2 + pick(generator, 4), externals = pick(generator, 3);

	plan->n_groups = epgs + externals;
	for (unsigned int i = 0; i < plan->n_groups; i++) {
		struct plan_group *group = &plan->groups[i];

		group->vrf = chance(generator, 60) ? 0 : pick(generator, plan->vrfs);
		group->tenant = plan->vrf_tenant[group->vrf];
		group->profile = pick(generator, 2);
		group->domain = chance(generator, 70) ? 0 : 1;
		group->external = i >= epgs;
	}
	for (unsigned int i = 0; i < POOL_INTERFACES; i++) {
		/* The first two groups have at least two endpoints each. */
		plan->interface_group[i] = i < 4 ? (int)(i / 2) : (int)pick(generator, epgs);
		if (i >= 4 && chance(generator, 10))
			plan->interface_group[i] = -1;
		plan->by_glob[i] = i >= POOL_GLOB_FIRST && chance(generator, 40);
	}
}

struct document_node *generate_policy(struct arena *arena, uint64_t *random)
{
	struct plan plan = {.generator = {.arena = arena, .random = random}};
	struct generator *generator = &plan.generator;
	struct document_node *root = document_mapping(arena, NULL, NULL), *tenants;

	generator->tenants = chance(generator, 70) ? 1 : 2;
	plan.vrfs = generator->tenants + pick(generator, 2);
	for (unsigned int i = 0; i < plan.vrfs; i++)
		plan.vrf_tenant[i] = i % generator->tenants;
	plan.overlap = plan.vrfs > 1 && chance(generator, 12);
	generator->wide = plan.vrfs > 1 && !plan.overlap && chance(generator, 80);
	plan.first_class = 1000 + GROUPS_MAX * pick(generator, 9000);
	plan.by_any = chance(generator, 60);
	plan.backwards = chance(generator, 50);
	generator->filters = 2 + pick(generator, 4);
	generator->contracts = 2 + pick(generator, 3);
	generator->taboos = pick(generator, 3);
	plan_groups(&plan);
	document_scalar(arena, root, "version", "1");
	tenants = document_sequence(arena, root, "tenants");
	for (unsigned int i = 0; i < generator->tenants; i++) {
		struct document_node *tenant = document_mapping(arena, tenants, NULL);

		document_scalar(arena, tenant, "name", "t%u", i);
		write_vrfs(&plan, tenant, i);
		generate_filters(generator, tenant);
		generate_contracts(generator, tenant);
		generate_taboos(generator, tenant);
		write_profiles(&plan, tenant, i);
		write_externals(&plan, tenant, i);
	}
	return root;
}
