/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "policy/names.h"
#include "policy/schema.h"
#include "base/util.h"

static const char *kind_name(const struct tree_node *node)
{
	if (tree_is_null(node))
		return "nothing";
	return node->kind == TREE_SCALAR ? "a single value" : node->kind == TREE_SEQUENCE ? "a list" : "an object";
}

const char *schema_did_you_mean(char hint[SCHEMA_HINT_BYTES], const char *best, const char *otherwise)
{
	if (!best)
		return otherwise;
	snprintf(hint, SCHEMA_HINT_BYTES, "did you mean \"%.64s\"?", best);
	return hint;
}

/* ---- keys ---- */

/* "name, prot and dPort": the keys that may be used. */
static const char *list_keys(const struct schema *schema, char hint[SCHEMA_HINT_BYTES])
{
	int length = snprintf(hint, SCHEMA_HINT_BYTES, "%s has the keys", schema->what);
	const char *separator = " ";

	for (size_t i = 0; i < schema->n_keys && length < SCHEMA_HINT_BYTES; i++) {
		if (schema->keys[i].need == SCHEMA_LATER)
			continue;
		length += snprintf(hint + length, SCHEMA_HINT_BYTES - (size_t)length, "%s%s", separator,
				   schema->keys[i].name);
		separator = ", ";
	}
	return hint;
}

static void unknown_key(struct epg_diagnostics *diagnostics, const struct tree_node *key, const struct schema *schema)
{
	struct names_guess guess = NAMES_GUESS(key->text);
	char hint[SCHEMA_HINT_BYTES];
	const char *help;

	for (size_t i = 0; i < schema->n_keys; i++)
		names_guess_try(&guess, schema->keys[i].name);
	if (!strcmp(key->text, "<<"))
		help = "merge keys are not supported: write out what is meant";
	else if (guess.best)
		help = schema_did_you_mean(hint, guess.best, NULL);
	else
		help = list_keys(schema, hint);
	diagnostics_error(diagnostics, key->place, help, "unknown key \"%.64s\"", key->text);
}

static const struct schema_key *find_key(const struct schema *schema, const char *name)
{
	for (size_t i = 0; i < schema->n_keys; i++)
		if (!strcmp(schema->keys[i].name, name))
			return &schema->keys[i];
	return NULL;
}

static const struct tree_node **field_of(void *object, const struct schema_key *key)
{
	return (const struct tree_node **)((char *)object + key->offset);
}

static void take_pair(struct epg_diagnostics *diagnostics, const struct tree_pair *pair, const struct schema *schema,
		      void *ret)
{
	const struct schema_key *key = find_key(schema, pair->key->text);

	if (!key)
		unknown_key(diagnostics, pair->key, schema);
	else if (key->need == SCHEMA_LATER)
		diagnostics_error(diagnostics, pair->key->place, "take it out", "\"%s\" is not supported yet",
				  pair->key->text);
	else
		*field_of(ret, key) = pair->value;
}

bool schema_read(struct epg_diagnostics *diagnostics, const struct tree_node *node, const struct schema *schema,
		 void *ret)
{
	char hint[SCHEMA_HINT_BYTES];

	if (node->kind != TREE_MAPPING) {
		diagnostics_error(diagnostics, node->place, list_keys(schema, hint), "%s must stand here, not %s",
				  schema->what, kind_name(node));
		return false;
	}
	for (uint32_t i = 0; i < node->count; i++)
		take_pair(diagnostics, &node->pairs[i], schema, ret);
	for (size_t i = 0; i < schema->n_keys; i++) {
		const struct schema_key *key = &schema->keys[i];

		if (key->need == SCHEMA_REQUIRED && !*field_of(ret, key))
			diagnostics_error(diagnostics, node->place, NULL, "%s needs the key \"%s\"", schema->what,
					  key->name);
	}
	return true;
}

/* ---- values ---- */

bool schema_word(struct epg_diagnostics *diagnostics, const struct tree_node *node)
{
	if (node->kind == TREE_SCALAR && !tree_is_null(node))
		return true;
	/* `fd00::` unquoted is a mapping for YAML, with the key `fd00:`. */
	if (node->kind == TREE_MAPPING && node->count == 1 && strchr(node->pairs[0].key->text, ':'))
		diagnostics_error(diagnostics, node->place, "an address that ends with a colon must be quoted",
				  "a single value must stand here, not an object");
	else
		diagnostics_error(diagnostics, node->place,
				  tree_is_null(node) ? "write one, or take out what it belongs to" : NULL,
				  "a single value must stand here, not %s", kind_name(node));
	return false;
}

/* strspn makes a table of its letters anew for each of a million names. */
static bool is_of_name(char letter)
{
	return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
	       (letter >= '0' && letter <= ':') || letter == '_' || letter == '.' || letter == '-';
}

bool schema_name(struct epg_diagnostics *diagnostics, const struct tree_node *node)
{
	size_t good = 0;

	if (!schema_word(diagnostics, node))
		return false;
	while (is_of_name(node->text[good]))
		good++;
	if (node->count == 0 || node->text[good]) {
		diagnostics_error(diagnostics, node->place, "names are made of letters, digits and _ . : -",
				  "\"%.64s\" is not a name", node->text);
		return false;
	}
	if (node->count > SCHEMA_NAME_BYTES) {
		diagnostics_error(diagnostics, node->place, "names have at most 63 characters",
				  "the name \"%.64s…\" is too long", node->text);
		return false;
	}
	return true;
}

bool schema_list(struct epg_diagnostics *diagnostics, const struct tree_node *node)
{
	char hint[SCHEMA_HINT_BYTES] = "each item begins with \"- \"";

	if (node->kind == TREE_SEQUENCE)
		return true;
	if (tree_is_null(node))
		snprintf(hint, sizeof(hint), "write [] for an empty list");
	else if (node->kind == TREE_SCALAR)
		snprintf(hint, sizeof(hint), "write [%s%.64s%s]", node->quoted ? "\"" : "", node->text,
			 node->quoted ? "\"" : "");
	diagnostics_error(diagnostics, node->place, hint, "a list must stand here, not %s", kind_name(node));
	return false;
}

bool schema_boolean(struct epg_diagnostics *diagnostics, const struct tree_node *node, bool *ret)
{
	static const char *const yes[] = {"true", "yes", "on", "y"};
	const char *hint = "write true or false";

	if (!schema_word(diagnostics, node))
		return false;
	if (!strcmp(node->text, "true") || !strcmp(node->text, "false")) {
		*ret = node->text[0] == 't';
		return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(yes); i++)
		if (!strcasecmp(node->text, yes[i]))
			hint = "write true";
	if (!strcasecmp(node->text, "no") || !strcasecmp(node->text, "off") || !strcasecmp(node->text, "false"))
		hint = "write false";
	diagnostics_error(diagnostics, node->place, hint, "\"%.64s\" is neither true nor false", node->text);
	return false;
}

void schema_not_a_number(struct epg_diagnostics *diagnostics, const struct tree_node *node, const char *what)
{
	size_t zeros = strspn(node->text, "0"), digits = strspn(node->text, "0123456789");
	char hint[SCHEMA_HINT_BYTES] = "numbers are written in decimal digits alone";

	if (node->count > 0 && digits == node->count) /* only digits: too many zeros are what is wrong with it */
		snprintf(hint, sizeof(hint), "write it without leading zeros: %.64s",
			 node->text[zeros] ? node->text + zeros : "0");
	diagnostics_error(diagnostics, node->place, hint, "\"%.64s\" is not %s", node->text, what);
}

bool schema_number(struct epg_diagnostics *diagnostics, const struct tree_node *node, const char *what, uint32_t first,
		   uint32_t last, uint32_t *ret)
{
	char hint[SCHEMA_HINT_BYTES];
	uint32_t number;
	int error;

	if (!schema_word(diagnostics, node))
		return false;
	error = names_parse_number(node->text, last, &number);
	if (error == -EINVAL) {
		schema_not_a_number(diagnostics, node, "a number");
		return false;
	}
	if (error || number < first) {
		snprintf(hint, sizeof(hint), "from %u to %u", first, last);
		diagnostics_error(diagnostics, node->place, hint, "%s %.64s is out of range", what, node->text);
		return false;
	}
	*ret = number;
	return true;
}

bool schema_choice(struct epg_diagnostics *diagnostics, const struct tree_node *node, const char *const *words,
		   size_t n_words, unsigned int *ret)
{
	struct names_guess guess;
	char hint[SCHEMA_HINT_BYTES];
	int length = 0;

	if (!schema_word(diagnostics, node))
		return false;
	guess = NAMES_GUESS(node->text);
	for (unsigned int i = 0; i < n_words; i++) {
		if (!strcmp(words[i], node->text)) {
			*ret = i;
			return true;
		}
		names_guess_try(&guess, words[i]);
		length += snprintf(hint + length, sizeof(hint) - (size_t)length, "%s%s",
				   n_words == 1      ? "write "
				   : i == 0          ? "one of "
				   : i + 1 < n_words ? ", "
						     : " or ",
				   words[i]);
	}
	diagnostics_error(diagnostics, node->place, schema_did_you_mean(hint, guess.best, hint),
			  "\"%.64s\" is not possible here", node->text);
	return false;
}
