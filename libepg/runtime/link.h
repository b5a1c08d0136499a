/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* What the kernel tells of interfaces and of their queueing disciplines, by rtnetlink, in the namespace of the thread. */
#ifndef EPG_LINK_H
#define EPG_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/rtnetlink.h>

/* Room for what the kernel says at once. */
#define LINK_ANSWER_MAX 32768

/* A value other than 0 ends the asking, which returns it. */
typedef int (*link_answer_fn)(void *user, const struct nlmsghdr *message);

/*
 * Asks, and tells each message of the answer. Sets the request's flags: `all` asks for a list. Returns 0, what `fn` has
 * returned, or a negative errno value: the kernel's own where it refuses.
 */
int link_ask(struct nlmsghdr *request, bool all, link_answer_fn fn, void *user);

/* Tells what one datagram of an answer holds. 1: more are to come; 0: that was all. Or as link_ask. */
int link_tell(const void *bytes, size_t length, link_answer_fn fn, void *user);

/* The message about one interface, by its number. -ENODEV where there is none. Otherwise as link_ask. */
int link_find(uint32_t ifindex, link_answer_fn fn, void *user);

/* Attributes of a message that begins with a header of so many bytes; NULL: it has none of this type. */
const struct rtattr *link_attribute(const struct nlmsghdr *message, size_t header, unsigned short type);
/* The same within another one, which may be NULL. */
const struct rtattr *link_nested(const struct rtattr *parent, unsigned short type);
/* 0 where there is none. */
uint32_t link_number(const struct rtattr *attribute);
/* "" where there is none. */
const char *link_text(const struct rtattr *attribute);

#endif
