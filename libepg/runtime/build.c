/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "runtime/build.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <bpf/bpf.h>

#include "base/array.h"
#include "compile/catalog_packed.h"
#include "runtime/record_types.h"
#include "runtime/runtime.h"

#define BUILD_STRIDE(name, type) \
	_Static_assert(sizeof(struct type) == MAP_STRIDE(sizeof(struct type)), "elements lie without gaps");
EPG_TABLES(BUILD_STRIDE)
#undef BUILD_STRIDE
_Static_assert(BUILD_MAPS == 8, "BUILD_INIT closes as many descriptors");
_Static_assert((int)BUILD_catalog <= SLOTS_MAX, "each map but the last two is put into a slot");

/* Blocks of bytes, the catalog and the source, are arrays of these. */
#define BLOCK_BYTES 4096

/*
 * Room for amendments: a sixteenth of a table, within these bounds; an eighth of the nodes, since each amendment takes
 * several. AMENDMENTS_BYTES are full with about ROOM_MOST.
 */
#define ROOM_PART 16
#define ROOM_NODES_PART 8
#define ROOM_LEAST 1024
#define ROOM_MOST 8192

static const struct {
	const char *name;
	const char *record; /* type of the elements, so that tools show named fields; NULL: bytes */
	uint32_t size;
} build_maps[BUILD_MAPS] = {
#define BUILD_TABLE(name, type) [BUILD_##name] = {#name, #type, sizeof(struct type)},
	EPG_TABLES(BUILD_TABLE)
#undef BUILD_TABLE
		[BUILD_catalog] = {"catalog", NULL, BLOCK_BYTES},
	[BUILD_source] = {"source", NULL, BLOCK_BYTES},
};

static int slots_of(const struct instance *instance, enum build_map map)
{
	switch (map) {
#define BUILD_TABLE(name, type) \
	case BUILD_##name:      \
		return instance->fd.name;
		EPG_TABLES(BUILD_TABLE)
#undef BUILD_TABLE
	case BUILD_catalog:
	case BUILD_source:
	case BUILD_MAPS:
		break;
	}
	return -1;
}

static int fail(struct build *build, int error, enum build_map map, const char *what)
{
	return context_fail_kernel(build->epg, error, build_maps[map].name, "can't %s the map of the new generation",
				   what);
}

/* ---- making and filling ---- */

/* An array that the programs may find in a slot, and that user space fills through memory. */
static int make_map(struct build *build, enum build_map map, size_t elements, const struct record_types *types)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
	uint32_t size = build_maps[map].size;
	int fd;

	if (build_maps[map].record) {
		options.map_flags |= BPF_F_INNER_MAP;
		record_types_describe(types, build_maps[map].record, &options);
	}
	if (elements > UINT32_MAX)
		return fail(build, -E2BIG, map, "make");
	elements = elements ? elements : 1;
	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, build_maps[map].name, sizeof(__u32), size, (__u32)elements, &options);
	if (fd < 0)
		return fail(build, -errno, map, "make");
	build->maps[map] = fd;
	return 0;
}

/* Copies elements, and compares what has arrived. NULL: leaves the map all zero. */
static int fill_map(struct build *build, enum build_map map, const void *elements, size_t count)
{
	size_t length = count * build_maps[map].size;
	struct map_view view;
	bool same;
	int error;

	if (!elements || !count)
		return 0;
	error = map_view_open(build->maps[map], true, &view);
	if (error)
		return fail(build, error, map, "fill");
	memcpy(view.bytes, elements, length);
	same = !memcmp(view.bytes, elements, length);
	map_view_close(&view);
	return same ? 0 : fail(build, -EIO, map, "read back");
}

static size_t n_elements_of_rules(size_t n_rules)
{
	return (n_rules + EPG_RULES_EACH - 1) / EPG_RULES_EACH;
}

/* The same for rules, of which a part alone stands in their table. */
static int fill_rules(struct build *build, const struct tables *tables)
{
	AUTO_FREE struct epg_rules *elements = array_new(n_elements_of_rules(tables->n_rules), sizeof(*elements));

	if (!elements)
		return fail(build, -ENOMEM, BUILD_rules, "fill");
	for (size_t i = 0; i < tables->n_rules; i++)
		elements[i / EPG_RULES_EACH].rule[i % EPG_RULES_EACH] = rules_more(&tables->rules[i]);
	return fill_map(build, BUILD_rules, elements, n_elements_of_rules(tables->n_rules));
}

static int fill_block(struct build *build, enum build_map map, const void *first, size_t first_length,
		      const void *second, size_t second_length)
{
	size_t length = first_length + second_length;
	struct map_view view;
	int error;

	error = make_map(build, map, (length + BLOCK_BYTES - 1) / BLOCK_BYTES, NULL);
	if (error)
		return error;
	error = map_view_open(build->maps[map], true, &view);
	if (error)
		return fail(build, error, map, "fill");
	memcpy(view.bytes, first, first_length);
	if (second_length)
		memcpy(view.bytes + first_length, second, second_length);
	map_view_close(&view);
	return 0;
}

/* ---- checking: a damaged table must not come into force ---- */

static bool target_ok(const struct tables *tables, uint32_t target)
{
	return target & EPG_TARGET_LEAF || target < tables->n_nodes;
}

static bool nodes_ok(const struct tables *tables)
{
	for (size_t i = 0; i < tables->n_nodes; i++) {
		const struct epg_node *node = &tables->nodes[i];

		if (node->field > 7 || node->form > EPG_FORM_NARROW)
			return false;
		for (uint32_t j = 0; j < epg_node_places(node); j++)
			if (!target_ok(tables, epg_node_target(node, j)))
				return false;
	}
	return true;
}

/* A set's rules begin at a node, or are one rule for all, or none. */
static bool sets_ok(const struct tables *tables)
{
	for (size_t i = 0; i < tables->n_rule_sets; i++) {
		uint32_t root = tables->sets[i].root;

		if (root != EPG_TARGET_MISS &&
		    (root & EPG_TARGET_LEAF ? EPG_LEAF_RULE(root) >= tables->n_rules : root >= tables->n_nodes))
			return false;
	}
	return true;
}

static bool pairs_ok(const struct tables *tables)
{
	for (size_t i = 0; i < tables->n_buckets; i++) {
		for (int j = 0; j < EPG_BUCKET_PAIRS; j++)
			if (tables->pairs[i].pair[j] && tables->pairs[i].set[j] >= tables->n_rule_sets)
				return false;
	}
	return true;
}

static bool classes_ok(const struct tables *tables)
{
	for (size_t i = 0; i < tables->n_classes; i++) {
		const struct epg_class *class = &tables->classes[i];

		if (class->flags & EPG_CLASS_VALID &&
		    (!target_ok(tables, class->prefixes4) || !target_ok(tables, class->prefixes6) ||
		     !target_ok(tables, class->subnets4) || !target_ok(tables, class->subnets6)))
			return false;
	}
	return true;
}

static int check_tables(struct build *build, const struct tables *tables)
{
	if (tables->n_rules >= EPG_RULE_IMPLICIT_COUNT && nodes_ok(tables) && sets_ok(tables) && pairs_ok(tables) &&
	    classes_ok(tables))
		return 0;
	return context_fail(build->epg, EPG_FAILURE_KERNEL, -EIO, NULL, "the running policy stays; please report this",
			    "the compiled tables are damaged");
}

/* Nobody looks into the slot before the flip, so that the tables may be filled while they are put into it. */
static void begin_insert(struct build *build, uint32_t slot)
{
	build->slot = slot;
	build->in_slot = true;
	for (enum build_map map = 0; map < BUILD_catalog; map++)
		slots_begin(&build->inserting, slots_of(build->instance, map), slot, build->maps[map]);
}

static int fill_catalog(struct build *build, const struct tables *tables)
{
	AUTO_FREE uint8_t *packed = NULL;
	size_t length;
	int error = catalog_pack(tables->catalog, tables->catalog_length, &packed, &length);

	if (error)
		return context_fail_kernel(build->epg, error, NULL, "can't pack the policy's names");
	return fill_block(build, BUILD_catalog, packed, length, NULL, 0);
}

/* What amendments may add to a table before everything is built anew. */
static size_t room_behind(size_t n, size_t n_parts)
{
	size_t part = n / n_parts;

	if (part < ROOM_LEAST)
		return ROOM_LEAST;
	return part < ROOM_MOST ? part : ROOM_MOST;
}

int build_tables(struct build *build, const struct tables *tables, uint32_t slot)
{
	size_t room_of_rules = room_behind(tables->n_rules, ROOM_PART);
	const struct {
		enum build_map map;
		const void *elements;
		size_t count;
		size_t room; /* for amendments */
	} all[] = {
		{BUILD_classes, tables->classes, tables->n_classes, 0},
		{BUILD_pairs, tables->pairs, tables->n_buckets, 0},
		{BUILD_sets, tables->sets, tables->n_rule_sets, 0},
		{BUILD_nodes, tables->nodes, tables->n_nodes, room_behind(tables->n_nodes, ROOM_NODES_PART)},
		{BUILD_rules, NULL, n_elements_of_rules(tables->n_rules + room_of_rules), 0},
		{BUILD_counters, NULL, tables->n_rules, room_of_rules},
	};
	AUTO_RECORD_TYPES struct record_types types = RECORD_TYPES_INIT;
	int error;

	error = check_tables(build, tables);
	if (!error)
		error = record_types_open(build->epg, build->instance, &types);
	for (size_t i = 0; !error && i < ARRAY_SIZE(all); i++)
		error = make_map(build, all[i].map, all[i].count + all[i].room, &types);
	if (!error)
		begin_insert(build, slot);
	for (size_t i = 0; !error && i < ARRAY_SIZE(all); i++)
		error = fill_map(build, all[i].map, all[i].elements, all[i].count);
	if (!error)
		error = fill_rules(build, tables);
	if (!error)
		error = fill_catalog(build, tables);
	return error;
}

int build_adopt(struct build *build, uint32_t number)
{
	for (enum build_map map = 0; map < BUILD_source; map++) {
		build->maps[map] = generation_table(build->epg, number, build_maps[map].name);
		if (build->maps[map] < 0)
			return fail(build, build->maps[map], map, "open");
	}
	build->amendments = generation_table(build->epg, number, "amendments");
	if (build->amendments < 0 && build->amendments != -ENOENT)
		return context_fail_kernel(build->epg, build->amendments, "amendments", "can't open the map");
	return 0;
}

int build_adopt_all(struct build *build, uint32_t number)
{
	int error = build_adopt(build, number);

	if (error)
		return error;
	build->maps[BUILD_source] = generation_table(build->epg, number, build_maps[BUILD_source].name);
	return build->maps[BUILD_source] < 0 ? fail(build, build->maps[BUILD_source], BUILD_source, "open") : 0;
}

int build_source(struct build *build, uint32_t slot, size_t n_nodes, const struct generation_source *lengths,
		 const uint8_t *packed)
{
	struct generation_source header = *lengths;

	header.n_nodes = n_nodes;
	header.applied_at = (uint64_t)time(NULL);
	header.slot = slot;
	return fill_block(build, BUILD_source, &header, sizeof(header), packed, header.zlib_length);
}

/* ---- slots and pins ---- */

uint32_t build_free_slot(const struct epg_control *control)
{
	for (uint32_t slot = 0; slot < EPG_SLOTS; slot++) {
		bool running = EPG_ACTIVE_GENERATION(control->active) && slot == EPG_ACTIVE_SLOT(control->active);
		bool previous = control->previous_generation && slot == control->previous_slot;

		if (!running && !previous)
			return slot;
	}
	/* Two of three slots can be taken at most. */
	return EPG_SLOTS;
}

bool build_clear_slot(struct instance *instance, uint32_t slot)
{
	struct slots clearing = {0};
	size_t which;

	for (enum build_map map = 0; map < BUILD_catalog; map++) {
		__u32 id;

		/* Clearing waits for the programs that run, so only what is there is cleared. */
		if (!bpf_map_lookup_elem(slots_of(instance, map), &slot, &id))
			slots_begin(&clearing, slots_of(instance, map), slot, -1);
	}
	return clearing.n && !slots_end(&clearing, &which);
}

int build_insert(struct build *build)
{
	struct bpf_map_info info = {0};
	__u32 size = sizeof(info);
	size_t which;
	int error = slots_end(&build->inserting, &which);

	if (error)
		return fail(build, error, (enum build_map)which, "insert");
	if (bpf_obj_get_info_by_fd(build->maps[BUILD_pairs], &info, &size))
		return fail(build, -errno, BUILD_pairs, "look at");
	__atomic_store_n(&build->instance->control->pair_buckets[build->slot], info.max_entries, __ATOMIC_RELEASE);
	return 0;
}

int build_pin(struct build *build, uint32_t number)
{
	char path[PATH_MAX];
	int error;

	error = pins_path(build->epg, path, "generations/%u", number);
	if (error)
		return error;
	if (mkdir(path, 0700))
		return context_fail_kernel(build->epg, -errno, path, "can't make the generation's directory");
	build->number = number;
	for (enum build_map map = 0; map < BUILD_MAPS; map++) {
		error = pins_path(build->epg, path, "generations/%u/%s", number, build_maps[map].name);
		if (error)
			return error;
		if (bpf_obj_pin(build->maps[map], path))
			return fail(build, -errno, map, "pin");
	}
	if (build->amendments < 0)
		return 0;
	error = pins_path(build->epg, path, "generations/%u/amendments", number);
	if (!error && bpf_obj_pin(build->amendments, path))
		error = context_fail_kernel(build->epg, -errno, "amendments", "can't pin the map");
	return error;
}

void build_keep(struct build *build)
{
	for (size_t i = 0; i < BUILD_MAPS; i++)
		util_close(&build->maps[i]);
	util_close(&build->amendments);
	*build = (struct build)BUILD_INIT(build->epg, build->instance);
}

void build_discard(struct build *build)
{
	char path[PATH_MAX];
	size_t which;

	(void)slots_end(&build->inserting, &which);
	if (build->in_slot)
		build_clear_slot(build->instance, build->slot);
	if (build->number && !pins_path(build->epg, path, "generations/%u", build->number))
		pins_remove(path);
	build_keep(build);
}
