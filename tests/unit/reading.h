/* SPDX-License-Identifier: GPL-2.0-only */
/* Policies as texts, and what the reader has to say about them. */
#ifndef EPG_TEST_READING_H
#define EPG_TEST_READING_H

#include <criterion/criterion.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "policy/diagnostic.h"
#include "policy/model.h"

struct reading {
	struct model *model; /* NULL after an error */
	struct epg_diagnostics *diagnostics;
	int error;
};

static inline struct reading read_text(const char *text)
{
	struct reading reading = {0};

	cr_assert_eq(diagnostics_new("p.yaml", &reading.diagnostics), 0);
	reading.error = model_read("p.yaml", text, strlen(text), 1 << 24, reading.diagnostics, &reading.model);
	return reading;
}

static inline void forget(struct reading *reading)
{
	epg_diagnostics_free(reading->diagnostics);
	model_free(reading->model);
}

static inline const char *first_message(const struct reading *reading)
{
	return epg_diagnostics_count(reading->diagnostics) ? epg_diagnostics_get(reading->diagnostics, 0)->message
							   : "nothing";
}

/* What must be fine, though it may have warnings. */
static inline struct reading read_good(const char *text)
{
	struct reading reading = read_text(text);

	cr_assert_eq(reading.error, 0, "%s\n%s", first_message(&reading), text);
	return reading;
}

/* Finds a message by a piece of it. */
static inline const struct epg_diagnostic *find(const struct reading *reading, const char *piece)
{
	for (size_t i = 0; i < epg_diagnostics_count(reading->diagnostics); i++) {
		const struct epg_diagnostic *message = epg_diagnostics_get(reading->diagnostics, i);

		if (strstr(message->message, piece))
			return message;
	}
	return NULL;
}

/* The text leads to exactly one error, in this line, with these words. */
static inline void expect_error(const char *text, uint32_t line, const char *piece, const char *hint)
{
	struct reading reading = read_text(text);
	const struct epg_diagnostic *message = find(&reading, piece);

	cr_assert_not_null(message, "expected \"%s\", not \"%s\"\n%s", piece, first_message(&reading), text);
	cr_assert_eq(message->severity, EPG_SEVERITY_ERROR);
	cr_assert_eq(message->line, line, "%s: line %u", piece, message->line);
	cr_assert_gt(message->column, 0);
	cr_assert(strstr(message->hint, hint), "%s: hint \"%s\"", piece, message->hint);
	cr_assert_eq(diagnostics_errors(reading.diagnostics), 1, "\"%s\" among others: \"%s\"", piece,
		     first_message(&reading));
	cr_assert_eq(reading.error, -EBADMSG);
	cr_assert_null(reading.model);
	forget(&reading);
}

static inline void expect_warning(const char *text, uint32_t line, const char *piece)
{
	struct reading reading = read_good(text);
	const struct epg_diagnostic *message = find(&reading, piece);

	cr_assert_not_null(message, "expected \"%s\", not \"%s\"\n%s", piece, first_message(&reading), text);
	cr_assert_eq(message->severity, EPG_SEVERITY_WARNING);
	cr_assert_eq(message->line, line, "%s: line %u", piece, message->line);
	forget(&reading);
}

/* It is fine, and nothing about it is suspicious. */
static inline void expect_nothing(const char *text)
{
	struct reading reading = read_good(text);

	cr_assert_eq(epg_diagnostics_count(reading.diagnostics), 0, "\"%s\"\n%s", first_message(&reading), text);
	forget(&reading);
}

/* What is written, what is said about it, and the advice. */
struct bad {
	const char *written;
	const char *piece;
	const char *hint;
};

/* Each of them, put between both halves of a good policy, is exactly one error in this line. */
static inline void expect_errors(const char *before, const char *after, uint32_t line, const struct bad *bad,
				 size_t n_bad)
{
	for (size_t i = 0; i < n_bad; i++) {
		char text[4096];
		int length = snprintf(text, sizeof(text), "%s%s%s", before, bad[i].written, after);

		cr_assert_lt(length, (int)sizeof(text));
		expect_error(text, line, bad[i].piece, bad[i].hint);
	}
}

#define EXPECT_ERRORS(before, after, line, bad) expect_errors(before, after, line, bad, ARRAY_SIZE(bad))

/* The policy that tests vary: keys of its only entry, or more behind it. */
#define BEFORE_ENTRY                                                             \
	"version: 1\n"                                                           \
	"tenants:\n"                                                             \
	"- name: shop\n"                                                         \
	"  vrfs: [{name: prod}, {name: dev}]\n"                                  \
	"  bridgeDomains:\n"                                                     \
	"  - {name: bd1, vrf: prod, subnets: [10.1.0.1/24, \"fd00:1::1/64\"]}\n" \
	"  - {name: bd2, vrf: dev}\n"                                            \
	"  filters:\n"                                                           \
	"  - name: http\n"                                                       \
	"    entries:\n"                                                         \
	"    - {name: web"
#define ENTRY_LINE 11
#define AFTER_ENTRY                                                \
	"}\n"                                                      \
	"  contracts:\n"                                           \
	"  - name: web\n"                                          \
	"    subjects: [{name: http, filters: [http]}]\n"          \
	"  appProfiles:\n"                                         \
	"  - name: store\n"                                        \
	"    epgs:\n"                                              \
	"    - {name: front, bridgeDomain: bd1, consume: [web]}\n" \
	"    - {name: back, bridgeDomain: bd1, provide: [web]}\n"
#define BEFORE_MORE BEFORE_ENTRY AFTER_ENTRY
#define MORE_LINE 20

#endif
