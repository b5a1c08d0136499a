/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "runtime/link.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/util.h"

/* Longer than the kernel ever takes: an answer that does not come is an error, and nothing to wait for. */
#define PATIENCE_SECONDS 5

/* The message at `at`, NULL after the last. NLMSG_OK compares signed with unsigned numbers. */
static const struct nlmsghdr *message_at(const void *bytes, size_t at, size_t length)
{
	const struct nlmsghdr *message = (const void *)((const char *)bytes + at);

	if (at + sizeof(*message) > length || message->nlmsg_len < sizeof(*message) || message->nlmsg_len > length - at)
		return NULL;
	return message;
}

int link_tell(const void *bytes, size_t length, link_answer_fn fn, void *user)
{
	const struct nlmsghdr *at;
	bool more = false;

	for (size_t told = 0; (at = message_at(bytes, told, length)); told += NLMSG_ALIGN(at->nlmsg_len)) {
		int result;

		if (at->nlmsg_flags & NLM_F_DUMP_INTR)
			return -EINTR; /* the list changed while it was told: it may lack some */
		if (at->nlmsg_type == NLMSG_DONE)
			return 0;
		if (at->nlmsg_type == NLMSG_ERROR)
			return at->nlmsg_len < NLMSG_LENGTH(sizeof(struct nlmsgerr))
				       ? -EBADMSG
				       : ((const struct nlmsgerr *)NLMSG_DATA(at))->error;
		more = at->nlmsg_flags & NLM_F_MULTI;
		result = fn(user, at);
		if (result)
			return result < 0 ? result : -ECANCELED;
	}
	return more;
}

struct asking {
	link_answer_fn fn;
	void *user;
	int result; /* of fn */
};

static int note(void *user, const struct nlmsghdr *message)
{
	struct asking *asking = user;

	asking->result = asking->fn(asking->user, message);
	return asking->result;
}

int link_ask(struct nlmsghdr *request, bool all, link_answer_fn fn, void *user)
{
	char bytes[LINK_ANSWER_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
	AUTO_CLOSE int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	const struct timeval patience = {.tv_sec = PATIENCE_SECONDS};
	struct asking asking = {fn, user, 0};
	int result;

	request->nlmsg_flags = (__u16)(NLM_F_REQUEST | (all ? NLM_F_DUMP : 0));
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) ||
	    send(fd, request, request->nlmsg_len, 0) < 0)
		return -errno;
	do {
		ssize_t length = recv(fd, bytes, sizeof(bytes), MSG_TRUNC);

		if (length < 0)
			return -errno;
		if ((size_t)length > sizeof(bytes))
			return -EMSGSIZE;
		result = link_tell(bytes, (size_t)length, note, &asking);
	} while (result > 0);
	return asking.result ? asking.result : result;
}

int link_find(uint32_t ifindex, link_answer_fn fn, void *user)
{
	struct {
		struct nlmsghdr header;
		struct ifinfomsg info;
	} request = {
		.header = {.nlmsg_len = sizeof(request), .nlmsg_type = RTM_GETLINK},
		.info = {.ifi_index = (int)ifindex},
	};

	return link_ask(&request.header, false, fn, user);
}

static const struct rtattr *find(const void *first, int length, unsigned short type)
{
	for (const struct rtattr *at = first; RTA_OK(at, length); at = RTA_NEXT(at, length))
		if ((at->rta_type & NLA_TYPE_MASK) == type)
			return at;
	return NULL;
}

const struct rtattr *link_attribute(const struct nlmsghdr *message, size_t header, unsigned short type)
{
	const char *first = (const char *)NLMSG_DATA(message) + NLMSG_ALIGN(header);

	return message->nlmsg_len < NLMSG_SPACE(header)
		       ? NULL
		       : find(first, (int)(message->nlmsg_len - NLMSG_SPACE(header)), type);
}

const struct rtattr *link_nested(const struct rtattr *parent, unsigned short type)
{
	return parent ? find(RTA_DATA(parent), (int)RTA_PAYLOAD(parent), type) : NULL;
}

uint32_t link_number(const struct rtattr *attribute)
{
	uint32_t number = 0;

	if (attribute && RTA_PAYLOAD(attribute) >= sizeof(number))
		memcpy(&number, RTA_DATA(attribute), sizeof(number));
	return number;
}

const char *link_text(const struct rtattr *attribute)
{
	const char *text = attribute ? RTA_DATA(attribute) : "";

	return attribute && !memchr(text, '\0', RTA_PAYLOAD(attribute)) ? "" : text;
}
