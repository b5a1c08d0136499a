# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Programs of others beside ours: those of others.bpf.c. Sourced after lib.sh.
# shellcheck disable=SC2154 # host and scratch are lib.sh's
: "${OTHERS:?run the tests with: meson test --suite e2e}"
export PATH="$PATH:/usr/local/sbin"

# load_others NAME: a set of them with maps of its own.
load_others()
{
	leftovers+=("/sys/fs/bpf/$run-$1")
	mkdir "/sys/fs/bpf/$run-$1"
	bpftool prog loadall "$OTHERS" "/sys/fs/bpf/$run-$1/programs" pinmaps "/sys/fs/bpf/$run-$1/maps"
}

# program_of NAME PROGRAM: where it is pinned.
program_of()
{
	echo "/sys/fs/bpf/$run-$1/programs/$2"
}

# id_of NAME PROGRAM
id_of()
{
	bpftool -j prog show pinned "$(program_of "$1" "$2")" | jq .id
}

# words NUMBER...: as bytes of 32-bit numbers, for bpftool.
words()
{
	local number

	for number in "$@"; do
		printf '%d %d %d %d ' $((number & 255)) $((number >> 8 & 255)) $((number >> 16 & 255)) \
			$((number >> 24 & 255))
	done
}

# counted_by NAME in|out: what its program has seen.
counted_by()
{
	local key=0

	[[ $2 == in ]] || key=1
	# shellcheck disable=SC2046
	bpftool -j map lookup pinned "/sys/fs/bpf/$run-$1/maps/counts" key $(words $key) | jq .formatted.value
}

# attach_tcx NAME PROGRAM INTERFACE ingress|egress first|last: on the host; its process is $child.
attach_tcx()
{
	background nsenter --net="/run/netns/$host" "$PROBE" tcx "$(program_of "$1" "$2")" "$3" "$4" "$5" \
		>"$scratch/tcx"
	wait_for 5 grep -q attached "$scratch/tcx"
}

# attach_clsact NAME PROGRAM NAMESPACE INTERFACE ingress|egress: by a filter.
attach_clsact()
{
	inside "$3" tc qdisc replace dev "$4" clsact
	inside "$3" tc filter add dev "$4" "$5" bpf da pinned "$(program_of "$1" "$2")"
}
