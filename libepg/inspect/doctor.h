/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* What the checks of epg_doctor share. A check tells what it has found, good or not. */
#ifndef EPG_DOCTOR_H
#define EPG_DOCTOR_H

#include "inspect/endpoint_names.h"
#include "runtime/hooks.h"
#include "runtime/port.h"

/* An endpoint as it is bound now. */
struct patient {
	uint32_t id;
	struct epg_binding binding;
	uint16_t mtu; /* as the entry has it */
};

struct doctor {
	struct epg *epg;
	epg_checkup_fn fn;
	void *user;
	int stopped; /* what fn returned: nothing more is told */

	/* NULL, or none, where nothing is loaded or it can't be read. */
	struct instance *instance;
	struct generation *running;
	struct endpoint_names *names;
	struct hooks *hooks; /* by id */
	size_t n_hooks;
	struct patient *patients; /* by id */
	size_t n_patients, patients_capacity;
};

/* `name` is that of the check; `subject` and `hint` may be NULL. */
void doctor_tell(struct doctor *doctor, const char *name, enum epg_health health, const char *subject, const char *hint,
		 const char *format, ...) __attribute__((format(printf, 6, 7)));
/* Tells the context's last failure as what is wrong, and forgets it. */
void doctor_tell_failure(struct doctor *doctor, const char *name);

/* "eth0", or "if42" for one that has vanished: as epgctl takes it. */
#define DOCTOR_NAME_MAX PORT_NAME_MAX
const char *doctor_name(struct doctor *doctor, uint32_t id, char text[DOCTOR_NAME_MAX]);

/* NULL: it is not bound. */
const struct patient *doctor_patient(const struct doctor *doctor, uint32_t id);
/* NULL: nothing of ours is in force there. */
const struct hooks *doctor_hooks(const struct doctor *doctor, uint32_t id);

typedef void (*doctor_check)(struct doctor *doctor);
typedef void (*doctor_check_hooks)(struct doctor *doctor, const struct hooks *hooks, const char *name);

/* The host, loaded or not (doctor_host.c). True: BPF may be used at all. */
bool doctor_may_use_bpf(struct doctor *doctor);
void doctor_check_host(struct doctor *doctor);
/* The instance, its endpoints and maps (doctor_instance.c). */
void doctor_check_instance(struct doctor *doctor);
/* What is attached (doctor_hooks.c). */
void doctor_check_attachments(struct doctor *doctor);
/* Who forwards past the host (doctor_direct.c). */
void doctor_check_direct(struct doctor *doctor);

#endif
