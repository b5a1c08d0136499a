/* SPDX-License-Identifier: GPL-2.0-only */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include <criterion/criterion.h>

#include "base/text.h"
#include "inspect/flow_filter.h"

#define FRONT 7
#define BACK (EPG_PORT | 3)

struct flow {
	struct epg_flow_key key;
	struct epg_flow flow;
};

/* An established TCP connection of FRONT, class 17, to port 80 of BACK, class 18. */
static struct flow web(const char *low, const char *high)
{
	struct flow flow = {
		.key = {.low_port_be = htons(40000), .high_port_be = htons(80), .protocol = IPPROTO_TCP},
		.flow = {.ifindex = {FRONT, BACK}, .group = {17, 18}, .state = EPG_FLOW_ESTABLISHED},
	};

	cr_assert_eq(text_parse_address(low, flow.key.low), 0);
	cr_assert_eq(text_parse_address(high, flow.key.high), 0);
	return flow;
}

static int read_filter(const struct epg_flow_filter *given, struct flow_filter *ret)
{
	struct epg *epg;
	int error;

	cr_assert_eq(epg_open(NULL, &epg), 0);
	error = flow_filter_read(epg, NULL, NULL, given, ret);
	if (error)
		cr_assert_neq(epg_error(epg)->failure, EPG_FAILURE_NONE, "it failed without a word");
	epg_close(epg);
	return error;
}

static bool selects(struct epg_flow_filter given, const struct flow *flow)
{
	struct flow_filter filter;

	cr_assert_eq(read_filter(&given, &filter), 0);
	return flow_filter_selects(&filter, &flow->key, &flow->flow);
}

#define SELECTS(flow, ...) selects((struct epg_flow_filter){__VA_ARGS__}, flow)

Test(flow_filter, nothing_given_is_everything)
{
	struct flow flow = web("10.1.0.2", "10.1.0.4");

	cr_assert(SELECTS(&flow, .size = 0));
}

Test(flow_filter, an_address_is_that_of_either_end)
{
	struct flow flow = web("10.1.0.2", "10.1.0.4");

	cr_assert(SELECTS(&flow, .address = "10.1.0.2"));
	cr_assert(SELECTS(&flow, .address = "10.1.0.4"));
	cr_assert_not(SELECTS(&flow, .address = "10.1.0.3"));
	cr_assert_not(SELECTS(&flow, .address = "::10.1.0.2"), "an address of the other family");
}

Test(flow_filter, a_prefix_holds_what_begins_so)
{
	struct flow flow = web("10.1.0.66", "192.0.2.1"), other = web("fd00:1::2", "fd00:2::2");

	cr_assert(SELECTS(&flow, .address = "10.1.0.64/26"));
	cr_assert(SELECTS(&flow, .address = "10.1.0.77/26"), "bits behind the prefix don't count");
	cr_assert_not(SELECTS(&flow, .address = "10.1.0.0/26"));
	cr_assert(SELECTS(&flow, .address = "0.0.0.0/0"));
	cr_assert_not(SELECTS(&other, .address = "0.0.0.0/0"), "all of IPv4 is not IPv6");
	cr_assert(SELECTS(&other, .address = "fd00:2::/32"));
	cr_assert_not(SELECTS(&other, .address = "fd00:3::/32"));
	cr_assert(SELECTS(&other, .address = "::/0"));
}

Test(flow_filter, a_port_is_one_of_protocols_that_have_ports)
{
	struct flow flow = web("10.1.0.2", "10.1.0.4");

	cr_assert(SELECTS(&flow, .port = 80));
	cr_assert(SELECTS(&flow, .port = 40000));
	cr_assert_not(SELECTS(&flow, .port = 81));
	flow.key.protocol = IPPROTO_ICMP;
	cr_assert_not(SELECTS(&flow, .port = 80), "an ICMP type is no port");
}

Test(flow_filter, protocol_state_and_revocation)
{
	struct flow flow = web("10.1.0.2", "10.1.0.4");

	cr_assert(SELECTS(&flow, .protocol = "tcp"));
	cr_assert(SELECTS(&flow, .protocol = "6"));
	cr_assert_not(SELECTS(&flow, .protocol = "udp"));
	cr_assert(SELECTS(&flow, .state = "established"));
	cr_assert_not(SELECTS(&flow, .state = "new"));
	cr_assert_not(SELECTS(&flow, .revoked = true));
	flow.flow.revoked = 1;
	cr_assert(SELECTS(&flow, .revoked = true));
}

Test(flow_filter, what_is_given_must_all_agree)
{
	struct flow flow = web("10.1.0.2", "10.1.0.4");

	cr_assert(SELECTS(&flow, .address = "10.1.0.2", .protocol = "tcp", .port = 80));
	cr_assert_not(SELECTS(&flow, .address = "10.1.0.2", .protocol = "tcp", .port = 81));
}

Test(flow_filter, interfaces_and_groups_are_those_of_either_end)
{
	struct flow flow = web("10.1.0.2", "10.1.0.4");
	struct flow_filter by_interface = {.by_interface = true, .ifindex = BACK},
			   by_group = {.by_group = true, .class_id = 18};

	cr_assert(flow_filter_selects(&by_interface, &flow.key, &flow.flow));
	cr_assert(flow_filter_selects(&by_group, &flow.key, &flow.flow));
	flow.flow.ifindex[1] = FRONT;
	flow.flow.group[1] = 19;
	cr_assert_not(flow_filter_selects(&by_interface, &flow.key, &flow.flow));
	cr_assert_not(flow_filter_selects(&by_group, &flow.key, &flow.flow));
}

Test(flow_filter, what_can_not_be_read_is_refused)
{
	static const struct {
		struct epg_flow_filter given;
		int error;
	} wrong[] = {
		{{.address = "10.1.0"}, -EINVAL},        {{.address = "10.1.0.0/33"}, -EINVAL},
		{{.address = "fd00::/129"}, -EINVAL},    {{.address = "10.1.0.0/"}, -EINVAL},
		{{.protocol = "quic"}, -EINVAL},         {{.state = "open"}, -EINVAL},
		{{.group = "shop/store/none"}, -ENOENT},
	};
	struct flow_filter filter;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		cr_assert_eq(read_filter(&wrong[i].given, &filter), wrong[i].error, "number %zu", i);
}
