/* SPDX-License-Identifier: GPL-2.0-only */
#include "reading.h"

#include <netinet/in.h>
#include <stdlib.h>

#include "policy/edit.h"
#include "policy/edit_text.h"
#include "policy/read.h"
#include "random.h"

#define HEAD "version: 1\ntenants:\n- name: shop\n  vrfs: [{name: prod}]\n"

/* The same two filters, as people and programs write them. */
static const struct {
	const char *text;
	bool kept; /* its comments stay */
} texts[] = {
	{HEAD "  filters:\n  - name: http\n    entries: # of the shop\n    - {name: a, prot: 1}\n"
	      "    # before b\n    - name: b\n      prot: 2 # behind b\n\n    - {name: c, prot: 3}\n"
	      "  - {name: dns, entries: [{name: z, prot: udp}]}\n",
	 true},
	{HEAD
	 "  filters:\n    - entries:\n        - # a\n          name: a\n          prot: \"1\"\n        -   prot: 2\n"
	 "            name: 'b'\n        - {name: c, prot: 3}\n      name: http\n"
	 "    - {name: dns, entries: [{name: z, prot: udp}]}",
	 true},
	{HEAD "  filters:\n  - {entries: [ {name: a, prot: 1}, # one\n    {name: b,\n     prot: 2} , name: c, ], name: "
	      "http}\n"
	      "  - {name: dns, entries: [{name: z, prot: udp}]}\n  # \xc3\xa4\xe2\x82\xac\n",
	 true},
	{"{\"version\": 1, \"tenants\": [{\"name\": \"shop\", \"filters\": [{\"name\": \"http\", \"entries\": [\n"
	 "  {\"name\": \"a\", \"prot\": \"1\"},\n  {\"name\": \"b\", \"prot\": 2},\n  {\"name\": \"c\", \"prot\": 3}\n"
	 "]},{\"name\":\"dns\",\"entries\":[{\"name\":\"z\",\"prot\":\"udp\"}]}]}]}\n",
	 true},
	{"\xef\xbb\xbf" HEAD "  filters: # \xc3\xa4\r\n  - name: http\r\n    entries:\r\n    - {name: a, prot: 1}\r\n"
	 "    - name: b\r\n      prot: 2\r\n    - {name: c, prot: 3}\r\n"
	 "  - {name: dns, entries: [{name: z, prot: udp}]}\r\n",
	 true},
	{HEAD "  filters:\n  - name: http\n    entries: &those\n    - {name: a, prot: 1}\n    - {name: b, prot: 2}\n"
	      "    - {name: c, prot: 3}\n  - {name: same, entries: *those}\n"
	      "  - {name: dns, entries: [{name: z, prot: udp}]}\n",
	 false},
	{HEAD "  filters:\n  - name: http\n    entries:\n    - {name: a, prot: 1}\n    - name: b\n      prot: |-\n     "
	      "   2\n"
	      "    - {name: c, prot: 3}\n  - {name: dns, entries: [{name: z, prot: udp}]}\n",
	 false},
	{HEAD "  filters:\n  - name: http\n    ? entries\n    : - {name: a, prot: 1}\n      - {name: b, prot: 2}\n"
	      "      - {name: c, prot: 3}\n  - {name: dns, entries: [{name: z, prot: udp}]}\n",
	 false},
};

static char *spliced(const char *text, const struct edit_bytes *bytes)
{
	const struct edit_piece piece = {bytes->bytes, bytes->length};
	char *result = NULL;
	size_t length = 0;

	cr_assert_eq(edit_text(text, strlen(text), &piece, 1, 1, &result, &length), 0, "%s", text);
	cr_assert_eq(strlen(result), length);
	return result;
}

/* Both models have the same filters with the same entries in the same order. */
static void expect_same_filters(const struct model *one, const struct model *other, const char *text)
{
	cr_assert_eq(one->n_filters, other->n_filters, "%s", text);
	for (size_t i = 0; i < one->n_filters; i++) {
		const struct model_filter *left = &one->filters[i], *right = &other->filters[i];

		cr_assert_str_eq(left->name, right->name);
		cr_assert_eq(left->n_entries, right->n_entries, "%s: %zu, not %zu\n%s", left->name, right->n_entries,
			     left->n_entries, text);
		for (size_t j = 0; j < left->n_entries; j++) {
			size_t length;
			const void *match = read_entry_match(&left->entries[j], &length);

			cr_assert_str_eq(left->entries[j].name, right->entries[j].name, "%s", text);
			cr_assert_arr_eq(match, read_entry_match(&right->entries[j], &length), length, "%s", text);
		}
	}
}

static void change(struct edits *edits, uint64_t *random)
{
	static const char *const names[] = {"a", "b", "c", "null", "d:", "-e", "1", "z"};
	uint32_t filter = (uint32_t)random_below(random, edits->model->n_filters);
	const char *name = names[random_below(random, ARRAY_SIZE(names))];
	struct epg_entry entry = {.size = sizeof(entry),
				  .name = name,
				  .protocol = IPPROTO_TCP,
				  .destination_first = (uint16_t)random_below(random, 1 << 16)};
	struct epg_diagnostics *diagnostics = NULL;
	size_t missing;

	cr_assert_eq(diagnostics_new("", &diagnostics), 0);
	if (random_below(random, 2))
		(void)edits_add(edits, filter, &entry, 1, diagnostics);
	else
		(void)edits_remove(edits, filter, &name, 1, &missing);
	if (!random_below(random, 8))
		edits_settle(edits);
	epg_diagnostics_free(diagnostics);
}

/* Whatever is done to a policy, its text becomes one that reads as the policy is. */
Test(edit_text, reads_as_the_model_is)
{
	uint64_t random = 1;

	for (unsigned int round = 0; round < 4000; round++) {
		const char *text = texts[round % ARRAY_SIZE(texts)].text;
		struct reading reading = read_good(text), again;
		struct edits edits = {.model = reading.model};
		struct edit_bytes bytes = {0};
		uint32_t filter;
		char *result;

		cr_assert_eq(edits_filter(&edits, "shop/http", &filter), 0);
		for (size_t n = random_below(&random, 12); n > 0; n--)
			change(&edits, &random);
		edits_settle(&edits);
		cr_assert_eq(edits_pack(&edits, &bytes), 0);
		result = spliced(text, &bytes);
		again = read_good(result);
		expect_same_filters(reading.model, again.model, result);
		forget(&again);
		free(result);
		edit_bytes_clear(&bytes);
		edits_clear(&edits);
		forget(&reading);
	}
}

static char *edited(const char *text, const char *removed, const char *added)
{
	struct edit_bytes bytes = {0};
	struct edit_entry entry = {.given = EPG_ENTRY_PROTOCOL, .protocol = 200};
	char *result;

	if (removed) {
		cr_assert_eq(edit_bytes_begin(&bytes, "shop/http", true, 0), 0);
		cr_assert_eq(edit_bytes_remove(&bytes, removed), 0);
	}
	if (added) {
		entry.name_length = (uint8_t)strlen(added);
		cr_assert_eq(edit_bytes_begin(&bytes, "shop/http", false, 0), 0);
		cr_assert_eq(edit_bytes_add(&bytes, &entry, added), 0);
	}
	result = spliced(text, &bytes);
	edit_bytes_clear(&bytes);
	return result;
}

static void expect_text(const char *text, const char *removed, const char *added, const char *expected)
{
	char *result = edited(text, removed, added);

	cr_assert_str_eq(result, expected);
	free(result);
}

Test(edit_text, leaves_all_else_as_it_was)
{
	const char *block =
		HEAD "  filters:\n  - name: http\n    entries: # of the shop\n    - {name: a, prot: 1} # one\n"
		     "    # before b\n    - name: b\n      prot: 2\n  # end\n";
	const char *flow = HEAD "  filters: [{name: http, entries: [{name: a, prot: 1}, {name: b}]}] # end\n";

	expect_text(block, NULL, "d",
		    HEAD "  filters:\n  - name: http\n    entries: # of the shop\n    - {name: a, prot: 1} # one\n"
			 "    # before b\n    - name: b\n      prot: 2\n    - {name: d, prot: 200}\n  # end\n");
	expect_text(block, "b", NULL,
		    HEAD "  filters:\n  - name: http\n    entries: # of the shop\n    - {name: a, prot: 1} # one\n"
			 "    # before b\n  # end\n");
	expect_text(block, "a", "a",
		    HEAD "  filters:\n  - name: http\n    entries: # of the shop\n    # before b\n    - name: b\n"
			 "      prot: 2\n    - {name: a, prot: 200}\n  # end\n");
	expect_text(flow, "a", NULL, HEAD "  filters: [{name: http, entries: [{name: b}]}] # end\n");
	expect_text(flow, NULL, "null",
		    HEAD "  filters: [{name: http, entries: [{name: a, prot: 1}, {name: b}, {name: \"null\", prot: "
			 "200}]}] # end\n");
}

Test(edit_text, comments_are_lost_only_where_the_text_can_not_be_cut)
{
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		char *result = edited(texts[i].text, NULL, "added");
		size_t same = 0;

		while (result[same] && result[same] == texts[i].text[same])
			same++;
		cr_assert_eq(same > strlen(HEAD "  filters:"), texts[i].kept, "%s", result);
		free(result);
	}
}

Test(edit_text, an_empty_list_gets_its_first_entry)
{
	expect_text(HEAD "  filters:\n  - {name: http, entries: [ ]}\n", NULL, "d",
		    HEAD "  filters:\n  - {name: http, entries: [{name: d, prot: 200} ]}\n");
	expect_text(HEAD "  filters:\n  - name: http\n    entries: # none\n    - {name: a}\n", "a", NULL,
		    HEAD "  filters:\n  - name: http\n    entries: [] # none\n");
}

/* Names that YAML can only hold escaped, or that it would break lines at, in texts that must be written anew. */
Test(edit_text, every_character_outlives_a_text_written_anew)
{
	static const char *const names[] = {
		"\"v\\ax\"",
		"\"\\x7f\\x80\\N\\L\\P\"",
		"\"\\uFEFF\\uFFFE\\uFFFF\"",
		"v\xe2\x80\xa8x",
		"\"v\\e\\x01\\\"\"",
		"'v\\\"x'",
		"v\xc3\xa4\xf0\x9f\x98\x80",
		"\"\xe2\x80\xa9v\"",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char text[1024];
		struct reading before, after;
		char *result;

		snprintf(text, sizeof(text),
			 HEAD "  bridgeDomains: [{name: bd, vrf: prod, subnets: [10.1.0.1/24]}]\n"
			      "  filters: [{name: http, entries: &e [{name: a, prot: 1}]}, {name: same, entries: *e}]\n"
			      "  appProfiles: [{name: app, epgs: [{name: web, bridgeDomain: bd, endpoints:\n"
			      "    [{interface: %s}]}]}]\n",
			 names[i]);
		before = read_good(text);
		result = edited(text, NULL, "d");
		after = read_good(result);
		cr_assert_eq(after.model->groups[0].n_endpoints, 1, "%s", result);
		cr_assert_str_eq(after.model->groups[0].endpoints[0].interface,
				 before.model->groups[0].endpoints[0].interface, "%s", result);
		free(result);
		forget(&after);
		forget(&before);
	}
}

Test(edit_text, generations_see_what_was_there_in_their_time)
{
	struct edit_bytes bytes = {0};
	struct edit_entry entry = {.given = EPG_ENTRY_PROTOCOL, .protocol = 200, .name_length = 1};
	const char *text = HEAD "  filters: [{name: http, entries: []}]\n";
	char *result;
	size_t length;

	for (uint32_t generation = 0; generation < 3; generation++) {
		cr_assert_eq(edit_bytes_begin(&bytes, "shop/http", false, UINT32_MAX + generation), 0);
		cr_assert_eq(edit_bytes_add(&bytes, &entry, &"xyz"[generation]), 0);
	}
	for (uint32_t generation = 0; generation < 3; generation++) {
		const struct edit_piece piece = {bytes.bytes, bytes.length};

		cr_assert_eq(edit_text(text, strlen(text), &piece, 1, UINT32_MAX + generation, &result, &length), 0);
		cr_assert_not_null(strstr(result, "name: x"));
		/* A batch of generation 0 is in force in all of them. */
		cr_assert_not_null(strstr(result, "name: y"));
		cr_assert_eq(strstr(result, "name: z") != NULL, generation == 2);
		free(result);
	}
	edit_bytes_clear(&bytes);
}

/* Bytes that a killed or hostile process has left are told, not followed. */
Test(edit_text, damaged_edits_are_refused)
{
	struct edit_bytes bytes = {0};
	struct edit_entry entry = {.name_length = 3};
	const char *text = texts[0].text;
	uint64_t random = 7;
	size_t refused = 0;

	cr_assert_eq(edit_bytes_begin(&bytes, "shop/http", true, 0), 0);
	cr_assert_eq(edit_bytes_remove(&bytes, "a"), 0);
	cr_assert_eq(edit_bytes_begin(&bytes, "shop/http", false, 0), 0);
	cr_assert_eq(edit_bytes_add(&bytes, &entry, "abc"), 0);
	for (unsigned int round = 0; round < 3000; round++) {
		AUTO_FREE uint8_t *copy = malloc(bytes.length);
		struct edit_piece piece = {copy, bytes.length - (round % 3 ? 0 : random_below(&random, bytes.length))};
		char *result = NULL;
		size_t length;

		memcpy(copy, bytes.bytes, bytes.length);
		copy[random_below(&random, bytes.length)] ^= (uint8_t)(1u << random_below(&random, 8));
		if (edit_text(text, strlen(text), &piece, 1, 1, &result, &length))
			refused++;
		free(result);
	}
	cr_assert_gt(refused, 500);
	edit_bytes_clear(&bytes);
}
