// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "runtime/internal.h"

static struct epg *open_context(const struct epg_options *options)
{
	struct epg *epg = NULL;

	cr_assert_eq(epg_open(options, &epg), 0);
	cr_assert_not_null(epg);
	return epg;
}

Test(context, defaults)
{
	struct epg *epg = open_context(NULL);

	cr_assert_str_eq(epg->pin, EPG_DEFAULT_PIN);
	cr_assert_eq(epg_error(epg)->failure, EPG_FAILURE_NONE);
	cr_assert_str_eq(epg_error(epg)->message, "");
	cr_assert_str_eq(epg_error(epg)->where, "");
	cr_assert_str_eq(epg_error(epg)->hint, "");
	cr_assert_str_eq(epg_version(), EPG_VERSION);
	epg_close(epg);
	epg_close(NULL);
}

Test(context, pin_directory)
{
	static const char *const refused[] = {"relative", "", "/", "//"};
	struct epg_options options = {.size = sizeof(options), .pin = "/sys/fs/bpf/other//"};
	char longest[PATH_MAX + 1], path[PATH_MAX];
	struct epg *epg = open_context(&options);

	cr_assert_str_eq(epg->pin, "/sys/fs/bpf/other");
	cr_assert_eq(pins_path(epg, path, "generations/%u/%s", 7u, "rules"), 0);
	cr_assert_str_eq(path, "/sys/fs/bpf/other/generations/7/rules");
	epg_close(epg);
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		options.pin = refused[i];
		cr_assert_eq(epg_open(&options, &epg), -EINVAL, "%s", refused[i]);
	}
	memset(longest, 'x', PATH_MAX);
	longest[0] = '/';
	longest[PATH_MAX] = '\0';
	options.pin = longest;
	cr_assert_eq(epg_open(&options, &epg), -EINVAL);
}

/* A caller that was built against another version of the header. */
Test(context, options_of_other_versions)
{
	struct newer {
		struct epg_options options;
		void *unknown;
	} newer = {.options = {.size = sizeof(newer), .pin = "/sys/fs/bpf/x"}};
	struct epg_options older = {.size = offsetof(struct epg_options, log), .log_user = &newer};
	struct epg_options none = {0}, wild = {.size = SIZE_MAX};
	struct epg *epg = open_context(&newer.options);

	epg_close(epg);
	newer.unknown = &newer;
	cr_assert_eq(epg_open(&newer.options, &epg), -EINVAL, "asks for what we don't know");
	epg = open_context(&older);
	cr_assert_null(epg->log_user, "beyond the size that was given");
	epg_close(epg);
	cr_assert_eq(epg_open(&none, &epg), -EINVAL);
	cr_assert_eq(epg_open(&wild, &epg), -EINVAL);
}

Test(context, options_are_completed_with_zeros)
{
	struct epg *epg = open_context(NULL);
	struct epg_attach_options options = {.xdp = true}, given = {.size = sizeof(size_t), .xdp = true};

	cr_assert_eq(context_options(epg, &options, sizeof(options), NULL), 0);
	cr_assert(!options.xdp);
	cr_assert_eq(options.size, sizeof(options));
	cr_assert_eq(context_options(epg, &options, sizeof(options), &given), 0);
	cr_assert(!options.xdp, "not within the size that was given");
	given.size = 1;
	cr_assert_eq(context_options(epg, &options, sizeof(options), &given), -EINVAL);
	cr_assert_eq(epg_error(epg)->failure, EPG_FAILURE_INPUT);
	epg_close(epg);
}

Test(context, a_failure_lives_until_the_next_call)
{
	struct epg *epg = open_context(NULL);

	cr_assert_eq(context_fail(epg, EPG_FAILURE_NOT_FOUND, -ENOENT, "eth7", NULL, "no %s", "interface"), -ENOENT);
	cr_assert_eq(epg_error(epg)->failure, EPG_FAILURE_NOT_FOUND);
	cr_assert_eq(epg_error(epg)->error, -ENOENT);
	cr_assert_str_eq(epg_error(epg)->message, "no interface");
	cr_assert_str_eq(epg_error(epg)->where, "eth7");
	cr_assert_str_eq(epg_error(epg)->hint, "");
	{
		CONTEXT_CALL(epg);
		cr_assert_eq(epg_error(epg)->failure, EPG_FAILURE_NONE);
		cr_assert_str_eq(epg_error(epg)->message, "");
	}
	epg_close(epg);
}

Test(context, failures_of_the_kernel)
{
	static const struct {
		int error;
		enum epg_failure failure;
	} cases[] = {
		{-EPERM, EPG_FAILURE_PERMISSION},       {-EACCES, EPG_FAILURE_PERMISSION},
		{-ENOENT, EPG_FAILURE_NOT_FOUND},       {-ENOMEM, EPG_FAILURE_KERNEL},
		{-EOPNOTSUPP, EPG_FAILURE_UNSUPPORTED}, {-ENOSYS, EPG_FAILURE_UNSUPPORTED},
		{-E2BIG, EPG_FAILURE_KERNEL},
	};
	struct epg *epg = open_context(NULL);

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cr_assert_eq(context_fail_kernel(epg, cases[i].error, NULL, "can't"), cases[i].error);
		cr_assert_eq(epg_error(epg)->failure, cases[i].failure, "%s", strerror(-cases[i].error));
	}
	context_fail_kernel(epg, -EPERM, NULL, "can't open %s", "it");
	cr_assert_str_eq(epg_error(epg)->message, "can't open it: Operation not permitted");
	cr_assert(strstr(epg_error(epg)->hint, "root"));
	epg_close(epg);
}

Test(context, messages_are_cut_not_overrun)
{
	struct epg *epg = open_context(NULL);
	char text[4 * EPG_ERROR_TEXT];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	context_fail_kernel(epg, -EIO, text, "%s", text);
	cr_assert_eq(strlen(epg_error(epg)->message), EPG_ERROR_TEXT - 1);
	cr_assert_eq(strlen(epg_error(epg)->where), EPG_ERROR_TEXT - 1);
	epg_close(epg);
}

static void remember(void *user, enum epg_log_level level, const char *message)
{
	snprintf(user, 64, "%d %s", level, message);
}

Test(context, messages_go_to_the_callback)
{
	char told[64] = "";
	struct epg_options options = {.size = sizeof(options), .log = remember, .log_user = told};
	struct epg *epg = open_context(&options);

	context_log(epg, EPG_LOG_INFO, "%d interfaces", 3);
	cr_assert_str_eq(told, "2 3 interfaces");
	epg_close(epg);
	epg = open_context(NULL);
	context_log(epg, EPG_LOG_INFO, "to nobody");
	epg_close(epg);
}

static void *fail_often(void *user)
{
	struct epg *epg = user;

	for (int i = 0; i < 10000; i++) {
		CONTEXT_CALL(epg);
		context_fail(epg, EPG_FAILURE_INPUT, -EINVAL, "where", "hint", "%d %d", i, i);
		if (sscanf(epg_error(epg)->message, "%*d %*d") == EOF)
			return epg;
	}
	return NULL;
}

/* Calls of several threads on one context come one after the other. */
Test(context, threads)
{
	struct epg *epg = open_context(NULL);
	pthread_t threads[4];
	void *result;

	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, fail_often, epg), 0);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
		pthread_join(threads[i], &result);
		cr_assert_null(result);
	}
	epg_close(epg);
}
