/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#ifndef EPG_EDIT_PLAIN_H
#define EPG_EDIT_PLAIN_H

#include <stddef.h>

/* Text that grows. */
struct edit_output {
	char *text;
	size_t length, capacity;
	int error;
};

void edit_put(struct edit_output *output, const char *text, size_t length);

/*
 * Writes a policy's text anew, in the plainest way: blocks, no aliases, no comments, values quoted where YAML could
 * take them for something else. The caller frees `ret`. 0, -EBADMSG, -ENOMEM.
 */
int edit_plain(const char *text, size_t length, char **ret, size_t *ret_length);

#endif
