// SPDX-License-Identifier: GPL-2.0-only
/* Loading and unloading. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <criterion/criterion.h>

#include "environment.h"
#include "host.h"

static struct epg_control read_control(struct host *host)
{
	struct epg_control control;
	int map = host_map(host, "control");
	__u32 zero = 0;

	cr_assert_eq(bpf_map_lookup_elem(map, &zero, &control), 0);
	close(map);
	return control;
}

Test(load, load_and_unload)
{
	struct host host = host_open();
	struct epg_load_options options = {
		.size = sizeof(options), .endpoints = 100, .flows = 1024, .drop_pairs = 50, .event_bytes = 8192};
	struct epg_load_options wrong = {.size = sizeof(wrong), .event_bytes = 5000};
	struct epg_load_options mark = {.size = sizeof(mark), .mark = 3};

	host_expect_failure(host.epg, epg_load(host.epg, &wrong), -EINVAL, EPG_FAILURE_INPUT, "power of 2");
	host_expect_failure(host.epg, epg_load(host.epg, &mark), -EINVAL, EPG_FAILURE_INPUT, "bit");
	host_expect_failure(host.epg, epg_unload(host.epg), -ENODEV, EPG_FAILURE_UNSUPPORTED, "not loaded");
	host_expect_failure(host.epg, host_add(&host, "veth0", "t/a/front", NULL), -ENODEV, EPG_FAILURE_UNSUPPORTED,
			    "load");
	host_expect_failure(host.epg, epg_rollback(host.epg, NULL), -ENODEV, EPG_FAILURE_UNSUPPORTED, "load");

	EXPECT(&host, epg_load(host.epg, &options));
	cr_assert_eq(host_max_entries(&host, "endpoints"), 100);
	cr_assert_eq(host_max_entries(&host, "addresses"), 200);
	cr_assert_eq(read_control(&host).flow_groups, 1024 / EPG_FLOW_WAYS);
	cr_assert_eq(host_max_entries(&host, "events"), 8192);
	cr_assert_eq(host_count(&host, "drops"), EPG_REASON_COUNT - 1, "a catch-all for each reason");
	/* Loading again changes nothing, not even sizes. */
	options.endpoints = 7;
	EXPECT(&host, epg_load(host.epg, &options));
	cr_assert_eq(host_max_entries(&host, "endpoints"), 100);

	host_expect_failure(host.epg, epg_rollback(host.epg, NULL), -ENOENT, EPG_FAILURE_NOT_FOUND, "generation");
	host_expect_failure(host.epg, host_add(&host, "veth0", "t/a/front", NULL), -ENOENT, EPG_FAILURE_NOT_FOUND,
			    "policy");
	host_close(&host);
}

Test(load, where_pins_can_be)
{
	struct host host = host_open();
	struct host other = host_open_at("/tmp/epg-test-pin");
	struct host dotted = host_open_at("/sys/fs/bpf/epg.test");
	struct host deep = host_open_at("/sys/fs/bpf/epg-test-nowhere/epg");
	struct stat status;

	host_expect_failure(other.epg, epg_load(other.epg, NULL), -ENOTDIR, EPG_FAILURE_UNSUPPORTED, "BPF file system");
	cr_assert_neq(stat(other.pin, &status), 0);
	host_expect_failure(dotted.epg, epg_load(dotted.epg, NULL), -EINVAL, EPG_FAILURE_INPUT, "dots");
	host_expect_failure(deep.epg, epg_load(deep.epg, NULL), -ENOTDIR, EPG_FAILURE_UNSUPPORTED, "parent");
	epg_close(other.epg);
	epg_close(dotted.epg);
	epg_close(deep.epg);
	epg_close(host.epg);
}

/* What a load that was killed has left is removed by the next one; what one that runs works in is not. */
Test(load, leftovers_of_a_killed_load)
{
	struct host host = host_open();

	cr_assert_eq(environment_run("mkdir -p '%s~part~abcdef/programs'", host.pin), 0);
	EXPECT(&host, epg_load(host.epg, NULL));
	host_close(&host);
}

Test(load, another_layout_is_refused)
{
	struct host host = host_open();
	struct epg_control control;
	__u32 zero = 0;
	int map;

	EXPECT(&host, epg_load(host.epg, NULL));
	map = host_map(&host, "control");
	cr_assert_eq(bpf_map_lookup_elem(map, &zero, &control), 0);
	control.abi_version = EPG_ABI_VERSION + 1;
	cr_assert_eq(bpf_map_update_elem(map, &zero, &control, BPF_ANY), 0);
	close(map);
	epg_close(host.epg);
	host = host_open_at(host.pin);
	host_expect_failure(host.epg, epg_rollback(host.epg, NULL), -EPROTO, EPG_FAILURE_UNSUPPORTED, "layout");
	host_expect_failure(host.epg, epg_load(host.epg, NULL), -EPROTO, EPG_FAILURE_UNSUPPORTED, "version");
	host_close(&host);
}

/* Timeouts take effect also where the instance is loaded already. */
Test(load, timeouts_and_fragments)
{
	struct host host = host_open();
	struct epg_load_options options = {.size = sizeof(options),
					   .fragments = 100,
					   .connection_timeout = {0, 7200},
					   .timeout = {5}};
	struct epg_load_options later = {.size = sizeof(later), .timeout = {0, 0, 2}, .fragment_timeout = 9};
	struct epg_load_options wrong = {.size = sizeof(wrong), .connection_timeout = {0, 0, 0x7fffffff}};
	struct epg_control control;
	__u64 voucher;

	host_expect_failure(host.epg, epg_load(host.epg, &wrong), -EINVAL, EPG_FAILURE_INPUT, "timeout");
	EXPECT(&host, epg_load(host.epg, &options));
	host_expect_failure(host.epg, epg_load(host.epg, &wrong), -EINVAL, EPG_FAILURE_INPUT, "timeout");
	cr_assert_eq(host_max_entries(&host, "fragments"), 100);
	cr_assert_eq(host_max_entries(&host, "ports"), 16384);
	control = read_control(&host);
	cr_assert_eq(control.connection_timeout[EPG_FLOW_NEW], 60 * control.hz);
	cr_assert_eq(control.connection_timeout[EPG_FLOW_ESTABLISHED], 7200 * control.hz);
	cr_assert_eq(control.timeout[EPG_FLOW_NEW], 5 * control.hz);
	cr_assert_eq(control.timeout[EPG_FLOW_CLOSING], 10 * control.hz);
	cr_assert_eq(control.fragment_timeout, 30 * control.hz);
	cr_assert_neq(control.voucher_key[0], 0);
	cr_assert_neq(control.voucher_key[1], control.voucher_key[0]);
	voucher = control.voucher_key[0];
	EXPECT(&host, epg_load(host.epg, &later));
	control = read_control(&host);
	cr_assert_eq(control.connection_timeout[EPG_FLOW_ESTABLISHED], 7200 * control.hz);
	cr_assert_eq(control.timeout[EPG_FLOW_NEW], 5 * control.hz);
	cr_assert_eq(control.timeout[EPG_FLOW_CLOSING], 2 * control.hz);
	cr_assert_eq(control.fragment_timeout, 9 * control.hz);
	cr_assert_eq(control.voucher_key[0], voucher, "who has been vouched for stays so");
	host_close(&host);
}
