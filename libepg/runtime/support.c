/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "runtime/support.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "runtime/internal.h"

bool support_has_type_information(void)
{
	struct btf *btf = btf__new_empty();
	bool has;

	if (libbpf_get_error(btf))
		return false;
	has = btf__add_int(btf, "int", sizeof(int), BTF_INT_SIGNED) > 0 && !btf__load_into_kernel(btf);
	btf__free(btf);
	return has;
}

static bool has_inner_arrays(void)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE | BPF_F_INNER_MAP);
	AUTO_CLOSE int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "epg_probe", sizeof(__u32), sizeof(__u64), 1, &options);

	return fd >= 0;
}

static bool has_ring_buffer(void)
{
	return libbpf_probe_bpf_map_type(BPF_MAP_TYPE_RINGBUF, NULL) > 0;
}

static bool has_lru_hash(void)
{
	return libbpf_probe_bpf_map_type(BPF_MAP_TYPE_LRU_HASH, NULL) > 0;
}

static bool has_traffic_control(void)
{
	return libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_SCHED_CLS, NULL) > 0;
}

static bool has_xdp(void)
{
	return libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_XDP, NULL) > 0;
}

static bool has_jiffies(void)
{
	return libbpf_probe_bpf_helper(BPF_PROG_TYPE_SCHED_CLS, BPF_FUNC_jiffies64, NULL) > 0;
}

static const struct {
	const char *name;
	bool (*has)(void);
} features[] = {
	{"BPF programs for traffic control (CONFIG_NET_CLS_BPF)", has_traffic_control},
	{"BPF programs for XDP", has_xdp},
	{"type information of BPF programs (BTF)", support_has_type_information},
	{"hash maps that forget the least recently used entry", has_lru_hash},
	{"BPF ring buffers (Linux 5.8)", has_ring_buffer},
	{"the BPF helper jiffies64 (Linux 5.5)", has_jiffies},
	{"memory-mapped arrays of different sizes within an array of maps (Linux 5.10)", has_inner_arrays},
};

int support_fail_load(struct epg *epg, int error)
{
	if (error == -EPERM || error == -EACCES || error == -ENOMEM)
		return context_fail_kernel(epg, error, NULL, "can't load the programs");
	for (size_t i = 0; i < ARRAY_SIZE(features); i++) {
		if (!features[i].has())
			return context_fail(epg, EPG_FAILURE_UNSUPPORTED, -EOPNOTSUPP, NULL,
					    "Linux 5.10 or later is needed, with BPF built in", "this kernel lacks %s",
					    features[i].name);
	}
	return context_fail(epg, EPG_FAILURE_KERNEL, error, NULL, "the debug log holds what libbpf and the kernel say",
			    "the kernel refuses the programs: %s", strerror(-error));
}

int support_check_kernel(struct epg *epg)
{
	static const char path[] = "/sys/kernel/realtime";
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	char value = '0';

	if (fd < 0 || read(fd, &value, 1) != 1 || value != '1')
		return 0;
	return context_fail(epg, EPG_FAILURE_UNSUPPORTED, -EOPNOTSUPP, path, "use a kernel without PREEMPT_RT",
			    "real-time kernels are not supported yet");
}
