#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What goes wrong says what, where and what to do, with the exit status that scripts can rely on, and leaves
# nothing half-done.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

make_host
make_container front 2

# ---- usage: 2 ----
check_exit "no command" 2 "command|usage" epgctl
check_exit "an unknown command" 2 "aply" epgctl aply
check_exit "an unknown option" 2 "frobnicate" epgctl status --frobnicate
check_exit "an option without its argument" 2 "" epgctl apply -f
check_exit "apply without a file" 2 "-f|file" epgctl apply

# ---- bad input: 3 ----
printf 'version: 1\ntenants:\n- name: shop\n  vrfz: []\n  vrfs:\n  - name: prod\n    enforcement: sometimes\n' \
	>"$scratch/bad.yaml"
check_exit "an unknown key, with its place" 3 "bad\.yaml:4:3" epgctl validate -f "$scratch/bad.yaml"
check_exit "a bad value in the same run" 3 "bad\.yaml:7:18" epgctl validate -f "$scratch/bad.yaml"
check_exit "the same for apply" 3 "bad\.yaml:4:3" epgctl apply -f "$scratch/bad.yaml"
check_not "which loads nothing" test -e "$PIN/control"
printf 'version: 1\ntenants:\n- name: %070d\n' 0 >"$scratch/long.yaml"
check_exit "a name that is too long" 3 "long\.yaml:3:9.*(long|63)" epgctl validate -f "$scratch/long.yaml"
printf '\000\377\000' >"$scratch/bytes.yaml"
check_exit "bytes that are no YAML" 3 "bytes\.yaml" epgctl validate -f "$scratch/bytes.yaml"
check_same "with code, message and place" "3 true" \
	"$(epgctl -j validate -f "$scratch/bad.yaml" 2>&1 |
		jq -s -r '.[0] | "\(.error.code) \((.error | has("message")) and (.error | has("where")))"')"
check_exit "an interface name that is too long" 3 "averyveryverylongname" epgctl attach averyveryverylongname

# ---- not found: 4 ----
check_exit "a policy file that is not there" 4 "nowhere\.yaml" epgctl apply -f "$scratch/nowhere.yaml"
check_exit "an interface that is not there" 4 "shop-nowhere" epgctl attach shop-nowhere
in_host ip link add gone type veth peer name gone-peer
epgctl -q attach gone
in_host ip link delete gone
check_exit "an interface that has vanished" 4 "gone" epgctl detach gone
epgctl -q unload

# ---- not loaded, not supported: 6 ----
for command in status "group ls" "contract ls" drops export rollback; do
	# shellcheck disable=SC2086
	[[ $command == status ]] || check_exit "$command when nothing is loaded" 6 "not loaded|load" epgctl $command
done
check "status works when nothing is loaded" epgctl status
check_exit "a pin directory that is on no BPF file system" 6 "bpf" \
	in_host "$EPGCTL" --pin "$scratch/pin" load
check_not "nothing is left there" test -e "$scratch/pin/control"

# ---- permission: 5 ----
unprivileged()
{
	in_host setpriv --inh-caps=-all --bounding-set=-all "$EPGCTL" --pin "$PIN" "$@"
}
check_exit "load without privilege" 5 "permi|privilege|root" unprivileged load
check_not "leaves nothing behind" test -e "$PIN"
check "validate needs none" unprivileged validate -f "$POLICIES/shop.yaml"
epgctl -q apply -f "$POLICIES/shop.yaml"
check_exit "an address that is none" 3 "10\.1\.0\.300" \
	epgctl endpoint add shop-front --group shop/store/front --ip 10.1.0.300
check_exit "neither an interface nor an address" 4 "10\.1\.0\.300" epgctl explain -s shop-front -d 10.1.0.300 tcp/80
check_exit "apply without privilege" 5 "permi|privilege|root" \
	unprivileged apply -f "$POLICIES/shop.yaml"
check_same "the policy in force is the old one" 1 "$(json .generation status)"
epgctl -q unload

# ---- sizes ----
check_exit "a size that is no number" 2 "many" epgctl load --endpoints many
check "small maps" epgctl load --rules 8
make_container back 3
make_container db 4
check_exit "a policy with more rules than fit" 7 "--rules" epgctl apply -f "$POLICIES/shop.yaml"
epgctl -q unload
check "a map for two endpoints" epgctl load --endpoints 2
check_exit "three endpoints" 7 "endpoints.*2|--endpoints" epgctl apply -f "$POLICIES/shop.yaml"
check_same "nothing was applied" 0 "$(json .generation status)"
check_same "and no interface attached" 0 "$(json .attached status)"
finish
