// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <time.h>

#include <bpf/bpf.h>

#include "sink.h"
#include "traffic.skel.h"

/* Of linux/bpf.h from Linux 6.6 on; older headers lack them. */
#define ATTACH_TCX_INGRESS 46
#define ATTACH_TCX_EGRESS 47

/* How long nothing may come before it is given up, and how often is looked. */
#define PATIENCE_NS 50000000ULL
#define PAUSE_NS 50000

int attach_tcx(int program, const char *interface, bool egress)
{
	int ifindex = (int)if_nametoindex(interface);
	int link;

	if (!ifindex)
		die("no interface %s", interface);
	link = bpf_link_create(program, ifindex, egress ? ATTACH_TCX_EGRESS : ATTACH_TCX_INGRESS, NULL);
	if (link < 0)
		die("attach to %s: %s (TCX came with Linux 6.6)", interface, strerror(-link));
	return link;
}

void sink_open(struct sink *sink, const struct options *options)
{
	sink->bpf = traffic_bpf__open_and_load();
	if (!sink->bpf)
		die("BPF programs: %s", strerror(errno));
	sink_set_mode(sink, SINK_PASS);
	enter_namespace(options->to);
	sink->links[0] = attach_tcx(bpf_program__fd(sink->bpf->progs.sink_receiver), options->interface, false);
	enter_namespace(options->from);
	sink->links[1] = attach_tcx(bpf_program__fd(sink->bpf->progs.sink_sender), options->interface, false);
}

void sink_set_mode(struct sink *sink, enum sink_mode mode)
{
	sink->bpf->bss->sink_mode = mode;
}

static uint64_t sum(const struct sink_count *counts)
{
	uint64_t packets = 0;

	for (unsigned int i = 0; i < SINK_CPUS; i++)
		packets += *(const volatile __u64 *)&counts[i].packets;
	return packets;
}

uint64_t sink_received(const struct sink *sink, unsigned int cpu, uint64_t *ret_elsewhere)
{
	uint64_t all = sum(sink->bpf->bss->received);

	if (ret_elsewhere)
		*ret_elsewhere = all - sink->bpf->bss->received[cpu & (SINK_CPUS - 1)].packets;
	return all;
}

uint64_t sink_answered(const struct sink *sink)
{
	return sum(sink->bpf->bss->answered);
}

static uint64_t wait_for(const struct sink_count *counts, uint64_t expected)
{
	const struct timespec pause = {.tv_nsec = PAUSE_NS};
	uint64_t since = now_ns(), last = sum(counts);

	while (last < expected && now_ns() - since < PATIENCE_NS) {
		uint64_t count;

		nanosleep(&pause, NULL);
		count = sum(counts);
		if (count != last)
			since = now_ns();
		last = count;
	}
	return last;
}

uint64_t sink_wait_received(const struct sink *sink, uint64_t expected)
{
	return wait_for(sink->bpf->bss->received, expected);
}

uint64_t sink_wait_answered(const struct sink *sink, uint64_t expected)
{
	return wait_for(sink->bpf->bss->answered, expected);
}
