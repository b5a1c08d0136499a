/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "compile/objects.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/util.h"

static int add_vrf(const struct model_vrf *vrf, uint16_t id, struct draft *draft)
{
	struct catalog_vrf *added = draft_add_vrfs(draft, 1);

	if (!added || draft_string(draft, vrf->name, &added->name))
		return -ENOMEM;
	added->id = id;
	added->enforced = vrf->enforced;
	added->preferred_group = vrf->preferred_group;
	added->line = vrf->place.line;
	return 0;
}

static int add_bridge_domain(const struct model_bridge_domain *domain, uint16_t id, struct draft *draft)
{
	struct catalog_bridge_domain *added = draft_add_bridge_domains(draft, 1);

	if (!added || draft_string(draft, domain->name, &added->name))
		return -ENOMEM;
	added->id = id;
	added->vrf = domain->vrf;
	added->arp_contract = domain->arp_contract;
	added->direct = domain->direct;
	added->line = domain->place.line;
	return 0;
}

static int add_group(const struct model_group *group, uint16_t class_id, struct draft *draft)
{
	struct catalog_group *added = draft_add_groups(draft, 1);

	if (!added || draft_string(draft, group->name, &added->name))
		return -ENOMEM;
	added->class_id = class_id;
	added->external = group->external;
	added->isolated = group->isolated;
	added->preferred_member = group->preferred_member;
	added->police_rate = group->police.rate;
	added->police_burst = group->police.burst;
	added->vrf = group->vrf;
	added->bridge_domain = group->external ? CATALOG_NONE : group->bridge_domain;
	added->line = group->place.line;
	return 0;
}

static int compare_names(const void *left, const void *right, void *user)
{
	const struct catalog_group_name *a = left, *b = right;
	const struct draft *draft = user;

	return strcmp(draft->strings + draft->groups[a->group].name, draft->strings + draft->groups[b->group].name);
}

static int add_group_names(struct draft *draft)
{
	struct catalog_group_name *names;

	if (!draft->n_groups)
		return 0;
	names = draft_add_group_names(draft, draft->n_groups);
	if (!names)
		return -ENOMEM;
	for (uint32_t i = 0; i < draft->n_groups; i++)
		names[i].group = i;
	qsort_r(names, draft->n_groups, sizeof(*names), compare_names, draft);
	return 0;
}

int objects_add(const struct model *model, const struct ids *ids, struct draft *draft, uint32_t **ret_catalogued)
{
	AUTO_FREE uint32_t *catalogued = array_new(model->n_groups, sizeof(*catalogued));

	if (!catalogued)
		return -ENOMEM;
	for (size_t i = 0; i < model->n_vrfs; i++) {
		if (add_vrf(&model->vrfs[i], ids->vrfs[i], draft))
			return -ENOMEM;
	}
	for (size_t i = 0; i < model->n_bridge_domains; i++) {
		if (add_bridge_domain(&model->bridge_domains[i], ids->bridge_domains[i], draft))
			return -ENOMEM;
	}
	for (uint32_t id = EPG_CLASS_FIRST; id <= EPG_CLASS_LAST; id++) {
		uint32_t group = ids->owners[id].group;

		if (group == MODEL_NONE)
			continue;
		catalogued[group] = (uint32_t)draft->n_groups;
		if (add_group(&model->groups[group], (uint16_t)id, draft))
			return -ENOMEM;
	}
	if (add_group_names(draft))
		return -ENOMEM;
	*ret_catalogued = TAKE_PTR(catalogued);
	return 0;
}

static int compare_relations(const void *left, const void *right)
{
	const struct catalog_relation *a = left, *b = right;

	if (a->group != b->group)
		return a->group < b->group ? -1 : 1;
	if (a->vrf != b->vrf)
		return a->vrf < b->vrf ? -1 : 1;
	if (a->contract != b->contract)
		return a->contract < b->contract ? -1 : 1;
	return (a->kind > b->kind) - (a->kind < b->kind);
}

/* One more relation of the group, or of vzAny, that `relation` is of. */
static int add_relation(struct draft *draft, struct catalog_relation relation, uint32_t contract, struct place place)
{
	struct catalog_relation *added = draft_add_relations(draft, 1);

	if (!added)
		return -ENOMEM;
	*added = relation;
	added->contract = contract;
	added->line = place.line;
	if (relation.kind == CATALOG_CONSUMES)
		draft->contracts[contract].consumers++;
	else if (relation.kind == CATALOG_PROVIDES || relation.kind == CATALOG_TABOO)
		draft->contracts[contract].providers++;
	return 0;
}

static int add_uses(struct draft *draft, struct catalog_relation relation, const struct model_contract_use *uses,
		    size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (add_relation(draft, relation, uses[i].contract, uses[i].place))
			return -ENOMEM;
	}
	return 0;
}

static int add_group_relations(struct draft *draft, const struct model *model, const struct model_group *group,
			       struct catalog_relation relation)
{
	relation.kind = CATALOG_PROVIDES;
	if (add_uses(draft, relation, group->provide, group->n_provide))
		return -ENOMEM;
	relation.kind = CATALOG_CONSUMES;
	if (add_uses(draft, relation, group->consume, group->n_consume))
		return -ENOMEM;
	relation.kind = CATALOG_INTRA;
	if (add_uses(draft, relation, group->intra, group->n_intra))
		return -ENOMEM;
	relation.kind = CATALOG_TABOO;
	for (size_t i = 0; i < group->n_taboos; i++) {
		uint32_t contract = (uint32_t)model->n_contracts + group->taboos[i].taboo;

		if (add_relation(draft, relation, contract, group->taboos[i].place))
			return -ENOMEM;
	}
	return 0;
}

static int add_any_relations(struct draft *draft, const struct model_vrf *vrf, struct catalog_relation relation)
{
	relation.kind = CATALOG_PROVIDES;
	if (add_uses(draft, relation, vrf->provide, vrf->n_provide))
		return -ENOMEM;
	relation.kind = CATALOG_CONSUMES;
	return add_uses(draft, relation, vrf->consume, vrf->n_consume);
}

int relations_add(const struct model *model, const uint32_t *catalogued, struct draft *draft)
{
	for (size_t i = 0; i < model->n_groups; i++) {
		struct catalog_relation relation = {.group = catalogued[i], .vrf = model->groups[i].vrf};

		if (add_group_relations(draft, model, &model->groups[i], relation))
			return -ENOMEM;
	}
	for (uint32_t i = 0; i < model->n_vrfs; i++) {
		struct catalog_relation relation = {.group = CATALOG_NONE, .vrf = i};

		if (add_any_relations(draft, &model->vrfs[i], relation))
			return -ENOMEM;
	}
	if (draft->n_relations)
		qsort(draft->relations, draft->n_relations, sizeof(*draft->relations), compare_relations);
	return 0;
}
