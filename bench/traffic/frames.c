// SPDX-License-Identifier: GPL-2.0-only
/*
 * Frames out of the sending container's interface, made by an XDP program (live frames of BPF_PROG_TEST_RUN): the way
 * through the veth pair and the host, without the cost of a socket. The host's end needs NAPI (`ethtool -K … gro on`).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <string.h>

#include <bpf/bpf.h>

#include "flows.h"
#include "sink.h"
#include "traffic.skel.h"

enum {
	PAYLOAD = 22,
	BATCH = 64,
	PROBE = 20000
};

struct frame {
	uint8_t bytes[128];
	size_t length;
};

static void set_mac(uint8_t mac[ETH_ALEN], const char *text)
{
	unsigned int byte[ETH_ALEN];

	if (sscanf(text, "%x:%x:%x:%x:%x:%x", &byte[0], &byte[1], &byte[2], &byte[3], &byte[4], &byte[5]) != ETH_ALEN)
		die("no MAC address: %s", text);
	for (int i = 0; i < ETH_ALEN; i++)
		mac[i] = (uint8_t)byte[i];
}

/* Ones' complement sum, of an even number of bytes. */
static uint32_t add(uint32_t sum, const void *bytes, size_t length)
{
	for (size_t i = 0; i + 1 < length; i += 2) {
		uint16_t word;

		memcpy(&word, (const char *)bytes + i, sizeof(word));
		sum += word;
	}
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static void make_ip4(struct frame *frame, const struct options *options)
{
	struct iphdr *ip = (void *)(frame->bytes + frame->length);

	ip->version = 4;
	ip->ihl = 5;
	ip->ttl = 64;
	ip->frag_off = htons(IP_DF);
	ip->protocol = IPPROTO_UDP;
	ip->tot_len = htons(sizeof(*ip) + sizeof(struct udphdr) + PAYLOAD);
	if (!inet_pton(AF_INET, options->source, &ip->saddr) || !inet_pton(AF_INET, options->destination, &ip->daddr))
		die("no IPv4 addresses: %s, %s", options->source, options->destination);
	ip->check = (uint16_t)~add(0, ip, sizeof(*ip));
	frame->length += sizeof(*ip);
}

static void make_ip6(struct frame *frame, const struct options *options)
{
	struct ip6_hdr *ip = (void *)(frame->bytes + frame->length);

	ip->ip6_vfc = 6 << 4;
	ip->ip6_hlim = 64;
	ip->ip6_nxt = IPPROTO_UDP;
	ip->ip6_plen = htons(sizeof(struct udphdr) + PAYLOAD);
	if (!inet_pton(AF_INET6, options->source, &ip->ip6_src) ||
	    !inet_pton(AF_INET6, options->destination, &ip->ip6_dst))
		die("no IPv6 addresses: %s, %s", options->source, options->destination);
	frame->length += sizeof(*ip);
}

/* Returns the sum of the UDP header without ports, 0 for IPv4, where it may be left out. */
static uint32_t make_frame(struct frame *frame, const struct options *options)
{
	struct ethhdr *ethernet = (void *)frame->bytes;
	bool ip6 = strchr(options->source, ':');
	uint16_t words[2] = {htons(IPPROTO_UDP), htons(sizeof(struct udphdr) + PAYLOAD)};
	struct udphdr *udp;
	uint32_t sum = 0;

	set_mac(ethernet->h_dest, options->destination_mac);
	set_mac(ethernet->h_source, options->source_mac);
	ethernet->h_proto = htons(ip6 ? ETH_P_IPV6 : ETH_P_IP);
	frame->length = sizeof(*ethernet);
	if (ip6)
		make_ip6(frame, options);
	else
		make_ip4(frame, options);
	udp = (void *)(frame->bytes + frame->length);
	udp->len = words[1];
	frame->length += sizeof(*udp) + PAYLOAD;
	if (ip6) {
		sum = add(0, words, sizeof(words)); /* of the pseudo header */
		sum = add(sum, frame->bytes + sizeof(*ethernet) + 8, 32);
		sum = add(sum, &udp->len, sizeof(udp->len));
	}
	return sum;
}

static void set_flows(const struct sink *sink, const struct options *options)
{
	struct flows flows;
	unsigned int count = 0;

	flows_make(&flows, options->flows, options->first_port, options->ports, options->source_port);
	for (unsigned int port = 0; port < flows.ports; port++) {
		for (unsigned int source = 0; source < flows.sources && count < FRAME_FLOWS_MAX; source++) {
			struct frame_ports *ports = &sink->bpf->bss->frame_ports[count++];

			ports->source_be = htons(flows.source[source]);
			ports->destination_be = htons(flows.destination[(size_t)source * flows.ports + port]);
		}
	}
	sink->bpf->data->frame_flows = count;
	flows_free(&flows);
}

struct frames {
	const struct options *options;
	struct sink sink;
	struct frame frame;
	int ifindex, flows;
};

static void send_frames(struct frames *frames, int count)
{
	struct xdp_md context = {.data_end = (uint32_t)frames->frame.length,
				 .ingress_ifindex = (uint32_t)frames->ifindex};
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frames->frame.bytes,
		    .data_size_in = (uint32_t)frames->frame.length, .ctx_in = &context, .ctx_size_in = sizeof(context),
		    .repeat = count, .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = BATCH);
	int error = bpf_prog_test_run_opts(bpf_program__fd(frames->sink.bpf->progs.frames), &options);

	if (error)
		die("live frames: %s (they came with Linux 5.18)", strerror(-error));
}

/* How many frames take so long. They all go in one call: each call waits for the kernel besides. */
static int count_for(struct frames *frames, uint64_t duration_ns)
{
	struct result result = {0};
	struct stopwatch watch;

	stopwatch_start(&watch, frames->options);
	send_frames(frames, PROBE);
	stopwatch_stop(&watch, &result);
	return (int)(duration_ns / (result.cpu_ns / PROBE + 1)) + 1;
}

static void open_frames(struct frames *frames, const struct options *options)
{
	frames->options = options;
	sink_open(&frames->sink, options); /* the thread stays in the sender's namespace */
	frames->ifindex = (int)if_nametoindex(options->interface);
	set_flows(&frames->sink, options);
	frames->flows = (int)frames->sink.bpf->data->frame_flows;
	frames->sink.bpf->bss->frame_sum = make_frame(&frames->frame, options);
	memcpy(&frames->sink.bpf->bss->frame_headers, frames->frame.bytes, sizeof(struct frame_headers));
}

/* Both directions of each flow are seen; then as many frames as are needed to know how long one takes. */
static int establish(struct frames *frames, uint64_t *ret_answered)
{
	sink_set_mode(&frames->sink, SINK_REFLECT);
	send_frames(frames, frames->flows);
	*ret_answered = sink_wait_answered(&frames->sink, (uint64_t)frames->flows);
	sink_set_mode(&frames->sink, SINK_DROP);
	return count_for(frames, frames->options->milliseconds * 1000000ULL);
}

/* Frames of one flow first, so that nothing but the others' being new is new. Returns how many flows there are. */
static int warm_up(struct frames *frames)
{
	struct traffic_bpf *bpf = frames->sink.bpf;

	sink_set_mode(&frames->sink, SINK_DROP);
	bpf->data->frame_flows = 1;
	send_frames(frames, PROBE);
	bpf->data->frame_flows = (uint32_t)frames->flows;
	return frames->flows;
}

int command_frames(const struct options *options, struct result *ret)
{
	static struct frames frames;
	const struct sink *sink = &frames.sink;
	struct stopwatch watch;
	uint64_t received, elsewhere;
	int count;

	open_frames(&frames, options);
	sink_set_mode(&frames.sink, SINK_DROP);
	if (options->once)
		count = warm_up(&frames);
	else if (options->denied)
		count = count_for(&frames, options->milliseconds * 1000000ULL);
	else
		count = establish(&frames, &ret->answered);
	received = sink_received(sink, options->cpu, &elsewhere);
	stopwatch_start(&watch, options);
	send_frames(&frames, count);
	stopwatch_stop(&watch, ret);
	ret->unit = "packet";
	ret->sent = (uint64_t)count;
	if (!options->denied)
		sink_wait_received(sink, received + ret->sent);
	ret->received = sink_received(sink, options->cpu, &ret->elsewhere) - received;
	ret->elsewhere -= elsewhere;
	ret->count = options->denied ? ret->sent : ret->received;
	return 0;
}
