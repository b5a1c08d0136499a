// SPDX-License-Identifier: GPL-2.0-only
/* What changes an instance: loading, attaching, applying, rolling back, endpoints by hand. */
#include <errno.h>
#include <net/if.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <criterion/criterion.h>

#include "epg/epg.h"
#include "environment.h"

/* One tenant with these groups. */
#define POLICY(groups)                                                                            \
	"version: 1\n"                                                                            \
	"tenants:\n"                                                                              \
	"- name: t\n"                                                                             \
	"  vrfs: [{name: one}, {name: two}]\n"                                                    \
	"  bridgeDomains:\n"                                                                      \
	"  - {name: bd1, vrf: one, subnets: [10.1.0.1/24]}\n"                                     \
	"  - {name: bd2, vrf: one, subnets: [10.2.0.1/24]}\n"                                     \
	"  - {name: bd3, vrf: two, subnets: [10.1.0.1/24]}\n"                                     \
	"  filters:\n"                                                                            \
	"  - {name: web, entries: [{name: http, prot: tcp, dPort: 80}, {name: alt, prot: tcp, dPort: 8080}]}\n" \
	"  - {name: dns, entries: [{name: dns, prot: udp, dPort: 53}]}\n"                         \
	"  contracts:\n"                                                                          \
	"  - {name: dns, subjects: [{name: all, filters: [dns]}]}\n"                              \
	"  - {name: web, subjects: [{name: all, filters: [web]}]}\n"                              \
	"  appProfiles:\n"                                                                        \
	"  - name: a\n"                                                                           \
	"    epgs:\n" groups                                                                      \
	"  externalEpgs:\n"                                                                       \
	"  - {name: world, vrf: one, subnets: [0.0.0.0/0]}\n"

#define FRONT(keys) "    - {name: front, bridgeDomain: bd1, consume: [web]" keys "}\n"
#define BACK(keys) "    - {name: back, bridgeDomain: bd1, provide: [web]" keys "}\n"

#define DNS "    - {name: dns, bridgeDomain: bd1, provide: [dns], consume: [dns]}\n"

static const char simple[] = POLICY(FRONT(", endpoints: [{interface: veth0, ips: [10.1.0.2]}]")
				    BACK(", match: [{interface: \"veth1*\"}]"));
/* veth0 has moved to the other group, veth1 is no member of any. */
static const char moved[] = POLICY(FRONT("") BACK(", endpoints: [{interface: veth0, ips: [10.1.0.3]}]"));

struct host {
	struct epg *epg;
	char pin[128];
};

static void expect(struct epg *epg, int error, const char *what)
{
	const struct epg_error *failure = epg_error(epg);

	cr_assert_eq(error, 0, "%s: %s, %s (%s)", what, failure->message, failure->where, strerror(-error));
	cr_assert_eq(failure->failure, EPG_FAILURE_NONE, "%s left a failure behind: %s", what, failure->message);
}
#define EXPECT(host, call) expect((host)->epg, call, #call)

static void expect_failure(struct epg *epg, int error, int expected, enum epg_failure failure, const char *word)
{
	const struct epg_error *told = epg_error(epg);
	char all[2048];

	snprintf(all, sizeof(all), "%s | %s | %s", told->message, told->where, told->hint);
	cr_assert_eq(error, expected, "%s instead of %s: %s", strerror(-error), strerror(-expected), all);
	cr_assert_eq(told->error, expected);
	cr_assert_eq(told->failure, failure, "failure %d: %s", told->failure, all);
	cr_assert(strstr(all, word), "\"%s\" does not say \"%s\"", all, word);
}

static struct host host_open_at(const char *pin)
{
	struct epg_options options = {.size = sizeof(options), .pin = pin};
	struct host host = {0};

	snprintf(host.pin, sizeof(host.pin), "%s", pin);
	cr_assert_eq(epg_open(&options, &host.epg), 0);
	return host;
}

static struct host host_open(void)
{
	environment_require_bpf();
	environment_network();
	for (int i = 0; i < 4; i++) {
		char name[IF_NAMESIZE];

		snprintf(name, sizeof(name), "veth%d", i);
		environment_veth(name);
	}
	return host_open_at(environment_pin());
}

static void host_close(struct host *host)
{
	struct stat status;

	EXPECT(host, epg_unload(host->epg));
	cr_assert_neq(stat(host->pin, &status), 0, "%s is still there", host->pin);
	cr_assert_eq(environment_run("ls -d '%s~'* 2>/dev/null", host->pin), 2, "leftovers beside %s", host->pin);
	epg_close(host->epg);
}

static struct epg_policy *read_policy(struct host *host, const char *text)
{
	struct epg_policy_source source = {
		.size = sizeof(source), .path = "test.yaml", .text = text, .length = strlen(text)};
	struct epg_diagnostics *diagnostics = NULL;
	struct epg_policy *policy = NULL;
	int error = epg_policy_read(host->epg, &source, &policy, &diagnostics);

	cr_assert_eq(error, 0, "the test's policy, line %u: %s",
		     error ? epg_diagnostics_get(diagnostics, 0)->line : 0,
		     error ? epg_diagnostics_get(diagnostics, 0)->message : "");
	epg_diagnostics_free(diagnostics);
	return policy;
}

static int try_apply(struct host *host, const char *text, bool dry_run, struct epg_apply_result *ret)
{
	struct epg_apply_options options = {.size = sizeof(options), .dry_run = dry_run};
	struct epg_policy *policy = read_policy(host, text);
	int error = epg_apply(host->epg, policy, &options, ret, NULL);

	epg_policy_free(policy);
	return error;
}

static struct epg_apply_result apply(struct host *host, const char *text)
{
	struct epg_apply_result result = {0};

	expect(host->epg, try_apply(host, text, false, &result), "apply");
	return result;
}

static int open_map(struct host *host, const char *name)
{
	char path[192];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", host->pin, name);
	fd = bpf_obj_get(path);
	cr_assert_geq(fd, 0, "%s: %s", path, strerror(errno));
	return fd;
}

static uint32_t max_entries(struct host *host, const char *name)
{
	struct bpf_map_info info = {0};
	__u32 size = sizeof(info);
	int fd = open_map(host, name);

	cr_assert_eq(bpf_obj_get_info_by_fd(fd, &info, &size), 0);
	close(fd);
	return info.max_entries;
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

/* "veth0 t/a/front 10.1.0.2; …": all endpoints, in a line. */
static int add_endpoint(void *user, const struct epg_endpoint_info *endpoint)
{
	char *text = (char *)user + strlen(user);

	text += sprintf(text, "%s %s", endpoint->interface, *endpoint->group ? endpoint->group : "-");
	for (size_t i = 0; i < endpoint->n_addresses; i++)
		text += sprintf(text, " %s", endpoint->addresses[i]);
	sprintf(text, "%s; ", endpoint->attached ? "" : " (not attached)");
	return 0;
}

static const char *endpoints(struct host *host)
{
	static char text[4096];

	text[0] = '\0';
	EXPECT(host, epg_endpoints_each(host->epg, add_endpoint, text));
	return text;
}

static int add_attachment(void *user, const struct epg_attachment *attachment)
{
	char *text = (char *)user + strlen(user);

	sprintf(text, "%s%s%s%s; ", attachment->interface, attachment->ingress ? " ingress" : "",
		attachment->egress ? " egress" : "", attachment->xdp ? " xdp" : "");
	return 0;
}

static const char *attachments(struct host *host)
{
	static char text[4096];

	text[0] = '\0';
	EXPECT(host, epg_attachments_each(host->epg, add_attachment, text));
	return text;
}

static int add(struct host *host, const char *interface, const char *group, const char *address)
{
	struct epg_endpoint_spec spec = {.size = sizeof(spec),
					 .interface = interface,
					 .group = group,
					 .addresses = &address,
					 .n_addresses = address != NULL};

	return epg_endpoint_add(host->epg, &spec);
}

static uint32_t running(struct host *host)
{
	struct epg_status status;

	EXPECT(host, epg_status(host->epg, &status));
	return status.generation;
}

/* ---- loading ---- */

Test(runtime, load_and_unload)
{
	struct host host = host_open();
	struct epg_load_options options = {
		.size = sizeof(options), .endpoints = 100, .flows = 1024, .drop_pairs = 50, .event_bytes = 8192};
	struct epg_load_options wrong = {.size = sizeof(wrong), .event_bytes = 5000};
	struct epg_load_options mark = {.size = sizeof(mark), .mark = 3};

	expect_failure(host.epg, epg_load(host.epg, &wrong), -EINVAL, EPG_FAILURE_INPUT, "power of 2");
	expect_failure(host.epg, epg_load(host.epg, &mark), -EINVAL, EPG_FAILURE_INPUT, "bit");
	expect_failure(host.epg, epg_unload(host.epg), -ENODEV, EPG_FAILURE_UNSUPPORTED, "not loaded");
	expect_failure(host.epg, add(&host, "veth0", "t/a/front", NULL), -ENODEV, EPG_FAILURE_UNSUPPORTED, "load");
	expect_failure(host.epg, epg_rollback(host.epg, NULL), -ENODEV, EPG_FAILURE_UNSUPPORTED, "load");

	EXPECT(&host, epg_load(host.epg, &options));
	cr_assert_eq(max_entries(&host, "endpoints"), 100);
	cr_assert_eq(max_entries(&host, "addresses"), 200);
	cr_assert_eq(max_entries(&host, "flows"), 1024);
	cr_assert_eq(max_entries(&host, "events"), 8192);
	cr_assert_eq(count_entries(&host, "drops"), EPG_REASON_COUNT - 1, "a catch-all for each reason");
	/* Loading again changes nothing, not even sizes. */
	options.endpoints = 7;
	EXPECT(&host, epg_load(host.epg, &options));
	cr_assert_eq(max_entries(&host, "endpoints"), 100);

	expect_failure(host.epg, epg_rollback(host.epg, NULL), -ENOENT, EPG_FAILURE_NOT_FOUND, "generation");
	expect_failure(host.epg, add(&host, "veth0", "t/a/front", NULL), -ENOENT, EPG_FAILURE_NOT_FOUND, "policy");
	host_close(&host);
}

Test(runtime, where_pins_can_be)
{
	struct host host = host_open();
	struct host other = host_open_at("/tmp/epg-test-pin");
	struct host dotted = host_open_at("/sys/fs/bpf/epg.test");
	struct host deep = host_open_at("/sys/fs/bpf/epg-test-nowhere/epg");
	struct stat status;

	expect_failure(other.epg, epg_load(other.epg, NULL), -ENOTDIR, EPG_FAILURE_UNSUPPORTED, "BPF file system");
	cr_assert_neq(stat(other.pin, &status), 0);
	expect_failure(dotted.epg, epg_load(dotted.epg, NULL), -EINVAL, EPG_FAILURE_INPUT, "dots");
	expect_failure(deep.epg, epg_load(deep.epg, NULL), -ENOTDIR, EPG_FAILURE_UNSUPPORTED, "parent");
	epg_close(other.epg);
	epg_close(dotted.epg);
	epg_close(deep.epg);
	epg_close(host.epg);
}

/* What a load that was killed has left is removed by the next one; what one that runs works in is not. */
Test(runtime, leftovers_of_a_killed_load)
{
	struct host host = host_open();

	cr_assert_eq(environment_run("mkdir -p '%s~part~abcdef/programs'", host.pin), 0);
	EXPECT(&host, epg_load(host.epg, NULL));
	host_close(&host);
}

Test(runtime, another_layout_is_refused)
{
	struct host host = host_open();
	struct epg_control control;
	__u32 zero = 0;
	int map;

	EXPECT(&host, epg_load(host.epg, NULL));
	map = open_map(&host, "control");
	cr_assert_eq(bpf_map_lookup_elem(map, &zero, &control), 0);
	control.abi_version = EPG_ABI_VERSION + 1;
	cr_assert_eq(bpf_map_update_elem(map, &zero, &control, BPF_ANY), 0);
	close(map);
	epg_close(host.epg);
	host = host_open_at(host.pin);
	expect_failure(host.epg, epg_rollback(host.epg, NULL), -EPROTO, EPG_FAILURE_UNSUPPORTED, "layout");
	expect_failure(host.epg, epg_load(host.epg, NULL), -EPROTO, EPG_FAILURE_UNSUPPORTED, "version");
	host_close(&host);
}

/* ---- attaching ---- */

Test(runtime, attach_and_detach)
{
	struct host host = host_open();
	struct epg_attach_options xdp = {.size = sizeof(xdp), .xdp = true};

	expect_failure(host.epg, epg_attach(host.epg, "nosuch", NULL), -ENOENT, EPG_FAILURE_NOT_FOUND, "interface");
	expect_failure(host.epg, epg_attach(host.epg, "a-name-that-is-too-long", NULL), -ENAMETOOLONG,
		       EPG_FAILURE_INPUT, "longer");
	EXPECT(&host, epg_attach(host.epg, "veth2", NULL));
	EXPECT(&host, epg_attach(host.epg, "veth2", NULL));
	EXPECT(&host, epg_attach(host.epg, "veth3", &xdp));
	cr_assert_str_eq(attachments(&host), "veth2 ingress egress; veth3 egress xdp; ");
	expect_failure(host.epg, epg_attach(host.epg, "veth2", &xdp), -EEXIST, EPG_FAILURE_INPUT, "detach");
	expect_failure(host.epg, epg_attach(host.epg, "veth3", NULL), -EEXIST, EPG_FAILURE_INPUT, "XDP");

	/* A policy that comes binds what is attached already; attaching binds what the policy speaks of. */
	cr_assert_eq(apply(&host, POLICY(FRONT(", match: [{interface: veth3}]"))).attached, 0);
	cr_assert_str_eq(endpoints(&host), "veth3 t/a/front; ");
	EXPECT(&host, epg_detach(host.epg, "veth3"));
	expect_failure(host.epg, epg_detach(host.epg, "veth3"), -ENOENT, EPG_FAILURE_NOT_FOUND, "not attached");
	cr_assert_str_eq(endpoints(&host), "veth3 t/a/front (not attached); ");
	EXPECT(&host, epg_endpoint_remove(host.epg, "veth3"));
	cr_assert_str_eq(endpoints(&host), "");
	EXPECT(&host, epg_attach(host.epg, "veth3", NULL));
	cr_assert_str_eq(endpoints(&host), "veth3 t/a/front; ");

	/* Interfaces go without asking. */
	environment_remove_interface("veth2");
	cr_assert_str_eq(attachments(&host), "veth3 ingress egress; ");
	host_close(&host);
}

static int find_flags(void *user, const struct epg_endpoint_info *endpoint)
{
	*(uint16_t *)user = endpoint->flags;
	return 0;
}

/* What the XDP hook of an endpoint has permitted is believed by others: the flag must follow the program. */
Test(runtime, the_xdp_flag_follows_the_program)
{
	struct host host = host_open();
	struct epg_attach_options xdp = {.size = sizeof(xdp), .xdp = true};
	uint16_t flags = 0;

	apply(&host, POLICY(FRONT("")));
	EXPECT(&host, epg_attach(host.epg, "veth0", &xdp));
	EXPECT(&host, add(&host, "veth0", "t/a/front", NULL));
	epg_endpoints_each(host.epg, find_flags, &flags);
	cr_assert_eq(flags, EPG_ENDPOINT_XDP);
	EXPECT(&host, epg_detach(host.epg, "veth0"));
	epg_endpoints_each(host.epg, find_flags, &flags);
	cr_assert_eq(flags, 0);
	EXPECT(&host, epg_attach(host.epg, "veth0", &xdp));
	epg_endpoints_each(host.epg, find_flags, &flags);
	cr_assert_eq(flags, EPG_ENDPOINT_XDP);
	apply(&host, POLICY(FRONT(", endpoints: [{interface: veth0}]")));
	epg_endpoints_each(host.epg, find_flags, &flags);
	cr_assert_eq(flags, EPG_ENDPOINT_XDP | EPG_ENDPOINT_FROM_POLICY);
	host_close(&host);
}

/* ---- applying ---- */

static void expect_export(struct host *host, const char *text)
{
	char *source, *file;
	size_t length;

	EXPECT(host, epg_export(host->epg, &source, &length, &file));
	cr_assert_eq(length, strlen(text));
	cr_assert_eq(memcmp(source, text, length), 0);
	cr_assert_str_eq(file, "test.yaml");
	free(source);
	free(file);
}

static __u16 class_of(struct host *host, const char *name)
{
	struct epg_group_key key = {0};
	struct epg_group group;
	int map = open_map(host, "groups");

	memcpy(key.name, name, strlen(name));
	if (bpf_map_lookup_elem(map, &key, &group))
		group.class_id = 0;
	close(map);
	return group.class_id;
}

Test(runtime, apply_and_roll_back)
{
	struct host host = host_open();
	struct epg_apply_result result;
	__u16 front, back;

	/* A dry run does not even load. */
	expect(host.epg, try_apply(&host, simple, true, &result), "dry run");
	cr_assert_eq(result.generation, 0);
	cr_assert_gt(result.cost.rules, 0);
	expect_failure(host.epg, epg_unload(host.epg), -ENODEV, EPG_FAILURE_UNSUPPORTED, "not loaded");

	result = apply(&host, simple);
	cr_assert_eq(result.generation, 1);
	cr_assert_eq(result.attached, 3, "veth0, veth1 and veth1-peer, not %zu", result.attached);
	cr_assert_eq(result.bound, 3);
	cr_assert_str_eq(endpoints(&host), "veth0 t/a/front 10.1.0.2; veth1-peer t/a/back; veth1 t/a/back; ");
	expect_export(&host, simple);
	front = class_of(&host, "t/a/front");
	back = class_of(&host, "t/a/back");
	cr_assert(front >= EPG_CLASS_FIRST && back >= EPG_CLASS_FIRST && front != back);
	expect_failure(host.epg, epg_rollback(host.epg, NULL), -ENOENT, EPG_FAILURE_NOT_FOUND, "before");

	expect(host.epg, try_apply(&host, moved, true, &result), "dry run");
	cr_assert_eq(running(&host), 1);
	result = apply(&host, moved);
	cr_assert_eq(result.generation, 2);
	cr_assert_eq(result.attached, 0);
	cr_assert_str_eq(endpoints(&host), "veth0 t/a/back 10.1.0.3; ");
	cr_assert_eq(count_entries(&host, "endpoints"), 1, "entries of former endpoints are gone");
	cr_assert_eq(count_entries(&host, "addresses"), 1, "so are their addresses");
	cr_assert_eq(class_of(&host, "t/a/front"), front, "ids stay");
	cr_assert_eq(class_of(&host, "t/a/back"), back);

	EXPECT(&host, epg_rollback(host.epg, &result));
	cr_assert_eq(result.generation, 3, "numbers are never used twice");
	expect_export(&host, simple);
	cr_assert_str_eq(endpoints(&host), "veth0 t/a/front 10.1.0.2; veth1-peer t/a/back; veth1 t/a/back; ");
	EXPECT(&host, epg_rollback(host.epg, NULL));
	expect_export(&host, moved);
	cr_assert_str_eq(endpoints(&host), "veth0 t/a/back 10.1.0.3; ");
	cr_assert_eq(environment_run("test $(ls '%s/generations' | wc -l) = 2", host.pin), 0);
	host_close(&host);
}

static int find_rule(void *user, const struct epg_rule_info *rule)
{
	uint64_t *packets = user;

	if (!strcmp(rule->entry, "alt"))
		*packets += rule->packets;
	return 0;
}

static int find_index(void *user, const struct epg_rule_info *rule)
{
	if (!strcmp(rule->entry, "alt"))
		*(uint32_t *)user = rule->index;
	return 0;
}

/* Rules are numbered anew by each apply; what they have counted follows them. */
Test(runtime, counters_follow_their_rules)
{
	struct host host = host_open();
	struct epg_counter counter = {.packets = 7, .bytes = 700};
	uint32_t before = 0, after = 0;
	uint64_t packets = 0;
	int map;

	apply(&host, simple);
	EXPECT(&host, epg_rules_each(host.epg, find_index, &before));
	map = open_map(&host, "generations/1/counters");
	cr_assert_eq(bpf_map_update_elem(map, &before, &counter, BPF_ANY), 0);
	close(map);
	apply(&host, POLICY(DNS FRONT("") BACK("")));
	EXPECT(&host, epg_rules_each(host.epg, find_index, &after));
	EXPECT(&host, epg_rules_each(host.epg, find_rule, &packets));
	cr_assert_eq(packets, 7);
	EXPECT(&host, epg_rollback(host.epg, NULL));
	packets = 0;
	EXPECT(&host, epg_rules_each(host.epg, find_rule, &packets));
	cr_assert_eq(packets, 7, "and back");
	host_close(&host);
}

Test(runtime, capacity_is_checked_first)
{
	struct host host = host_open();
	struct epg_load_options few_rules = {.size = sizeof(few_rules), .rules = 6};
	struct epg_load_options few_endpoints = {.size = sizeof(few_endpoints), .endpoints = 2};

	EXPECT(&host, epg_load(host.epg, &few_rules));
	expect_failure(host.epg, try_apply(&host, simple, true, NULL), -ENOSPC, EPG_FAILURE_KERNEL, "--rules");
	expect_failure(host.epg, try_apply(&host, simple, false, NULL), -ENOSPC, EPG_FAILURE_KERNEL, "has 7");
	EXPECT(&host, epg_unload(host.epg));
	EXPECT(&host, epg_load(host.epg, &few_endpoints));
	expect_failure(host.epg, try_apply(&host, POLICY(FRONT(", match: [{interface: \"veth*\"}]")), false, NULL),
		       -ENOSPC, EPG_FAILURE_KERNEL, "endpoints");
	cr_assert_eq(running(&host), 0);
	cr_assert_str_eq(attachments(&host), "");

	apply(&host, POLICY(FRONT(", endpoints: [{interface: veth0}, {interface: veth1}]") BACK("")));
	expect_failure(host.epg, add(&host, "veth2", "t/a/back", "10.1.0.9"), -ENOSPC, EPG_FAILURE_KERNEL, "--endpoints");
	cr_assert_eq(count_entries(&host, "addresses"), 0, "a failed add leaves nothing");
	cr_assert_str_eq(attachments(&host), "veth0 ingress egress; veth1 ingress egress; ");
	host_close(&host);
}

/* ---- endpoints ---- */

Test(runtime, endpoints_by_hand)
{
	struct host host = host_open();
	struct epg_endpoint_spec spec = {.size = sizeof(spec), .interface = "veth2", .group = "t/a/back", .mac = "nonsense"};
	uint32_t ifindex;
	char vanished[32];

	apply(&host, simple);
	expect_failure(host.epg, add(&host, "veth2", "t/a/nosuch", NULL), -ENOENT, EPG_FAILURE_NOT_FOUND, "group");
	expect_failure(host.epg, add(&host, "nosuch", "t/a/back", NULL), -ENOENT, EPG_FAILURE_NOT_FOUND, "interface");
	expect_failure(host.epg, add(&host, "veth2", "t/a/back", "10.1.0.256"), -EINVAL, EPG_FAILURE_INPUT, "10.1.0.256");
	expect_failure(host.epg, add(&host, "veth2", "t/a/back", "224.0.0.1"), -EINVAL, EPG_FAILURE_INPUT, "224.0.0.1");
	expect_failure(host.epg, epg_endpoint_add(host.epg, &spec), -EINVAL, EPG_FAILURE_INPUT, "MAC");
	expect_failure(host.epg, add(&host, "veth2", "t/a/back", "10.1.0.2"), -EEXIST, EPG_FAILURE_INPUT, "veth0");
	expect_failure(host.epg, add(&host, "veth2", "t/world", "10.1.0.9"), -EINVAL, EPG_FAILURE_INPUT, "uplink");
	expect_failure(host.epg, epg_endpoint_remove(host.epg, "veth2"), -ENOENT, EPG_FAILURE_NOT_FOUND, "endpoint");

	EXPECT(&host, add(&host, "veth2", "t/a/back", "10.1.0.9"));
	EXPECT(&host, add(&host, "veth2", "t/a/back", "10.1.0.10"));
	EXPECT(&host, add(&host, "veth3", "t/world", NULL));
	cr_assert_str_eq(endpoints(&host), "veth0 t/a/front 10.1.0.2; veth1-peer t/a/back; veth1 t/a/back; "
					   "veth2 t/a/back 10.1.0.10; veth3 t/world; ");
	cr_assert_eq(count_entries(&host, "addresses"), 2, "the first address of veth2 was given back");
	EXPECT(&host, add(&host, "veth1", "t/a/front", "10.1.0.9"));

	/* By the policy's glob veth1 is a member of back: what was bound by hand stays. veth0 is named: it does not. */
	EXPECT(&host, add(&host, "veth0", "t/a/back", "10.1.0.77"));
	apply(&host, simple);
	cr_assert_str_eq(endpoints(&host), "veth0 t/a/front 10.1.0.2; veth1-peer t/a/back; veth1 t/a/front 10.1.0.9; "
					   "veth2 t/a/back 10.1.0.10; veth3 t/world; ");
	/* Its group goes: it is nobody. */
	apply(&host, POLICY(FRONT("")));
	cr_assert_str_eq(endpoints(&host), "veth1 t/a/front 10.1.0.9; veth3 t/world; ");

	ifindex = if_nametoindex("veth1");
	environment_remove_interface("veth1");
	snprintf(vanished, sizeof(vanished), "if%u", ifindex);
	EXPECT(&host, epg_endpoint_remove(host.epg, vanished));
	cr_assert_str_eq(endpoints(&host), "veth3 t/world; ");
	cr_assert_eq(count_entries(&host, "addresses"), 0);
	host_close(&host);
}

/* Writes what the programs write when they learn an address. */
static void learn(struct host *host, const char *interface, const uint8_t ipv4[4], __u16 slot)
{
	struct epg_address_key address = {.vrf = 1, .address = {[10] = 0xff, [11] = 0xff}};
	struct epg_address owner = {.now = {.ifindex = if_nametoindex(interface), .flags = EPG_ADDRESS_LEARNED}};
	struct epg_learned_key key = {.ifindex = owner.now.ifindex, .slot = slot};
	struct epg_group_key name = {.name = "t/a/front"};
	struct epg_group group;
	int groups = open_map(host, "groups"), addresses = open_map(host, "addresses");
	int learned = open_map(host, "learned");

	cr_assert_eq(bpf_map_lookup_elem(groups, &name, &group), 0);
	address.vrf = group.vrf;
	memcpy(address.address + 12, ipv4, 4);
	cr_assert_eq(bpf_map_update_elem(learned, &key, &address, BPF_NOEXIST), 0);
	cr_assert_eq(bpf_map_update_elem(addresses, &address, &owner, BPF_NOEXIST), 0);
	close(groups);
	close(addresses);
	close(learned);
}

Test(runtime, learned_addresses)
{
	static const uint8_t ten[] = {10, 1, 0, 10}, eleven[] = {10, 1, 0, 11};
	struct host host = host_open();

	apply(&host, POLICY(FRONT(", match: [{interface: veth0}, {interface: veth1}]")));
	learn(&host, "veth0", ten, 0);
	learn(&host, "veth1", eleven, 0);
	/* Nothing changes for them. */
	apply(&host, POLICY(FRONT(", match: [{interface: veth0}, {interface: veth1}]") BACK("")));
	cr_assert_str_eq(endpoints(&host), "veth0 t/a/front 10.1.0.10; veth1 t/a/front 10.1.0.11; ");
	/* Declared for another endpoint: it was never more than a loan. */
	apply(&host, POLICY(FRONT(", match: [{interface: veth0}, {interface: veth1}]")
			    BACK(", endpoints: [{interface: veth2, ips: [10.1.0.11]}]")));
	cr_assert_str_eq(endpoints(&host), "veth0 t/a/front 10.1.0.10; veth1 t/a/front; veth2 t/a/back 10.1.0.11; ");
	cr_assert_eq(count_entries(&host, "learned"), 1, "and its slot is free");
	/* A bridge domain with other subnets. */
	apply(&host, POLICY("    - {name: front, bridgeDomain: bd2, match: [{interface: veth0}]}\n"));
	cr_assert_str_eq(endpoints(&host), "veth0 t/a/front; ");
	cr_assert_eq(count_entries(&host, "learned"), 0);
	/* Declared by hand, an address moves with its group to another VRF; learned, it does not. */
	EXPECT(&host, add(&host, "veth1", "t/a/front", "10.2.0.9"));
	apply(&host, POLICY("    - {name: front, bridgeDomain: bd3}\n"));
	cr_assert_str_eq(endpoints(&host), "veth1 t/a/front 10.2.0.9; ");
	cr_assert_eq(count_entries(&host, "addresses"), 1);
	EXPECT(&host, epg_endpoint_remove(host.epg, "veth1"));
	cr_assert_eq(count_entries(&host, "addresses"), 0);
	host_close(&host);
}

Test(runtime, counters_of_an_endpoint_survive_its_move)
{
	struct host host = host_open();
	struct epg_endpoint_key key = {0};
	struct epg_endpoint entry;
	int map;

	apply(&host, simple);
	key.ifindex = if_nametoindex("veth0");
	map = open_map(&host, "endpoints");
	cr_assert_eq(bpf_map_lookup_elem(map, &key, &entry), 0);
	entry.packets = 5;
	cr_assert_eq(bpf_map_update_elem(map, &key, &entry, BPF_EXIST), 0);
	apply(&host, moved);
	cr_assert_eq(bpf_map_lookup_elem(map, &key, &entry), 0);
	cr_assert_eq(entry.packets, 5);
	EXPECT(&host, add(&host, "veth0", "t/a/front", NULL));
	cr_assert_eq(bpf_map_lookup_elem(map, &key, &entry), 0);
	cr_assert_eq(entry.packets, 5);
	close(map);
	host_close(&host);
}

/* Two endpoints want one address: the policy that says so is refused. */
Test(runtime, an_address_has_one_owner)
{
	struct host host = host_open();
	const char *before;

	apply(&host, simple);
	EXPECT(&host, add(&host, "veth3", "t/a/back", "10.1.0.3"));
	before = strdup(endpoints(&host));
	expect_failure(host.epg, try_apply(&host, moved, false, NULL), -EEXIST, EPG_FAILURE_INPUT, "10.1.0.3");
	cr_assert_str_eq(endpoints(&host), before);
	cr_assert_eq(running(&host), 1);
	free((void *)before);
	/* Unless the other one is gone. */
	environment_remove_interface("veth3");
	apply(&host, moved);
	cr_assert(strstr(endpoints(&host), "veth0 t/a/back 10.1.0.3;"));
	host_close(&host);
}

/* ---- side by side ---- */

static void *apply_twenty_times(void *user)
{
	struct host host = host_open_at(user);

	for (int i = 0; i < 10; i++) {
		apply(&host, simple);
		apply(&host, moved);
	}
	epg_close(host.epg);
	return NULL;
}

Test(runtime, many_at_once)
{
	struct host host = host_open();
	struct epg_apply_result result;
	pthread_t threads[3];

	EXPECT(&host, epg_load(host.epg, NULL));
	for (size_t i = 0; i < 3; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, apply_twenty_times, host.pin), 0);
	for (size_t i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	result = apply(&host, simple);
	cr_assert_eq(result.generation, 61, "one after the other: %u", result.generation);
	cr_assert_str_eq(endpoints(&host), "veth0 t/a/front 10.1.0.2; veth1-peer t/a/back; veth1 t/a/back; ");
	host_close(&host);
}

Test(runtime, two_instances)
{
	struct host host = host_open();
	char pin[160];
	struct host other;

	snprintf(pin, sizeof(pin), "%s-b", host.pin);
	other = host_open_at(pin);
	apply(&host, simple);
	apply(&other, moved);
	cr_assert_str_eq(endpoints(&host), "veth0 t/a/front 10.1.0.2; veth1-peer t/a/back; veth1 t/a/back; ");
	cr_assert_str_eq(endpoints(&other), "veth0 t/a/back 10.1.0.3; ");
	host_close(&other);
	cr_assert_eq(running(&host), 1);
	cr_assert_str_eq(attachments(&host), "veth0 ingress egress; veth1-peer ingress egress; veth1 ingress egress; ");
	host_close(&host);
}
