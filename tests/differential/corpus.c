// SPDX-License-Identifier: GPL-2.0-only
#include "corpus.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "packet_text.h"

#define PACKET_MARK "# packet: "
#define ANSWER_MARK "# answer: "

static char *read_file(const char *path)
{
	FILE *file = fopen(path, "r");
	char *text = NULL;
	size_t size = 0;

	if (!file)
		return NULL;
	if (getdelim(&text, &size, '\0', file) < 0) {
		free(text);
		text = NULL;
	}
	fclose(file);
	return text;
}

int corpus_each_file(const char *directory, void (*fn)(void *user, const char *path, const char *text), void *user)
{
	char pattern[512];
	int n = 0, status;
	glob_t found;

	snprintf(pattern, sizeof(pattern), "%s/*.yaml", directory);
	status = glob(pattern, 0, NULL, &found);
	if (status)
		return status == GLOB_NOMATCH ? 0 : -EIO;
	for (size_t i = 0; i < found.gl_pathc && n >= 0; i++) {
		AUTO_FREE char *text = read_file(found.gl_pathv[i]);

		if (text)
			fn(user, found.gl_pathv[i], text);
		n = text ? n + 1 : -EIO;
	}
	globfree(&found);
	return n;
}

static bool has_mark(const char *line, const char *mark)
{
	return strncmp(line, mark, strlen(mark)) == 0;
}

int corpus_each_packet(const char *text, corpus_packet_fn fn, void *user)
{
	AUTO_FREE char *copy = strdup(text);
	struct reference_packet packet;
	bool pending = false;
	char *rest = NULL;
	int n = 0;

	if (!copy)
		return -ENOMEM;
	for (char *line = strtok_r(copy, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		if (has_mark(line, ANSWER_MARK) && pending) {
			fn(user, &packet, line + strlen(ANSWER_MARK));
			pending = false;
		} else if (has_mark(line, PACKET_MARK)) {
			if (pending)
				fn(user, &packet, NULL);
			if (packet_text_parse(line + strlen(PACKET_MARK), &packet))
				return -EINVAL;
			pending = true;
			n++;
		}
	}
	if (pending)
		fn(user, &packet, NULL);
	return n;
}
