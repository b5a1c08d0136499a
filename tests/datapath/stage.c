// SPDX-License-Identifier: GPL-2.0-only
#include "stage.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <criterion/criterion.h>
#include <linux/bpf.h>

#include "environment.h"

const char STAGE_POLICY[] =
	"version: 1\n"
	"tenants:\n"
	"- name: shop\n"
	"  vrfs:\n"
	"  - {name: prod}\n"
	"  - {name: open, enforcement: unenforced}\n"
	"  bridgeDomains:\n"
	"  - {name: bd1, vrf: prod, subnets: [10.1.0.1/24, \"fd00:1::1/64\"]}\n"
	"  - {name: bd2, vrf: open, subnets: [10.2.0.1/24]}\n"
	"  filters:\n"
	"  - name: web\n"
	"    entries:\n"
	"    - {name: web, prot: tcp, dPort: 80-443}\n"
	"    - {name: dns, prot: udp, dPort: 53}\n"
	"    - {name: echo4, prot: icmp, icmpType: echo-request}\n"
	"    - {name: echo6, prot: icmpv6, icmpType: echo-request}\n"
	"  - {name: http, entries: [{name: http, prot: tcp, dPort: 80}]}\n"
	"  - {name: https, entries: [{name: https, prot: tcp, dPort: 443}]}\n"
	"  - {name: sql, entries: [{name: sql, prot: tcp, dPort: 5432, stateful: false}]}\n"
	"  - {name: alt, entries: [{name: alt, prot: tcp, dPort: 8080}]}\n"
	"  contracts:\n"
	"  - {name: web, subjects: [{name: all, filters: [web]}]}\n"
	"  - {name: world, subjects: [{name: all, filters: [http]}]}\n"
	"  - {name: partners, subjects: [{name: all, filters: [https]}]}\n"
	"  - {name: sql, subjects: [{name: all, filters: [sql]}]}\n"
	"  - {name: alt, subjects: [{name: all, filters: [alt]}]}\n"
	"  appProfiles:\n"
	"  - name: store\n"
	"    epgs:\n"
	"    - name: front\n"
	"      bridgeDomain: bd1\n"
	"      consume: [web]\n"
	"      endpoints:\n"
	"      - {interface: front, ips: [10.1.0.2, \"fd00:1::2\"], mac: \"02:00:00:00:00:02\"}\n"
	"      - {interface: front2, ips: [10.1.0.3, \"fd00:1::3\"], mac: \"02:00:00:00:00:03\"}\n"
	"    - name: back\n"
	"      bridgeDomain: bd1\n"
	"      provide: [web, world, partners]\n"
	"      consume: [sql, alt]\n"
	"      endpoints:\n"
	"      - {interface: back, ips: [10.1.0.4, \"fd00:1::4\"], mac: \"02:00:00:00:00:04\"}\n"
	"    - name: db\n"
	"      bridgeDomain: bd1\n"
	"      provide: [sql]\n"
	"      endpoints:\n"
	"      - {interface: db, ips: [10.1.0.5, \"fd00:1::5\"], mac: \"02:00:00:00:00:05\"}\n"
	"    - name: guest\n"
	"      bridgeDomain: bd1\n"
	"      endpoints: [{interface: guest}]\n"
	"    - name: vip\n"
	"      bridgeDomain: bd1\n"
	"      provide: [alt]\n"
	"      match: [{ip: 10.1.0.64/26}]\n"
	"  - name: lab\n"
	"    epgs:\n"
	"    - name: free\n"
	"      bridgeDomain: bd2\n"
	"      endpoints: [{interface: free, ips: [10.2.0.2], mac: \"02:00:00:00:00:07\"}]\n"
	"  externalEpgs:\n"
	"  - {name: world, vrf: prod, subnets: [0.0.0.0/0, \"::/0\"], consume: [world]}\n"
	"  - {name: partners, vrf: prod, subnets: [192.0.2.0/24, \"2001:db8::/32\"], consume: [partners]}\n";

static const char *const INTERFACES[STAGE_INTERFACES] = {"front", "front2", "back", "db", "guest", "free", "nobody"};
static const unsigned int HOSTS[STAGE_INTERFACES] = {2, 3, 4, 5, 6, 7, 8};
static const char *const PROGRAMS[] = {"tc_ingress", "tc_egress", "xdp_ingress"};

struct stage {
	struct epg *epg;
	char pin[128];
	uint32_t ifindex[STAGE_INTERFACES];
	int programs[3];
};

static void expect_ok(struct stage *stage, int error, const char *what)
{
	const struct epg_error *failure = epg_error(stage->epg);

	cr_assert_eq(error, 0, "%s: %s: %s (%s)", what, failure->message, failure->where, strerror(-error));
}

void stage_apply(struct stage *stage, const char *policy)
{
	struct epg_policy_source source = {.size = sizeof(source),
					   .path = "stage.yaml",
					   .text = policy,
					   .length = strlen(policy)};
	struct epg_diagnostics *diagnostics = NULL;
	struct epg_policy *read = NULL;
	int error = epg_policy_read(stage->epg, &source, &read, &diagnostics);

	if (error && diagnostics && epg_diagnostics_count(diagnostics)) {
		const struct epg_diagnostic *first = epg_diagnostics_get(diagnostics, 0);

		cr_assert_fail("the stage's policy, line %u: %s", first->line, first->message);
	}
	expect_ok(stage, error, "read");
	epg_diagnostics_free(diagnostics);
	expect_ok(stage, epg_apply(stage->epg, read, NULL, NULL, NULL), "apply");
	epg_policy_free(read);
}

struct stage *stage_open_with(const char *policy, const struct epg_load_options *load)
{
	struct epg_options options = {.size = sizeof(options)};
	struct stage *stage = calloc(1, sizeof(*stage));
	char path[192];

	cr_assert_not_null(stage);
	environment_require_bpf();
	environment_network();
	for (int i = 0; i < STAGE_INTERFACES; i++) {
		environment_veth(INTERFACES[i]);
		stage->ifindex[i] = if_nametoindex(INTERFACES[i]);
		cr_assert_neq(stage->ifindex[i], 0);
	}
	snprintf(stage->pin, sizeof(stage->pin), "%s", environment_pin());
	options.pin = stage->pin;
	cr_assert_eq(epg_open(&options, &stage->epg), 0);
	expect_ok(stage, epg_load(stage->epg, load), "load");
	for (int i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/programs/%s", stage->pin, PROGRAMS[i]);
		stage->programs[i] = bpf_obj_get(path);
		cr_assert_geq(stage->programs[i], 0, "%s: %s", path, strerror(errno));
	}
	if (policy)
		stage_apply(stage, policy);
	return stage;
}

struct stage *stage_open(const char *policy)
{
	return stage_open_with(policy, NULL);
}

void stage_close(struct stage *stage)
{
	for (int i = 0; i < 3; i++)
		close(stage->programs[i]);
	expect_ok(stage, epg_unload(stage->epg), "unload");
	epg_close(stage->epg);
	free(stage);
}

struct epg *stage_epg(struct stage *stage)
{
	return stage->epg;
}

const char *stage_interface_name(enum stage_interface interface)
{
	return INTERFACES[interface];
}

uint32_t stage_ifindex(struct stage *stage, enum stage_interface interface)
{
	return stage->ifindex[interface];
}

unsigned int stage_host(enum stage_interface interface)
{
	return HOSTS[interface];
}

void stage_address(bool ipv4, unsigned int host, uint8_t ret[16])
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	memset(ret, 0, 16);
	if (ipv4) {
		memcpy(ret, mapped, sizeof(mapped));
		ret[12] = 10;
		ret[13] = 1;
	} else {
		ret[0] = 0xfd;
		ret[3] = 1;
	}
	ret[15] = (uint8_t)host;
}

void stage_mac(unsigned int host, uint8_t ret[6])
{
	memset(ret, 0, 6);
	ret[0] = 2;
	ret[5] = (uint8_t)host;
}

struct packet_spec stage_spec(bool ipv4, enum stage_interface from, unsigned int to_host)
{
	struct packet_spec spec = {.source_port = 40000, .protocol = 6, .tcp_flags = PACKET_TCP_SYN};

	stage_mac(HOSTS[from], spec.source_mac);
	stage_mac(to_host, spec.destination_mac);
	stage_address(ipv4, HOSTS[from], spec.source);
	stage_address(ipv4, to_host, spec.destination);
	return spec;
}

static struct stage_result run_tc(struct stage *stage, const struct stage_hook *hook, const struct packet *packet)
{
	struct __sk_buff in = {.ifindex = stage->ifindex[hook->interface], .mark = hook->mark}, out = {};
	struct stage_result result = {0};
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = packet->data, .data_size_in = (uint32_t)packet->length,
		    .data_out = result.frame, .data_size_out = sizeof(result.frame), .ctx_in = &in,
		    .ctx_size_in = sizeof(in), .ctx_out = &out, .ctx_size_out = sizeof(out));
	int error;

	in.ingress_ifindex = hook->program == STAGE_EGRESS ? hook->ingress_ifindex : in.ifindex;
	error = bpf_prog_test_run_opts(stage->programs[hook->program], &options);
	cr_assert_eq(error, 0, "test run: %s", strerror(-error));
	cr_assert(options.retval == 2 || options.retval == UINT32_MAX, "unexpected return value %u", options.retval);
	result.passed = options.retval == UINT32_MAX;
	result.mark = out.mark;
	return result;
}

static struct stage_result run_xdp(struct stage *stage, const struct stage_hook *hook, const struct packet *packet)
{
	struct xdp_md in = {.data_end = (uint32_t)packet->length, .ingress_ifindex = stage->ifindex[hook->interface]};
	struct stage_result result = {0};
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = packet->data, .data_size_in = (uint32_t)packet->length,
		    .data_out = result.frame, .data_size_out = sizeof(result.frame), .ctx_in = &in,
		    .ctx_size_in = sizeof(in));
	int error = bpf_prog_test_run_opts(stage->programs[hook->program], &options);

	cr_assert_eq(error, 0, "test run: %s", strerror(-error));
	cr_assert(options.retval == XDP_PASS || options.retval == XDP_DROP, "unexpected return value %u",
		  options.retval);
	result.passed = options.retval == XDP_PASS;
	return result;
}

struct stage_result stage_run(struct stage *stage, const struct stage_hook *hook, const struct packet *packet)
{
	return hook->program == STAGE_XDP ? run_xdp(stage, hook, packet) : run_tc(stage, hook, packet);
}

bool stage_sends(struct stage *stage, enum stage_interface from, const struct packet_spec *spec)
{
	struct stage_hook hook = {.program = STAGE_INGRESS, .interface = from};
	struct packet packet;

	cr_assert_eq(packet_build(spec, &packet), 0);
	return stage_run(stage, &hook, &packet).passed;
}

bool stage_delivers(struct stage *stage, enum stage_interface from, enum stage_interface to,
		    const struct packet_spec *spec)
{
	struct stage_hook ingress = {.program = STAGE_INGRESS, .interface = from};
	struct stage_hook egress = {.program = STAGE_EGRESS, .interface = to, .ingress_ifindex = stage->ifindex[from]};
	struct stage_result sent;
	struct packet packet;

	cr_assert_eq(packet_build(spec, &packet), 0);
	sent = stage_run(stage, &ingress, &packet);
	if (!sent.passed)
		return false;
	egress.mark = sent.mark;
	return stage_run(stage, &egress, &packet).passed;
}

char *stage_policy_with(const char *policy, const char *piece, const char *replacement)
{
	const char *at = strstr(policy, piece);
	char *text = NULL;

	cr_assert_not_null(at, "the policy has no \"%s\"", piece);
	cr_assert_gt(asprintf(&text, "%.*s%s%s", (int)(at - policy), policy, replacement, at + strlen(piece)), 0);
	return text;
}

static int open_map(struct stage *stage, const char *name)
{
	char path[192];
	int map;

	snprintf(path, sizeof(path), "%s/%s", stage->pin, name);
	map = bpf_obj_get(path);
	cr_assert_geq(map, 0, "%s: %s", path, strerror(errno));
	return map;
}

static struct epg_endpoint read_endpoint(struct stage *stage, int map, enum stage_interface interface)
{
	struct epg_endpoint_key key = {.ifindex = stage->ifindex[interface]};
	struct epg_endpoint endpoint;

	cr_assert_eq(bpf_map_lookup_elem(map, &key, &endpoint), 0);
	return endpoint;
}

void stage_move_endpoint(struct stage *stage, enum stage_interface interface, enum stage_interface to_group_of)
{
	int map = open_map(stage, "endpoints");
	struct epg_endpoint_key key = {.ifindex = stage->ifindex[interface]};
	struct epg_endpoint moved = read_endpoint(stage, map, interface);

	moved.next.class_id = read_endpoint(stage, map, to_group_of).next.class_id;
	cr_assert_eq(bpf_map_update_elem(map, &key, &moved, BPF_EXIST), 0);
	close(map);
}

struct flow_table stage_flow_table(struct stage *stage)
{
	struct flow_table table = {0};
	struct instance *instance;

	expect_ok(stage, instance_open(stage->epg, &instance), "the instance");
	cr_assert_eq(flow_table_open(instance, &table), 0);
	return table;
}

static bool is_tracked(const struct epg_flow *flow)
{
	return flow->key[1] != EPG_FLOW_UNUSED && flow->key[1] != EPG_FLOW_FORGOTTEN;
}

void stage_shift_flows(struct stage *stage, int jiffies)
{
	struct flow_table table = stage_flow_table(stage);

	for (size_t group = 0; group < table.n_groups; group++)
		for (size_t way = 0; way < EPG_FLOW_WAYS; way++)
			if (is_tracked(&table.groups[group].flow[way]))
				table.groups[group].flow[way].seen += (uint32_t)jiffies;
	flow_table_close(&table);
}

size_t stage_count_flows(struct stage *stage, enum epg_flow_state state)
{
	struct flow_table table = stage_flow_table(stage);
	size_t count = 0;

	for (size_t group = 0; group < table.n_groups; group++)
		for (size_t way = 0; way < EPG_FLOW_WAYS; way++)
			count += is_tracked(&table.groups[group].flow[way]) &&
				 table.groups[group].flow[way].state == state;
	flow_table_close(&table);
	return count;
}

void stage_set_timeout(struct stage *stage, enum epg_flow_state state, unsigned int seconds)
{
	int map = open_map(stage, "control");
	struct epg_control control;
	uint32_t zero = 0;

	cr_assert_eq(bpf_map_lookup_elem(map, &zero, &control), 0);
	control.timeout[state] = seconds * control.hz;
	cr_assert_eq(bpf_map_update_elem(map, &zero, &control, BPF_ANY), 0);
	close(map);
}

struct drop_query {
	const char *source, *destination;
	enum epg_reason reason;
	uint64_t packets;
};

static int add_drop(void *user, const struct epg_drop_info *drop)
{
	struct drop_query *query = user;

	if (drop->reason != query->reason)
		return 0;
	if (query->source && (strcmp(drop->source, query->source) || strcmp(drop->destination, query->destination)))
		return 0;
	query->packets += drop->packets;
	return 0;
}

uint64_t stage_drops(struct stage *stage, enum epg_reason reason)
{
	return stage_drops_between(stage, NULL, NULL, reason);
}

uint64_t stage_drops_between(struct stage *stage, const char *source, const char *destination, enum epg_reason reason)
{
	struct drop_query query = {.source = source, .destination = destination, .reason = reason};

	expect_ok(stage, epg_drops_each(stage->epg, add_drop, &query), "drops");
	return query.packets;
}

struct rule_query {
	const char *contract, *entry;
	uint32_t index; /* of an implicit rule, where contract is NULL */
	uint64_t packets, bytes;
	bool found;
};

static int add_rule(void *user, const struct epg_rule_info *rule)
{
	struct rule_query *query = user;

	if (query->contract ? strcmp(rule->contract, query->contract) || strcmp(rule->entry, query->entry)
			    : rule->index != query->index)
		return 0;
	query->packets += rule->packets;
	query->bytes += rule->bytes;
	query->found = true;
	return 0;
}

static struct rule_query ask_rules(struct stage *stage, struct rule_query query)
{
	expect_ok(stage, epg_rules_each(stage->epg, add_rule, &query), "rules");
	cr_assert(query.found, "no rule of contract %s, entry %s", query.contract, query.entry);
	return query;
}

uint64_t stage_rule_packets(struct stage *stage, const char *contract, const char *entry)
{
	return ask_rules(stage, (struct rule_query){.contract = contract, .entry = entry}).packets;
}

uint64_t stage_rule_bytes(struct stage *stage, const char *contract, const char *entry)
{
	return ask_rules(stage, (struct rule_query){.contract = contract, .entry = entry}).bytes;
}

uint64_t stage_implicit_packets(struct stage *stage, enum epg_implicit_rule rule)
{
	return ask_rules(stage, (struct rule_query){.index = rule}).packets;
}

uint64_t stage_stat(struct stage *stage, enum epg_stat stat)
{
	struct epg_status status;

	expect_ok(stage, epg_status(stage->epg, &status), "status");
	return status.stats[stat];
}
