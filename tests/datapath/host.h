/* SPDX-License-Identifier: GPL-2.0-only */
/* For tests of what changes an instance: a network namespace with veth0 to veth3, policies for them, short calls. */
#ifndef EPG_TEST_HOST_H
#define EPG_TEST_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "epg/epg.h"

/* One tenant with these groups. */
#define POLICY(groups)                                                                             \
	"version: 1\n"                                                                             \
	"tenants:\n"                                                                               \
	"- name: t\n"                                                                              \
	"  vrfs: [{name: one}, {name: two}]\n"                                                     \
	"  bridgeDomains:\n"                                                                       \
	"  - {name: bd1, vrf: one, subnets: [10.1.0.1/24]}\n"                                      \
	"  - {name: bd2, vrf: one, subnets: [10.2.0.1/24]}\n"                                      \
	"  - {name: bd3, vrf: two, subnets: [10.1.0.1/24]}\n"                                      \
	"  filters:\n"                                                                             \
	"  - name: web\n"                                                                          \
	"    entries: [{name: http, prot: tcp, dPort: 80}, {name: alt, prot: tcp, dPort: 8080}]\n" \
	"  - {name: dns, entries: [{name: dns, prot: udp, dPort: 53}]}\n"                          \
	"  contracts:\n"                                                                           \
	"  - {name: dns, subjects: [{name: all, filters: [dns]}]}\n"                               \
	"  - {name: web, subjects: [{name: all, filters: [web]}]}\n"                               \
	"  appProfiles:\n"                                                                         \
	"  - name: a\n"                                                                            \
	"    epgs:\n" groups "  externalEpgs:\n"                                                   \
	"  - {name: world, vrf: one, subnets: [0.0.0.0/0]}\n"

#define FRONT(keys) "    - {name: front, bridgeDomain: bd1, consume: [web]" keys "}\n"
#define BACK(keys) "    - {name: back, bridgeDomain: bd1, provide: [web]" keys "}\n"

#define DNS "    - {name: dns, bridgeDomain: bd1, provide: [dns], consume: [dns]}\n"

/* veth0 is of group front, all whose names begin with veth1 are of group back. */
extern const char HOST_SIMPLE[];
/* veth0 has moved to the other group, veth1 is no member of any. */
extern const char HOST_MOVED[];

struct host {
	struct epg *epg;
	char pin[128];
};

struct host host_open(void);
/* Another context in the same network namespace. */
struct host host_open_at(const char *pin);
/* Unloads, and expects that nothing has stayed behind. */
void host_close(struct host *host);

/* Expects success, and no failure recorded. */
void host_expect(struct epg *epg, int error, const char *what);
#define EXPECT(host, call) host_expect((host)->epg, call, #call)
/* Expects this failure, and `word` somewhere in its message, place or hint. */
void host_expect_failure(struct epg *epg, int error, int expected, enum epg_failure failure, const char *word);

struct epg_policy *host_read(struct host *host, const char *text);
int host_try(struct host *host, const char *text, bool dry_run, struct epg_apply_result *ret);
struct epg_apply_result host_apply(struct host *host, const char *text);
uint32_t host_running(struct host *host);
void host_expect_export(struct host *host, const char *text);
/* `address` may be NULL. */
int host_add(struct host *host, const char *interface, const char *group, const char *address);

/* All of them in a line, "veth0 t/a/front 10.1.0.2; "; it lives until the next call. */
const char *host_endpoints(struct host *host);
/* "veth0 ingress egress; " */
const char *host_attachments(struct host *host);

/* A pinned map; the test closes it. */
int host_map(struct host *host, const char *name);
size_t host_count(struct host *host, const char *name);
uint32_t host_max_entries(struct host *host, const char *name);

#endif
