/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "inspect/lint.h"

#include <stddef.h>

/* ---- subjects ---- */

static void lint_subjects(const struct model *model, struct epg_diagnostics *diagnostics)
{
	for (size_t i = 0; i < model->n_contracts; i++) {
		const struct model_contract *contract = &model->contracts[i];

		for (size_t j = 0; j < contract->n_subjects; j++)
			if (contract->subjects[j].audit)
				diagnostics_lint(diagnostics, EPG_LINT_SUBJECT_AUDITED, contract->subjects[j].place,
						 "once its counters say what you expect, take \"mode: audit\" away",
						 "subject \"%s\" of contract %s is in audit mode: it decides nothing",
						 contract->subjects[j].name, contract->name);
	}
}

/* ---- VRFs ---- */

static bool permits_unfiltered(const struct model *model, const struct model_contract *contract)
{
	for (size_t i = 0; i < contract->n_subjects; i++) {
		const struct model_subject *subject = &contract->subjects[i];

		for (size_t j = 0; j < subject->n_filters && !subject->audit; j++) {
			const struct model_filter *filter = &model->filters[subject->filters[j].filter];

			for (size_t k = 0; k < filter->n_entries && !subject->filters[j].deny; k++)
				if (!filter->entries[k].filtered)
					return true;
		}
	}
	return false;
}

static bool provides(const struct model_vrf *vrf, uint32_t contract)
{
	for (size_t i = 0; i < vrf->n_provide; i++)
		if (vrf->provide[i].contract == contract)
			return true;
	return false;
}

static void lint_any(const struct model *model, const struct model_vrf *vrf, struct epg_diagnostics *diagnostics)
{
	for (size_t i = 0; i < vrf->n_consume; i++) {
		const struct model_contract *contract = &model->contracts[vrf->consume[i].contract];

		if (contract->scope != MODEL_SCOPE_APPLICATION_PROFILE && provides(vrf, vrf->consume[i].contract) &&
		    permits_unfiltered(model, contract))
			diagnostics_lint(diagnostics, EPG_LINT_PERMITS_EVERYTHING, vrf->consume[i].place,
					 "say in its entries what is meant, or let single groups provide it",
					 "all groups of VRF %s provide and consume contract %s, which permits "
					 "everything",
					 vrf->name, contract->name);
	}
}

static void lint_vrfs(const struct model *model, struct epg_diagnostics *diagnostics)
{
	for (size_t i = 0; i < model->n_vrfs; i++) {
		const struct model_vrf *vrf = &model->vrfs[i];

		if (vrf->enforced)
			lint_any(model, vrf, diagnostics);
		else
			diagnostics_lint(diagnostics, EPG_LINT_VRF_UNENFORCED, vrf->place,
					 "enforcement: enforced makes its contracts count",
					 "VRF %s is not enforced: everything passes within it", vrf->name);
	}
}

/* ---- groups ---- */

static void lint_groups(const struct model *model, const bool *bound, struct epg_diagnostics *diagnostics)
{
	for (size_t i = 0; i < model->n_groups; i++) {
		const struct model_group *group = &model->groups[i];

		if (group->external || group->n_endpoints > 0 || group->n_matches > 0 || (bound && bound[i]))
			continue;
		diagnostics_lint(diagnostics, EPG_LINT_GROUP_WITHOUT_ENDPOINTS, group->place,
				 "list endpoints, or a match; or bind some with epgctl endpoint add",
				 bound ? "EPG %s has neither endpoints nor a match, and nothing is bound to it"
				       : "EPG %s has neither endpoints nor a match",
				 group->name);
	}
}

void lint_model(const struct model *model, const bool *bound, struct epg_diagnostics *diagnostics)
{
	lint_subjects(model, diagnostics);
	lint_vrfs(model, diagnostics);
	lint_groups(model, bound, diagnostics);
}
