/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* What this kernel can do, and what is wrong with the instance: a table of checks, each of which tells for itself. */
#include "inspect/doctor.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "runtime/observe.h"
#include "runtime/runtime.h"
#include "runtime/walk.h"

#define TEXT_MAX 512

/* ---- telling ---- */

static void tell(struct doctor *doctor, const char *name, enum epg_health health, const char *subject, const char *hint,
		 const char *text)
{
	const struct epg_checkup checkup = {
		.name = name,
		.health = health,
		.subject = subject ? subject : "",
		.text = text,
		.hint = hint ? hint : "",
	};

	if (!doctor->stopped)
		doctor->stopped = doctor->fn(doctor->user, &checkup);
}

void doctor_tell(struct doctor *doctor, const char *name, enum epg_health health, const char *subject, const char *hint,
		 const char *format, ...)
{
	char text[TEXT_MAX];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	tell(doctor, name, health, subject, hint, text);
}

void doctor_tell_failure(struct doctor *doctor, const char *name)
{
	const struct epg_error *failure = &doctor->epg->failure.public;

	tell(doctor, name, EPG_HEALTH_BAD, failure->where, failure->hint, failure->message);
	context_forget(doctor->epg);
}

/* ---- looking up ---- */

const char *doctor_name(struct doctor *doctor, uint32_t id, char text[DOCTOR_NAME_MAX])
{
	const char *name = endpoint_names_find(doctor->names, id);

	if (*name)
		snprintf(text, DOCTOR_NAME_MAX, "%s", name);
	else if (id & EPG_PORT)
		snprintf(text, DOCTOR_NAME_MAX, "port%u", id & ~EPG_PORT);
	else
		snprintf(text, DOCTOR_NAME_MAX, "if%u", id);
	return text;
}

static int compare_patients(const void *left, const void *right)
{
	uint32_t a = ((const struct patient *)left)->id, b = ((const struct patient *)right)->id;

	return (a > b) - (a < b);
}

const struct patient *doctor_patient(const struct doctor *doctor, uint32_t id)
{
	const struct patient wanted = {.id = id};

	return doctor->n_patients
		       ? bsearch(&wanted, doctor->patients, doctor->n_patients, sizeof(wanted), compare_patients)
		       : NULL;
}

static int compare_hooks(const void *left, const void *right)
{
	uint32_t a = ((const struct hooks *)left)->ifindex, b = ((const struct hooks *)right)->ifindex;

	return (a > b) - (a < b);
}

const struct hooks *doctor_hooks(const struct doctor *doctor, uint32_t id)
{
	const struct hooks wanted = {.ifindex = id};

	return doctor->n_hooks ? bsearch(&wanted, doctor->hooks, doctor->n_hooks, sizeof(wanted), compare_hooks) : NULL;
}

/* ---- what the checks look at ---- */

static int take_patient(void *user, const void *key, const void *value)
{
	struct doctor *doctor = user;
	uint32_t running = doctor->running ? doctor->running->number : 0;
	const struct epg_binding *binding = observe_binding(value, running);

	if (!binding->class_id && !(binding->flags & (EPG_ENDPOINT_SHARED | EPG_ENDPOINT_DETOUR)))
		return 0;
	if (array_reserve(&doctor->patients, &doctor->patients_capacity, doctor->n_patients + 1,
			  sizeof(*doctor->patients)))
		return -ENOMEM;
	doctor->patients[doctor->n_patients++] = (struct patient){((const struct epg_endpoint_key *)key)->ifindex,
								  *binding, ((const struct epg_endpoint *)value)->mtu};
	return 0;
}

static int read_instance(struct doctor *doctor)
{
	struct epg *epg = doctor->epg;
	int error = observe_running(epg, doctor->instance, &doctor->running);

	if (!error)
		error = hooks_read(epg, &doctor->hooks, &doctor->n_hooks);
	if (error)
		return error;
	doctor->names = endpoint_names_new(doctor->epg, doctor->instance);
	error = doctor->names ? walk_map(doctor->instance->fd.endpoints, take_patient, doctor) : -ENOMEM;
	if (error)
		return context_fail_kernel(epg, error, "endpoints", "can't read the map");
	if (doctor->n_patients)
		qsort(doctor->patients, doctor->n_patients, sizeof(*doctor->patients), compare_patients);
	return 0;
}

static void doctor_end(struct doctor *doctor)
{
	generation_close(doctor->running);
	endpoint_names_free(doctor->names);
	free(doctor->hooks);
	free(doctor->patients);
}

/* Not loaded is nothing bad: nobody has promised anything yet. */
static bool open_instance(struct doctor *doctor)
{
	int error = instance_open(doctor->epg, &doctor->instance);

	if (!error)
		error = read_instance(doctor);
	if (error == -ENODEV && !doctor->instance) {
		doctor_tell(doctor, "instance", EPG_HEALTH_NOTE, doctor->epg->pin,
			    "epgctl load, or epgctl apply -f FILE", "nothing is loaded there");
		context_forget(doctor->epg);
		return false;
	}
	if (error)
		doctor_tell_failure(doctor, "instance");
	return !error;
}

int epg_doctor(struct epg *epg, epg_checkup_fn fn, void *user)
{
	CONTEXT_CALL(epg);
	__attribute__((cleanup(doctor_end))) struct doctor doctor = {.epg = epg, .fn = fn, .user = user};

	if (!doctor_may_use_bpf(&doctor))
		return doctor.stopped;
	doctor_check_host(&doctor);
	if (!open_instance(&doctor))
		return doctor.stopped;
	doctor_check_instance(&doctor);
	doctor_check_attachments(&doctor);
	doctor_check_direct(&doctor);
	return doctor.stopped;
}
