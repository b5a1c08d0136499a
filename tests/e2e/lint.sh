#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lint: codes and lines of what is suspicious, as any user; exit status 1 for the codes that a pipeline denies.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# lint ARGUMENT...: without any privilege.
lint()
{
	setpriv --reuid=65534 --regid=65534 --clear-groups "$EPGCTL" "$@"
}

install -m 644 /dev/stdin "$scratch/odd.yaml" <<'YAML'
version: 1
tenants:
- name: shop
  vrfs: [{name: prod}]
  bridgeDomains: [{name: bd1, vrf: prod, subnets: [10.1.0.1/24]}]
  filters:
  - {name: http, entries: [{name: web, etherT: ip, prot: tcp, dPort: 80}]}
  - {name: wide, entries: [{name: all, etherT: ip, prot: tcp, dPort: 1-1023}]}
  - {name: unused, entries: [{name: ssh, etherT: ip, prot: tcp, dPort: 22}]}
  contracts:
  - name: web
    subjects:
    - {name: closed, filters: [{name: wide, action: deny}]}
    - {name: pages, filters: [http]}
    - {name: trial, mode: audit, filters: [http]}
  - name: lonely
    subjects: [{name: pages, filters: [http]}]
  appProfiles:
  - name: store
    epgs:
    - {name: front, bridgeDomain: bd1, consume: [web, lonely], match: [{interface: "veth-f*"}]}
    - {name: back, bridgeDomain: bd1, provide: [web]}
YAML
chmod 755 "$scratch"

# finding CODE: the lines at which it is found.
finding()
{
	lint -j lint -f "$scratch/odd.yaml" | jq -r "[.findings[] | select(.code == \"$1\") | .line] | join(\" \")"
}

check_same "a filter that nobody uses" 9 "$(finding filter-unused)"
check_same "an entry that a stronger deny covers, in both of its uses" "7 7" "$(finding rule-shadowed)"
check_same "a subject that is still audited" 15 "$(finding subject-audited)"
check_same "a contract without a provider" 16 "$(finding contract-without-provider)"
check_same "a group without endpoints" 22 "$(finding group-without-endpoints)"
check "findings alone are no failure" lint -q lint -f "$scratch/odd.yaml"
check_exit "a code that is denied is" 1 "" lint -q lint -f "$scratch/odd.yaml" --deny filter-unused
check_exit "one of several" 1 "" lint -q lint -f "$scratch/odd.yaml" --deny taboo-unused --deny rule-shadowed
check_exit "any code" 1 "" lint -q lint -f "$scratch/odd.yaml" --deny all
check "a code that was not found is not" lint -q lint -f "$scratch/odd.yaml" --deny taboo-unused
check_exit "a code that there is not" 2 "did you mean 'filter-unused'" \
	lint lint -f "$scratch/odd.yaml" --deny filter-unsed
check_exit "a bad policy" 3 "unknown key" lint lint -f - <<<'{"version": 1, "tenant": []}'
check_same "the table has code, line and message" 1 \
	"$(lint lint -f "$scratch/odd.yaml" | grep -c -E '^ +9 +filter-unused +.*unused')"
check "help lists the codes" grep -q filter-unused <(lint lint --help)
check_same "costs of each contract, and of the maps" "shop/web true" \
	"$(lint -j validate --cost -f "$scratch/odd.yaml" |
		jq -r '[([.contracts[] | select(.pairs > 0) | .name] | unique | join(",")),
			all(.maps[]; .entries <= .capacity)] | join(" ")')"

check_same "in the shop there is nothing to be found" 0 \
	"$(lint -j lint -f - <"$EXAMPLES/shop.yaml" | jq '.findings | length')"
finish
