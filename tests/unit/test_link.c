/* SPDX-License-Identifier: GPL-2.0-only */
#include <criterion/criterion.h>

#include <errno.h>

#include "runtime/link.h"

/* A message with one attribute of one byte, behind which another one lies that is not the message's. */
struct message {
	struct nlmsghdr header;
	struct rtattr own;
	uint8_t value[4]; /* one, and what aligns it */
	struct rtattr foreign;
	uint32_t foreign_value;
};

#define OWN 1
#define FOREIGN 2

static struct message message_with(uint32_t length)
{
	return (struct message){
		.header = {.nlmsg_len = length, .nlmsg_type = RTM_NEWLINK, .nlmsg_flags = NLM_F_MULTI},
		.own = {RTA_LENGTH(1), OWN},
		.foreign = {RTA_LENGTH(sizeof(uint32_t)), FOREIGN},
		.foreign_value = 7,
	};
}

static int count_messages(void *user, const struct nlmsghdr *message)
{
	(void)message;
	++*(int *)user;
	return 0;
}

Test(link, attributes_end_where_the_message_does)
{
	struct message message = message_with(NLMSG_LENGTH(RTA_LENGTH(1)));

	cr_assert_eq(link_attribute(&message.header, 0, OWN), &message.own);
	cr_assert_null(link_attribute(&message.header, 0, FOREIGN));
	message.header.nlmsg_len = sizeof(message);
	cr_assert_eq(link_number(link_attribute(&message.header, 0, FOREIGN)), 7);
}

Test(link, nested_attributes_end_where_theirs_does)
{
	struct {
		struct rtattr parent;
		struct rtattr own;
		uint8_t value[4];
		struct rtattr foreign;
	} nest = {{RTA_LENGTH(RTA_LENGTH(1)), OWN}, {RTA_LENGTH(1), OWN}, {0}, {RTA_LENGTH(0), FOREIGN}};

	cr_assert_eq(link_nested(&nest.parent, OWN), &nest.own);
	cr_assert_null(link_nested(&nest.parent, FOREIGN));
}

Test(link, messages_end_where_the_datagram_does)
{
	struct {
		struct nlmsghdr header;
		uint8_t value[4]; /* one, and what aligns it */
		struct nlmsghdr foreign;
	} datagram = {.header = {.nlmsg_len = NLMSG_LENGTH(1), .nlmsg_type = RTM_NEWLINK, .nlmsg_flags = NLM_F_MULTI},
		      .foreign = {.nlmsg_len = sizeof(datagram.foreign), .nlmsg_type = RTM_NEWLINK}};
	int told = 0;

	cr_assert_eq(link_tell(&datagram, NLMSG_LENGTH(1), count_messages, &told), 1);
	cr_assert_eq(told, 1);
}

Test(link, an_error_that_is_cut_off_is_damage)
{
	struct {
		struct nlmsghdr header;
		struct nlmsgerr error;
	} refusal = {.header = {.nlmsg_len = sizeof(refusal), .nlmsg_type = NLMSG_ERROR}, .error.error = -ENODEV};
	int told = 0;

	cr_assert_eq(link_tell(&refusal, sizeof(refusal), count_messages, &told), -ENODEV);
	refusal.header.nlmsg_len = sizeof(refusal.header);
	cr_assert_eq(link_tell(&refusal, sizeof(refusal.header), count_messages, &told), -EBADMSG);
	cr_assert_eq(told, 0);
}

Test(link, a_list_that_changed_meanwhile_is_none)
{
	struct message message = message_with(sizeof(message));
	int told = 0;

	cr_assert_eq(link_tell(&message, sizeof(message), count_messages, &told), 1);
	message.header.nlmsg_flags |= NLM_F_DUMP_INTR;
	cr_assert_eq(link_tell(&message, sizeof(message), count_messages, &told), -EINTR);
	message.header.nlmsg_type = NLMSG_DONE;
	cr_assert_eq(link_tell(&message, sizeof(message), count_messages, &told), -EINTR);
	cr_assert_eq(told, 1);
}
