/* SPDX-License-Identifier: GPL-2.0-only */
/* Reads the description of a frame: a table of keys. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <net/if.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "frame.h"

enum kind {
	NUMBER,
	MAC,
	ADDRESS,
	PROTOCOL,
	FLAGS,
	RAW,
	TOKEN
};

static const struct {
	const char *key;
	enum kind kind;
	size_t offset;
} keys[] = {
#define KEY(name, kind)                                        \
	{                                                      \
#name, kind, offsetof(struct frame_spec, name) \
	}
	KEY(token, TOKEN),       KEY(smac, MAC),       KEY(dmac, MAC),      KEY(vlan, NUMBER), KEY(second_vlan, NUMBER),
	KEY(tpid, NUMBER),       KEY(ether, NUMBER),   KEY(src, ADDRESS),   KEY(dst, ADDRESS), KEY(protocol, PROTOCOL),
	KEY(sport, NUMBER),      KEY(dport, NUMBER),   KEY(type, NUMBER),   KEY(code, NUMBER), KEY(flags, FLAGS),
	KEY(ttl, NUMBER),        KEY(dscp, NUMBER),    KEY(size, NUMBER),   KEY(id, NUMBER),   KEY(options, NUMBER),
	KEY(extensions, NUMBER), KEY(offset, NUMBER),  KEY(length, NUMBER), KEY(more, NUMBER), KEY(fragment, NUMBER),
	KEY(reverse, NUMBER),    KEY(arp, NUMBER),     KEY(sha, MAC),       KEY(tha, MAC),     KEY(spa, ADDRESS),
	KEY(tpa, ADDRESS),       KEY(target, ADDRESS), KEY(lladdr, MAC),    KEY(raw, RAW),     KEY(cut, NUMBER),
	KEY(mark, NUMBER),       KEY(bypass, NUMBER),  KEY(count, NUMBER),  KEY(gap, NUMBER),  KEY(vary, NUMBER),
	KEY(rate, NUMBER),
};

static _Noreturn void refuse(const char *what)
{
	fprintf(stderr, "probe: frame: what is \"%s\"?\n", what);
	exit(2);
}

static void read_mac(const char *text, uint8_t *ret)
{
	if (sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", ret, ret + 1, ret + 2, ret + 3, ret + 4, ret + 5) != 6)
		refuse(text);
}

static void read_address(const char *text, struct frame_address *ret)
{
	ret->family = strchr(text, ':') ? AF_INET6 : AF_INET;
	if (inet_pton(ret->family, text, ret->bytes) != 1)
		refuse(text);
}

static uint32_t read_number(const char *text)
{
	char *end;
	unsigned long value = strtoul(text, &end, 0);

	if (!*text || *end)
		refuse(text);
	return (uint32_t)value;
}

static uint32_t read_protocol(const char *text)
{
	static const struct {
		const char *name;
		uint32_t number;
	} names[] = {{"icmp", IPPROTO_ICMP}, {"igmp", IPPROTO_IGMP},     {"tcp", IPPROTO_TCP},
		     {"udp", IPPROTO_UDP},   {"icmpv6", IPPROTO_ICMPV6}, {"sctp", IPPROTO_SCTP}};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(text, names[i].name))
			return names[i].number;
	return read_number(text);
}

/* "SA": as in the TCP header. "0": none. */
static uint32_t read_flags(const char *text)
{
	static const char letters[] = "FSRPAU";
	uint32_t flags = 0;

	for (; *text && *text != '0'; text++) {
		const char *letter = strchr(letters, *text);

		if (!letter)
			refuse(text);
		flags |= 1u << (letter - letters);
	}
	return flags;
}

static uint32_t read_raw(const char *text, uint8_t *ret)
{
	uint32_t length = 0;

	for (; text[0] && text[1]; text += 2) {
		if (length == FRAME_RAW_MAX || sscanf(text, "%2hhx", &ret[length++]) != 1)
			refuse(text);
	}
	return length;
}

static void read_word(struct frame_spec *spec, const char *word)
{
	const char *value = strchr(word, '=');
	void *field = NULL;
	size_t i;

	if (!value)
		refuse(word);
	for (i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (strlen(keys[i].key) == (size_t)(value - word) &&
		    !strncmp(keys[i].key, word, (size_t)(value - word)))
			break;
	if (i == sizeof(keys) / sizeof(*keys))
		refuse(word);
	value++;
	field = (char *)spec + keys[i].offset;
	switch (keys[i].kind) {
	case NUMBER:
		*(uint32_t *)field = read_number(value);
		break;
	case MAC:
		read_mac(value, field);
		break;
	case ADDRESS:
		read_address(value, field);
		break;
	case PROTOCOL:
		*(uint32_t *)field = read_protocol(value);
		break;
	case FLAGS:
		*(uint32_t *)field = read_flags(value);
		break;
	case RAW:
		spec->raw_length = read_raw(value, field);
		break;
	case TOKEN:
		snprintf(field, TOKEN_MAX, "%s", value);
		break;
	}
}

/* The interface's index, and its own MAC address as the source. */
static void look_at_interface(struct frame_spec *spec)
{
	struct ifreq request = {0};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", spec->interface);
	if (fd < 0 || ioctl(fd, SIOCGIFHWADDR, &request))
		die(spec->interface);
	memcpy(spec->smac, request.ifr_hwaddr.sa_data, sizeof(spec->smac));
	spec->ifindex = (int)if_nametoindex(spec->interface);
	close(fd);
}

void frame_read(struct frame_spec *spec, const char *interface, int n_words, char **words)
{
	*spec = (struct frame_spec){
		.interface = interface,
		.token = "frame",
		.dmac = {255, 255, 255, 255, 255, 255},
		.vlan = 4096,
		.second_vlan = 4096,
		.tpid = ETH_P_8021Q,
		.protocol = IPPROTO_UDP,
		.sport = 40000,
		.dport = 7002,
		.flags = 2,
		.type = 8,
		.ttl = 64,
		.size = 64,
		.id = 0x4550,
		.count = 1,
	};
	look_at_interface(spec);
	memcpy(spec->sha, spec->smac, sizeof(spec->sha));
	for (int i = 0; i < n_words; i++)
		read_word(spec, words[i]);
}
