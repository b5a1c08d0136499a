/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* What the host can do: found out by asking, or by loading what is never attached. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "inspect/doctor.h"
#include "runtime/libbpf_log.h"
#include "runtime/support.h"

/* Of linux/bpf.h from Linux 6.6 on; older headers lack it. */
#define ATTACH_TCX_INGRESS 46
#define LOOPBACK 1 /* the ifindex of lo in any network namespace */

/* The kernel that the tables need. */
#define KERNEL_MAJOR 5
#define KERNEL_MINOR 10

/* ---- permission ---- */

/* Effective capabilities, or 0 where they can't be read. */
static uint64_t capabilities(void)
{
	FILE *file = fopen("/proc/self/status", "re");
	unsigned long long effective = 0;
	char line[256];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "CapEff: %llx", &effective) == 1)
			break;
	if (file)
		fclose(file);
	return effective;
}

bool doctor_may_use_bpf(struct doctor *doctor)
{
	static const struct {
		const char *name;
		unsigned int number;
	} needed[] = {{"CAP_NET_ADMIN", 12}, {"CAP_SYS_ADMIN", 21}, {"CAP_PERFMON", 38}, {"CAP_BPF", 39}};
	uint64_t effective = capabilities();
	char missing[80] = "";

	for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
		size_t length = strlen(missing);

		/* CAP_SYS_ADMIN is as good as CAP_BPF and CAP_PERFMON, and only needed where they are missing. */
		if (effective >> needed[i].number & 1 || needed[i].number == 21 ||
		    (needed[i].number > 21 && effective >> 21 & 1))
			continue;
		snprintf(missing + length, sizeof(missing) - length, "%s%s", length ? ", " : "", needed[i].name);
	}
	if (*missing)
		doctor_tell(doctor, "privilege", EPG_HEALTH_BAD, NULL, "run it as root",
			    "not permitted to use BPF: %s missing; nothing else can be looked at", missing);
	else
		doctor_tell(doctor, "privilege", EPG_HEALTH_GOOD, NULL, NULL, "permitted to use BPF");
	return !*missing;
}

/* ---- the kernel ---- */

static void check_version(struct doctor *doctor)
{
	static const char name[] = "kernel-version";
	unsigned int major = 0, minor = 0;
	struct utsname system;

	if (uname(&system) || sscanf(system.release, "%u.%u", &major, &minor) != 2)
		doctor_tell(doctor, name, EPG_HEALTH_NOTE, NULL, NULL, "the kernel does not tell its version");
	else if (major < KERNEL_MAJOR || (major == KERNEL_MAJOR && minor < KERNEL_MINOR))
		doctor_tell(doctor, name, EPG_HEALTH_BAD, NULL, "Linux 5.10 or later is needed", "Linux %s",
			    system.release);
	else
		doctor_tell(doctor, name, EPG_HEALTH_GOOD, NULL, NULL, "Linux %s", system.release);
}

static void check_realtime(struct doctor *doctor)
{
	static const char name[] = "kernel-realtime";

	if (support_check_kernel(doctor->epg))
		doctor_tell_failure(doctor, name);
	else
		doctor_tell(doctor, name, EPG_HEALTH_GOOD, NULL, NULL, "not a real-time kernel");
}

/* What the kernel must have. */
struct needed {
	const char *name;
	bool (*is_there)(void);
	const char *good, *bad, *remedy;
};

static bool is_there(struct epg *epg, const struct needed *needed)
{
	LIBBPF_LOG(epg);

	return needed->is_there();
}

static void check_needed(struct doctor *doctor, const struct needed *needed)
{
	if (is_there(doctor->epg, needed))
		doctor_tell(doctor, needed->name, EPG_HEALTH_GOOD, NULL, NULL, "%s", needed->good);
	else
		doctor_tell(doctor, needed->name, EPG_HEALTH_BAD, NULL, needed->remedy, "%s", needed->bad);
}

static void check_type_information(struct doctor *doctor)
{
	check_needed(doctor, &(const struct needed){
				     .name = "kernel-btf",
				     .is_there = support_has_type_information,
				     .good = "type information of BPF programs (BTF)",
				     .bad = "the kernel takes no type information of BPF programs (BTF)",
				     .remedy = "Linux 5.10 or later is needed, with BPF built in",
			     });
}

/* A program that does nothing, loaded and never attached: has it become machine code? */
static int compiled_bytes(void)
{
	const struct bpf_insn nothing[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	AUTO_CLOSE int fd =
		bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "epg_probe", "GPL", nothing, ARRAY_SIZE(nothing), NULL);
	struct bpf_prog_info info = {0};
	__u32 size = sizeof(info);

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size))
		return -errno;
	return (int)info.jited_prog_len;
}

static void check_compiler(struct doctor *doctor)
{
	static const char name[] = "kernel-jit";
	int bytes = compiled_bytes();

	if (bytes < 0)
		doctor_tell(doctor, name, EPG_HEALTH_BAD, NULL, "a kernel with CONFIG_NET_CLS_BPF",
			    "the kernel loads no programs for traffic control: %s", strerror(-bytes));
	else if (!bytes)
		doctor_tell(doctor, name, EPG_HEALTH_NOTE, NULL, "sysctl net.core.bpf_jit_enable=1, before loading",
			    "BPF programs are interpreted: several times slower than compiled");
	else
		doctor_tell(doctor, name, EPG_HEALTH_GOOD, NULL, NULL, "BPF programs are compiled (JIT)");
}

/* Asks which programs are attached to lo; a kernel without TCX does not know the question. */
static void check_tcx(struct doctor *doctor)
{
	static const char name[] = "kernel-tcx";
	LIBBPF_OPTS(bpf_prog_query_opts, options);

	if (!bpf_prog_query_opts(LOOPBACK, ATTACH_TCX_INGRESS, &options))
		doctor_tell(doctor, name, EPG_HEALTH_GOOD, NULL, NULL, "TCX: nobody else can take our programs off");
	else
		doctor_tell(doctor, name, EPG_HEALTH_NOTE, NULL,
			    "Linux 6.6 or later has TCX; clsact goes, but not inside of containers",
			    "no TCX: programs are filters of a qdisc, which others can remove");
}

static bool has_redirect_peer(void)
{
	return libbpf_probe_bpf_helper(BPF_PROG_TYPE_SCHED_CLS, BPF_FUNC_redirect_peer, NULL) > 0;
}

static void check_redirect_peer(struct doctor *doctor)
{
	check_needed(doctor, &(const struct needed){
				     .name = "kernel-redirect-peer",
				     .is_there = has_redirect_peer,
				     .good = "packets can go straight into a namespace",
				     .bad = "the kernel lacks bpf_redirect_peer, which forwarding: direct takes",
				     .remedy = "Linux 5.10 or later is needed",
			     });
}

static bool has_ring_buffer(void)
{
	return libbpf_probe_bpf_map_type(BPF_MAP_TYPE_RINGBUF, NULL) > 0;
}

static void check_ring_buffer(struct doctor *doctor)
{
	check_needed(doctor, &(const struct needed){
				     .name = "kernel-ring-buffer",
				     .is_there = has_ring_buffer,
				     .good = "BPF ring buffers",
				     .bad = "the kernel has no BPF ring buffers",
				     .remedy = "Linux 5.10 or later is needed",
			     });
}

static void check_file_system(struct doctor *doctor)
{
	static const char name[] = "bpf-file-system";

	if (pins_check_file_system(doctor->epg))
		doctor_tell_failure(doctor, name);
	else
		doctor_tell(doctor, name, EPG_HEALTH_GOOD, doctor->epg->pin, NULL, "on a BPF file system");
}

static const doctor_check checks[] = {
	check_version, check_realtime,      check_type_information, check_compiler,
	check_tcx,     check_redirect_peer, check_ring_buffer,      check_file_system,
};

void doctor_check_host(struct doctor *doctor)
{
	for (size_t i = 0; i < ARRAY_SIZE(checks); i++)
		checks[i](doctor);
}
