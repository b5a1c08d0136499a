/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* The context: its lock, its last failure, its log. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "runtime/internal.h"

/* The longest name below the pin directory: "/generations/4294967295/counters", with room to spare. */
#define PIN_ROOM 128
/* No options struct will ever be larger: a size beyond it was never set. */
#define OPTIONS_MAX 4096

const char *epg_version(void)
{
	return EPG_VERSION;
}

/* Copies the pin directory without trailing slashes. */
static int copy_pin(const char *pin, char ret[PATH_MAX])
{
	size_t length = strlen(pin);

	while (length > 1 && pin[length - 1] == '/')
		length--;
	if (pin[0] != '/' || length < 2 || length >= PATH_MAX - PIN_ROOM)
		return -EINVAL;
	memcpy(ret, pin, length);
	ret[length] = '\0';
	return 0;
}

/* What context_options does, before there is a context that could tell of a failure. */
static int copy_options(void *ret, size_t size, const void *options)
{
	size_t given = sizeof(size_t);

	if (options)
		memcpy(&given, options, sizeof(given));
	if (given < sizeof(size_t) || given > OPTIONS_MAX)
		return -EINVAL;
	for (size_t i = size; i < given; i++)
		if (((const uint8_t *)options)[i])
			return -EINVAL;
	memset(ret, 0, size);
	if (options)
		memcpy(ret, options, given < size ? given : size);
	memcpy(ret, &size, sizeof(size));
	return 0;
}

static void failure_clear(struct failure *failure)
{
	failure->message[0] = failure->where[0] = failure->hint[0] = '\0';
	failure->public = (struct epg_error){
		.message = failure->message,
		.where = failure->where,
		.hint = failure->hint,
	};
}

int epg_open(const struct epg_options *given, struct epg **ret)
{
	AUTO_FREE struct epg *epg = NULL;
	struct epg_options options;
	int error;

	error = copy_options(&options, sizeof(options), given);
	if (error)
		return error;
	epg = calloc(1, sizeof(*epg));
	if (!epg)
		return -ENOMEM;
	error = copy_pin(options.pin ? options.pin : EPG_DEFAULT_PIN, epg->pin);
	if (error)
		return error;
	error = -pthread_mutex_init(&epg->lock, NULL);
	if (error)
		return error;
	epg->log = options.log;
	epg->log_user = options.log_user;
	failure_clear(&epg->failure);
	*ret = TAKE_PTR(epg);
	return 0;
}

void epg_close(struct epg *epg)
{
	if (!epg)
		return;
	instance_close(epg->instance);
	arena_free(epg->answer);
	pthread_mutex_destroy(&epg->lock);
	free(epg);
}

const struct epg_error *epg_error(const struct epg *epg)
{
	return &epg->failure.public;
}

struct epg *context_enter(struct epg *epg)
{
	pthread_mutex_lock(&epg->lock);
	failure_clear(&epg->failure);
	arena_free(epg->answer);
	epg->answer = NULL;
	return epg;
}

void context_clear(struct epg *epg)
{
	failure_clear(&epg->failure);
}

void context_leave(struct epg **epg)
{
	pthread_mutex_unlock(&(*epg)->lock);
}

int context_options(struct epg *epg, void *ret, size_t size, const void *options)
{
	int error = copy_options(ret, size, options);

	if (error)
		return context_fail(epg, EPG_FAILURE_INPUT, error, NULL, "set its first field, size, to sizeof(it)",
				    "an options struct has no size, or asks for what this version does not know");
	return 0;
}

static void set_text(char text[EPG_ERROR_TEXT], const char *from)
{
	snprintf(text, EPG_ERROR_TEXT, "%s", from ? from : "");
}

static void set_failure(struct epg *epg, enum epg_failure failure, int error, const char *where, const char *hint)
{
	epg->failure.public.failure = failure;
	epg->failure.public.error = error;
	set_text(epg->failure.where, where);
	set_text(epg->failure.hint, hint);
}

int context_fail(struct epg *epg, enum epg_failure failure, int error, const char *where, const char *hint,
		 const char *format, ...)
{
	va_list arguments;

	set_failure(epg, failure, error, where, hint);
	va_start(arguments, format);
	vsnprintf(epg->failure.message, sizeof(epg->failure.message), format, arguments);
	va_end(arguments);
	return error;
}

static enum epg_failure failure_of(int error)
{
	switch (-error) {
	case EPERM:
	case EACCES:
	case EROFS:
		return EPG_FAILURE_PERMISSION;
	case ENOENT:
	case ENXIO:
		return EPG_FAILURE_NOT_FOUND;
	case EOPNOTSUPP:
	case ENOSYS:
		return EPG_FAILURE_UNSUPPORTED;
	default:
		return EPG_FAILURE_KERNEL;
	}
}

static const char *hint_of(int error)
{
	switch (-error) {
	case EPERM:
	case EACCES:
		return "run as root, or with the capabilities CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON";
	case EROFS:
		return "the file system is mounted read-only";
	case ENOMEM:
		return "memory is short, or the limit of a memory cgroup is reached";
	case ENOSYS:
	case EOPNOTSUPP:
		return "this kernel, or the sandbox around us, does not offer it";
	default:
		return NULL;
	}
}

int context_fail_kernel(struct epg *epg, int error, const char *where, const char *format, ...)
{
	char *message = epg->failure.message;
	size_t length, size = sizeof(epg->failure.message);
	va_list arguments;

	set_failure(epg, failure_of(error), error, where, hint_of(error));
	va_start(arguments, format);
	vsnprintf(message, size, format, arguments);
	va_end(arguments);
	length = strlen(message);
	snprintf(message + length, size - length, ": %s", strerror(-error));
	return error;
}

void context_forget(struct epg *epg)
{
	failure_clear(&epg->failure);
}

void context_log(struct epg *epg, enum epg_log_level level, const char *format, ...)
{
	char message[1024];
	va_list arguments;

	if (!epg->log)
		return;
	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	epg->log(epg->log_user, level, message);
}
