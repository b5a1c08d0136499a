/* SPDX-License-Identifier: GPL-2.0-only */
/* How diff puts what it is told: the library's comparison is made up here. */
#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <locale.h>
#include <string.h>

#include "cli.h"
#include "epg/epg.h"

static const struct epg_change changes[] = {
	{EPG_CHANGE_ADDED, "taboo", "shop/sealed", "", 12},
	{EPG_CHANGE_REMOVED, "contract", "shop/web", "", 20},
	{EPG_CHANGE_CHANGED, "group", "shop/store/back", "now denies by taboo shop/sealed", 30},
	{EPG_CHANGE_DENIED, "flow", "tcp 10.1.0.2:40000 -> 10.1.0.3:80", "taboo shop/sealed denies it", 8},
	{EPG_CHANGE_KEPT, "flow", "udp 10.1.0.2:40000 -> 10.1.0.4:53", "contract shop/dns keeps it", 0},
};

static size_t n_changes = ARRAY_SIZE(changes);
static size_t max_flows_asked;

int epg_diff(struct epg *epg, const struct epg_policy *policy, const struct epg_diff_options *options, epg_change_fn fn,
	     void *user, struct epg_diff_result *ret)
{
	int stopped = 0;

	(void)epg;
	(void)policy;
	max_flows_asked = options->max_flows;
	for (size_t i = 0; i < n_changes && !stopped; i++)
		stopped = fn(user, &changes[i]);
	*ret = n_changes ? (struct epg_diff_result){.changes = 3, .flows = 9, .flows_denied = 4, .flows_kept = 1}
			 : (struct epg_diff_result){.flows = 9};
	return stopped;
}

/* A policy without a warning, so that all words are of what stands above. */
int epg_policy_read(struct epg *epg, const struct epg_policy_source *source, struct epg_policy **ret,
		    struct epg_diagnostics **ret_diagnostics)
{
	(void)epg;
	(void)source;
	*ret = NULL;
	*ret_diagnostics = NULL;
	return 0;
}

size_t epg_diagnostics_errors(const struct epg_diagnostics *diagnostics)
{
	(void)diagnostics;
	return 0;
}

const struct epg_diagnostic *epg_diagnostics_get(const struct epg_diagnostics *diagnostics, size_t index)
{
	(void)diagnostics;
	(void)index;
	return NULL;
}

static void set_up(void)
{
	setlocale(LC_CTYPE, "C.UTF-8");
	cr_redirect_stdout();
	cr_redirect_stderr();
}

TestSuite(cmd_policy, .init = set_up);

/* Runs `epgctl diff -f next.yaml ARGUMENT`. */
static int diff(const char *argument)
{
	const char *argv[] = {"epgctl", "diff", "-f", "next.yaml", argument, NULL};

	return cli_run(argument ? 5 : 4, (char **)argv);
}

Test(cmd_policy, diff_lists_changes_and_what_becomes_of_flows)
{
	cr_assert_eq(diff(NULL), CLI_NO);
	cr_assert_eq(max_flows_asked, 0, "the library's default");
	cr_assert_stdout_eq_str(
		"   OBJECT    NAME                               DETAIL                           LINE\n"
		"+  taboo     shop/sealed                        -                                12\n"
		"-  contract  shop/web                           -                                20\n"
		"~  group     shop/store/back                    now denies by taboo shop/sealed  30\n"
		"!  flow      tcp 10.1.0.2:40000 -> 10.1.0.3:80  taboo shop/sealed denies it      8\n"
		"=  flow      udp 10.1.0.2:40000 -> 10.1.0.4:53  contract shop/dns keeps it       -\n"
		"! 4 of 9 tracked flows would be denied\n"
		"= 1 of 9 tracked flows would only be kept\n");
}

Test(cmd_policy, diff_in_json)
{
	n_changes = 1;
	cr_assert_eq(diff("-j"), CLI_NO);
	cr_assert_stdout_eq_str("{\"changes\":[{\"change\":\"added\",\"object\":\"taboo\",\"name\":\"shop/sealed\","
				"\"detail\":\"\",\"line\":12}],\"differs\":true,"
				"\"flows\":{\"tracked\":9,\"denied\":4,\"kept\":1},\"diagnostics\":[]}\n");
}

Test(cmd_policy, no_difference_is_success)
{
	n_changes = 0;
	cr_assert_eq(diff(NULL), CLI_OK);
	cr_assert_stdout_eq_str("no difference\n");
}

Test(cmd_policy, flows_told_at_most)
{
	cr_assert_eq(diff("--max-flows=7"), CLI_NO);
	cr_assert_eq(max_flows_asked, 7);
}

Test(cmd_policy, flows_told_at_most_is_a_number)
{
	cr_assert_eq(diff("--max-flows=all"), CLI_USAGE);
	cr_assert_stderr_eq_str("epgctl: --max-flows takes a number from 1 to 4294967295, not 'all'\n");
}
