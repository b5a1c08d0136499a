/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "policy/tree_text.h"
#include "base/utf8.h"
#include "base/util.h"

#define TOKEN_BYTES 64

/* ---- bytes ---- */

static void refuse_byte(const char *text, size_t length, size_t offset, struct epg_diagnostics *diagnostics)
{
	struct place place = diagnostics_place(diagnostics, offset);
	uint32_t code = 0;

	if (offset == 0 && length >= 2 && (!memcmp(text, "\xff\xfe", 2) || !memcmp(text, "\xfe\xff", 2)))
		diagnostics_error(diagnostics, place, "save it as UTF-8", "the text is UTF-16");
	else if (text[offset] == '\0')
		diagnostics_error(diagnostics, place, "a policy is a text in UTF-8", "a zero byte: this is not a text");
	else if (utf8_decode(text + offset, length - offset, &code) == 0)
		diagnostics_error(diagnostics, place, "save the text as UTF-8", "byte 0x%02x is not UTF-8 here",
				  (uint8_t)text[offset]);
	else
		diagnostics_error(diagnostics, place, "take it out",
				  "the invisible character U+%04X may not stand in a policy", code);
}

int tree_text_check(const char *text, size_t length, size_t start, struct epg_diagnostics *diagnostics)
{
	for (size_t offset = start; offset < length;) {
		uint32_t code;
		size_t width = utf8_decode(text + offset, length - offset, &code);

		if (width == 0 || !utf8_is_allowed(code)) {
			refuse_byte(text, length, offset, diagnostics);
			return -EBADMSG;
		}
		offset += width;
	}
	return 0;
}

/* ---- syntax ---- */

struct explanation {
	const char *problem; /* as libyaml says it, or its beginning */
	const char *message;
	const char *hint;
	bool at_context; /* the place to show is where the construct began */
};

static const struct explanation explanations[] = {
	{"found unexpected end of stream", "this is never closed", "write the closing quotation mark or bracket", true},
	{"found unexpected document indicator", "this is never closed", "write the closing quotation mark", true},
	{"found a tab character", "a tab stands where spaces must be", "indent with spaces only", false},
	{"did not find expected ',' or ']'", "the list in [ ] goes wrong here",
	 "write a comma between its items, and \"]\" at its end", false},
	{"did not find expected ',' or '}'", "the object in { } goes wrong here",
	 "write a comma between its keys, and \"}\" at its end", false},
	{"did not find expected key", "this does not fit the lines before it",
	 "the keys of one object begin in the same column", false},
	{"did not find expected '-' indicator", "this does not fit the lines before it",
	 "the items of one list begin in the same column, each with \"- \"", false},
	{"did not find expected node content", "a value is missing here", NULL, false},
	{"mapping values are not allowed", "a colon is not expected here",
	 "check the indentation; quote a value that contains \": \"", false},
	{"could not find expected ':'", "a key must be followed by a colon", "write \"key: value\"", false},
	{"block sequence entries are not allowed", "a list item is not expected here", "begin it on its own line",
	 false},
	{"did not find expected <document start>", "the policy has ended before this line",
	 "no line begins further to the left than the first one", false},
	{"found unknown escape character", "unknown escape in a quoted text",
	 "use single quotation marks, in which a backslash is a backslash", false},
	{"found invalid Unicode character escape", "unknown escape in a quoted text", NULL, false},
	{"did not find expected alphabetic or numeric", "a value that begins with \"*\" or \"&\" must be quoted",
	 "write it in quotation marks", true},
};

/* The word around a place: from and up to a space, a comma, a bracket or a line's end. */
static void copy_token(const char *text, size_t length, size_t offset, char ret[TOKEN_BYTES])
{
	static const char delimiters[] = " \t\r\n,[]{}\"'";
	size_t start = offset < length ? offset : length, end = start;

	while (start > 0 && offset - start < TOKEN_BYTES && !strchr(delimiters, text[start - 1]))
		start--;
	while (end < length && end - start < TOKEN_BYTES - 1 && !strchr(delimiters, text[end]))
		end++;
	if (end - start >= TOKEN_BYTES)
		end = start + TOKEN_BYTES - 1;
	memcpy(ret, text + start, end - start);
	ret[end - start] = '\0';
}

/* Mistakes that are told by what stands at the place, rather than by what the parser says. */
static bool explain_by_text(const char *text, size_t length, struct place place, const char *problem,
			    struct epg_diagnostics *diagnostics)
{
	size_t offset = diagnostics_offset(diagnostics, place);
	char letter = offset < length ? text[offset] : '\0';
	char token[TOKEN_BYTES], hint[TOKEN_BYTES + 32];

	copy_token(text, length, offset, token);
	if (letter == ':' && strstr(token, "::")) {
		snprintf(hint, sizeof(hint), "quote it: \"%s\"", token);
		diagnostics_error(diagnostics, place, hint,
				  "an address with \"::\" at its begin or end must be quoted here");
		return true;
	}
	if (!strncmp(problem, "found character that cannot start", 33)) {
		if (letter == '\t')
			diagnostics_error(diagnostics, place, "indent with spaces only",
					  "a tab stands where spaces must be");
		else
			diagnostics_error(diagnostics, place, "write it in quotation marks",
					  "a value that begins with \"%c\" must be quoted", letter);
		return true;
	}
	if ((letter == ']' || letter == '}') && !strstr(problem, "',' or '")) {
		diagnostics_error(diagnostics, place, NULL, "\"%c\" closes nothing", letter);
		return true;
	}
	return false;
}

static struct place place_of(yaml_mark_t mark)
{
	return (struct place){(uint32_t)mark.line + 1, (uint32_t)mark.column + 1};
}

void tree_text_explain(const yaml_parser_t *parser, const char *text, size_t length,
		       struct epg_diagnostics *diagnostics)
{
	const char *problem = parser->problem ? parser->problem : "";
	struct place place = place_of(parser->problem_mark);

	if (explain_by_text(text, length, place, problem, diagnostics))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(explanations); i++) {
		const struct explanation *explanation = &explanations[i];

		if (strncmp(problem, explanation->problem, strlen(explanation->problem)) != 0)
			continue;
		if (explanation->at_context && parser->context)
			place = place_of(parser->context_mark);
		diagnostics_error(diagnostics, place, explanation->hint, "%s", explanation->message);
		return;
	}
	diagnostics_error(diagnostics, place, NULL, "this is not YAML: %s", problem);
}
