// SPDX-License-Identifier: GPL-2.0-only
#include "host.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <criterion/criterion.h>

#include "environment.h"

const char HOST_SIMPLE[] =
	POLICY(FRONT(", endpoints: [{interface: veth0, ips: [10.1.0.2]}]") BACK(", match: [{interface: \"veth1*\"}]"));
const char HOST_MOVED[] = POLICY(FRONT("") BACK(", endpoints: [{interface: veth0, ips: [10.1.0.3]}]"));

void host_expect(struct epg *epg, int error, const char *what)
{
	const struct epg_error *failure = epg_error(epg);

	cr_assert_eq(error, 0, "%s: %s, %s (%s)", what, failure->message, failure->where, strerror(-error));
	cr_assert_eq(failure->failure, EPG_FAILURE_NONE, "%s left a failure behind: %s", what, failure->message);
}

void host_expect_failure(struct epg *epg, int error, int expected, enum epg_failure failure, const char *word)
{
	const struct epg_error *told = epg_error(epg);
	char all[2048];

	snprintf(all, sizeof(all), "%s | %s | %s", told->message, told->where, told->hint);
	cr_assert_eq(error, expected, "%s instead of %s: %s", strerror(-error), strerror(-expected), all);
	cr_assert_eq(told->error, expected);
	cr_assert_eq(told->failure, failure, "failure %d: %s", told->failure, all);
	cr_assert(strstr(all, word), "\"%s\" does not say \"%s\"", all, word);
}

struct host host_open_at(const char *pin)
{
	struct epg_options options = {.size = sizeof(options), .pin = pin};
	struct host host = {0};

	snprintf(host.pin, sizeof(host.pin), "%s", pin);
	cr_assert_eq(epg_open(&options, &host.epg), 0);
	return host;
}

struct host host_open(void)
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

void host_close(struct host *host)
{
	struct stat status;

	EXPECT(host, epg_unload(host->epg));
	cr_assert_neq(stat(host->pin, &status), 0, "%s is still there", host->pin);
	cr_assert_eq(environment_run("ls -d '%s~'* 2>/dev/null", host->pin), 2, "leftovers beside %s", host->pin);
	epg_close(host->epg);
}

struct epg_policy *host_read(struct host *host, const char *text)
{
	struct epg_policy_source source = {.size = sizeof(source),
					   .path = "test.yaml",
					   .text = text,
					   .length = strlen(text)};
	struct epg_diagnostics *diagnostics = NULL;
	struct epg_policy *policy = NULL;
	int error = epg_policy_read(host->epg, &source, &policy, &diagnostics);

	cr_assert_eq(error, 0, "the test's policy, line %u: %s", error ? epg_diagnostics_get(diagnostics, 0)->line : 0,
		     error ? epg_diagnostics_get(diagnostics, 0)->message : "");
	epg_diagnostics_free(diagnostics);
	return policy;
}

int host_try(struct host *host, const char *text, bool dry_run, struct epg_apply_result *ret)
{
	struct epg_apply_options options = {.size = sizeof(options), .dry_run = dry_run};
	struct epg_policy *policy = host_read(host, text);
	int error = epg_apply(host->epg, policy, &options, ret, NULL);

	epg_policy_free(policy);
	return error;
}

struct epg_apply_result host_apply(struct host *host, const char *text)
{
	struct epg_apply_result result = {0};

	host_expect(host->epg, host_try(host, text, false, &result), "apply");
	return result;
}

int host_map(struct host *host, const char *name)
{
	char path[192];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", host->pin, name);
	fd = bpf_obj_get(path);
	cr_assert_geq(fd, 0, "%s: %s", path, strerror(errno));
	return fd;
}

uint32_t host_max_entries(struct host *host, const char *name)
{
	struct bpf_map_info info = {0};
	__u32 size = sizeof(info);
	int fd = host_map(host, name);

	cr_assert_eq(bpf_obj_get_info_by_fd(fd, &info, &size), 0);
	close(fd);
	return info.max_entries;
}

size_t host_count(struct host *host, const char *name)
{
	uint8_t key[256];
	int fd = host_map(host, name);
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

const char *host_endpoints(struct host *host)
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

const char *host_attachments(struct host *host)
{
	static char text[4096];

	text[0] = '\0';
	EXPECT(host, epg_attachments_each(host->epg, add_attachment, text));
	return text;
}

int host_add(struct host *host, const char *interface, const char *group, const char *address)
{
	struct epg_endpoint_spec spec = {.size = sizeof(spec),
					 .interface = interface,
					 .group = group,
					 .addresses = &address,
					 .n_addresses = address != NULL};

	return epg_endpoint_add(host->epg, &spec);
}

uint32_t host_running(struct host *host)
{
	struct epg_status status;

	EXPECT(host, epg_status(host->epg, &status));
	return status.generation;
}

void host_expect_export(struct host *host, const char *text)
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
