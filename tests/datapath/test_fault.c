// SPDX-License-Identifier: GPL-2.0-only
/*
 * What happens when a system call of ours fails, or when we are killed at it. Every bpf(2) goes through the C
 * library's syscall(), of which this program has its own: it counts, and at a chosen call it fails or dies.
 */
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <criterion/criterion.h>

#include "epg/epg.h"
#include "environment.h"

enum fault { FAULT_NONE, FAULT_FAIL, FAULT_KILL };

/* What is to happen, and how far it has come. */
static struct {
	enum fault fault;
	long at;    /* the call that fails, from 1 */
	long calls; /* so far */
	bool no_tcx;
	int no_map_type; /* of enum bpf_map_type; 0: all are there */
} plan;

/* The beginning of union bpf_attr, as far as commands are told apart here. */
struct bpf_link_attributes {
	__u32 prog_fd, target_ifindex, attach_type;
};

static bool is_missing(int command, const void *attributes)
{
	const struct bpf_link_attributes *link = attributes;

	if (plan.no_tcx && command == BPF_LINK_CREATE && (link->attach_type == 46 || link->attach_type == 47))
		return true;
	return plan.no_map_type && command == BPF_MAP_CREATE && *(const int *)attributes == plan.no_map_type;
}

long syscall(long number, ...)
{
	static long (*real)(long number, ...);
	va_list arguments;
	long a[6];

	if (!real)
		real = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
	va_start(arguments, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(arguments, long);
	va_end(arguments);
	if (number == SYS_bpf && is_missing((int)a[0], (const void *)a[1])) {
		errno = EINVAL;
		return -1;
	}
	if (number == SYS_bpf && plan.fault != FAULT_NONE && ++plan.calls == plan.at) {
		if (plan.fault == FAULT_KILL)
			raise(SIGKILL);
		errno = ENOMEM;
		return -1;
	}
	return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

#define POLICY(front, back)                                                           \
	"version: 1\n"                                                                \
	"tenants:\n"                                                                  \
	"- name: t\n"                                                                 \
	"  vrfs: [{name: one}]\n"                                                     \
	"  bridgeDomains: [{name: bd1, vrf: one, subnets: [10.1.0.1/24]}]\n"          \
	"  filters: [{name: web, entries: [{name: http, prot: tcp, dPort: 80}]}]\n"   \
	"  contracts: [{name: web, subjects: [{name: all, filters: [web]}]}]\n"       \
	"  appProfiles:\n"                                                            \
	"  - name: a\n"                                                               \
	"    epgs:\n"                                                                 \
	"    - {name: front, bridgeDomain: bd1, consume: [web], endpoints: [" front "]}\n" \
	"    - {name: back, bridgeDomain: bd1, provide: [web], endpoints: [" back "]}\n"

static const char first[] = POLICY("{interface: veth0, ips: [10.1.0.2]}, {interface: veth2, ips: [10.1.0.4]}", "");
/* One endpoint moves, one goes, one comes. */
static const char second[] = POLICY("", "{interface: veth0, ips: [10.1.0.3]}, {interface: veth1, ips: [10.1.0.2]}");

struct host {
	struct epg *epg;
	char pin[128];
	struct epg_policy *first, *second;
};

static struct epg_policy *read_policy(struct epg *epg, const char *text)
{
	struct epg_policy_source source = {
		.size = sizeof(source), .path = "fault.yaml", .text = text, .length = strlen(text)};
	struct epg_policy *policy;

	cr_assert_eq(epg_policy_read(epg, &source, &policy, NULL), 0, "%s", epg_error(epg)->message);
	return policy;
}

static struct host host_open(void)
{
	struct epg_options options = {.size = sizeof(options)};
	struct host host = {0};

	environment_require_bpf();
	environment_network();
	environment_veth("veth0");
	environment_veth("veth1");
	environment_veth("veth2");
	snprintf(host.pin, sizeof(host.pin), "%s", environment_pin());
	options.pin = host.pin;
	cr_assert_eq(epg_open(&options, &host.epg), 0);
	host.first = read_policy(host.epg, first);
	host.second = read_policy(host.epg, second);
	return host;
}

static void host_close(struct host *host)
{
	cr_assert_eq(epg_unload(host->epg), 0);
	epg_policy_free(host->first);
	epg_policy_free(host->second);
	epg_close(host->epg);
}

static int apply(struct host *host, const struct epg_policy *policy)
{
	return epg_apply(host->epg, policy, NULL, NULL, NULL);
}

static int add_endpoint(void *user, const struct epg_endpoint_info *endpoint)
{
	char *text = (char *)user + strlen(user);

	text += sprintf(text, "%s %s", endpoint->interface, endpoint->group);
	for (size_t i = 0; i < endpoint->n_addresses; i++)
		text += sprintf(text, " %s", endpoint->addresses[i]);
	sprintf(text, "%s; ", endpoint->attached ? "" : " (not attached)");
	return 0;
}

static const char first_endpoints[] = "veth0 t/a/front 10.1.0.2; veth2 t/a/front 10.1.0.4; ";
static const char second_endpoints[] = "veth0 t/a/back 10.1.0.3; veth1 t/a/back 10.1.0.2; ";

static int open_map(struct host *host, const char *name)
{
	char path[192];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", host->pin, name);
	fd = bpf_obj_get(path);
	cr_assert_geq(fd, 0, "%s: %s", path, strerror(errno));
	return fd;
}

static size_t count_entries(struct host *host, const char *name)
{
	uint8_t key[256];
	int fd = open_map(host, name);
	size_t count = 0;

	for (int error = bpf_map_get_next_key(fd, NULL, key); !error; count++)
		error = bpf_map_get_next_key(fd, key, key);
	close(fd);
	return count;
}

static size_t count_slots(struct host *host)
{
	int fd = open_map(host, "nodes");
	size_t count = 0;

	for (__u32 slot = 0, id; slot < EPG_SLOTS; slot++)
		count += !bpf_map_lookup_elem(fd, &slot, &id);
	close(fd);
	return count;
}

static bool runs(struct host *host, const char *text, const char *endpoints)
{
	char told[1024] = "", *source, *file;
	size_t length;
	bool same;

	cr_assert_eq(epg_export(host->epg, &source, &length, &file), 0, "%s", epg_error(host->epg)->message);
	same = !strcmp(source, text);
	free(source);
	free(file);
	if (!same)
		return false;
	cr_assert_eq(epg_endpoints_each(host->epg, add_endpoint, told), 0);
	cr_assert_str_eq(told, endpoints, "told: %s", told);
	return true;
}

static void expect_clean(struct host *host, size_t generations, long at)
{
	cr_assert_eq(count_entries(host, "endpoints"), 2, "call %ld: endpoints", at);
	cr_assert_eq(count_entries(host, "addresses"), 2, "call %ld: addresses", at);
	cr_assert_eq(count_slots(host), generations, "call %ld: %zu slots", at, count_slots(host));
	cr_assert_eq(environment_run("test $(ls '%s/generations' | wc -l) = %zu", host->pin, generations), 0,
		     "call %ld: generations", at);
}

static int add_attached(void *user, const struct epg_attachment *attachment)
{
	char *text = (char *)user + strlen(user);

	sprintf(text, "%s%s; ", attachment->interface, attachment->kind == EPG_ATTACHMENT_CLSACT ? " clsact" : "");
	return 0;
}

static void expect_attached(struct host *host, const char *expected)
{
	char told[1024] = "";

	cr_assert_eq(epg_attachments_each(host->epg, add_attached, told), 0);
	cr_assert_str_eq(told, expected, "told: %s", told);
}

/* Each call fails once: either the old policy stays, and nothing of the new one is left; or the new one is in force. */
Test(fault, an_apply_fails_at_any_call)
{
	struct host host = host_open();
	long failed = 0, at;

	cr_assert_eq(apply(&host, host.first), 0);
	for (at = 1;; at++) {
		int error;

		plan.calls = 0;
		plan.at = at;
		plan.fault = FAULT_FAIL;
		error = apply(&host, host.second);
		plan.fault = FAULT_NONE;
		if (error) {
			failed++;
			cr_assert_str_neq(epg_error(host.epg)->message, "", "call %ld: without a word", at);
			cr_assert(runs(&host, first, first_endpoints), "call %ld", at);
			expect_attached(&host, "veth0; veth2; ");
			expect_clean(&host, failed == at ? 1 : 2, at);
			continue;
		}
		if (plan.calls < at)
			break;
		cr_assert(runs(&host, second, second_endpoints), "call %ld", at);
		cr_assert_eq(apply(&host, host.first), 0, "call %ld: and back", at);
		cr_assert_eq(epg_detach(host.epg, "veth1"), 0);
		expect_clean(&host, 2, at);
	}
	cr_assert_gt(failed, 30, "only %ld of %ld calls made an apply fail", failed, at);
	host_close(&host);
}

/* Killed at one call after the other, by threes to be quick: one policy or the other is whole, and the next apply removes all traces. */
Test(fault, an_apply_is_killed_at_any_call)
{
	struct host host = host_open();
	int status;

	cr_assert_eq(apply(&host, host.first), 0);
	for (long at = 1;; at += 3) {
		pid_t child = fork();

		if (child == 0) {
			plan.at = at;
			plan.fault = FAULT_KILL;
			_exit(apply(&host, host.second) ? 1 : 0);
		}
		cr_assert_eq(waitpid(child, &status, 0), child);
		if (!runs(&host, first, first_endpoints))
			cr_assert(runs(&host, second, second_endpoints), "call %ld: neither", at);
		cr_assert_eq(apply(&host, host.first), 0, "call %ld: %s", at, epg_error(host.epg)->message);
		cr_assert(runs(&host, first, first_endpoints));
		expect_clean(&host, 2, at);
		(void)epg_detach(host.epg, "veth1");
		if (!WIFSIGNALED(status))
			break;
	}
	cr_assert_eq(WEXITSTATUS(status), 0);
	host_close(&host);
}

/* The same for an endpoint that is bound by hand. */
Test(fault, an_endpoint_fails_at_any_call)
{
	static const char *const addresses[] = {"10.1.0.8", "10.1.0.9"};
	struct host host = host_open();
	struct epg_endpoint_spec spec = {.size = sizeof(spec),
					 .interface = "veth1",
					 .group = "t/a/back",
					 .addresses = addresses,
					 .n_addresses = sizeof(addresses) / sizeof(addresses[0])};
	int error = -1;

	cr_assert_eq(apply(&host, host.first), 0);
	for (long at = 1;; at++) {
		plan.calls = 0;
		plan.at = at;
		plan.fault = FAULT_FAIL;
		error = epg_endpoint_add(host.epg, &spec);
		plan.fault = FAULT_NONE;
		if (!error && plan.calls < at)
			break;
		if (error) {
			cr_assert(runs(&host, first, first_endpoints), "call %ld", at);
			expect_attached(&host, "veth0; veth2; ");
		} else {
			cr_assert_eq(epg_endpoint_remove(host.epg, "veth1"), 0);
			cr_assert_eq(epg_detach(host.epg, "veth1"), 0);
		}
		expect_clean(&host, 1, at);
	}
	host_close(&host);
}

/* A load that fails or is killed has left no instance, and the next one works. */
Test(fault, a_load_fails)
{
	struct host host = host_open();

	for (long at = 1; at < 200; at += 60) {
		int error;

		plan.calls = 0;
		plan.at = at;
		plan.fault = FAULT_FAIL;
		error = epg_load(host.epg, NULL);
		plan.fault = FAULT_NONE;
		if (!error)
			cr_assert_eq(epg_unload(host.epg), 0);
		cr_assert_neq(environment_run("ls -d '%s'* >/dev/null 2>&1", host.pin), 0, "call %ld: left something", at);
	}
	cr_assert_eq(epg_load(host.epg, NULL), 0);
	host_close(&host);
}

/* What a kernel lacks is called by its name. */
Test(fault, a_kernel_without_ring_buffers)
{
	struct host host = host_open();

	plan.no_map_type = BPF_MAP_TYPE_RINGBUF;
	cr_assert_eq(epg_load(host.epg, NULL), -EOPNOTSUPP);
	cr_assert_eq(epg_error(host.epg)->failure, EPG_FAILURE_UNSUPPORTED);
	cr_assert(strstr(epg_error(host.epg)->message, "ring buffer"), "%s", epg_error(host.epg)->message);
	plan.no_map_type = 0;
	cr_assert_eq(epg_load(host.epg, NULL), 0);
	host_close(&host);
}

/* Before Linux 6.6: filters of a clsact qdisc. */
Test(fault, a_kernel_without_tcx)
{
	struct host host = host_open();

	plan.no_tcx = true;
	cr_assert_eq(apply(&host, host.first), 0, "%s", epg_error(host.epg)->message);
	expect_attached(&host, "veth0 clsact; veth2 clsact; ");
	cr_assert_eq(environment_run("tc filter show dev veth0 ingress | grep -q epg_tc_ingress"), 0);
	cr_assert_eq(environment_run("tc filter show dev veth0 egress | grep -q epg_tc_egress"), 0);
	cr_assert_eq(apply(&host, host.second), 0);
	expect_attached(&host, "veth0 clsact; veth1 clsact; veth2 clsact; ");
	cr_assert_eq(epg_detach(host.epg, "veth0"), 0);
	cr_assert_eq(environment_run("tc filter show dev veth0 ingress | grep -q epg_tc_ingress"), 1);
	/* Somebody else has the first place. */
	cr_assert_eq(environment_run("tc filter add dev veth0 ingress prio 1 handle 1 bpf da pinned "
				     "'%s/programs/explain_ingress'", host.pin), 0);
	cr_assert_eq(epg_attach(host.epg, "veth0", NULL), -EEXIST);
	cr_assert(strstr(epg_error(host.epg)->message, "first place"), "%s", epg_error(host.epg)->message);
	environment_remove_interface("veth2");
	expect_attached(&host, "veth1 clsact; ");
	cr_assert_eq(epg_unload(host.epg), 0);
	cr_assert_eq(environment_run("tc filter show dev veth1 egress | grep -q epg_tc_egress"), 1);
	cr_assert_eq(epg_load(host.epg, NULL), 0);
	host_close(&host);
}
