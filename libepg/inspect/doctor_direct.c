/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Who forwards past the host, looked at anew: what has been put in the way since is skipped. */
#include <stdio.h>

#include "inspect/doctor.h"
#include "runtime/direct.h"

static bool is_asked(const struct doctor *doctor, const struct patient *patient)
{
	const struct catalog *catalog = &doctor->running->catalog;
	const struct catalog_group *group = catalog_group_by_class(catalog, patient->binding.class_id);

	return group && !group->external && catalog->bridge_domains[group->bridge_domain].direct;
}

static void tell_one(struct doctor *doctor, const struct patient *patient, const struct direct *found)
{
	static const char check[] = "endpoint-direct";
	bool direct = patient->binding.flags & EPG_ENDPOINT_DIRECT;
	char name[DOCTOR_NAME_MAX], again[DOCTOR_NAME_MAX + 64];

	doctor_name(doctor, patient->id, name);
	snprintf(again, sizeof(again), "epgctl attach %s looks at it again", name);
	if (direct && *found->why)
		doctor_tell(doctor, check, EPG_HEALTH_BAD, name, again,
			    "established flows go past the host, and so past what has come later: %s", found->why);
	else if (direct && found->mtu != patient->mtu)
		doctor_tell(doctor, check, EPG_HEALTH_BAD, name, again,
			    "packets of up to %u bytes go past the host, and its MTU is %u now", patient->mtu,
			    found->mtu);
	else if (*found->why)
		doctor_tell(doctor, check, EPG_HEALTH_NOTE, name, again,
			    "its bridge domain forwards directly, but it goes by the stack: %s", found->why);
	else if (!direct)
		doctor_tell(doctor, check, EPG_HEALTH_NOTE, name, again,
			    "its bridge domain forwards directly, it goes by the stack, and nothing asks for that now");
}

void doctor_check_direct(struct doctor *doctor)
{
	size_t asked = 0, direct = 0;

	for (size_t i = 0; doctor->running && !doctor->stopped && i < doctor->n_patients; i++) {
		const struct patient *patient = &doctor->patients[i];
		const struct hooks *found = doctor_hooks(doctor, patient->id), none = {.ifindex = patient->id};
		struct direct seen;

		if (!is_asked(doctor, patient))
			continue;
		direct_look(doctor->epg, patient->id, patient->binding.flags, found ? found : &none, &seen);
		tell_one(doctor, patient, &seen);
		direct += patient->binding.flags & EPG_ENDPOINT_DIRECT && !*seen.why;
		asked++;
	}
	if (direct)
		doctor_tell(doctor, "endpoint-direct", EPG_HEALTH_GOOD, NULL, NULL,
			    "%zu of %zu endpoints that may forward past the host do", direct, asked);
}
