/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Policies as callers of the library have them: read from a file, from standard input, or from memory. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "runtime/amend.h"
#include "base/array.h"
#include "runtime/internal.h"

#define MAX_BYTES ((size_t)256 << 20)
#define READ_BYTES ((size_t)64 << 10)

DEFINE_AUTO(struct epg_policy, epg_policy_free)

/* What messages call the text. */
static const char *name_of(const struct epg_policy_source *source)
{
	return source->path ? source->path : "<memory>";
}

static int too_long(struct epg *epg, const char *path, size_t max_bytes)
{
	return context_fail(epg, EPG_FAILURE_INPUT, -EFBIG, path, "the limit is max_bytes of the policy's source",
			    "the policy has more than %zu bytes", max_bytes);
}

/* A file that can't be read is bad input, unless it is missing or forbidden. */
static int unreadable(struct epg *epg, const char *path, int error)
{
	enum epg_failure failure = error == -ENOENT   ? EPG_FAILURE_NOT_FOUND
				   : error == -EACCES ? EPG_FAILURE_PERMISSION
						      : EPG_FAILURE_INPUT;

	return context_fail(epg, failure, error, path, NULL, "the policy cannot be read: %s", strerror(-error));
}

/* Reads to the end, whatever sort of file it is. */
static int read_all(struct epg *epg, int fd, const char *path, size_t max_bytes, char **ret_text, size_t *ret_length)
{
	AUTO_FREE char *text = NULL;
	size_t capacity = 0, length = 0;
	struct stat status;
	ssize_t got;

	if (!fstat(fd, &status) && S_ISREG(status.st_mode) && status.st_size > 0 &&
	    (size_t)status.st_size <= max_bytes && array_reserve(&text, &capacity, (size_t)status.st_size + 1, 1))
		return unreadable(epg, path, -ENOMEM);
	do {
		if (length == capacity && array_reserve(&text, &capacity, capacity + READ_BYTES, 1))
			return unreadable(epg, path, -ENOMEM);
		got = read(fd, text + length, capacity - length);
		if (got < 0 && errno != EINTR)
			return unreadable(epg, path, -errno);
		length += got > 0 ? (size_t)got : 0;
		if (length > max_bytes)
			return too_long(epg, path, max_bytes);
	} while (got != 0);
	*ret_text = TAKE_PTR(text);
	*ret_length = length;
	return 0;
}

static int read_file(struct epg *epg, const char *path, size_t max_bytes, char **ret_text, size_t *ret_length)
{
	AUTO_CLOSE int fd = -1;

	if (!strcmp(path, "-"))
		return read_all(epg, STDIN_FILENO, path, max_bytes, ret_text, ret_length);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return unreadable(epg, path, -errno);
	return read_all(epg, fd, path, max_bytes, ret_text, ret_length);
}

static int read_text(struct epg *epg, const struct epg_policy_source *source, size_t max_bytes, struct epg_policy **ret,
		     struct epg_diagnostics *diagnostics)
{
	AUTO(epg_policy_free) struct epg_policy *policy = calloc(1, sizeof(*policy));
	AUTO_FREE char *file = NULL;
	const char *text = source->text;
	size_t length = source->length, errors;
	int error;

	if (!policy)
		return unreadable(epg, name_of(source), -ENOMEM);
	policy->edits = calloc(1, sizeof(*policy->edits));
	policy->amend = calloc(1, sizeof(*policy->amend));
	if (!policy->edits || !policy->amend)
		return unreadable(epg, name_of(source), -ENOMEM);
	if (!text) {
		error = read_file(epg, source->path, max_bytes, &file, &length);
		if (error)
			return error;
		text = file;
	}
	error = model_read(name_of(source), text, length, max_bytes, diagnostics, &policy->model);
	errors = diagnostics_errors(diagnostics);
	if (error == -EFBIG)
		return too_long(epg, name_of(source), max_bytes);
	if (error == -EBADMSG)
		return context_fail(epg, EPG_FAILURE_INPUT, error, name_of(source), NULL, "the policy has %zu error%s",
				    errors, errors == 1 ? "" : "s");
	if (error)
		return unreadable(epg, name_of(source), error);
	policy->edits->model = policy->model;
	*ret = TAKE_PTR(policy);
	return 0;
}

int epg_policy_read(struct epg *epg, const struct epg_policy_source *given, struct epg_policy **ret,
		    struct epg_diagnostics **ret_diagnostics)
{
	AUTO(diagnostics_free) struct epg_diagnostics *diagnostics = NULL;
	struct epg_policy_source source;
	int error;

	CONTEXT_CALL(epg);
	error = context_options(epg, &source, sizeof(source), given);
	if (error)
		return error;
	if (!source.path && !source.text)
		return context_fail(epg, EPG_FAILURE_INPUT, -EINVAL, NULL, "set path or text",
				    "neither a file nor a text was given as policy");
	error = diagnostics_new(name_of(&source), &diagnostics);
	if (error)
		return unreadable(epg, name_of(&source), error);
	error = read_text(epg, &source, source.max_bytes ? source.max_bytes : MAX_BYTES, ret, diagnostics);
	if (ret_diagnostics && (!error || error == -EBADMSG))
		*ret_diagnostics = TAKE_PTR(diagnostics);
	return error;
}

void epg_policy_free(struct epg_policy *policy)
{
	if (!policy)
		return;
	if (policy->edits)
		edits_clear(policy->edits);
	if (policy->amend)
		amend_close(policy->amend);
	free(policy->edits);
	free(policy->amend);
	model_free(policy->model);
	free(policy);
}
