// SPDX-License-Identifier: GPL-2.0-only
/* What is found can be read: the generator's documents are policies, and the minimiser leaves what matters. */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "base/util.h"
#include "generate.h"
#include "minimise.h"
#include "policy/diagnostic.h"

DEFINE_AUTO(struct arena, arena_free)
DEFINE_AUTO(struct model, model_free)
DEFINE_AUTO(struct epg_diagnostics, epg_diagnostics_free)

static struct model *read_policy(const char *text)
{
	AUTO(epg_diagnostics_free) struct epg_diagnostics *diagnostics = NULL;
	struct model *model = NULL;

	cr_assert_eq(diagnostics_new("random.yaml", &diagnostics), 0);
	return model_read("random.yaml", text, strlen(text), strlen(text), diagnostics, &model) ? NULL : model;
}

Test(minimise, random_policies_are_valid_and_come_again)
{
	for (uint64_t seed = 0; seed < 100; seed++) {
		AUTO(arena_free) struct arena *arena = arena_new();
		uint64_t once = seed, again = seed;
		AUTO_FREE char *text = document_print(generate_policy(arena, &once));
		AUTO_FREE char *second = document_print(generate_policy(arena, &again));
		AUTO(model_free) struct model *model = read_policy(text);

		cr_assert_str_eq(text, second);
		cr_expect(model, "policy %llu is refused:\n%s", (unsigned long long)seed, text);
	}
}

/* Names may be others. */
#define SMALLEST "version: 1\ntenants: [{name: t0, filters: [{name: f0, entries: [{name: e0, prot: udp}]}]}]\n"

/* As if UDP with a high destination port were decided wrongly wherever an entry asks for UDP. */
static bool is_about_udp(void *user, const char *policy, const struct reference_packet *packet)
{
	AUTO(model_free) struct model *model = read_policy(policy);
	unsigned int *trials = user;

	++*trials;
	return model && strstr(policy, "prot: udp") && packet->protocol == 17 && packet->destination_port >= 1000;
}

Test(minimise, leaves_what_the_difference_needs)
{
	struct reference_packet packet = {
		.interface = "e0", .protocol = 17, .dscp = 46, .source_port = 1, .destination_port = 40000};
	AUTO(arena_free) struct arena *arena = arena_new();
	AUTO_FREE char *text = NULL;
	struct document_node *root;
	unsigned int trials = 0;
	uint64_t random = 0;

	do {
		free(text);
		root = generate_policy(arena, &random);
		text = document_print(root);
	} while (!strstr(text, "prot: udp"));
	cr_assert(is_about_udp(&trials, text, &packet));
	free(text);
	minimise(root, &packet, is_about_udp, &trials);
	text = document_print(root);
	cr_expect(is_about_udp(&trials, text, &packet));
	cr_expect_leq(strlen(text), strlen(SMALLEST), "%s", text);
	cr_expect_eq(packet.destination_port, 1000, "%u", packet.destination_port);
	cr_expect_eq(packet.source_port, 0);
	cr_expect_eq(packet.dscp, 0);
	cr_expect_lt(trials, 1000);
}
