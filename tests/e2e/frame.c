/* SPDX-License-Identifier: GPL-2.0-only */
/* Builds frames by hand and sends them by a packet socket, past the kernel's own idea of what may be sent. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "frame.h"

#define NO_VLAN 4096
#define SHORTEST_FRAME 60
#define BATCH 64
#define ND_FIRST 133
#define ND_LAST 137
#define ND_ADVERTISED 134

struct bytes {
	uint8_t data[FRAME_ROOM];
	size_t size;
};

static void put(struct bytes *to, const void *data, size_t size)
{
	if (to->size + size > sizeof(to->data)) {
		fputs("probe: frame: too long\n", stderr);
		exit(2);
	}
	memcpy(to->data + to->size, data, size);
	to->size += size;
}

static void put8(struct bytes *to, uint32_t value)
{
	uint8_t byte = (uint8_t)value;

	put(to, &byte, 1);
}

static void put16(struct bytes *to, uint32_t value)
{
	uint16_t word = htons((uint16_t)value);

	put(to, &word, sizeof(word));
}

static void put32(struct bytes *to, uint32_t value)
{
	value = htonl(value);
	put(to, &value, sizeof(value));
}

static void put_zeros(struct bytes *to, size_t size)
{
	while (size--)
		put8(to, 0);
}

/* The token again and again, to `size` bytes. */
static void put_tokens(struct bytes *to, const char *token, size_t size)
{
	char text[TOKEN_MAX + 8];
	size_t length = (size_t)snprintf(text, sizeof(text), TOKEN_BEGIN "%s%c", token, TOKEN_END);

	for (; size > length; size -= length)
		put(to, text, length);
	put(to, text, size);
}

/* ---- what IP carries ---- */

static uint32_t add_words(uint32_t sum, const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < size; i++)
		sum += i & 1 ? data[i] : (uint32_t)data[i] << 8;
	return sum;
}

static uint16_t checksum(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static size_t address_size(const struct frame_spec *spec)
{
	return spec->dst.family == AF_INET6 ? 16 : 4;
}

/* Writes the checksum at `at`; all but ICMP and IGMP take the addresses in. */
static void seal(const struct frame_spec *spec, struct bytes *packet, size_t at)
{
	uint32_t sum = add_words(0, packet->data, packet->size);
	uint16_t sealed;

	if (spec->protocol != IPPROTO_ICMP && spec->protocol != IPPROTO_IGMP) {
		sum = add_words(sum, spec->src.bytes, address_size(spec));
		sum = add_words(sum, spec->dst.bytes, address_size(spec));
		sum += spec->protocol + (uint32_t)packet->size;
	}
	sealed = htons(checksum(sum));
	memcpy(packet->data + at, &sealed, sizeof(sealed));
}

static void put_discovery(const struct frame_spec *spec, struct bytes *packet)
{
	put8(packet, spec->type);
	put8(packet, spec->code);
	put16(packet, 0);
	if (spec->type == ND_ADVERTISED) {
		put32(packet, 64 << 24 | 1800);
		put_zeros(packet, 8);
	} else {
		put32(packet, spec->type == 136 ? 0x60000000 : 0);
		if (spec->type > ND_ADVERTISED)
			put(packet, spec->target.bytes, 16);
	}
	put8(packet, spec->type == 136 ? 2 : 1);
	put8(packet, 1);
	put(packet, spec->lladdr, sizeof(spec->lladdr));
	seal(spec, packet, 2);
}

static void put_udp(const struct frame_spec *spec, struct bytes *packet)
{
	put16(packet, spec->sport);
	put16(packet, spec->dport);
	put16(packet, 8 + spec->size);
	put16(packet, 0);
	put_tokens(packet, spec->token, spec->size);
	seal(spec, packet, 6);
}

static void put_tcp(const struct frame_spec *spec, struct bytes *packet)
{
	put16(packet, spec->sport);
	put16(packet, spec->dport);
	put32(packet, 1000);
	put32(packet, spec->flags & 0x10 ? 1000 : 0);
	put8(packet, 5 << 4);
	put8(packet, spec->flags);
	put16(packet, 0xffff);
	put32(packet, 0);
	put_tokens(packet, spec->token, spec->size);
	seal(spec, packet, 16);
}

static void put_icmp(const struct frame_spec *spec, struct bytes *packet)
{
	put8(packet, spec->type);
	put8(packet, spec->code);
	put16(packet, 0);
	if (spec->protocol == IPPROTO_IGMP) {
		put(packet, spec->target.bytes, 4);
	} else {
		put16(packet, spec->sport);
		put16(packet, 1);
		put_tokens(packet, spec->token, spec->size);
	}
	seal(spec, packet, 2);
}

static void put_transport(const struct frame_spec *spec, struct bytes *packet)
{
	if (spec->raw_length)
		put(packet, spec->raw, spec->raw_length);
	else if (spec->protocol == IPPROTO_ICMPV6 && spec->type >= ND_FIRST && spec->type <= ND_LAST)
		put_discovery(spec, packet);
	else if (spec->protocol == IPPROTO_UDP)
		put_udp(spec, packet);
	else if (spec->protocol == IPPROTO_TCP)
		put_tcp(spec, packet);
	else if (spec->protocol == IPPROTO_ICMP || spec->protocol == IPPROTO_ICMPV6 || spec->protocol == IPPROTO_IGMP)
		put_icmp(spec, packet);
	else
		put_tokens(packet, spec->token, spec->size);
}

/* ---- headers around it ---- */

static uint32_t ethertype(const struct frame_spec *spec)
{
	if (spec->ether)
		return spec->ether;
	if (spec->arp)
		return ETH_P_ARP;
	return spec->dst.family == AF_INET6 ? ETH_P_IPV6 : ETH_P_IP;
}

static void put_ethernet(const struct frame_spec *spec, struct bytes *frame)
{
	put(frame, spec->dmac, sizeof(spec->dmac));
	put(frame, spec->smac, sizeof(spec->smac));
	if (spec->vlan != NO_VLAN) {
		put16(frame, spec->tpid);
		put16(frame, spec->vlan);
	}
	if (spec->second_vlan != NO_VLAN) {
		put16(frame, ETH_P_8021Q);
		put16(frame, spec->second_vlan);
	}
	put16(frame, ethertype(spec));
}

static void put_ipv4(const struct frame_spec *spec, struct bytes *frame, size_t offset, size_t length, int more)
{
	size_t begin = frame->size;
	uint16_t sealed;

	put8(frame, 0x45 + spec->options / 4);
	put8(frame, spec->dscp << 2);
	put16(frame, (uint32_t)(20 + spec->options + length));
	put16(frame, spec->id);
	put16(frame, (more ? 0x2000u : 0) | (uint32_t)(offset / 8));
	put8(frame, spec->ttl);
	put8(frame, spec->protocol);
	put16(frame, 0);
	put(frame, spec->src.bytes, 4);
	put(frame, spec->dst.bytes, 4);
	for (uint32_t i = 0; i < spec->options; i++)
		put8(frame, 1);
	sealed = htons(checksum(add_words(0, frame->data + begin, frame->size - begin)));
	memcpy(frame->data + begin + 10, &sealed, sizeof(sealed));
}

static void put_ipv6(const struct frame_spec *spec, struct bytes *frame, size_t offset, size_t length, int more)
{
	int piece = more || offset;
	uint32_t next = piece ? IPPROTO_FRAGMENT : spec->protocol;
	uint32_t i;

	put32(frame, 6u << 28 | spec->dscp << 22);
	put16(frame, (uint32_t)(length + 8 * spec->extensions + (piece ? 8 : 0)));
	put8(frame, spec->extensions ? IPPROTO_DSTOPTS : next);
	put8(frame, spec->ttl);
	put(frame, spec->src.bytes, 16);
	put(frame, spec->dst.bytes, 16);
	for (i = 0; i < spec->extensions; i++) {
		put8(frame, i + 1 < spec->extensions ? IPPROTO_DSTOPTS : next);
		put8(frame, 0);
		put16(frame, 0x0104); /* an option that only fills */
		put32(frame, 0);
	}
	if (piece) {
		put8(frame, spec->protocol);
		put8(frame, 0);
		put16(frame, (uint32_t)offset | (more ? 1 : 0));
		put32(frame, spec->id);
	}
}

static void put_arp(const struct frame_spec *spec, struct bytes *frame)
{
	put16(frame, 1);
	put16(frame, ETH_P_IP);
	put8(frame, 6);
	put8(frame, 4);
	put16(frame, spec->arp);
	put(frame, spec->sha, sizeof(spec->sha));
	put(frame, spec->spa.bytes, 4);
	put(frame, spec->tha, sizeof(spec->tha));
	put(frame, spec->tpa.bytes, 4);
}

/* ---- sending ---- */

static int open_socket(const struct frame_spec *spec)
{
	struct sockaddr_ll local = {.sll_family = AF_PACKET, .sll_ifindex = spec->ifindex};
	int fd = socket(AF_PACKET, SOCK_RAW, 0), one = 1;

	if (fd < 0 || bind(fd, (struct sockaddr *)&local, sizeof(local)))
		die("packet socket");
	if (spec->mark && setsockopt(fd, SOL_SOCKET, SO_MARK, &spec->mark, sizeof(spec->mark)))
		die("SO_MARK");
	if (spec->bypass && setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one)))
		die("PACKET_QDISC_BYPASS");
	return fd;
}

/* The trailer: what an IP packet or ARP does not reach of its frame. */
static void finish_frame(const struct frame_spec *spec, struct bytes *frame)
{
	size_t trailer = strlen(TOKEN_BEGIN) + strlen(spec->token) + 1;

	if (frame->size + trailer <= 200)
		put_tokens(frame, spec->token, trailer);
	if (frame->size < SHORTEST_FRAME)
		put_zeros(frame, SHORTEST_FRAME - frame->size);
	if (spec->cut)
		frame->size = spec->cut;
}

static void send_frame(const struct frame_spec *spec, int fd, struct bytes *frame)
{
	finish_frame(spec, frame);
	for (uint32_t i = 0; i < spec->count; i++) {
		/* So the kernel tells that a hook on its way has dropped it. */
		if (send(fd, frame->data, frame->size, 0) < 0 && errno != ENOBUFS)
			die("send");
		if (spec->gap)
			sleep_us(spec->gap);
	}
}

static void send_piece(const struct frame_spec *spec, int fd, const struct bytes *packet, size_t offset, size_t length)
{
	static struct bytes frame;
	int more = offset + length < packet->size || spec->more;

	if (offset > packet->size || length > packet->size - offset) {
		fputs("probe: frame: there is no such piece\n", stderr);
		exit(2);
	}
	frame.size = 0;
	put_ethernet(spec, &frame);
	if (spec->dst.family == AF_INET6)
		put_ipv6(spec, &frame, offset, length, more);
	else
		put_ipv4(spec, &frame, offset, length, more);
	put(&frame, packet->data + offset, length);
	send_frame(spec, fd, &frame);
}

static void send_packet(const struct frame_spec *spec, int fd)
{
	static struct bytes packet;
	size_t pieces, i;

	packet.size = 0;
	put_transport(spec, &packet);
	if (spec->length) {
		send_piece(spec, fd, &packet, spec->offset, spec->length);
		return;
	}
	if (!spec->fragment) {
		send_piece(spec, fd, &packet, 0, packet.size);
		return;
	}
	pieces = (packet.size + spec->fragment - 1) / spec->fragment;
	for (i = 0; i < pieces; i++) {
		size_t offset = (spec->reverse ? pieces - 1 - i : i) * spec->fragment;
		size_t rest = packet.size - offset;

		send_piece(spec, fd, &packet, offset, rest < spec->fragment ? rest : spec->fragment);
	}
}

/* A frame that is not IP. */
static void send_other(const struct frame_spec *spec, int fd)
{
	static struct bytes frame;

	put_ethernet(spec, &frame);
	if (spec->arp)
		put_arp(spec, &frame);
	else if (spec->raw_length)
		put(&frame, spec->raw, spec->raw_length);
	else
		put_tokens(&frame, spec->token, spec->size);
	send_frame(spec, fd, &frame);
}

/* ---- many flows ---- */

/* The frame again with ports of its own: UDP without a checksum, all 64512 source ports, then the next destination. */
static void vary_ports(const struct frame_spec *spec, uint8_t *udp, uint32_t number)
{
	uint16_t ports[4] = {htons((uint16_t)(1024 + number % 64512)), htons((uint16_t)(spec->dport + number / 64512)),
			     htons((uint16_t)(8 + spec->size)), 0};

	memcpy(udp, ports, sizeof(ports));
}

static void send_varied(const struct frame_spec *spec, int fd)
{
	static struct bytes frames[BATCH], packet;
	static struct mmsghdr messages[BATCH];
	static struct iovec parts[BATCH];
	int64_t begin = now_us();
	size_t udp = 14 + 20;

	put_transport(spec, &packet);
	for (int i = 0; i < BATCH; i++) {
		put_ethernet(spec, &frames[i]);
		put_ipv4(spec, &frames[i], 0, packet.size, 0);
		put(&frames[i], packet.data, packet.size);
		parts[i] = (struct iovec){frames[i].data, frames[i].size};
		messages[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
	}
	for (uint32_t number = 0; number < spec->vary;) {
		int64_t due = begin + (spec->rate ? (int64_t)number * 1000000 / spec->rate : 0);
		uint32_t size = spec->vary - number < BATCH ? spec->vary - number : BATCH;

		if (due > now_us())
			sleep_us(due - now_us());
		for (uint32_t i = 0; i < size; i++)
			vary_ports(spec, frames[i].data + udp, number + i);
		if (sendmmsg(fd, messages, size, 0) != (int)size)
			die("sendmmsg");
		number += size;
	}
	printf("sent %u in %lld ms\n", spec->vary, (long long)((now_us() - begin) / 1000));
}

int run_frame(const char *interface, int n_words, char **words)
{
	struct frame_spec spec;
	int fd;

	frame_read(&spec, interface, n_words, words);
	fd = open_socket(&spec);
	if (spec.vary)
		send_varied(&spec, fd);
	else if (spec.dst.family && !spec.ether)
		send_packet(&spec, fd);
	else
		send_other(&spec, fd);
	close(fd);
	return EXIT_SUCCESS;
}
