// SPDX-License-Identifier: GPL-2.0-only
/* Which endpoints may get their packets past the host, and what stands in the way of others. */
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <criterion/criterion.h>

#include "environment.h"
#include "host.h"
#include "runtime/direct.h"

#define ATTACH_TCX_INGRESS 46
#define ATTACH_TCX_EGRESS 47
#define ATTACH_BEFORE (1u << 3)

/* The first bridge domain forwards directly. */
#define DIRECT(groups)                                                            \
	"version: 1\n"                                                            \
	"tenants:\n"                                                              \
	"- name: t\n"                                                             \
	"  vrfs: [{name: one}]\n"                                                 \
	"  bridgeDomains:\n"                                                      \
	"  - {name: bd1, vrf: one, subnets: [10.1.0.1/24], forwarding: direct}\n" \
	"  - {name: bd2, vrf: one, subnets: [10.2.0.1/24]}\n"                     \
	"  appProfiles:\n"                                                        \
	"  - name: a\n"                                                           \
	"    epgs:\n"                                                             \
	"    - {name: slow, bridgeDomain: bd2}\n" groups "  externalEpgs:\n"      \
	"  - {name: world, vrf: one, subnets: [0.0.0.0/0]}\n"

static const char BY_HAND[] = DIRECT("    - {name: fast, bridgeDomain: bd1}\n");
static const char BY_POLICY[] = DIRECT("    - {name: fast, bridgeDomain: bd1, match: [{interface: \"veth?\"}]}\n");
static const char NOT_ASKED[] = POLICY(FRONT(", match: [{interface: \"veth?\"}]"));

/* A process that is a network namespace's only inhabitant, and ends with the test. */
static pid_t start_container(void)
{
	int ready[2];
	pid_t pid;
	char byte;

	cr_assert_eq(pipe(ready), 0);
	pid = fork();
	cr_assert_geq(pid, 0);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (unshare(CLONE_NEWNET) || write(ready[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	cr_assert_eq(read(ready[0], &byte, 1), 1, "no network namespace can be made");
	close(ready[0]);
	return pid;
}

/* The peers of veth0 to veth2 go into a container; that of veth3 stays. */
static struct host open_host(pid_t *ret_container)
{
	struct host host = host_open();
	pid_t container = start_container();

	for (int i = 0; i < 3; i++)
		cr_assert_eq(environment_run(
				     "ip link set veth%d-peer netns %d && nsenter -n -t %d ip link set veth%d-peer up",
				     i, (int)container, (int)container, i),
			     0);
	*ret_container = container;
	return host;
}

static void close_host(struct host *host, pid_t container)
{
	host_close(host);
	kill(container, SIGKILL);
	cr_assert_eq(waitpid(container, NULL, 0), container);
}

/* What is listed of one endpoint. */
struct listed {
	const char *interface;
	bool found, direct, asked;
	char why[256];
};

static int find_listed(void *user, const struct epg_endpoint_info *endpoint)
{
	struct listed *listed = user;

	if (strcmp(endpoint->interface, listed->interface))
		return 0;
	listed->found = true;
	listed->direct = endpoint->flags & EPG_ENDPOINT_DIRECT;
	listed->asked = endpoint->direct_asked;
	snprintf(listed->why, sizeof(listed->why), "%s", endpoint->stack_why);
	return 1;
}

static struct listed list(struct host *host, const char *interface)
{
	struct listed listed = {.interface = interface};

	cr_assert_eq(epg_endpoints_each(host->epg, find_listed, &listed), 1, "%s is no endpoint", interface);
	return listed;
}

/* Expects that it forwards directly, or that this stands in the way. */
static void expect_forwarding(struct host *host, const char *interface, const char *obstacle)
{
	struct listed listed = list(host, interface);

	cr_assert(listed.asked);
	cr_assert_eq(listed.direct, !*obstacle, "%s: %s", interface, listed.why);
	cr_assert(*obstacle ? strstr(listed.why, obstacle) != NULL : !*listed.why, "%s: %s", interface, listed.why);
}

/* The MTU that the programs are told. */
static uint16_t told_mtu(struct host *host, const char *interface)
{
	struct epg_endpoint_key key = {.ifindex = if_nametoindex(interface)};
	int map = host_map(host, "endpoints");
	struct epg_endpoint entry;

	cr_assert_eq(bpf_map_lookup_elem(map, &key, &entry), 0);
	close(map);
	return entry.mtu;
}

/* A program of somebody else that lets everything pass, before all others; it stays as long as the test. */
static int attach_other(const char *interface, int type)
{
	const struct bpf_insn nothing[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = -1},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_link_create_opts, options, .flags = type == ATTACH_TCX_EGRESS ? ATTACH_BEFORE : 0);
	int program = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "somebody", "GPL", nothing, 2, NULL), link;

	cr_assert_geq(program, 0);
	link = bpf_link_create(program, (int)if_nametoindex(interface), type, &options);
	cr_assert_geq(link, 0);
	close(program);
	return link;
}

/* ---- who gets it ---- */

Test(direct, an_apply_gives_it_to_whom_it_may_be_given)
{
	pid_t container;
	struct host host = open_host(&container);

	host_apply(&host, BY_POLICY);
	expect_forwarding(&host, "veth0", "");
	expect_forwarding(&host, "veth1", "");
	expect_forwarding(&host, "veth3", "its peer is not in another network namespace");
	cr_assert_eq(told_mtu(&host, "veth0"), 1500);
	close_host(&host, container);
}

Test(direct, where_nobody_asks_for_it_nobody_gets_it)
{
	pid_t container;
	struct host host = open_host(&container);

	host_apply(&host, NOT_ASKED);
	cr_assert_not(list(&host, "veth0").asked);
	cr_assert_not(list(&host, "veth0").direct);
	host_apply(&host, BY_POLICY);
	cr_assert(list(&host, "veth0").direct);
	host_apply(&host, NOT_ASKED);
	cr_assert_not(list(&host, "veth0").direct, "an apply takes it away again");
	EXPECT(&host, epg_rollback(host.epg, NULL));
	cr_assert(list(&host, "veth0").direct, "a rollback gives it back");
	close_host(&host, container);
}

Test(direct, an_endpoint_by_hand_gets_it_too)
{
	pid_t container;
	struct host host = open_host(&container);

	host_apply(&host, BY_HAND);
	EXPECT(&host, host_add(&host, "veth0", "t/a/fast", "10.1.0.2"));
	expect_forwarding(&host, "veth0", "");
	cr_assert_eq(told_mtu(&host, "veth0"), 1500);
	EXPECT(&host, host_add(&host, "veth3", "t/a/fast", "10.1.0.3"));
	expect_forwarding(&host, "veth3", "its peer");
	host_apply(&host, BY_HAND);
	expect_forwarding(&host, "veth0", "");
	EXPECT(&host, host_add(&host, "veth0", "t/a/slow", "10.2.0.2"));
	cr_assert_not(list(&host, "veth0").direct, "the other bridge domain does not ask for it");
	close_host(&host, container);
}

Test(direct, it_goes_with_the_programs)
{
	pid_t container;
	struct host host = open_host(&container);

	host_apply(&host, BY_POLICY);
	EXPECT(&host, epg_detach(host.epg, "veth0"));
	expect_forwarding(&host, "veth0", "it is not attached in both directions");
	EXPECT(&host, epg_attach(host.epg, "veth0", NULL));
	expect_forwarding(&host, "veth0", "");
	close_host(&host, container);
}

/* ---- what stands in the way ---- */

static void expect_obstacle(struct host *host, const char *interface, const char *obstacle)
{
	EXPECT(host, epg_attach(host->epg, interface, NULL));
	expect_forwarding(host, interface, obstacle);
	host_apply(host, BY_POLICY);
	expect_forwarding(host, interface, obstacle);
}

Test(direct, what_is_no_plain_veth_goes_by_the_stack)
{
	struct epg_attach_options xdp = {.size = sizeof(xdp), .xdp = true},
				  detour = {.size = sizeof(detour), .detour = true};
	pid_t container;
	struct host host = open_host(&container);

	cr_assert_eq(environment_run("ip link add veth8 type bridge && ip link set veth8 up"), 0);
	host_apply(&host, BY_HAND);
	EXPECT(&host, epg_attach(host.epg, "veth0", &xdp));
	EXPECT(&host, epg_attach(host.epg, "veth1", &detour));
	host_apply(&host, BY_POLICY);
	expect_forwarding(&host, "veth8", "it is no veth but of the kind bridge");
	expect_forwarding(&host, "veth0", "it is attached by XDP");
	expect_forwarding(&host, "veth1", "a switch that the kernel does not see");
	EXPECT(&host, host_add(&host, "veth2/120", "t/a/fast", NULL));
	expect_forwarding(&host, "veth2", "several endpoints share it");
	expect_forwarding(&host, "veth2/120", "no interface of its own");
	host_apply(&host, BY_POLICY);
	expect_forwarding(&host, "veth2", "several endpoints share it");
	close_host(&host, container);
}

Test(direct, programs_of_others_are_not_skipped)
{
	pid_t container;
	struct host host = open_host(&container);
	int first = attach_other("veth0", ATTACH_TCX_INGRESS), link;

	/* Ours come first, and so the other one would not see what is passed on directly. */
	host_apply(&host, BY_POLICY);
	expect_forwarding(&host, "veth0",
			  "a program of somebody else is attached behind ours at its ingress: somebody, id ");
	close(first);
	expect_obstacle(&host, "veth0", "");
	link = attach_other("veth0", ATTACH_TCX_EGRESS);
	expect_obstacle(&host, "veth0", "a program of somebody else is attached at its egress: somebody, id ");
	close(link);
	expect_obstacle(&host, "veth0", "");
	close_host(&host, container);
}

/* What comes before ours sees all that there is. */
Test(direct, a_program_before_ours_is_in_nobodys_way)
{
	struct epg_attach_options options = {.size = sizeof(options)};
	struct bpf_link_info info = {0};
	__u32 size = sizeof(info);
	pid_t container;
	struct host host = open_host(&container);
	int link = attach_other("veth0", ATTACH_TCX_INGRESS);

	cr_assert_eq(bpf_obj_get_info_by_fd(link, &info, &size), 0);
	options.after = info.prog_id;
	host_apply(&host, BY_HAND);
	EXPECT(&host, epg_attach(host.epg, "veth0", &options));
	host_apply(&host, BY_POLICY);
	expect_forwarding(&host, "veth0", "");
	close(link);
	close_host(&host, container);
}

Test(direct, qdiscs_and_filters_of_others_are_not_skipped)
{
	pid_t container;
	struct host host = open_host(&container);

	host_apply(&host, BY_POLICY);
	cr_assert_eq(environment_run("tc qdisc add dev veth0 root tbf rate 1mbit burst 16k latency 50ms"), 0);
	expect_obstacle(&host, "veth0", "it has a queueing discipline: tbf");
	cr_assert_eq(environment_run("tc qdisc replace dev veth0 root pfifo_fast"), 0);
	expect_obstacle(&host, "veth0", "");
	cr_assert_eq(environment_run("tc qdisc del dev veth0 root && tc qdisc add dev veth0 clsact"), 0);
	expect_obstacle(&host, "veth0", "");
	cr_assert_eq(environment_run("tc filter add dev veth0 egress u32 match u32 0 0"), 0);
	expect_obstacle(&host, "veth0", "a filter of somebody else stands at its egress");
	cr_assert_eq(
		environment_run(
			"tc filter del dev veth0 egress && tc filter add dev veth0 ingress prio 1 u32 match u32 0 0"),
		0);
	expect_obstacle(&host, "veth0", "a filter of somebody else stands at its ingress");
	cr_assert_eq(environment_run("tc filter del dev veth0 ingress"), 0);
	expect_obstacle(&host, "veth0", "");
	cr_assert_eq(environment_run("tc qdisc del dev veth0 clsact && tc qdisc add dev veth0 ingress && "
				     "tc filter add dev veth0 ingress u32 match u32 0 0"),
		     0);
	expect_obstacle(&host, "veth0", "a filter of somebody else stands at its ingress");
	close_host(&host, container);
}

/* ---- what is told ---- */

#define TEXT_MAX 16384

static int add(void *user, const struct epg_checkup *checkup)
{
	static const char *const healths[] = {"good", "note", "bad"};
	char *text = user;
	size_t length = strlen(text);

	if (strcmp(checkup->name, "endpoint-direct"))
		return 0;
	snprintf(text + length, TEXT_MAX - length, "%s %s: %s (%s)\n", healths[checkup->health], checkup->subject,
		 checkup->text, checkup->hint);
	return 0;
}

static void expect_told(struct host *host, const char *expected, bool is)
{
	char text[TEXT_MAX] = "";

	EXPECT(host, epg_doctor(host->epg, add, text));
	cr_assert_eq(strstr(text, expected) != NULL, is, "'%s' in\n%s", expected, text);
}

Test(direct, the_doctor_sees_what_has_come_later)
{
	pid_t container;
	struct host host = open_host(&container);
	int link;

	host_apply(&host, NOT_ASKED);
	expect_told(&host, ":", false);
	host_apply(&host, BY_POLICY);
	expect_told(&host, "bad", false);
	expect_told(&host, "good : 3 of 4 endpoints that may forward past the host do", true);
	expect_told(&host, "note veth3: its bridge domain forwards directly, but it goes by the stack: its peer", true);
	link = attach_other("veth1", ATTACH_TCX_EGRESS);
	expect_told(&host, "bad veth1: established flows go past the host, and so past what has come later: a program",
		    true);
	expect_told(&host, "(epgctl attach veth1 looks at it again)", true);
	cr_assert(list(&host, "veth1").direct);
	cr_assert(strstr(list(&host, "veth1").why, "at its egress"));
	EXPECT(&host, epg_attach(host.epg, "veth1", NULL));
	expect_told(&host, "note veth1: its bridge domain forwards directly, but it goes by the stack: a program",
		    true);
	expect_told(&host, "bad", false);
	close(link);
	expect_told(&host, "note veth1: its bridge domain forwards directly, it goes by the stack, and nothing", true);
	cr_assert_eq(environment_run("ip link set veth0 mtu 1400"), 0);
	expect_told(&host, "bad veth0: packets of up to 1500 bytes go past the host, and its MTU is 1400 now", true);
	host_apply(&host, BY_POLICY);
	cr_assert_eq(told_mtu(&host, "veth0"), 1400);
	expect_told(&host, "bad", false);
	close_host(&host, container);
}

static void note_warning(void *user, enum epg_log_level level, const char *message)
{
	if (level == EPG_LOG_WARNING)
		snprintf(user, DIRECT_WHY_MAX + 256, "%s", message);
}

Test(direct, an_apply_says_who_does_not_get_it)
{
	char warning[DIRECT_WHY_MAX + 256] = "";
	pid_t container;
	struct host host = open_host(&container), loud = host;
	struct epg_options options = {.size = sizeof(options),
				      .pin = host.pin,
				      .log = note_warning,
				      .log_user = warning};

	cr_assert_eq(epg_open(&options, &loud.epg), 0);
	host_apply(&loud, BY_POLICY);
	cr_assert_str_eq(warning,
			 "forwarding by the stack, not direct, for 1 endpoint, the first one veth3: its peer is "
			 "not in another network namespace; epgctl doctor names them all");
	warning[0] = '\0';
	host_apply(&loud, NOT_ASKED);
	cr_assert_str_eq(warning, "");
	host_apply(&loud, BY_HAND);
	EXPECT(&loud, host_add(&loud, "veth3", "t/a/fast", NULL));
	cr_assert_str_eq(warning, "veth3: forwarding by the stack, not direct: its peer is not in another network "
				  "namespace");
	epg_close(loud.epg);
	close_host(&host, container);
}
