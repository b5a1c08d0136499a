/* SPDX-License-Identifier: GPL-2.0-only */
#include <criterion/criterion.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "epg/epg.h"

static const char good[] = "version: 1\n"
			   "tenants:\n"
			   "- name: shop\n"
			   "  vrfs: [{name: prod}]\n"
			   "  bridgeDomains: [{name: bd1, vrf: prod}]\n"
			   "  filters: [{name: http, entries: [{name: web, prot: tcp, dPort: 80}]}]\n"
			   "  contracts: [{name: web, subjects: [{name: http, filters: [http]}]}]\n"
			   "  appProfiles:\n"
			   "  - name: store\n"
			   "    epgs:\n"
			   "    - {name: front, bridgeDomain: bd1, consume: [web]}\n"
			   "    - {name: back, bridgeDomain: bd1, provide: [web]}\n";

static struct epg *epg;

static void open_context(void)
{
	cr_assert_eq(epg_open(NULL, &epg), 0);
}

static void close_context(void)
{
	epg_close(epg);
}

TestSuite(policy, .init = open_context, .fini = close_context);

static int read_path(const char *path, size_t max_bytes, struct epg_diagnostics **ret_diagnostics)
{
	struct epg_policy_source source = {.size = sizeof(source), .path = path, .max_bytes = max_bytes};
	struct epg_policy *policy = NULL;
	int error = epg_policy_read(epg, &source, &policy, ret_diagnostics);

	cr_assert_eq(error == 0, policy != NULL);
	epg_policy_free(policy);
	return error;
}

/* A file with these contents; the caller removes it. */
static const char *make_file(const char *text)
{
	static char path[] = "/tmp/epg-test-policy-XXXXXX";
	int fd = mkstemp(path);

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	return path;
}

Test(policy, is_read_from_a_file)
{
	const char *path = make_file(good);
	struct epg_diagnostics *diagnostics = NULL;

	cr_assert_eq(read_path(path, 0, &diagnostics), 0);
	cr_assert_eq(epg_diagnostics_count(diagnostics), 0);
	cr_assert_eq(epg_error(epg)->failure, EPG_FAILURE_NONE);
	epg_diagnostics_free(diagnostics);
	cr_assert_eq(read_path(path, sizeof(good) - 1, NULL), 0);
	cr_assert_eq(read_path(path, sizeof(good) - 2, NULL), -EFBIG);
	cr_assert_eq(epg_error(epg)->failure, EPG_FAILURE_INPUT);
	unlink(path);
}

Test(policy, is_read_from_a_pipe)
{
	int ends[2];
	pid_t writer;

	cr_assert_eq(pipe(ends), 0);
	writer = fork();
	if (writer == 0) {
		/* In pieces, as pipes have it. */
		for (size_t i = 0; i < sizeof(good) - 1; i += 7)
			if (write(ends[1], good + i, sizeof(good) - 1 - i < 7 ? sizeof(good) - 1 - i : 7) < 0)
				_exit(1);
		_exit(0);
	}
	close(ends[1]);
	cr_assert_eq(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
	cr_assert_eq(read_path("-", 0, NULL), 0);
	cr_assert_geq(fcntl(STDIN_FILENO, F_GETFD), 0, "standard input stays open");
	waitpid(writer, NULL, 0);
}

Test(policy, endless_file_is_refused)
{
	cr_assert_eq(read_path("/dev/zero", 1 << 20, NULL), -EFBIG);
	cr_assert(strstr(epg_error(epg)->message, "more than 1048576 bytes"));
	cr_assert_str_eq(epg_error(epg)->where, "/dev/zero");
}

Test(policy, file_that_cannot_be_read_is_told)
{
	cr_assert_eq(read_path("/nowhere/shop.yaml", 0, NULL), -ENOENT);
	cr_assert_eq(epg_error(epg)->failure, EPG_FAILURE_NOT_FOUND);
	cr_assert_str_eq(epg_error(epg)->where, "/nowhere/shop.yaml");
	cr_assert_eq(read_path("/tmp", 0, NULL), -EISDIR);
	cr_assert_eq(epg_error(epg)->failure, EPG_FAILURE_INPUT);
}

Test(policy, errors_come_with_diagnostics)
{
	struct epg_policy_source source = {.size = sizeof(source),
					   .path = "shop.yaml",
					   .text = "version: 1\ncolour: blue\n",
					   .length = 24};
	struct epg_diagnostics *diagnostics = NULL;
	struct epg_policy *policy = NULL;

	cr_assert_eq(epg_policy_read(epg, &source, &policy, &diagnostics), -EBADMSG);
	cr_assert_null(policy);
	cr_assert_eq(epg_diagnostics_errors(diagnostics), 2);
	cr_assert_str_eq(epg_diagnostics_get(diagnostics, 0)->file, "shop.yaml");
	cr_assert_str_eq(epg_error(epg)->message, "the policy has 2 errors");
	cr_assert_eq(epg_error(epg)->failure, EPG_FAILURE_INPUT);
	epg_diagnostics_free(diagnostics);
	cr_assert_eq(epg_policy_read(epg, &source, &policy, NULL), -EBADMSG);
}

Test(policy, source_must_say_where_the_text_is)
{
	struct epg_policy_source source = {.size = sizeof(source)};
	struct epg_policy *policy = NULL;

	cr_assert_eq(epg_policy_read(epg, &source, &policy, NULL), -EINVAL);
	source = (struct epg_policy_source){.path = "shop.yaml"};
	cr_assert_eq(epg_policy_read(epg, &source, &policy, NULL), -EINVAL, "a source without its size");
	cr_assert_null(policy);
}

Test(policy, costs_what_its_tables_take)
{
	struct epg_policy_source source = {.size = sizeof(source), .text = good, .length = sizeof(good) - 1};
	struct epg_policy *policy = NULL;
	struct epg_cost cost;

	cr_assert_eq(epg_policy_read(epg, &source, &policy, NULL), 0);
	cr_assert_eq(epg_policy_cost(epg, policy, &cost, NULL), 0);
	cr_assert_eq(cost.groups, 2);
	cr_assert_eq(cost.contracts, 1);
	cr_assert_eq(cost.rules, EPG_RULE_IMPLICIT_COUNT + 1);
	cr_assert_geq(cost.pairs, 1);
	cr_assert_gt(cost.bytes, sizeof(good));
	epg_policy_free(policy);
	epg_policy_free(NULL);
}
