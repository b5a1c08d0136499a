/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* `police`: how much an EPG may send. */
#include <errno.h>
#include <string.h>

#include "base/util.h"
#include "policy/names.h"
#include "policy/read.h"

/* Bytes a second, and bytes. A burst holds at least one full Ethernet frame. */
#define RATE_MIN (UINT64_C(8000) / 8)
#define RATE_MAX (UINT64_C(1000000000000) / 8)
#define BURST_MIN UINT64_C(1514)
#define BURST_MAX (UINT64_C(256) << 20)
/* Where no burst is given: what comes in a tenth of a second, but not too little. */
#define BURST_DEFAULT_MIN (UINT64_C(64) << 10)
#define BURST_PER_SECOND 10

struct police_nodes {
	const struct tree_node *rate, *burst;
};

static const struct schema_key police_keys[] = {
	SCHEMA_KEY("rate", REQUIRED, struct police_nodes, rate),
	SCHEMA_KEY("burst", OPTIONAL, struct police_nodes, burst),
};
static const struct schema police_schema = SCHEMA("police", police_keys);

/* One of the two sorts of amounts. */
struct amount {
	const char *name;
	int (*parse)(const char *text, uint64_t *ret);
	uint64_t first;
	uint64_t last;
	const char *range;
	const char *units;
};

static const struct amount rate_amount = {
	.name = "rate",
	.parse = names_parse_rate,
	.first = RATE_MIN,
	.last = RATE_MAX,
	.range = "from 8kbit to 1000gbit",
	.units = "a number with bit, kbit, mbit or gbit; or in bytes a second with bps, kbps, mbps or gbps",
};

static const struct amount burst_amount = {
	.name = "burst",
	.parse = names_parse_size,
	.first = BURST_MIN,
	.last = BURST_MAX,
	.range = "from 1514b to 256mb",
	.units = "a number with b, kb or mb",
};

static bool read_amount(struct reader *reader, const struct tree_node *node, const struct amount *amount, uint64_t *ret)
{
	uint64_t value = 0;
	int error;

	if (!schema_word(reader->diagnostics, node))
		return false;
	error = amount->parse(node->text, &value);
	if (!error && value >= amount->first && value <= amount->last) {
		*ret = value;
		return true;
	}
	if (error != -EINVAL)
		diagnostics_error(reader->diagnostics, node->place, amount->range, "the %s %.64s is out of range",
				  amount->name, node->text);
	else if (node->count > 0 && strspn(node->text, "0123456789") == node->count)
		diagnostics_error(reader->diagnostics, node->place, amount->units, "the %s %.64s has no unit",
				  amount->name, node->text);
	else
		diagnostics_error(reader->diagnostics, node->place, amount->units, "\"%.64s\" is not a %s", node->text,
				  amount->name);
	return false;
}

static uint64_t default_burst(uint64_t rate)
{
	uint64_t burst = rate / BURST_PER_SECOND;

	return burst < BURST_DEFAULT_MIN ? BURST_DEFAULT_MIN : burst > BURST_MAX ? BURST_MAX : burst;
}

void read_police(struct reader *reader, const struct tree_node *node, struct model_police *police)
{
	struct police_nodes nodes = {0};
	uint64_t burst;

	if (!schema_read(reader->diagnostics, node, &police_schema, &nodes))
		return;
	police->place = node->place;
	if (!nodes.rate || !read_amount(reader, nodes.rate, &rate_amount, &police->rate))
		return;
	burst = default_burst(police->rate);
	if (nodes.burst)
		read_amount(reader, nodes.burst, &burst_amount, &burst);
	police->burst = (uint32_t)burst;
}
