// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What the benchmark measures the programs against: nothing, and the first step alone. */
#include <stdbool.h>
#include <stddef.h>

#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_helpers.h>

#include "frame.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

SEC("tc")
int bench_empty(struct __sk_buff *skb __attribute__((unused)))
{
	return TC_ACT_UNSPEC;
}

SEC("tc")
int bench_parse(struct __sk_buff *skb)
{
	struct packet packet = {.length = skb->len};

	return parse_frame(&packet, (void *)(long)skb->data, (void *)(long)skb->data_end) ? TC_ACT_SHOT : TC_ACT_UNSPEC;
}
