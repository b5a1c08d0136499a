#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Docker's own networks: an engine of the test's own, inside a network namespace that is its host, so nothing of it is
# left behind. A bridge network with a published port and masquerade, decided by contracts; and a macvlan network.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

for program in dockerd docker iptables; do
	command -v $program >/dev/null || skip_all "no $program here (tools/setup installs it)"
done
engine_pid=

engine()
{
	in_host docker --host "unix://$scratch/docker.sock" "$@"
}

end_engine()
{
	local names

	trap - EXIT
	set +e
	names=$(timeout 10 docker --host "unix://$scratch/docker.sock" ps --all --quiet)
	[[ -z $names ]] || timeout 20 docker --host "unix://$scratch/docker.sock" rm --force $names >/dev/null
	stop "$engine_pid"
	grep " $scratch/" /proc/mounts | cut -d' ' -f2 | sort -r | xargs -r -n 1 umount
}

# The engine's own ends first: lib.sh then removes its files.
clean_up_engine()
{
	local status=$?

	end_engine
	(exit $status)
	clean_up
}

start_engine()
{
	nsenter --net="/run/netns/$host" dockerd --host "unix://$scratch/docker.sock" --pidfile "$scratch/docker.pid" \
		--data-root "$scratch/docker-data" --exec-root "$scratch/docker-exec" --bridge none \
			>"$scratch/docker.log" 2>&1 &
	engine_pid=$!
	trap clean_up_engine EXIT
	wait_for 30 engine info
}

# make_image: nothing but busybox, and a page that says whose it is.
make_image()
{
	local tree=$scratch/image

	mkdir -p "$tree/bin" "$tree/www" "$tree/tmp"
	cp "$(command -v busybox)" "$tree/bin/busybox"
	for name in sh httpd wget ping ip sleep; do
		ln -s busybox "$tree/bin/$name"
	done
	echo "this is a container" >"$tree/www/index.html"
	tar -C "$tree" -c . | engine import - "$run" >/dev/null
}

# run_container NAME NETWORK ADDRESS OPTION...: a web server.
run_container()
{
	engine run --detach --name "$1" --network "$2" --ip "$3" "${@:4}" "$run" /bin/httpd -f -p 80 -h /www >/dev/null
}

# of CONTAINER COMMAND...
of()
{
	engine exec "$@"
}

# fetches CONTAINER ADDRESS [PORT]
fetches()
{
	of "$1" busybox timeout 1 wget -q -O - "http://$2:${3:-80}/" | grep -q '^this is '
}

# netns_of CONTAINER
netns_of()
{
	echo "/proc/$(engine inspect --format '{{.State.Pid}}' "$1")/ns/net"
}

# veth_of CONTAINER: the host's side of its eth0.
veth_of()
{
	local index

	index=$(nsenter --net="$(netns_of "$1")" ip -j link show eth0 | jq '.[0].link_index')
	in_host ip -j link show | jq -r ".[] | select(.ifindex == $index) | .ifname"
}

write_policy()
{
	cat <<-'YAML'
		version: 1
		tenants:
		- name: dock
		  vrfs: [{name: prod}]
		  bridgeDomains:
		  - {name: bd1, vrf: prod, subnets: [10.1.0.1/24]}
		  - {name: bd2, vrf: prod, subnets: [192.0.2.1/24]}
		  filters:
		  - {name: http, entries: [{name: web, etherT: ip, prot: tcp, dPort: 80}]}
		  - {name: ping, entries: [{name: echo, prot: icmp, icmpType: echo-request}]}
		  contracts:
		  - {name: web, subjects: [{name: s, filters: [http, ping]}]}
		  - {name: publish, subjects: [{name: s, filters: [http]}]}
		  - {name: updates, subjects: [{name: s, filters: [http]}]}
		  appProfiles:
		  - name: store
		    epgs:
		    - {name: front, bridgeDomain: bd1, consume: [web], provide: [publish]}
		    - {name: back, bridgeDomain: bd1, provide: [web], consume: [updates]}
		    - {name: db, bridgeDomain: bd1}
		    - {name: mfront, bridgeDomain: bd2, consume: [web, updates]}
		    - {name: mback, bridgeDomain: bd2, provide: [web]}
		  externalEpgs:
		  - {name: internet, vrf: prod, subnets: [0.0.0.0/0], consume: [publish], provide: [updates]}
	YAML
}

add_namespace "$host"
add_namespace "$run-outside"
in_host ip link add uplink type veth peer name eth0 netns "$run-outside"
in_host ip addr add 192.0.2.1/24 dev uplink
in_host ip link set uplink up
inside outside ip addr add 192.0.2.10/24 dev eth0
inside outside ip link set eth0 up
serve outside 80
start_engine
make_image
engine network create --subnet 10.1.0.0/24 --gateway 10.1.0.1 front-net >/dev/null
run_container front front-net 10.1.0.2 --publish 8080:80
run_container back front-net 10.1.0.3
run_container db front-net 10.1.0.4
write_policy >"$scratch/docker.yaml"

check "without a policy the published port works" wait_for 5 gets outside 192.0.2.1 8080
check "and masquerade" fetches back 192.0.2.10
check "the policy is applied" epgctl apply -f "$scratch/docker.yaml"
check "the uplink is bound to the outside" epgctl endpoint add uplink --group dock/internet
for name in front:2 back:3 db:4; do
	check "${name%:*} is bound by its veth" epgctl endpoint add "$(veth_of "${name%:*}")" \
		--group "dock/store/${name%:*}" --ip "10.1.0.${name#*:}"
done
check "front gets back's page" fetches front 10.1.0.3
check "and pings" of front ping -c 1 -W 1 10.1.0.3
check_not "front does not reach db" fetches front 10.1.0.4
check_not "nor back front" fetches back 10.1.0.2
check "the outside gets front's page at the published port" gets outside 192.0.2.1 8080
check "back gets its updates, masqueraded" fetches back 192.0.2.10
check_not "front does not" fetches front 192.0.2.10
check_same "the published port is the contract of outside and front" true \
	"$(json '[.contracts[] | select(.name == "dock/publish") | .packets > 0] | any' contract ls)"
sed 's/, consume: \[publish\]//' "$scratch/docker.yaml" >"$scratch/closed.yaml"
check "without that contract" epgctl apply -f "$scratch/closed.yaml"
patience=0.7 check_not "the published port is closed" gets outside 192.0.2.1 8080
check "a restarted container" engine restart --time 0 front
check "is bound again" epgctl endpoint add "$(veth_of front)" --group dock/store/front --ip 10.1.0.2
check "and gets back's page" fetches front 10.1.0.3
check_not "but not db's" fetches front 10.1.0.4

# A macvlan network on the uplink: hooks inside the containers' namespaces.
check "a macvlan network" engine network create --driver macvlan --opt parent=uplink --subnet 192.0.2.0/24 \
	--gateway 192.0.2.1 --ip-range 192.0.2.64/26 macvlan-net
run_container mfront macvlan-net 192.0.2.66
run_container mback macvlan-net 192.0.2.67
check "without endpoints in it, containers reach each other" fetches mfront 192.0.2.67
for name in mfront:66 mback:67; do
	check "${name%:*} is bound by its namespace" epgctl endpoint add "eth0@$(netns_of "${name%:*}")" \
		--group "dock/store/${name%:*}" --ip "192.0.2.${name#*:}"
done
check "mfront gets mback's page" fetches mfront 192.0.2.67
check_not "mback not mfront's" fetches mback 192.0.2.66
check "mfront gets its updates from the outside" fetches mfront 192.0.2.10
check_not "mback does not" fetches mback 192.0.2.10
patience=0.7 check_not "the outside reaches neither" gets outside 192.0.2.67 80
finish
