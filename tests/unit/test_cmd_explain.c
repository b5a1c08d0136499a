/* SPDX-License-Identifier: GPL-2.0-only */
/* How explain puts an answer: the library's part is played by this file. */
#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <locale.h>
#include <string.h>

#include "cli.h"
#include "epg/epg.h"

static const struct epg_rule_info web = {
	.index = 20,
	.name = "",
	.text = "",
	.contract = "shop/web",
	.subject = "pages",
	.filter = "shop/http",
	.entry = "web",
	.file = "shop.yaml",
	.line = 12,
	.match = "tcp dport 80",
	.role = "group",
	.permit = true,
	.stateful = true,
	.dscp = -1,
	.level = EPG_LEVEL_FILTERED,
};

static const struct epg_rule_info sealed = {
	.index = 21,
	.name = "",
	.text = "",
	.contract = "shop/sealed",
	.subject = "",
	.filter = "shop/any",
	.entry = "ip",
	.file = "shop.yaml",
	.line = 15,
	.match = "ip",
	.role = "taboo",
	.dscp = -1,
	.level = EPG_LEVEL_TABOO,
};

static const struct epg_rule_info implicit_deny = {
	.name = "implicit-deny",
	.text = "no contract permits it",
	.contract = "",
	.subject = "",
	.filter = "",
	.entry = "",
	.file = "",
	.match = "",
	.role = "",
	.dscp = -1,
	.level = EPG_LEVEL_IMPLICIT,
};

static struct epg_question asked;
static struct epg_answer answer;

int epg_explain(struct epg *epg, const struct epg_question *question, struct epg_answer *ret)
{
	(void)epg;
	asked = *question;
	*ret = answer;
	return 0;
}

static void set_up(void)
{
	setlocale(LC_CTYPE, "C.UTF-8");
	answer = (struct epg_answer){
		.verdict = EPG_PERMIT,
		.level = EPG_LEVEL_FILTERED,
		.generation = 3,
		.reason_text = epg_reason_text(EPG_REASON_NONE),
		.packet = "tcp dport 80",
		.source_group = "shop/store/front",
		.source_interface = "veth-f",
		.source_address = "10.1.0.2",
		.destination_group = "shop/store/back",
		.destination_interface = "veth-b",
		.destination_address = "10.1.0.3",
		.rule = &web,
		.remedy = {"", "", "", 0},
	};
	cr_redirect_stdout();
}

TestSuite(cmd_explain, .init = set_up);

/* Runs `epgctl [-j] explain -s veth-f -d 10.1.0.3 tcp/80`, with one argument more; returns its exit status. */
static int explain(bool json, const char *more)
{
	const char *argv[] = {"epgctl",   "explain", "-s", "veth-f",           "-d",
			      "10.1.0.3", "tcp/80",  more, json ? "-j" : NULL, NULL};

	return cli_run(json ? 9 : 8, (char **)argv);
}

Test(cmd_explain, a_permit_names_rule_line_and_level)
{
	cr_assert_eq(explain(false, "--no-headers"), CLI_OK);
	cr_assert_stdout_eq_str(
		"permit\n"
		"packet       tcp dport 80\n"
		"source       shop/store/front, interface veth-f, address 10.1.0.2\n"
		"destination  shop/store/back, interface veth-b, address 10.1.0.3\n"
		"rule         contract shop/web, subject pages, filter shop/http, entry web (tcp dport 80)\n"
		"written at   shop.yaml:12\n"
		"level        7: group to group, with a filter\n"
		"generation   3\n");
}

Test(cmd_explain, a_taboo_goes_before_what_it_beats)
{
	answer.verdict = EPG_DENY;
	answer.reason = EPG_REASON_DENIED;
	answer.reason_text = epg_reason_text(EPG_REASON_DENIED);
	answer.level = EPG_LEVEL_TABOO;
	answer.rule = &sealed;
	answer.beaten = &web;
	answer.n_beaten = 1;
	answer.n_beaten_all = 18;
	cr_assert_eq(explain(false, "--no-headers"), CLI_NO);
	cr_assert_stdout_eq_str(
		"deny\n"
		"packet       tcp dport 80\n"
		"reason       a rule denies it (denied)\n"
		"source       shop/store/front, interface veth-f, address 10.1.0.2\n"
		"destination  shop/store/back, interface veth-b, address 10.1.0.3\n"
		"rule         taboo shop/sealed, filter shop/any, entry ip (ip)\n"
		"written at   shop.yaml:15\n"
		"level        5: taboo of the destination\n"
		"goes before  permit of level 7: contract shop/web, subject pages, filter shop/http, entry web\n"
		"             (shop.yaml:12)\n"
		"             and 17 more\n"
		"generation   3\n");
}

static void deny_implicitly(void)
{
	static const struct epg_near_miss miss = {&web, 1u << EPG_MISS_CONSUMER, "shop/store/db does not consume it"};

	answer.verdict = EPG_DENY;
	answer.reason = EPG_REASON_IMPLICIT_DENY;
	answer.reason_text = epg_reason_text(EPG_REASON_IMPLICIT_DENY);
	answer.level = EPG_LEVEL_IMPLICIT;
	answer.rule = &implicit_deny;
	answer.near_misses = &miss;
	answer.n_near_misses = 1;
	answer.remedy = (struct epg_remedy){"add \"web\" to consume of shop/store/db (shop.yaml:30)", "consume: [web]",
					    "shop.yaml", 30};
}

Test(cmd_explain, a_denial_says_what_to_write)
{
	deny_implicitly();
	cr_assert_eq(explain(false, "--no-headers"), CLI_NO);
	cr_assert_stdout_eq_str(
		"deny\n"
		"packet       tcp dport 80\n"
		"reason       no contract permits it (implicit-deny)\n"
		"source       shop/store/front, interface veth-f, address 10.1.0.2\n"
		"destination  shop/store/back, interface veth-b, address 10.1.0.3\n"
		"rule         implicit-deny\n"
		"level        21: nothing else matches\n"
		"generation   3\n"
		"near miss    contract shop/web, subject pages, filter shop/http, entry web (shop.yaml:12):\n"
		"             shop/store/db does not consume it\n"
		"hint         add \"web\" to consume of shop/store/db (shop.yaml:30)\n"
		"write there  consume: [web]\n");
}

Test(cmd_explain, a_reply_passes_by_its_flow)
{
	struct epg_answer opening = answer;

	answer.opening = &opening;
	answer.by_flow = true;
	answer.packet = "tcp dport 40000 sport 80";
	cr_assert_eq(explain(false, "--reply"), CLI_OK);
	cr_assert_eq(asked.ask, EPG_ASK_REPLY);
	cr_assert_stdout_eq_str(
		"permit\n"
		"packet       tcp dport 40000 sport 80\n"
		"source       shop/store/front, interface veth-f, address 10.1.0.2\n"
		"destination  shop/store/back, interface veth-b, address 10.1.0.3\n"
		"opened by    tcp dport 80: permit by contract shop/web, subject pages, filter shop/http, entry web\n"
		"passes       as part of the flow that this opens\n"
		"rule         contract shop/web, subject pages, filter shop/http, entry web (tcp dport 80)\n"
		"written at   shop.yaml:12\n"
		"level        7: group to group, with a filter\n"
		"generation   3\n");
}

Test(cmd_explain, an_audited_rule_is_told_beside_the_verdict)
{
	struct epg_rule_info audited = sealed;

	audited.contract = "shop/web";
	audited.subject = "closing";
	audited.role = "group";
	audited.audit = true;
	answer.audited = &audited;
	cr_assert_eq(explain(false, "--no-headers"), CLI_OK);
	cr_assert_stdout_eq_str(
		"permit\n"
		"packet       tcp dport 80\n"
		"source       shop/store/front, interface veth-f, address 10.1.0.2\n"
		"destination  shop/store/back, interface veth-b, address 10.1.0.3\n"
		"rule         contract shop/web, subject pages, filter shop/http, entry web (tcp dport 80)\n"
		"written at   shop.yaml:12\n"
		"level        7: group to group, with a filter\n"
		"audited      would deny it: contract shop/web, subject closing, filter shop/any, entry ip\n"
		"             (shop.yaml:15)\n"
		"generation   3\n");
}

Test(cmd_explain, json_keeps_its_fields_and_has_the_rest)
{
	deny_implicitly();
	cr_assert_eq(explain(true, "--no-headers"), CLI_NO);
	cr_assert_stdout_eq_str(
		"{\"verdict\":\"deny\",\"reason\":\"implicit-deny\",\"reasonText\":\"no contract permits it\","
		"\"level\":21,\"levelText\":\"nothing else matches\",\"generation\":3,\"packet\":\"tcp dport 80\","
		"\"source\":{\"group\":\"shop/store/front\",\"interface\":\"veth-f\",\"address\":\"10.1.0.2\"},"
		"\"destination\":{\"group\":\"shop/store/back\",\"interface\":\"veth-b\",\"address\":\"10.1.0.3\"},"
		"\"rule\":{\"contract\":\"\",\"subject\":\"\",\"filter\":\"\",\"entry\":\"implicit-deny\",\"match\":"
		"\"\","
		"\"file\":\"\",\"line\":0,\"action\":\"deny\",\"role\":\"\",\"level\":21,\"reverse\":false,\"audit\":"
		"false},"
		"\"beaten\":[],\"audited\":null,"
		"\"nearMisses\":[{\"contract\":\"shop/web\",\"subject\":\"pages\",\"filter\":\"shop/http\","
		"\"entry\":\"web\",\"match\":\"tcp dport 80\",\"file\":\"shop.yaml\",\"line\":12,\"action\":\"permit\","
		"\"role\":\"group\",\"level\":7,\"reverse\":false,\"audit\":false,\"missed\":[\"not-a-consumer\"],"
		"\"why\":\"shop/store/db does not consume it\"}],"
		"\"hint\":\"add \\\"web\\\" to consume of shop/store/db (shop.yaml:30)\","
		"\"remedy\":{\"yaml\":\"consume: [web]\",\"file\":\"shop.yaml\",\"line\":30},"
		"\"byFlow\":false,\"opening\":null}\n");
}
