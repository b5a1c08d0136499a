/* SPDX-License-Identifier: GPL-2.0-only */
/* How validate and lint put what they are told: the library's findings and costs are made up here. */
#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <locale.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "epg/epg.h"

static const struct epg_finding findings[] = {
	{.code = EPG_LINT_FILTER_UNUSED,
	 .code_name = "filter-unused",
	 .severity = EPG_SEVERITY_WARNING,
	 .file = "shop.yaml",
	 .line = 9,
	 .column = 11,
	 .message = "neither contract nor taboo uses filter \"ssh\"",
	 .hint = "take it out",
	 .excerpt = "  - name: ssh",
	 .excerpt_column = 1},
	{.code = EPG_LINT_SUBJECT_AUDITED,
	 .code_name = "subject-audited",
	 .severity = EPG_SEVERITY_NOTE,
	 .file = "shop.yaml",
	 .line = 120,
	 .column = 7,
	 .message = "subject \"closing\" only counts",
	 .hint = "",
	 .excerpt = "",
	 .excerpt_column = 1},
};

static size_t n_findings = ARRAY_SIZE(findings);
static bool instance_was_asked;

int epg_lint(struct epg *epg, const struct epg_policy *policy, const struct epg_lint_options *options,
	     epg_finding_fn fn, void *user)
{
	int stopped = 0;

	(void)epg;
	(void)policy;
	instance_was_asked = options->instance;
	for (size_t i = 0; i < n_findings && !stopped; i++)
		stopped = fn(user, &findings[i]);
	return stopped;
}

int epg_policy_cost(struct epg *epg, const struct epg_policy *policy, struct epg_cost *ret,
		    struct epg_diagnostics **ret_diagnostics)
{
	(void)epg;
	(void)policy;
	(void)ret_diagnostics;
	*ret = (struct epg_cost){.groups = 4, .contracts = 1, .taboos = 2, .pairs = 30, .rules = 12, .bytes = 3400};
	return 0;
}

int epg_policy_costs_each(struct epg *epg, const struct epg_policy *policy, epg_contract_cost_fn contract_fn,
			  epg_map_need_fn map_fn, void *user)
{
	static const struct epg_contract_cost cost = {"shop/web", "contract", "shop.yaml", 12, 2, 3, 2, 7, 512};
	static const struct epg_map_need needs[] = {{"rules", 12, 1048576, 48}, {"pairs", 30, 20, 192}};

	(void)epg;
	(void)policy;
	return contract_fn(user, &cost) || map_fn(user, &needs[0]) || map_fn(user, &needs[1]);
}

static char policy_file[] = "/tmp/epg-test-XXXXXX";

/* A policy that is read without a word, so that all words are of those above. */
static void set_up(void)
{
	static const char policy[] = "version: 1\ntenants: []\n";
	int fd = mkstemp(policy_file);

	setlocale(LC_CTYPE, "C.UTF-8");
	cr_assert(fd >= 0);
	cr_assert_eq(write(fd, policy, sizeof(policy) - 1), (ssize_t)sizeof(policy) - 1);
	close(fd);
	cr_redirect_stdout();
	cr_redirect_stderr();
}

static void tear_down(void)
{
	unlink(policy_file);
}

TestSuite(cmd_check, .init = set_up, .fini = tear_down);

/* Runs `epgctl COMMAND -f FILE ARGUMENT ARGUMENT`, without those that are NULL; returns its exit status. */
static int run(const char *command, const char *one, const char *two)
{
	const char *argv[] = {"epgctl", command, "-f", policy_file, one ? one : two, one ? two : NULL, NULL};

	return cli_run(4 + (one != NULL) + (two != NULL), (char **)argv);
}

Test(cmd_check, lint_lists_findings)
{
	cr_assert_eq(run("lint", NULL, NULL), CLI_OK, "findings are no failure by themselves");
	cr_assert_not(instance_was_asked);
	cr_assert_stdout_eq_str("LINE  CODE             FINDING\n"
				"   9  filter-unused    neither contract nor taboo uses filter \"ssh\"\n"
				"                       hint: take it out\n"
				" 120  subject-audited  subject \"closing\" only counts\n");
}

Test(cmd_check, lint_says_when_there_is_nothing)
{
	n_findings = 0;
	cr_assert_eq(run("lint", "--deny", "all"), CLI_OK);
	cr_assert_stdout_eq_str("nothing found\n");
}

Test(cmd_check, lint_fails_for_a_code_that_is_denied)
{
	cr_assert_eq(run("lint", "--deny=filter-unused", "--no-headers"), CLI_NO);
	cr_assert_stdout_eq_str("   9  filter-unused    neither contract nor taboo uses filter \"ssh\"\n"
				"                       hint: take it out\n"
				" 120  subject-audited  subject \"closing\" only counts\n"
				"1 of 2 findings denied\n");
}

Test(cmd_check, lint_fails_for_any_of_several_codes)
{
	cr_assert_eq(run("lint", "--deny=rule-shadowed", "--deny=subject-audited"), CLI_NO);
}

Test(cmd_check, lint_fails_for_every_code)
{
	cr_assert_eq(run("lint", "-q", "--deny=all"), CLI_NO);
	cr_assert_stdout_eq_str("");
}

Test(cmd_check, lint_does_not_fail_for_codes_that_were_not_found)
{
	cr_assert_eq(run("lint", "-q", "--deny=rule-shadowed"), CLI_OK);
}

Test(cmd_check, lint_asks_the_instance_when_told_to)
{
	cr_assert_eq(run("lint", "-q", "--instance"), CLI_OK);
	cr_assert(instance_was_asked);
}

Test(cmd_check, lint_suggests_a_code)
{
	cr_assert_eq(run("lint", "--deny", "filter-unsued"), CLI_USAGE);
	cr_assert_stderr_eq_str("epgctl: lint knows no code 'filter-unsued'\n"
				"hint: did you mean 'filter-unused'?\n");
}

Test(cmd_check, lint_in_json)
{
	char expected[1024];

	snprintf(expected, sizeof(expected), "%s%s%s%s%s",
		 "{\"findings\":[{\"line\":9,\"code\":\"filter-unused\",\"severity\":\"warning\",\"denied\":true,",
		 "\"file\":\"shop.yaml\",\"column\":11,\"message\":\"neither contract nor taboo uses filter "
		 "\\\"ssh\\\"\",",
		 "\"hint\":\"take it out\",\"excerpt\":\"  - name: ssh\"},",
		 "{\"line\":120,\"code\":\"subject-audited\",\"severity\":\"note\",\"denied\":false,\"file\":\"shop."
		 "yaml\",",
		 "\"column\":7,\"message\":\"subject \\\"closing\\\" only counts\",\"hint\":\"\",\"excerpt\":\"\"}],"
		 "\"denied\":1}\n");
	cr_assert_eq(run("lint", "-j", "--deny=filter-unused"), CLI_NO);
	cr_assert_stdout_eq_str(expected);
}

Test(cmd_check, validate_tells_costs)
{
	cr_assert_eq(run("validate", "--cost", NULL), CLI_OK);
	cr_assert_stdout_eq_str("ok: 4 groups, 1 contract, 2 taboos, 12 rules, 30 pairs, 3.3 KiB\n"
				"\n"
				"CONTRACT  KIND      LINE  PAIRS  RULES  NODES  RULE SETS  MEMORY\n"
				"shop/web  contract    12      2      3      7          2   512 B\n"
				"\n"
				"MAP    NEEDED  CAPACITY  USED     MEMORY\n"
				"rules      12   1048576  0.0 %      48 B\n"
				"pairs      30        20  150.0 %   192 B\n");
}
