// SPDX-License-Identifier: GPL-2.0-only
/* What is made when it is needed first, and not by the load: the making fails, or is killed, at any call. */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <criterion/criterion.h>

#include "environment.h"
#include "fault.h"
#include "host.h"

static const char nobody[] = "version: 1\ntenants: []\n";
static const char somebody[] = POLICY(
	FRONT(", endpoints: [{interface: veth0, ips: [10.1.0.2]}, {interface: veth2, ips: [10.1.0.4]}]") BACK(""));

static int apply(struct host *host, const struct epg_policy *policy)
{
	return epg_apply(host->epg, policy, NULL, NULL, NULL);
}

static int explain(struct host *host)
{
	struct epg_question question = {.size = sizeof(question),
					.icmp_type = -1,
					.source = "veth0",
					.destination = "10.1.0.4",
					.protocol = "tcp",
					.destination_port = 80};
	struct epg_answer answer;
	int error = epg_explain(host->epg, &question, &answer);

	if (!error)
		cr_assert_eq(answer.verdict, EPG_PERMIT);
	return error;
}

/* The first question loads what answers it. When that fails or is killed the next one is answered. */
Test(fault_late, the_first_question)
{
	struct host host = host_open();
	long failed = 0, killed = 0;
	int status;

	host_apply(&host, somebody);
	for (long at = 1;; at += 5) {
		int error;

		plan.calls = 0;
		plan.at = at;
		plan.fault = FAULT_FAIL;
		error = explain(&host);
		plan.fault = FAULT_NONE;
		if (!error && plan.calls < at)
			break;
		failed += error != 0;
		if (error)
			cr_assert_str_neq(epg_error(host.epg)->message, "", "call %ld: without a word", at);
		cr_assert_eq(explain(&host), 0, "call %ld: %s", at, epg_error(host.epg)->message);
		cr_assert_eq(environment_run("rm '%s'/programs/explain_ingress", host.pin), 0);
	}
	cr_assert_gt(failed, 5, "only %ld calls made a question fail", failed);
	for (long at = 1;; at += 15, killed++) {
		pid_t child;

		(void)environment_run("rm -f '%s'/programs/explain_ingress", host.pin);
		child = fork();
		if (child == 0) {
			plan.calls = 0;
			plan.at = at;
			plan.fault = FAULT_KILL;
			_exit(explain(&host) ? 1 : 0);
		}
		cr_assert_eq(waitpid(child, &status, 0), child);
		cr_assert_eq(explain(&host), 0, "call %ld: %s", at, epg_error(host.epg)->message);
		if (!WIFSIGNALED(status))
			break;
	}
	cr_assert_eq(WEXITSTATUS(status), 0);
	cr_assert_gt(killed, 2);
	host_close(&host);
}

/* The first policy with groups makes their map: all of it, or the policy before stays and the next apply works. */
Test(fault_late, the_first_policy_with_groups)
{
	struct host host = host_open();
	struct epg_policy *none = host_read(&host, nobody), *some = host_read(&host, somebody);
	long failed = 0;

	cr_assert_eq(apply(&host, none), 0);
	for (long at = 1;; at += 2) {
		/* Another process, to which the map is as new as it is to the kernel. */
		struct host other = host_open_at(host.pin);
		int error;

		cr_assert_eq(environment_run("rm -f '%s'/groups", host.pin), 0);
		plan.calls = 0;
		plan.at = at;
		plan.fault = FAULT_FAIL;
		error = apply(&other, some);
		plan.fault = FAULT_NONE;
		if (error) {
			failed++;
			cr_assert_str_neq(epg_error(other.epg)->message, "", "call %ld: without a word", at);
			host_expect_export(&host, nobody);
			cr_assert_eq(apply(&other, some), 0, "call %ld: %s", at, epg_error(other.epg)->message);
		}
		cr_assert_eq(host_count(&other, "groups"), 3, "call %ld", at);
		cr_assert_eq(apply(&other, none), 0);
		epg_close(other.epg);
		if (plan.calls < at)
			break;
	}
	cr_assert_gt(failed, 30, "only %ld calls made an apply fail", failed);
	epg_policy_free(none);
	epg_policy_free(some);
	host_close(&host);
}
