/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Names of other objects, as they stand in a policy. */
#include <stdio.h>
#include <string.h>

#include "policy/names.h"
#include "policy/read.h"

/* Names compared in search of typing errors, all messages together: a bound for hostile files. */
#define GUESSES_MAX 2000000
/* Three names and two slashes. */
#define FULL_NAME_BYTES (3 * SCHEMA_NAME_BYTES + 3)

_Static_assert(FULL_NAME_BYTES <= EPG_NAME_MAX, "a full name fits into the map `groups`");

/* ---- what somebody may have meant ---- */

static bool may_guess(struct reader *reader, const struct string_index *index)
{
	reader->guesses += index->n_entries;
	return !diagnostics_full(reader->diagnostics) && reader->guesses <= GUESSES_MAX;
}

/* Of the names in the index that begin with `prefix`, what follows it in the one that is nearest. */
static const char *nearest_name(struct reader *reader, const struct string_index *index, const char *prefix,
				const char *name)
{
	struct names_guess guess = NAMES_GUESS(name);
	size_t length = strlen(prefix);

	if (!may_guess(reader, index))
		return NULL;
	for (size_t i = 0; i < index->n_entries; i++) {
		const char *key = index->entries[i].key;

		if (!strncmp(key, prefix, length) && !strchr(key + length, '/'))
			names_guess_try(&guess, key + length);
	}
	return guess.best;
}

/* The full name of an object of exactly this name in another tenant; the first one in the alphabet. */
static const char *same_name_elsewhere(struct reader *reader, const struct string_index *index, const char *name)
{
	const char *best = NULL;

	if (!may_guess(reader, index))
		return NULL;
	for (size_t i = 0; i < index->n_entries; i++) {
		const char *key = index->entries[i].key;

		if (!strcmp(strchr(key, '/') + 1, name) && (!best || strcmp(key, best) < 0))
			best = key;
	}
	return best;
}

/* ---- objects of a tenant ---- */

static const struct string_index_entry *find_in_tenant(const struct string_index *index, const char *tenant,
						       const char *name)
{
	char key[FULL_NAME_BYTES];
	int length = snprintf(key, sizeof(key), "%s/%s", tenant, name);

	return length < (int)sizeof(key) ? string_index_find(index, key, (size_t)length) : NULL;
}

static void unknown_name(struct reader *reader, const struct string_index *index, const char *kind, const char *tenant,
			 const struct tree_node *node)
{
	const char *slash = strchr(node->text, '/'), *name = slash ? slash + 1 : node->text, *best;
	char hint[SCHEMA_HINT_BYTES], prefix[FULL_NAME_BYTES];

	snprintf(prefix, sizeof(prefix), "%s/", tenant);
	best = nearest_name(reader, index, prefix, name);
	diagnostics_error(reader->diagnostics, node->place, schema_did_you_mean(hint, best, NULL),
			  "%s \"%.64s\" does not exist in tenant \"%s\"", kind, name, tenant);
}

/* The name without "tenant/" of this tenant; NULL, with a message, when it is of another one. */
static const char *local_name(struct reader *reader, const char *kind, const struct tree_node *node)
{
	const char *slash = strchr(node->text, '/');
	size_t length = slash ? (size_t)(slash - node->text) : 0;
	char hint[SCHEMA_HINT_BYTES];

	if (!slash)
		return schema_name(reader->diagnostics, node) ? node->text : NULL;
	if (length == strlen(reader->tenant_name) && !strncmp(node->text, reader->tenant_name, length))
		return slash + 1;
	snprintf(hint, sizeof(hint), "define it in tenant \"%s\" too", reader->tenant_name);
	diagnostics_error(reader->diagnostics, node->place, hint,
			  "\"%.64s\" is a %s of another tenant: only contracts and inherit reach there", node->text,
			  kind);
	return NULL;
}

uint32_t read_reference(struct reader *reader, const struct string_index *index, const char *kind,
			const struct tree_node *node)
{
	const struct string_index_entry *found;
	const char *name;

	if (!node || !schema_word(reader->diagnostics, node))
		return MODEL_NONE;
	name = local_name(reader, kind, node);
	if (!name)
		return MODEL_NONE;
	found = find_in_tenant(index, reader->tenant_name, name);
	if (found)
		return found->value;
	unknown_name(reader, index, kind, reader->tenant_name, node);
	return MODEL_NONE;
}

/* ---- contracts, which may be of any tenant ---- */

static void unknown_tenant(struct reader *reader, const struct tree_node *node, const char *tenant)
{
	const char *best = nearest_name(reader, &reader->tenants, "", tenant);
	char hint[SCHEMA_HINT_BYTES];

	diagnostics_error(reader->diagnostics, node->place,
			  schema_did_you_mean(hint, best, "a contract of another tenant is written tenant/contract"),
			  "tenant \"%.64s\" does not exist", tenant);
}

static uint32_t foreign_contract(struct reader *reader, const struct tree_node *node, const char *slash)
{
	const struct string_index_entry *found = string_index_find(&reader->contracts, node->text, node->count);
	char tenant[SCHEMA_NAME_BYTES + 1];

	if (found)
		return found->value;
	snprintf(tenant, sizeof(tenant), "%.*s", (int)(slash - node->text), node->text);
	if (strcmp(tenant, reader->tenant_name) != 0 && !string_index_find(&reader->tenants, tenant, strlen(tenant)))
		unknown_tenant(reader, node, tenant);
	else
		unknown_name(reader, &reader->contracts, "contract", tenant, node);
	return MODEL_NONE;
}

uint32_t read_contract_reference(struct reader *reader, const struct tree_node *node)
{
	const struct string_index *contracts = &reader->contracts;
	const struct string_index_entry *found;
	char hint[SCHEMA_HINT_BYTES];
	const char *slash, *elsewhere;

	if (!schema_word(reader->diagnostics, node))
		return MODEL_NONE;
	slash = strchr(node->text, '/');
	if (slash)
		return foreign_contract(reader, node, slash);
	if (!schema_name(reader->diagnostics, node))
		return MODEL_NONE;
	found = find_in_tenant(contracts, reader->tenant_name, node->text);
	if (found)
		return found->value;
	elsewhere = same_name_elsewhere(reader, contracts, node->text);
	if (!elsewhere) {
		unknown_name(reader, contracts, "contract", reader->tenant_name, node);
		return MODEL_NONE;
	}
	snprintf(hint, sizeof(hint), "write %s for that tenant's", elsewhere);
	diagnostics_error(reader->diagnostics, node->place, hint, "contract \"%.64s\" does not exist in tenant \"%s\"",
			  node->text, reader->tenant_name);
	return MODEL_NONE;
}

/* ---- groups ---- */

/* Names before the last one in a full name: tenant and application profile, or the tenant alone. */
#define EPG_DEPTH 2
#define EXTERNAL_DEPTH 1

/* What is left out of a group's name is as in the group that names it, which has `depth` names before its own. */
static const struct string_index_entry *find_group(const struct reader *reader, const char *profile, unsigned int depth,
						   const char *name)
{
	char key[FULL_NAME_BYTES];
	unsigned int slashes = 0;
	int length = -1;

	for (const char *byte = name; *byte; byte++)
		slashes += *byte == '/';
	if (slashes == depth)
		length = snprintf(key, sizeof(key), "%s", name);
	else if (slashes + 1 == depth)
		length = snprintf(key, sizeof(key), "%s/%s", reader->tenant_name, name);
	else if (slashes + 2 == depth && profile)
		length = snprintf(key, sizeof(key), "%s/%s/%s", reader->tenant_name, profile, name);
	if (length < 0 || length >= (int)sizeof(key))
		return NULL;
	return string_index_find(&reader->groups, key, (size_t)length);
}

static void unknown_group(struct reader *reader, const char *profile, const struct tree_node *node)
{
	const char *forms = profile ? "an EPG is written epg, profile/epg or tenant/profile/epg"
				    : "an external EPG is written external or tenant/external";
	char prefix[FULL_NAME_BYTES], hint[SCHEMA_HINT_BYTES];

	if (find_group(reader, profile, profile ? EXTERNAL_DEPTH : EPG_DEPTH, node->text)) {
		diagnostics_error(reader->diagnostics, node->place, "take it out, and name the contracts themselves",
				  "an %s cannot inherit from the %s \"%s\"", profile ? "EPG" : "external EPG",
				  profile ? "external EPG" : "EPG", node->text);
		return;
	}
	snprintf(prefix, sizeof(prefix), "%s/%s%s", reader->tenant_name, profile ? profile : "", profile ? "/" : "");
	diagnostics_error(reader->diagnostics, node->place,
			  schema_did_you_mean(hint, nearest_name(reader, &reader->groups, prefix, node->text), forms),
			  "%s \"%.64s\" does not exist", profile ? "EPG" : "external EPG", node->text);
}

uint32_t read_group_reference(struct reader *reader, const char *profile, const struct tree_node *node)
{
	const struct string_index_entry *found;

	if (!schema_word(reader->diagnostics, node))
		return MODEL_NONE;
	found = find_group(reader, profile, profile ? EPG_DEPTH : EXTERNAL_DEPTH, node->text);
	if (found)
		return found->value;
	unknown_group(reader, profile, node);
	return MODEL_NONE;
}
