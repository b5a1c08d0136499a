// SPDX-License-Identifier: GPL-2.0-only
/* What the doctor finds, and that it finds nothing where nothing is wrong. */
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <criterion/criterion.h>
#include <linux/bpf.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>

#include "environment.h"
#include "host.h"
#include "inspect/flow_fate.h"

#define ATTACH_TCX_INGRESS 46
#define ATTACH_BEFORE (1u << 3)

#define TEXT_MAX 16384

/* "bad endpoint-unattached veth0: …\n" for each check. */
static int add(void *user, const struct epg_checkup *checkup)
{
	static const char *const healths[] = {"good", "note", "bad"};
	char *text = user;
	size_t length = strlen(text);

	cr_assert(*checkup->text, "%s says nothing", checkup->name);
	cr_assert(checkup->health != EPG_HEALTH_BAD || *checkup->hint || !strcmp(checkup->name, "map-fill"),
		  "%s is bad, and nobody knows what to do", checkup->name);
	snprintf(text + length, TEXT_MAX - length, "%s %s %s: %s (%s)\n", healths[checkup->health], checkup->name,
		 checkup->subject, checkup->text, checkup->hint);
	return 0;
}

static const char *examine(struct host *host)
{
	static char text[TEXT_MAX];

	text[0] = '\0';
	EXPECT(host, epg_doctor(host->epg, add, text));
	return text;
}

static void expect_found(struct host *host, const char *found)
{
	const char *text = examine(host);

	cr_assert(strstr(text, found), "'%s' is not among\n%s", found, text);
}

static void expect_no(struct host *host, const char *found)
{
	const char *text = examine(host);

	cr_assert_not(strstr(text, found), "'%s' is among\n%s", found, text);
}

Test(doctor, this_kernel_has_what_it_takes)
{
	struct host host = host_open();

	expect_no(&host, "bad ");
	expect_found(&host, "good kernel-version : Linux ");
	expect_found(&host, "good kernel-jit");
	expect_found(&host, "good kernel-btf");
	expect_found(&host, "good kernel-ring-buffer");
	expect_found(&host, "good kernel-realtime");
	expect_found(&host, "good bpf-file-system");
	expect_found(&host, "good privilege");
	expect_found(&host, "note instance ");
	expect_no(&host, "attachment");
	epg_close(host.epg);
}

Test(doctor, a_sound_instance_has_nothing_bad)
{
	struct host host = host_open();

	host_apply(&host, HOST_SIMPLE);
	expect_no(&host, "bad ");
	expect_found(&host, "good instance ");
	expect_found(&host, "generation 1 is in force");
	expect_found(&host, "good instance-pins");
	expect_found(&host, "good attachment : 3 of 3");
	expect_found(&host, "good map-fill flows: 0 of ");
	expect_found(&host, "good drops");
	host_close(&host);
}

Test(doctor, elsewhere_than_on_a_bpf_file_system_nothing_can_be_pinned)
{
	struct host host = host_open(), elsewhere = host_open_at("/tmp/epg-test-no-bpf");

	expect_found(&elsewhere, "bad bpf-file-system /tmp/epg-test-no-bpf");
	epg_close(elsewhere.epg);
	epg_close(host.epg);
}

Test(doctor, no_policy_is_worth_a_note)
{
	struct host host = host_open();

	EXPECT(&host, epg_load(host.epg, NULL));
	expect_found(&host, "note instance-policy");
	expect_found(&host, "note attachment : nothing is attached");
	host_close(&host);
}

Test(doctor, an_endpoint_that_nothing_holds_to_the_policy_is_bad)
{
	struct host host = host_open();

	host_apply(&host, HOST_SIMPLE);
	EXPECT(&host, epg_detach(host.epg, "veth0"));
	expect_found(&host, "bad endpoint-unattached veth0");
	expect_no(&host, "endpoint-unattached veth1");
	EXPECT(&host, epg_attach(host.epg, "veth0", NULL));
	expect_no(&host, "bad ");
	host_close(&host);
}

Test(doctor, half_an_attachment_is_bad)
{
	struct host host = host_open();

	host_apply(&host, HOST_SIMPLE);
	cr_assert_eq(environment_run("rm '%s'/links/*-egress", host.pin), 0);
	expect_found(&host, "bad attachment-half veth0");
	expect_found(&host, "what goes out is not decided");
	host_close(&host);
}

Test(doctor, what_is_attached_and_bound_to_nothing_is_quarantined)
{
	struct host host = host_open();

	host_apply(&host, HOST_SIMPLE);
	EXPECT(&host, epg_attach(host.epg, "veth3", NULL));
	expect_found(&host, "note attachment-quarantined veth3");
	expect_no(&host, "attachment-quarantined veth0");
	host_close(&host);
}

Test(doctor, an_interface_that_has_vanished_is_told)
{
	struct host host = host_open();

	host_apply(&host, HOST_SIMPLE);
	environment_remove_interface("veth0");
	expect_found(&host, "note endpoint-vanished if");
	expect_found(&host, "epgctl endpoint rm if");
	host_close(&host);
}

Test(doctor, a_missing_program_is_bad)
{
	struct host host = host_open();

	host_apply(&host, HOST_SIMPLE);
	cr_assert_eq(environment_run("rm '%s'/programs/tc_egress", host.pin), 0);
	expect_found(&host, "bad instance-pins");
	expect_found(&host, "programs/tc_egress");
	host_close(&host);
}

Test(doctor, generic_xdp_is_worth_a_note)
{
	struct epg_attach_options options = {.size = sizeof(options), .xdp = true};
	struct host host = host_open();

	host_apply(&host, HOST_SIMPLE);
	EXPECT(&host, epg_attach(host.epg, "lo", &options));
	expect_found(&host, "note attachment-xdp-generic lo");
	expect_no(&host, "attachment-xdp-generic veth");
	host_close(&host);
}

/* A program of somebody else that lets everything pass, at an interface's TCX ingress before all others. */
static void attach_other(const char *interface)
{
	const struct bpf_insn nothing[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_link_create_opts, options, .flags = ATTACH_BEFORE);
	int program = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "somebody", "GPL", nothing, 2, NULL);

	cr_assert_geq(program, 0);
	cr_assert_geq(bpf_link_create(program, (int)if_nametoindex(interface), ATTACH_TCX_INGRESS, &options), 0);
}

Test(doctor, who_comes_before_us_is_named)
{
	struct host host = host_open();

	host_apply(&host, HOST_SIMPLE);
	expect_no(&host, "attachment-order");
	attach_other("veth0");
	expect_found(&host, "note attachment-order veth0: another program comes before ours at its ingress");
	expect_found(&host, "somebody, id ");
	expect_no(&host, "attachment-order veth1");
	host_close(&host);
}

/* As on a kernel without TCX: filters, and pins that stand for them. */
static void attach_clsact(struct host *host, const char *interface, enum bpf_tc_attach_point point, const char *program,
			  const char *name)
{
	LIBBPF_OPTS(bpf_tc_opts, options, .handle = 1, .priority = 1);
	struct bpf_tc_hook hook = {
		.sz = sizeof(hook),
		.ifindex = (int)if_nametoindex(interface),
		.attach_point = point,
	};
	char path[256];

	options.prog_fd = host_map(host, program);
	bpf_tc_hook_create(&hook);
	cr_assert_eq(bpf_tc_attach(&hook, &options), 0);
	snprintf(path, sizeof(path), "%s/links/%d-clsact-%s", host->pin, hook.ifindex, name);
	cr_assert_eq(bpf_obj_pin(options.prog_fd, path), 0);
	close(options.prog_fd);
}

Test(doctor, filters_that_others_can_remove_are_worth_a_note)
{
	struct host host = host_open();

	EXPECT(&host, epg_load(host.epg, NULL));
	attach_clsact(&host, "veth2", BPF_TC_INGRESS, "programs/tc_ingress", "ingress");
	expect_found(&host, "bad attachment-half veth2");
	attach_clsact(&host, "veth2", BPF_TC_EGRESS, "programs/tc_egress", "egress");
	expect_no(&host, "attachment-half");
	expect_found(&host, "note attachment-clsact veth2");
	expect_found(&host, "epgctl attach puts them back");
	cr_assert_eq(environment_run("tc qdisc del dev veth2 clsact"), 0);
	expect_found(&host, "note attachment : nothing is attached");
	host_close(&host);
}

Test(doctor, an_interface_that_several_share_is_told)
{
	struct host host = host_open();

	host_apply(&host, HOST_SIMPLE);
	cr_assert_eq(host_add(&host, "veth2/120", "t/a/front", NULL), 0);
	expect_found(&host, "note attachment-shared veth2");
	expect_found(&host, "note attachment-quarantined veth2: what nobody behind it has sent is dropped");
	expect_no(&host, "endpoint-unattached");
	cr_assert_eq(host_add(&host, "veth2", "t/world", NULL), 0);
	expect_no(&host, "attachment-shared");
	expect_no(&host, "attachment-quarantined veth2");
	EXPECT(&host, epg_detach(host.epg, "veth2"));
	expect_found(&host, "bad endpoint-unattached veth2/120");
	host_close(&host);
}

static void take_tags_off(const char *interface, bool on)
{
	struct ethtool_value value = {.cmd = ETHTOOL_SFLAGS, .data = on ? ETH_FLAG_RXVLAN : 0};
	struct ifreq request = {.ifr_data = (char *)&value};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
	cr_assert_eq(ioctl(fd, SIOCETHTOOL, &request), 0);
	close(fd);
}

Test(doctor, xdp_that_does_not_see_tags_is_told)
{
	struct epg_attach_options options = {.size = sizeof(options), .xdp = true};
	struct host host = host_open();

	host_apply(&host, HOST_SIMPLE);
	EXPECT(&host, epg_attach(host.epg, "veth2", &options));
	take_tags_off("veth2", true);
	expect_found(&host, "note attachment-xdp-vlan veth2");
	expect_found(&host, "ethtool -K veth2 rxvlan off");
	take_tags_off("veth2", false);
	expect_no(&host, "attachment-xdp-vlan");
	host_close(&host);
}

Test(doctor, what_a_macvlan_device_is_above_should_be_attached)
{
	struct host host = host_open();
	char namespace[64], name[128];

	snprintf(namespace, sizeof(namespace), "epgt-%d-doctor", (int)getpid());
	snprintf(name, sizeof(name), "eth0@/run/netns/%s", namespace);
	cr_assert_eq(environment_run("ip netns add %s && ip link add link veth2 name eth0 netns %s type macvlan mode "
				     "bridge && ip -n %s link set eth0 up",
				     namespace, namespace, namespace),
		     0);
	host_apply(&host, HOST_SIMPLE);
	cr_assert_eq(host_add(&host, name, "t/a/front", "10.1.0.9"), 0);
	expect_found(&host, "note attachment-macvlan eth0@/run/netns/");
	expect_found(&host, "veth2 below it is not attached");
	cr_assert_eq(host_add(&host, "veth2", "t/world", NULL), 0);
	expect_no(&host, "attachment-macvlan");
	expect_no(&host, "bad ");
	cr_assert_eq(environment_run("ip netns del %s", namespace), 0);
	host_close(&host);
}

Test(doctor, two_instances_with_one_mark_are_told)
{
	struct epg_load_options mark = {.size = sizeof(mark), .mark = 0x20000000};
	struct host host = host_open(), other;
	char pin[160];

	snprintf(pin, sizeof(pin), "%s-other", host.pin);
	other = host_open_at(pin);
	EXPECT(&host, epg_load(host.epg, NULL));
	EXPECT(&other, epg_load(other.epg, &mark));
	expect_no(&host, pin);
	EXPECT(&other, epg_unload(other.epg));
	EXPECT(&other, epg_load(other.epg, NULL));
	expect_found(&host, "note instance-mark");
	expect_found(&host, pin);
	host_close(&other);
	host_close(&host);
}

static void count_drops(struct host *host, enum epg_reason reason, uint64_t packets)
{
	const struct epg_drop_key key = {.reason = (uint16_t)reason};
	const struct epg_counter counter = {packets, packets * 60};
	int map = host_map(host, "drops");

	cr_assert_eq(bpf_map_update_elem(map, &key, &counter, BPF_ANY), 0);
	close(map);
}

Test(doctor, drops_that_should_never_be_are_told)
{
	struct host host = host_open();

	host_apply(&host, HOST_SIMPLE);
	count_drops(&host, EPG_REASON_IMPLICIT_DENY, 7);
	expect_found(&host, "good drops");
	count_drops(&host, EPG_REASON_UNVOUCHED, 3);
	expect_found(&host, "note drops unvouched: 3 packets");
	expect_no(&host, "bad ");
	count_drops(&host, EPG_REASON_INTERNAL, 2);
	expect_found(&host, "bad drops internal: 2 packets");
	host_close(&host);
}

/* Flows that were seen just now, in the first places of the table. */
static void fill_flows(struct host *host, size_t n)
{
	struct flow_table table;
	struct instance *instance;

	EXPECT(host, instance_open(host->epg, &instance));
	cr_assert_eq(flow_table_open(instance, &table), 0);
	cr_assert_leq(n, table.n_groups * EPG_FLOW_WAYS);
	for (size_t i = 0; i < n; i++)
		table.groups[i / EPG_FLOW_WAYS].flow[i % EPG_FLOW_WAYS] = (struct epg_flow){
			.key = {i, EPG_FLOW_KEY_REST(16, 6, 4)},
			.state = EPG_FLOW_ESTABLISHED,
			.seen = flow_fate_jiffies(instance->control->hz),
		};
	flow_table_close(&table);
}

Test(doctor, a_full_map_is_told)
{
	struct epg_load_options small = {.size = sizeof(small), .flows = 1024};
	struct host host = host_open();

	EXPECT(&host, epg_load(host.epg, &small));
	host_apply(&host, HOST_SIMPLE);
	expect_found(&host, "good map-fill flows: 0 of 1024");
	fill_flows(&host, 512);
	expect_found(&host, "good map-fill flows: 512 of 1024");
	fill_flows(&host, 600);
	expect_found(&host, "note map-fill flows: 600 of 1024");
	host_close(&host);
}

static int stop_at_first(void *user, const struct epg_checkup *checkup)
{
	(void)checkup;
	++*(int *)user;
	return 42;
}

Test(doctor, it_ends_where_it_is_told_to)
{
	struct host host = host_open();
	int calls = 0;

	EXPECT(&host, epg_load(host.epg, NULL));
	cr_assert_eq(epg_doctor(host.epg, stop_at_first, &calls), 42);
	cr_assert_eq(calls, 1);
	host_close(&host);
}
