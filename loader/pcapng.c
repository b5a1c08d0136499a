/* SPDX-License-Identifier: GPL-2.0-only */
#include "pcapng.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <net/ethernet.h>

#include "base/util.h"
#include "epg/epg.h"

/* Blocks, and their options. */
#define BLOCK_SECTION 0x0a0d0d0au
#define BLOCK_INTERFACE 1u
#define BLOCK_PACKET 6u
#define BYTE_ORDER_MAGIC 0x1a2b3c4du
#define LENGTH_UNKNOWN UINT64_MAX
#define LINKTYPE_ETHERNET 1
#define OPTION_END 0
#define OPTION_COMMENT 1
#define SECTION_APPLICATION 4
#define INTERFACE_NAME 2
#define INTERFACE_RESOLUTION 9
#define PACKET_FLAGS 2
#define PACKET_VERDICT 7

#define NANOSECONDS 9 /* the resolution of times, as a power of ten */
#define INBOUND 1u
#define OUTBOUND 2u
#define VERDICT_TC 1
#define VERDICT_XDP 2

/* What TC and XDP programs return. */
#define TC_OK 0
#define TC_SHOT 2
#define XDP_STOP 1
#define XDP_GO 2

#define COMMENT_MAX 4096
#define PACKET_MAX 65536
#define TAG_BYTES 4

/* A block being made: whole, so that a file that ends early ends between two of them. */
struct block {
	uint32_t length;
	uint8_t bytes[PACKET_MAX + COMMENT_MAX + 256];
};

struct pcapng {
	FILE *stream;
	uint32_t snaplen;
	uint32_t *interfaces; /* in the order of their descriptions */
	uint32_t n_interfaces;
	struct block block;
};

/* ---- blocks ---- */

static void put(struct block *block, const void *bytes, size_t length)
{
	if (length)
		memcpy(block->bytes + block->length, bytes, length);
	block->length += (uint32_t)length;
}

static void put16(struct block *block, uint16_t value)
{
	put(block, &value, sizeof(value));
}

static void put32(struct block *block, uint32_t value)
{
	put(block, &value, sizeof(value));
}

static void put64(struct block *block, uint64_t value)
{
	put(block, &value, sizeof(value));
}

/* Everything in a block begins at a multiple of four. */
static void pad(struct block *block)
{
	static const uint8_t zeros[3];

	put(block, zeros, -block->length & 3);
}

static void put_option(struct block *block, uint16_t code, const void *value, size_t length)
{
	put16(block, code);
	put16(block, (uint16_t)length);
	put(block, value, length);
	pad(block);
}

static void put_text(struct block *block, uint16_t code, const char *text)
{
	size_t length = strlen(text);

	put_option(block, code, text, length < COMMENT_MAX ? length : COMMENT_MAX);
}

static void begin(struct block *block, uint32_t type)
{
	block->length = 0;
	put32(block, type);
	put32(block, 0); /* its length, once it is known */
}

static int end(struct pcapng *pcapng)
{
	struct block *block = &pcapng->block;
	uint32_t length;

	put_option(block, OPTION_END, NULL, 0);
	length = block->length + (uint32_t)sizeof(length);
	put32(block, length);
	memcpy(block->bytes + sizeof(uint32_t), &length, sizeof(length));
	errno = 0;
	if (fwrite(block->bytes, 1, length, pcapng->stream) == length)
		return 0;
	return errno ? -errno : -EIO;
}

/* ---- what they say ---- */

static int write_section(struct pcapng *pcapng)
{
	struct block *block = &pcapng->block;
	char application[64];

	snprintf(application, sizeof(application), "epgctl %s", epg_version());
	begin(block, BLOCK_SECTION);
	put32(block, BYTE_ORDER_MAGIC);
	put16(block, 1); /* version 1.0 */
	put16(block, 0);
	put64(block, LENGTH_UNKNOWN);
	put_text(block, SECTION_APPLICATION, application);
	return end(pcapng);
}

static int write_interface(struct pcapng *pcapng, const char *name)
{
	const uint8_t resolution = NANOSECONDS;
	struct block *block = &pcapng->block;

	begin(block, BLOCK_INTERFACE);
	put16(block, LINKTYPE_ETHERNET);
	put16(block, 0);
	put32(block, pcapng->snaplen);
	put_text(block, INTERFACE_NAME, name);
	put_option(block, INTERFACE_RESOLUTION, &resolution, sizeof(resolution));
	return end(pcapng);
}

/* Its number within the file; describes it first where it is new. */
static int find_interface(struct pcapng *pcapng, const struct pcapng_packet *packet, uint32_t *ret)
{
	uint32_t *larger;
	int error;

	for (uint32_t i = 0; i < pcapng->n_interfaces; i++) {
		if (pcapng->interfaces[i] == packet->interface) {
			*ret = i;
			return 0;
		}
	}
	larger = reallocarray(pcapng->interfaces, pcapng->n_interfaces + 1u, sizeof(*larger));
	if (!larger)
		return -ENOMEM;
	pcapng->interfaces = larger;
	error = write_interface(pcapng, packet->interface_name);
	if (error)
		return error;
	*ret = pcapng->n_interfaces;
	pcapng->interfaces[pcapng->n_interfaces++] = packet->interface;
	return 0;
}

static bool lacks_tag(const struct pcapng_packet *packet)
{
	static const uint8_t tagged[2] = {ETHERTYPE_VLAN >> 8, ETHERTYPE_VLAN & 0xff};

	return packet->vlan && packet->captured >= ETHER_HDR_LEN &&
	       memcmp(packet->bytes + 2 * ETHER_ADDR_LEN, tagged, sizeof(tagged)) != 0;
}

static void put_frame(struct block *block, const struct pcapng_packet *packet, bool tag, uint32_t kept)
{
	const uint8_t bytes[TAG_BYTES] = {ETHERTYPE_VLAN >> 8, ETHERTYPE_VLAN & 0xff, (uint8_t)(packet->vlan >> 8),
					  (uint8_t)packet->vlan};
	uint32_t first = kept < 2 * ETHER_ADDR_LEN ? kept : 2 * ETHER_ADDR_LEN;
	uint32_t middle = 0;

	if (tag)
		middle = kept - first < TAG_BYTES ? kept - first : TAG_BYTES;
	put(block, packet->bytes, first);
	put(block, bytes, middle);
	put(block, packet->bytes + first, kept - first - middle);
	pad(block);
}

static void put_verdict(struct block *block, const struct pcapng_packet *packet)
{
	uint64_t verdict = packet->permitted ? TC_OK : TC_SHOT;
	uint8_t value[1 + sizeof(verdict)] = {VERDICT_TC};

	if (packet->xdp) {
		value[0] = VERDICT_XDP;
		verdict = packet->permitted ? XDP_GO : XDP_STOP;
	}
	memcpy(value + 1, &verdict, sizeof(verdict));
	put_option(block, PACKET_VERDICT, value, sizeof(value));
}

int pcapng_write(struct pcapng *pcapng, const struct pcapng_packet *packet)
{
	uint32_t flags = packet->outbound ? OUTBOUND : INBOUND, tag = lacks_tag(packet) ? TAG_BYTES : 0;
	uint32_t whole = packet->captured + tag, kept = whole < pcapng->snaplen ? whole : pcapng->snaplen;
	struct block *block = &pcapng->block;
	uint32_t interface;
	int error = find_interface(pcapng, packet, &interface);

	if (error)
		return error;
	begin(block, BLOCK_PACKET);
	put32(block, interface);
	put32(block, (uint32_t)(packet->time_ns >> 32));
	put32(block, (uint32_t)packet->time_ns);
	put32(block, kept);
	put32(block, packet->length + tag);
	put_frame(block, packet, tag, kept);
	put_text(block, OPTION_COMMENT, packet->comment);
	put_option(block, PACKET_FLAGS, &flags, sizeof(flags));
	put_verdict(block, packet);
	return end(pcapng);
}

int pcapng_new(FILE *stream, uint32_t snaplen, struct pcapng **ret)
{
	struct pcapng *pcapng = calloc(1, sizeof(*pcapng));
	int error;

	if (!pcapng)
		return -ENOMEM;
	pcapng->stream = stream;
	pcapng->snaplen = snaplen < PACKET_MAX ? snaplen : PACKET_MAX;
	error = write_section(pcapng);
	if (error)
		pcapng_free(pcapng);
	else
		*ret = pcapng;
	return error;
}

void pcapng_free(struct pcapng *pcapng)
{
	if (!pcapng)
		return;
	free(pcapng->interfaces);
	free(pcapng);
}
