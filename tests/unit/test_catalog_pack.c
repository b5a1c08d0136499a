/* SPDX-License-Identifier: GPL-2.0-only */
/* The catalog as the kernel keeps it: compile/catalog_pack.c and compile/catalog_unpack.c. */
#include <criterion/criterion.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/util.h"
#include "compile/catalog_columns.h"
#include "compile/catalog_packed.h"
#include "compiled.h"
#include "random.h"

/* A policy with something in every section, and `n` entries of one filter, some of them named in two filters. */
static struct compiled sample(unsigned int n)
{
	AUTO_FREE char *text = NULL;
	struct compiled compiled;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	fputs("version: 1\ntenants:\n- name: shop\n  vrfs: [{name: prod}, {name: dev}]\n  bridgeDomains:\n"
	      "  - {name: one, vrf: prod, subnets: [10.0.0.1/24, \"fd00::1/64\"]}\n  - {name: two, vrf: dev}\n"
	      "  filters:\n  - name: odd\n    entries:\n"
	      "    - {name: e0, etherT: ip, prot: tcp, sPort: 1024-65535, dPort: 443, stateful: false}\n"
	      "    - {name: arp, etherT: arp}\n    - {name: ping, etherT: ipv4, prot: icmp}\n  - name: many\n    "
	      "entries:\n",
	      out);
	for (unsigned int i = 0; i < n; i++)
		fprintf(out, "    - {name: e%u, etherT: ip, prot: %s, dPort: %u-%u}\n", i, i % 3 ? "tcp" : "udp",
			1000 + i * 7 % 5000, 7000 + i);
	fputs("  contracts:\n  - {name: web, subjects: [{name: s, filters: [odd, many]}]}\n"
	      "  - {name: own, subjects: [{name: s, filters: [odd]}]}\n"
	      "  taboos:\n  - {name: never, filters: [odd]}\n"
	      "  appProfiles:\n  - name: app\n    epgs:\n"
	      "    - {name: front, bridgeDomain: one, consume: [web], police: {rate: 8mbit},\n"
	      "       match: [{interface: veth-*}, {interface: eth1, vlan: 7}, {mac: 02:00:00:00:00:07}]}\n"
	      "    - {name: back, bridgeDomain: one, provide: [web], intraEpg: {contracts: [own]}, taboos: [never],\n"
	      "       endpoints: [{interface: eth0, mac: 02:00:00:00:00:09, ips: [10.0.0.2, fd00::2]}]}\n"
	      "    - {name: away, bridgeDomain: two}\n",
	      out);
	fclose(out);
	compiled = compile_text(text, NULL);
	return compiled;
}

struct packed {
	uint8_t *bytes;
	size_t length;
};

static struct packed pack(const struct compiled *compiled)
{
	struct packed packed;

	cr_assert_eq(catalog_pack(compiled->tables->catalog, compiled->tables->catalog_length, &packed.bytes,
				  &packed.length),
		     0);
	return packed;
}

/* 0 or the refusal; what was unpacked is freed. */
static int unpack(const uint8_t *bytes, size_t length)
{
	uint8_t *block = NULL;
	struct catalog catalog;
	int error = catalog_unpack(bytes, length, &block, &catalog);

	cr_assert(error == 0 || block == NULL);
	free(block);
	return error;
}

Test(catalog_pack, everything_comes_back_as_it_was)
{
	/* Fewer than a chunk, just one, one more, and many. */
	static const unsigned int sizes[] = {1, 1010, 1024, 2500};

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		__attribute__((cleanup(compiled_clear))) struct compiled compiled = sample(sizes[i]);
		struct packed packed = pack(&compiled);
		struct catalog catalog;
		uint8_t *block;

#define NOT_EMPTY(name, type) cr_assert_gt(compiled.catalog.n_##name, 0, #name);
		CATALOG_SECTIONS(NOT_EMPTY)
#undef NOT_EMPTY
		cr_assert_eq(catalog_unpack(packed.bytes, packed.length, &block, &catalog), 0);
		cr_assert_arr_eq(block, compiled.tables->catalog, compiled.tables->catalog_length);
		cr_assert_eq(catalog.n_rules, compiled.catalog.n_rules);
		cr_assert_str_eq(catalog.file, compiled.catalog.file);
		free(block);
		free(packed.bytes);
	}
}

/* What no column has would be lost as soon as it is not 0. */
Test(catalog_pack, columns_cover_every_field_once)
{
	for (size_t section = 0; section < CATALOG_SECTION_COUNT; section++) {
		const struct catalog_columns *columns = &catalog_columns[section];
		uint8_t covered[64] = {0};
		size_t n = 0, missing = 0;

		cr_assert_leq(columns->size, sizeof(covered));
		cr_assert_leq(columns->n, CATALOG_COLUMNS_MAX);
		for (size_t i = 0; i < columns->n; i++)
			for (size_t byte = 0; byte < columns->columns[i].size; byte++, n++)
				cr_assert_eq(covered[columns->columns[i].offset + byte]++, 0);
		if (section == CATALOG_SECTION_rules)
			missing = sizeof(((struct catalog_rule *)NULL)->identity);
		if (section == CATALOG_SECTION_groups)
			missing = 4; /* padding */
		cr_assert_eq(n + missing, columns->size, "section %zu: %zu of %zu", section, n, columns->size);
	}
}

Test(catalog_pack, rules_that_count_up_take_next_to_nothing)
{
	__attribute__((cleanup(compiled_clear))) struct compiled few = sample(2000), many = sample(6000);
	struct packed one = pack(&few), other = pack(&many);

	cr_assert_gt(many.catalog.n_rules, few.catalog.n_rules + 3999);
	cr_assert_lt(other.length - one.length, 4000 * 2);
	free(one.bytes);
	free(other.bytes);
}

Test(catalog_pack, it_may_stand_in_a_longer_map_and_must_not_be_cut_short)
{
	__attribute__((cleanup(compiled_clear))) struct compiled compiled = sample(20);
	struct packed packed = pack(&compiled);
	AUTO_FREE uint8_t *longer = calloc(1, packed.length + 4096);

	memcpy(longer, packed.bytes, packed.length);
	cr_assert_eq(unpack(longer, packed.length + 4096), 0);
	for (size_t length = 0; length < packed.length; length++) {
		AUTO_FREE uint8_t *exact = malloc(length + 1);

		memcpy(exact, packed.bytes, length);
		cr_assert_eq(unpack(exact, length), -EBADMSG, "%zu bytes", length);
	}
	free(packed.bytes);
}

static bool comes_back(const struct packed *packed, const struct compiled *compiled)
{
	uint8_t *block;
	struct catalog catalog;
	bool same;

	if (catalog_unpack(packed->bytes, packed->length, &block, &catalog))
		return false;
	same = !memcmp(block, compiled->tables->catalog, compiled->tables->catalog_length);
	free(block);
	return same;
}

/* Where bytes repeat, several streams of zlib mean the same. */
Test(catalog_pack, a_damaged_byte_is_refused_or_means_the_same)
{
	__attribute__((cleanup(compiled_clear))) struct compiled compiled = sample(20);
	struct packed packed = pack(&compiled);
	static const uint8_t flips[] = {0x01, 0x80, 0xff};

	for (size_t i = 0; i < packed.length; i++) {
		for (size_t flip = 0; flip < ARRAY_SIZE(flips); flip++) {
			packed.bytes[i] ^= flips[flip];
			if (unpack(packed.bytes, packed.length) != -EBADMSG) {
				cr_assert_geq(i, sizeof(struct catalog_packed));
				cr_assert(comes_back(&packed, &compiled), "byte %zu", i);
			}
			packed.bytes[i] ^= flips[flip];
		}
	}
	free(packed.bytes);
}

/* ---- checksums that fit ---- */

/* Unpacked by zlib alone. */
static uint8_t *columns_of(const struct packed *packed, struct catalog_packed *header)
{
	uint8_t *columns;
	uLongf length;

	memcpy(header, packed->bytes, sizeof(*header));
	length = header->columns_length;
	columns = malloc(length);
	cr_assert_eq(uncompress(columns, &length, packed->bytes + sizeof(*header), packed->length - sizeof(*header)),
		     Z_OK);
	return columns;
}

/* Packed by somebody who knows how: only what it says is wrong. */
static int unpack_forged(struct catalog_packed header, const uint8_t *columns)
{
	uLongf length = compressBound(header.columns_length);
	AUTO_FREE uint8_t *forged = malloc(sizeof(header) + length);

	cr_assert_eq(compress2(forged + sizeof(header), &length, columns, header.columns_length, 1), Z_OK);
	header.length = sizeof(header) + length;
	header.check = catalog_packed_check(&header);
	memcpy(forged, &header, sizeof(header));
	return unpack(forged, header.length);
}

Test(catalog_pack, forged_columns_never_lead_outside)
{
	__attribute__((cleanup(compiled_clear))) struct compiled compiled = sample(1030);
	struct packed packed = pack(&compiled);
	struct catalog_packed header;
	uint8_t *columns = columns_of(&packed, &header);
	uint64_t random = 4;
	unsigned int refused = 0, read = 0;

	cr_assert_eq(unpack_forged(header, columns), 0);
	for (unsigned int round = 0; round < 4000; round++) {
		size_t place = random_below(&random, header.columns_length);
		uint8_t kept = columns[place];
		int error;

		columns[place] = (uint8_t)random_next(&random);
		error = unpack_forged(header, columns);
		cr_assert(error == 0 || error == -EBADMSG);
		error ? refused++ : read++;
		columns[place] = kept;
	}
	cr_assert_gt(refused, 100);
	cr_assert_gt(read, 100);
	free(columns);
	free(packed.bytes);
}

Test(catalog_pack, counts_that_their_bytes_do_not_justify_are_refused)
{
	__attribute__((cleanup(compiled_clear))) struct compiled compiled = sample(20);
	struct packed packed = pack(&compiled);
	struct catalog_packed header, forged;
	uint8_t *columns = columns_of(&packed, &header);

	for (size_t i = 0; i < CATALOG_SECTION_COUNT; i++) {
		static const uint64_t counts[] = {0, 1, 5000, UINT32_MAX, UINT64_MAX, UINT64_MAX / 2 + 1};

		for (size_t j = 0; j < ARRAY_SIZE(counts); j++) {
			forged = header;
			forged.counts.sections[i] = counts[j];
			if (counts[j] != header.counts.sections[i])
				cr_assert_eq(unpack_forged(forged, columns), -EBADMSG, "section %zu", i);
		}
	}
	forged = header;
	forged.counts.strings = UINT32_MAX;
	cr_assert_eq(unpack_forged(forged, columns), -EBADMSG);
	forged.counts.strings = 0;
	cr_assert_eq(unpack_forged(forged, columns), -EBADMSG);
	forged = header;
	forged.file = (uint32_t)header.counts.strings;
	cr_assert_eq(unpack_forged(forged, columns), -EBADMSG);
	free(columns);
	free(packed.bytes);
}

/* Of a library that packs otherwise. */
Test(catalog_pack, other_magic_and_version_are_refused)
{
	__attribute__((cleanup(compiled_clear))) struct compiled compiled = sample(20);
	struct packed packed = pack(&compiled);
	struct catalog_packed header;
	uint8_t *columns = columns_of(&packed, &header);

	header.version--;
	cr_assert_eq(unpack_forged(header, columns), -EBADMSG);
	header.version++;
	header.magic++;
	cr_assert_eq(unpack_forged(header, columns), -EBADMSG);
	free(columns);
	free(packed.bytes);
}
