// SPDX-License-Identifier: GPL-2.0-only
#include "scene.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <linux/bpf.h>

#include "../differential/ground.h"
#include "base/util.h"
#include "epg/epg.h"
#include "policy/diagnostic.h"
#include "runtime/flow_table.h"

#define TC_PASS UINT32_MAX
#define TC_DROP 2

/* Few: looking for an entry looks at the whole table. */
#define FLOWS 1024
#define FRAGMENTS 1024

static const char POLICY[] = "version: 1\n"
			     "tenants:\n"
			     "- name: shop\n"
			     "  vrfs: [{name: prod}]\n"
			     "  bridgeDomains:\n"
			     "  - {name: bd1, vrf: prod, subnets: [10.1.0.1/24, \"fd00:1::1/64\"]}\n"
			     "  filters:\n"
			     "  - name: odd\n"
			     "    entries:\n"
			     "    - {name: web, prot: tcp, dPort: 80}\n"
			     "    - {name: dns, prot: udp, dPort: 53}\n"
			     "    - {name: echo4, prot: icmp, icmpType: echo-request}\n"
			     "    - {name: echo6, prot: icmpv6, icmpType: echo-request}\n"
			     "    - {name: sctp, prot: sctp, dPort: 36412}\n"
			     "    - {name: dccp, prot: dccp, dPort: 5001}\n"
			     "    - {name: lite, prot: udplite, dPort: 5002}\n"
			     "    - {name: gre, prot: 47}\n"
			     "    - {name: esp, prot: 50}\n"
			     "  - {name: out, entries: [{name: mdns, prot: udp, dPort: 5353}]}\n"
			     "  - {name: telnet, entries: [{name: telnet, prot: tcp, dPort: 23}]}\n"
			     "  contracts:\n"
			     "  - {name: odd, subjects: [{name: all, filters: [odd]}]}\n"
			     "  - {name: out, subjects: [{name: all, filters: [out]}]}\n"
			     "  taboos: [{name: telnet, filters: [telnet]}]\n"
			     "  appProfiles:\n"
			     "  - name: store\n"
			     "    epgs:\n"
			     "    - name: front\n"
			     "      bridgeDomain: bd1\n"
			     "      consume: [odd, out]\n"
			     "      endpoints:\n"
			     "      - {interface: front, ips: [10.1.0.2, \"fd00:1::2\"], mac: \"02:00:00:00:00:02\"}\n"
			     "      - {interface: peer, ips: [10.1.0.3, \"fd00:1::3\"], mac: \"02:00:00:00:00:03\"}\n"
			     "    - name: back\n"
			     "      bridgeDomain: bd1\n"
			     "      provide: [odd]\n"
			     "      taboos: [telnet]\n"
			     "      endpoints:\n"
			     "      - {interface: back, ips: [10.1.0.4, \"fd00:1::4\"], mac: \"02:00:00:00:00:04\"}\n"
			     "  externalEpgs:\n"
			     "  - {name: world, vrf: prod, subnets: [0.0.0.0/0, \"::/0\"], consume: [odd], "
			     "provide: [out]}\n";

static const char *const INTERFACES[SCENE_INTERFACES] = {"front", "peer", "back", "uplink", "nobody"};
static const char *const PROGRAMS[SCENE_PROGRAMS] = {"tc_ingress", "tc_egress", "xdp_ingress"};

DEFINE_AUTO(struct epg_diagnostics, epg_diagnostics_free)

struct scene {
	struct epg *epg;
	struct model *model;
	const char *pin;
	uint32_t ifindex[SCENE_INTERFACES];
	uint32_t mark;
	bool marked; /* the last frame */
	int programs[SCENE_PROGRAMS];
	struct flow_table flows;
	int fragments, learned, addresses, drops, stats;
	uint64_t n_learned; /* addresses, when it was looked last */
};

static void expect_ok(const struct scene *scene, int error, const char *what)
{
	const struct epg_error *failure = epg_error(scene->epg);

	GROUND_CHECK(!error, "%s: %s: %s (%s)", what, failure->message, failure->where, strerror(-error));
}

static int open_pinned(const struct scene *scene, const char *directory, const char *name)
{
	char path[192];
	int fd;

	snprintf(path, sizeof(path), "%s%s/%s", scene->pin, directory, name);
	fd = bpf_obj_get(path);
	GROUND_CHECK(fd >= 0, "%s: %s", path, strerror(errno));
	return fd;
}

static void apply(struct scene *scene)
{
	struct epg_policy_source source = {.size = sizeof(source),
					   .path = "hostile.yaml",
					   .text = POLICY,
					   .length = strlen(POLICY)};
	struct epg_endpoint_spec uplink = {.size = sizeof(uplink),
					   .interface = INTERFACES[SCENE_UPLINK],
					   .group = "shop/world"};
	AUTO(epg_diagnostics_free) struct epg_diagnostics *diagnostics = NULL, *own = NULL;
	struct epg_policy *policy = NULL;

	expect_ok(scene, epg_policy_read(scene->epg, &source, &policy, &diagnostics), "read");
	expect_ok(scene, epg_apply(scene->epg, policy, NULL, NULL, NULL), "apply");
	epg_policy_free(policy);
	expect_ok(scene, epg_endpoint_add(scene->epg, &uplink), "the uplink");
	GROUND_CHECK(!diagnostics_new("hostile.yaml", &own), "no memory");
	GROUND_CHECK(!model_read("hostile.yaml", POLICY, strlen(POLICY), strlen(POLICY), own, &scene->model),
		     "the policy is read by the one and not by the other");
}

static void open_maps(struct scene *scene)
{
	const uint32_t zero = 0;
	struct epg_control state;
	int control = open_pinned(scene, "", "control");

	GROUND_CHECK(!bpf_map_lookup_elem(control, &zero, &state), "can't read control");
	close(control);
	scene->mark = state.mark;
	scene->fragments = open_pinned(scene, "", "fragments");
	scene->learned = open_pinned(scene, "", "learned");
	scene->addresses = open_pinned(scene, "", "addresses");
	scene->drops = open_pinned(scene, "", "drops");
	scene->stats = open_pinned(scene, "", "stats");
}

/* The first policy has made the table. */
static void open_flows(struct scene *scene)
{
	struct instance *instance;

	expect_ok(scene, instance_open(scene->epg, &instance), "the instance");
	GROUND_CHECK(!flow_table_open(instance, &scene->flows) && scene->flows.n_groups, "can't open the flows");
}

/* So that the others know its MAC address. What it asks for is nobody's. */
static void introduce(struct scene *scene, enum scene_interface interface, uint8_t host)
{
	const uint8_t frame[60] = {2, 0xff, 0xff, 0, 0, 0, 2, 0, 0, 0, 0, host, 0x88, 0xb5};

	scene_play(scene, &(struct scene_arrival){SCENE_TC_INGRESS, interface, 0}, frame, sizeof(frame));
}

struct scene *scene_open(void)
{
	struct epg_load_options load = {.size = sizeof(load), .flows = FLOWS, .fragments = FRAGMENTS};
	struct epg_options options = {.size = sizeof(options)};
	struct scene *scene = calloc(1, sizeof(*scene));

	GROUND_CHECK(scene, "no memory");
	ground_network();
	for (int i = 0; i < SCENE_INTERFACES; i++)
		scene->ifindex[i] = ground_interface(INTERFACES[i]);
	options.pin = scene->pin = ground_pin();
	GROUND_CHECK(epg_open(&options, &scene->epg) == 0, "can't open %s", options.pin);
	expect_ok(scene, epg_load(scene->epg, &load), "load");
	for (int i = 0; i < SCENE_PROGRAMS; i++)
		scene->programs[i] = open_pinned(scene, "/programs", PROGRAMS[i]);
	open_maps(scene);
	apply(scene);
	open_flows(scene);
	introduce(scene, SCENE_FRONT, SCENE_FRONT_HOST);
	introduce(scene, SCENE_PEER, SCENE_PEER_HOST);
	introduce(scene, SCENE_BACK, SCENE_BACK_HOST);
	return scene;
}

void scene_close(struct scene *scene)
{
	const int maps[] = {scene->fragments, scene->learned, scene->addresses, scene->drops, scene->stats};

	for (size_t i = 0; i < ARRAY_SIZE(maps); i++)
		close(maps[i]);
	flow_table_close(&scene->flows);
	for (int i = 0; i < SCENE_PROGRAMS; i++)
		close(scene->programs[i]);
	expect_ok(scene, epg_unload(scene->epg), "unload");
	epg_close(scene->epg);
	model_free(scene->model);
	free(scene);
}

const struct model *scene_model(const struct scene *scene)
{
	return scene->model;
}

const char *scene_interface_name(enum scene_interface interface)
{
	return INTERFACES[interface];
}

/* ---- playing ---- */

static bool play_tc(struct scene *scene, const struct scene_arrival *arrival, const uint8_t *frame, size_t length)
{
	struct __sk_buff in = {.ifindex = scene->ifindex[arrival->interface], .gso_size = arrival->gso_size}, out = {0};
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = (uint32_t)length, .ctx_in = &in,
		    .ctx_size_in = sizeof(in), .ctx_out = &out, .ctx_size_out = sizeof(out));
	int error;

	if (arrival->program == SCENE_TC_INGRESS)
		in.ingress_ifindex = in.ifindex;
	error = bpf_prog_test_run_opts(scene->programs[arrival->program], &options);
	GROUND_CHECK(!error, "test run of %zu bytes: %s", length, strerror(-error));
	GROUND_CHECK(options.retval == TC_DROP || options.retval == TC_PASS, "unexpected return value %u",
		     options.retval);
	scene->marked = out.mark & scene->mark;
	return options.retval == TC_PASS;
}

static bool play_xdp(struct scene *scene, const struct scene_arrival *arrival, const uint8_t *frame, size_t length)
{
	struct xdp_md in = {.data_end = (uint32_t)length, .ingress_ifindex = scene->ifindex[arrival->interface]};
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = (uint32_t)length, .ctx_in = &in,
		    .ctx_size_in = sizeof(in));
	int error = bpf_prog_test_run_opts(scene->programs[SCENE_XDP], &options);

	GROUND_CHECK(!error, "test run of %zu bytes: %s", length, strerror(-error));
	GROUND_CHECK(options.retval == XDP_PASS || options.retval == XDP_DROP, "unexpected return value %u",
		     options.retval);
	return options.retval == XDP_PASS;
}

bool scene_can_play(const struct scene_arrival *arrival, const uint8_t *frame, size_t length)
{
	unsigned int ethertype = (unsigned int)frame[12] << 8 | frame[13];
	size_t header = ethertype == 0x0800 ? 20 : ethertype == 0x86dd ? 40 : 1;

	return arrival->program == SCENE_XDP || length >= 14 + header;
}

bool scene_play(struct scene *scene, const struct scene_arrival *arrival, const uint8_t *frame, size_t length)
{
	return arrival->program == SCENE_XDP ? play_xdp(scene, arrival, frame, length)
					     : play_tc(scene, arrival, frame, length);
}

bool scene_marked(const struct scene *scene)
{
	return scene->marked;
}

/* ---- what was left behind ---- */

static void empty(int map)
{
	uint8_t key[64];

	while (bpf_map_get_next_key(map, NULL, key) == 0)
		bpf_map_delete_elem(map, key);
}

static uint64_t count_learned(struct scene *scene)
{
	static uint64_t values[1024]; /* more CPUs than that nobody has here */
	const uint32_t learned = EPG_STAT_ADDRESSES_LEARNED;
	uint64_t sum = 0;

	memset(values, 0, sizeof(values));
	GROUND_CHECK(!bpf_map_lookup_elem(scene->stats, &learned, values), "can't read stats");
	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		sum += values[i];
	return sum;
}

/* The table is far too large to be looked through after each frame. */
static void unlearn(struct scene *scene)
{
	uint64_t now = count_learned(scene);

	if (now == scene->n_learned)
		return;
	scene->n_learned = now;
	for (int i = 0; i < SCENE_INTERFACES; i++) {
		struct epg_learned_key key = {.ifindex = scene->ifindex[i]};
		struct epg_address_key address;

		for (; key.slot < EPG_LEARNED_MAX; key.slot++) {
			if (bpf_map_lookup_elem(scene->learned, &key, &address))
				continue;
			bpf_map_delete_elem(scene->addresses, &address);
			bpf_map_delete_elem(scene->learned, &key);
		}
	}
}

static bool select_all(void *user, const struct epg_flow_key *key, const struct epg_flow *flow)
{
	(void)user;
	(void)key;
	(void)flow;
	return true;
}

void scene_forget(struct scene *scene)
{
	flow_table_forget(&scene->flows, select_all, NULL);
	empty(scene->fragments);
	unlearn(scene);
}

void scene_forget_frame(struct scene *scene, bool passed)
{
	if (passed)
		flow_table_forget(&scene->flows, select_all, NULL);
	empty(scene->fragments);
	unlearn(scene);
}

static int count_flow(void *user, const struct epg_flow_key *key, const struct epg_flow *flow)
{
	(void)key;
	(void)flow;
	++*(size_t *)user;
	return 0;
}

size_t scene_flows(struct scene *scene)
{
	size_t n = 0;

	flow_table_each(&scene->flows, count_flow, &n);
	return n;
}

void scene_drops(struct scene *scene, uint64_t ret[EPG_REASON_COUNT])
{
	struct epg_drop_key key, *previous = NULL;
	struct epg_counter counter;

	memset(ret, 0, EPG_REASON_COUNT * sizeof(*ret));
	for (; !bpf_map_get_next_key(scene->drops, previous, &key); previous = &key)
		if (!bpf_map_lookup_elem(scene->drops, &key, &counter) && key.reason < EPG_REASON_COUNT)
			ret[key.reason] += counter.packets;
}
