/* SPDX-License-Identifier: GPL-2.0-only */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "epg/epg.h"
#include "pcapng.h"

/* A file in memory, read block by block as the format has it. */
struct file {
	char *bytes;
	size_t length;
	FILE *stream;
	struct pcapng *pcapng;
};

struct block {
	uint32_t type, length;
	const uint8_t *body;
	size_t body_length;
};

static void file_begin(struct file *file, uint32_t snaplen)
{
	*file = (struct file){0};
	file->stream = open_memstream(&file->bytes, &file->length);
	cr_assert_not_null(file->stream);
	cr_assert_eq(pcapng_new(file->stream, snaplen, &file->pcapng), 0);
}

static void file_clear(struct file *file)
{
	pcapng_free(file->pcapng);
	fclose(file->stream);
	free(file->bytes);
}

static uint32_t word(const uint8_t *bytes)
{
	uint32_t value;

	memcpy(&value, bytes, sizeof(value));
	return value;
}

/* Block `index`; its length stands at both ends. */
static struct block block_at(struct file *file, size_t index)
{
	struct block block = {0};
	size_t at = 0;

	cr_assert_eq(fflush(file->stream), 0);
	do {
		const uint8_t *bytes = (const uint8_t *)file->bytes + at;

		cr_assert_leq(at + 12, file->length, "there is a block %zu", index);
		block = (struct block){word(bytes), word(bytes + 4), bytes + 8, 0};
		cr_assert_eq(block.length % 4, 0);
		cr_assert_leq(at + block.length, file->length);
		cr_assert_eq(word(bytes + block.length - 4), block.length);
		block.body_length = block.length - 12;
		at += block.length;
	} while (index--);
	return block;
}

static size_t count_blocks(struct file *file)
{
	size_t count = 0;

	cr_assert_eq(fflush(file->stream), 0);
	for (size_t at = 0; at < file->length; count++)
		at += word((const uint8_t *)file->bytes + at + 4);
	return count;
}

/* The value of an option behind so many bytes of a block's body, and its length; NULL: it has none. */
static const uint8_t *option(const struct block *block, size_t behind, uint16_t code, uint16_t *ret_length)
{
	for (size_t at = behind; at + 4 <= block->body_length;) {
		uint16_t head[2];

		memcpy(head, block->body + at, sizeof(head));
		if (head[0] == code) {
			*ret_length = head[1];
			return block->body + at + 4;
		}
		if (!head[0])
			return NULL;
		at += 4 + ((head[1] + 3u) & ~3u);
	}
	cr_assert_fail("the options have no end");
	return NULL;
}

static void expect_text(const struct block *block, size_t behind, uint16_t code, const char *text)
{
	uint16_t length;
	const uint8_t *value = option(block, behind, code, &length);

	cr_assert_not_null(value);
	cr_assert_eq(length, strlen(text));
	cr_assert_eq(memcmp(value, text, length), 0, "%.*s", length, (const char *)value);
}

static const uint8_t frame[64] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x08, 0x00, 0x45};

static struct pcapng_packet packet_new(const char *comment)
{
	return (struct pcapng_packet){
		.interface = 7,
		.interface_name = "veth-a",
		.bytes = frame,
		.captured = 61,
		.length = 1500,
		.comment = comment,
	};
}

static void write_packet(struct file *file, const struct pcapng_packet *packet)
{
	cr_assert_eq(pcapng_write(file->pcapng, packet), 0);
}

Test(pcapng, begins_with_a_section)
{
	struct file file;
	struct block block;
	char application[64];

	file_begin(&file, 256);
	block = block_at(&file, 0);
	cr_assert_eq(count_blocks(&file), 1);
	cr_assert_eq(block.type, 0x0a0d0d0a);
	cr_assert_eq(word(block.body), 0x1a2b3c4d);
	cr_assert_eq(memcmp(block.body + 4, (const uint16_t[]){1, 0}, 4), 0);
	cr_assert_eq(memcmp(block.body + 8, (const uint64_t[]){UINT64_MAX}, 8), 0);
	snprintf(application, sizeof(application), "epgctl %s", epg_version());
	expect_text(&block, 16, 4, application);
	file_clear(&file);
}

Test(pcapng, describes_each_interface_once_before_its_first_packet)
{
	struct file file;
	static const uint32_t types[] = {0x0a0d0d0a, 1, 6, 6, 1, 6, 6}, of[] = {0, 0, 0, 0, 0, 1, 0};
	struct pcapng_packet packet = packet_new(""), other = packet_new("");
	struct block block;

	other.interface = 9;
	other.interface_name = "veth-b";
	file_begin(&file, 96);
	write_packet(&file, &packet);
	write_packet(&file, &packet);
	write_packet(&file, &other);
	write_packet(&file, &packet);
	cr_assert_eq(count_blocks(&file), 7);
	for (size_t i = 0; i < 7; i++) {
		block = block_at(&file, i);
		cr_assert_eq(block.type, types[i], "%zu", i);
		if (block.type == 6)
			cr_assert_eq(word(block.body), of[i], "%zu", i);
	}
	block = block_at(&file, 4);
	cr_assert_eq(word(block.body), 1, "Ethernet, and nothing reserved");
	cr_assert_eq(word(block.body + 4), 96);
	expect_text(&block, 8, 2, "veth-b");
	expect_text(&block, 8, 9, "\x09");
	file_clear(&file);
}

Test(pcapng, a_packet_has_its_time_lengths_bytes_and_verdict)
{
	struct pcapng_packet packet = packet_new("deny by spoofed-mac");
	struct file file;
	struct block block;
	uint16_t length;
	const uint8_t *value;

	file_begin(&file, 256);
	packet.time_ns = 0x123456789abcdef0;
	packet.outbound = true;
	write_packet(&file, &packet);
	block = block_at(&file, 2);
	cr_assert_eq(word(block.body + 4), 0x12345678);
	cr_assert_eq(word(block.body + 8), 0x9abcdef0);
	cr_assert_eq(word(block.body + 12), 61);
	cr_assert_eq(word(block.body + 16), 1500);
	cr_assert_eq(memcmp(block.body + 20, frame, 61), 0);
	cr_assert_eq(memcmp(block.body + 81, (const uint8_t[3]){0}, 3), 0);
	expect_text(&block, 84, 1, "deny by spoofed-mac");
	value = option(&block, 84, 2, &length);
	cr_assert(value && length == 4 && word(value) == 2, "outbound");
	value = option(&block, 84, 7, &length);
	cr_assert(value && length == 9 && value[0] == 1 && word(value + 1) == 2, "TC_ACT_SHOT");
	packet.outbound = false;
	packet.permitted = packet.xdp = true;
	write_packet(&file, &packet);
	block = block_at(&file, 3);
	value = option(&block, 84, 2, &length);
	cr_assert(value && word(value) == 1, "inbound");
	value = option(&block, 84, 7, &length);
	cr_assert(value && length == 9 && value[0] == 2 && word(value + 1) == 2, "XDP_PASS");
	file_clear(&file);
}

Test(pcapng, a_tag_that_was_taken_off_is_put_back)
{
	static const uint8_t tagged[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x81, 0x00, 0, 5, 8, 0};
	struct pcapng_packet packet = packet_new("");
	struct file file;
	struct block block;

	file_begin(&file, 256);
	packet.vlan = 0x123;
	packet.captured = packet.length = 20;
	write_packet(&file, &packet);
	block = block_at(&file, 2);
	cr_assert_eq(word(block.body + 12), 24);
	cr_assert_eq(word(block.body + 16), 24);
	cr_assert_eq(memcmp(block.body + 20, frame, 12), 0);
	cr_assert_eq(memcmp(block.body + 32, (const uint8_t[]){0x81, 0x00, 0x01, 0x23}, 4), 0);
	cr_assert_eq(memcmp(block.body + 36, frame + 12, 8), 0);
	packet.bytes = tagged;
	packet.captured = packet.length = sizeof(tagged);
	write_packet(&file, &packet);
	block = block_at(&file, 3);
	cr_assert_eq(word(block.body + 12), sizeof(tagged), "it is there already");
	cr_assert_eq(memcmp(block.body + 20, tagged, sizeof(tagged)), 0);
	file_clear(&file);
}

Test(pcapng, no_more_is_kept_than_was_asked_for)
{
	for (uint32_t snaplen = 1; snaplen <= 70; snaplen++) {
		struct pcapng_packet packet = packet_new("short");
		struct file file;
		struct block block;
		uint32_t kept, whole = snaplen % 2 ? 65 : 61; /* with a tag, or without */

		file_begin(&file, snaplen);
		packet.vlan = snaplen % 2 ? 7 : 0;
		write_packet(&file, &packet);
		block = block_at(&file, 2);
		kept = word(block.body + 12);
		cr_assert_eq(kept, snaplen < whole ? snaplen : whole);
		expect_text(&block, 20 + ((kept + 3u) & ~3u), 1, "short");
		file_clear(&file);
	}
}

Test(pcapng, an_empty_frame_and_a_long_comment_are_no_harm)
{
	struct pcapng_packet packet = packet_new("");
	struct file file;
	char comment[5000] = "";
	struct block block;
	uint16_t length;

	file_begin(&file, 256);
	memset(comment, 'x', sizeof(comment) - 1);
	packet.captured = 0;
	packet.comment = comment;
	write_packet(&file, &packet);
	block = block_at(&file, 2);
	cr_assert_eq(word(block.body + 12), 0);
	cr_assert_not_null(option(&block, 20, 1, &length));
	cr_assert_eq(length, 4096);
	file_clear(&file);
}

Test(pcapng, a_full_disk_is_told)
{
	FILE *full = fopen("/dev/full", "w");
	struct pcapng *pcapng;

	cr_assert_not_null(full);
	setbuf(full, NULL);
	cr_assert_eq(pcapng_new(full, 256, &pcapng), -ENOSPC);
	fclose(full);
}
