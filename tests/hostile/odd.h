/* SPDX-License-Identifier: GPL-2.0-only */
/* How a row's frame is made: from a packet that is permitted, by what is odd about it. */
#ifndef EPG_TEST_ODD_H
#define EPG_TEST_ODD_H

#include "inspect/packet.h"
#include "scene.h"

/* Where the frame is met. */
enum odd_place {
	PLACE_ENDPOINT, /* from a container: front sends to back */
	PLACE_UPLINK,   /* from outside: world sends to back, and the uplink decides */
	PLACE_TOWARDS,  /* the same from nobody knows where, at the hook of back */
	PLACES
};

/* Frames in a row; all but the last one prepare it. */
#define ODD_FRAMES_MAX 80

struct odd_frame {
	bool by_back; /* sent by back; else by the sender of the place */
	bool passes;  /* of those that prepare */
	size_t length;
	uint8_t data[PACKET_MAX];
};

struct odd {
	bool ipv4;
	bool by_back;            /* the frame that is made now is sent by back */
	bool is_of_other_packet; /* the last frame, a fragment, is no piece of the packet of those before */
	enum odd_place place;
	uint32_t gso_size;

	struct packet_spec spec; /* of a SYN to port 80 of back, which is permitted */
	struct packet packet;    /* length 0: to be built of the specification */

	size_t n_frames;
	struct odd_frame frames[ODD_FRAMES_MAX];
};

/* Fills in all but the frames. */
void odd_begin(struct odd *odd, bool ipv4, enum odd_place place);
/* The frame that the row is about. */
void odd_end(struct odd *odd);

/* Builds the packet, to be broken by hand. */
struct packet *odd_build(struct odd *odd);
/* The packet as it is now goes first, and passes, or is dropped. Another one is to be made for the row. */
void odd_goes_first(struct odd *odd, bool passes);
/* An answer of back's to what the specification says, which passes: the flags are those of TCP. */
void odd_is_answered(struct odd *odd, uint8_t tcp_flags);

/* From here on the other end is the sender: both ends of the specification are exchanged, its ports and flags stay. */
void odd_is_turned(struct odd *odd);

/* Changes of the specification. */
void odd_udp(struct odd *odd);
void odd_echo(struct odd *odd);
void odd_sctp(struct odd *odd, uint8_t chunk);
void odd_fragment(struct odd *odd, unsigned int begin, size_t length, bool more);
/* An address of the packet's family: by its text; IPv4 and IPv6. */
void odd_address(const struct odd *odd, uint8_t ret[16], const char *ipv4, const char *ipv6);
void odd_to_group(struct odd *odd, const char *ipv4, const char *ipv6);

/* Changes of the built packet. */
void odd_store16(struct packet *packet, size_t offset, unsigned int value);
/* Makes room, or takes bytes out; lengths in headers stay as they are. */
void odd_insert(struct packet *packet, size_t offset, const void *bytes, size_t n);
void odd_cut(struct packet *packet, size_t length);

/* What stands in the IP header: its length is right again after all changes behind it. */
void odd_store_length(struct packet *packet);

#endif
