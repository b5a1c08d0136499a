// SPDX-License-Identifier: GPL-2.0-only
/* Ports to the outside, by TC and by XDP with TC behind it, and containers whose ingress is XDP's. */
#include <string.h>

#include <criterion/criterion.h>

#include "stage.h"

static void expect(struct stage *stage, int error)
{
	cr_assert_eq(error, 0, "%s: %s", epg_error(stage_epg(stage))->message, epg_error(stage_epg(stage))->where);
}

static void attach_by_xdp(struct stage *stage, enum stage_interface interface)
{
	struct epg_attach_options options = {.size = sizeof(options), .xdp = true};

	expect(stage, epg_detach(stage_epg(stage), stage_interface_name(interface)));
	expect(stage, epg_attach(stage_epg(stage), stage_interface_name(interface), &options));
}

/* The interface of nobody becomes an uplink of VRF prod. */
static struct stage *open_with_uplink(bool xdp)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct epg_endpoint_spec spec = {.size = sizeof(spec), .interface = "nobody", .group = "shop/world"};

	expect(stage, epg_endpoint_add(stage_epg(stage), &spec));
	if (xdp)
		attach_by_xdp(stage, STAGE_NOBODY);
	return stage;
}

/* Through all hooks of the ingress interface; `ret_mark` is what the packet then carries. */
static bool enters(struct stage *stage, bool xdp, enum stage_interface from, const struct packet *packet,
		   uint32_t *ret_mark)
{
	struct stage_hook early = {.program = STAGE_XDP, .interface = from};
	struct stage_hook tc = {.program = STAGE_INGRESS, .interface = from};
	struct stage_result result;

	if (xdp && !stage_run(stage, &early, packet).passed)
		return false;
	result = stage_run(stage, &tc, packet);
	*ret_mark = result.mark;
	return result.passed;
}

/* `through`: what the packet seems to have come in by, at the egress hook. */
static bool arrives(struct stage *stage, bool xdp, enum stage_interface from, enum stage_interface through,
		    const struct packet *packet, enum stage_interface to)
{
	struct stage_hook out = {.program = STAGE_EGRESS, .interface = to};

	out.ingress_ifindex = stage_ifindex(stage, through);
	return enters(stage, xdp, from, packet, &out.mark) && stage_run(stage, &out, packet).passed;
}

static struct packet_spec from_world(enum stage_interface to, uint16_t port)
{
	struct packet_spec spec = stage_spec(true, STAGE_NOBODY, stage_host(to));

	spec.source[12] = 198;
	spec.destination_port = port;
	return spec;
}

static struct packet built(const struct packet_spec *spec)
{
	struct packet packet;

	cr_assert_eq(packet_build(spec, &packet), 0);
	return packet;
}

static void decides(bool xdp)
{
	struct stage *stage = open_with_uplink(xdp);
	struct packet_spec allowed = from_world(STAGE_BACK, 80), denied = from_world(STAGE_BACK, 22);
	struct packet_spec reply = stage_spec(true, STAGE_BACK, 0);
	struct packet packet = built(&allowed);

	cr_assert(arrives(stage, xdp, STAGE_NOBODY, STAGE_NOBODY, &packet, STAGE_BACK));
	cr_assert_eq(stage_rule_packets(stage, "shop/world", "http"), 1, "once, at the first hook");
	packet = built(&denied);
	STAGE_EXPECT_DROP(stage, EPG_REASON_IMPLICIT_DENY,
			  arrives(stage, xdp, STAGE_NOBODY, STAGE_NOBODY, &packet, STAGE_BACK));
	memcpy(reply.destination, allowed.source, 16);
	reply.source_port = 80;
	reply.destination_port = allowed.source_port;
	reply.tcp_flags = PACKET_TCP_SYN | PACKET_TCP_ACK;
	packet = built(&reply);
	cr_assert(arrives(stage, false, STAGE_BACK, STAGE_BACK, &packet, STAGE_NOBODY), "the reply leaves");
	cr_assert_eq(stage_rule_packets(stage, "shop/world", "http"), 2);
	stage_close(stage);
}

Test(uplink, decides_for_endpoints_by_tc)
{
	decides(false);
}

Test(uplink, decides_for_endpoints_by_xdp)
{
	decides(true);
}

static void lets_the_hosts_own_pass(bool xdp)
{
	struct stage *stage = open_with_uplink(xdp);
	struct packet_spec to_host = from_world(STAGE_BACK, 22), from_host;
	struct stage_hook out = {.program = STAGE_EGRESS, .interface = STAGE_NOBODY};
	struct packet packet;
	uint32_t mark;

	stage_address(true, 1, to_host.destination);
	packet = built(&to_host);
	cr_assert(enters(stage, xdp, STAGE_NOBODY, &packet, &mark));
	cr_assert_eq(mark, 0, "nobody has decided it");
	from_host = to_host;
	memcpy(from_host.source, to_host.destination, 16);
	memcpy(from_host.destination, to_host.source, 16);
	packet = built(&from_host);
	cr_assert(stage_run(stage, &out, &packet).passed);
	stage_close(stage);
}

Test(uplink, lets_the_hosts_own_traffic_pass_by_tc)
{
	lets_the_hosts_own_pass(false);
}

Test(uplink, lets_the_hosts_own_traffic_pass_by_xdp)
{
	lets_the_hosts_own_pass(true);
}

/* The outside uses front's address: directly, and by way of an address that the host then translates. */
static void speaks_as_an_endpoint(bool xdp)
{
	struct stage *stage = open_with_uplink(xdp);
	struct packet_spec spec = from_world(STAGE_BACK, 443);
	struct stage_hook out = {.program = STAGE_EGRESS, .interface = STAGE_BACK};
	struct packet packet;

	stage_address(true, stage_host(STAGE_FRONT), spec.source);
	packet = built(&spec);
	STAGE_EXPECT_DROP(stage, EPG_REASON_SPOOFED_ADDRESS,
			  arrives(stage, xdp, STAGE_NOBODY, STAGE_NOBODY, &packet, STAGE_BACK));
	stage_address(true, 1, spec.destination);
	packet = built(&spec);
	out.ingress_ifindex = stage_ifindex(stage, STAGE_NOBODY);
	cr_assert(enters(stage, xdp, STAGE_NOBODY, &packet, &out.mark));
	stage_address(true, stage_host(STAGE_BACK), spec.destination);
	packet = built(&spec);
	STAGE_EXPECT_DROP(stage, EPG_REASON_SPOOFED_ADDRESS, stage_run(stage, &out, &packet).passed);
	stage_close(stage);
}

Test(uplink, the_outside_does_not_speak_as_an_endpoint_by_tc)
{
	speaks_as_an_endpoint(false);
}

Test(uplink, the_outside_does_not_speak_as_an_endpoint_by_xdp)
{
	speaks_as_an_endpoint(true);
}

static void brings_dhcp(bool xdp)
{
	struct stage *stage = open_with_uplink(xdp);
	struct packet_spec offer = from_world(STAGE_GUEST, 68);
	struct packet packet;

	offer.protocol = 17;
	offer.source_port = 67;
	offer.payload = 240;
	memset(offer.destination + 12, 0xff, 4);
	memset(offer.destination_mac, 0xff, 6);
	packet = built(&offer);
	cr_assert(arrives(stage, xdp, STAGE_NOBODY, STAGE_NOBODY, &packet, STAGE_GUEST));
	stage_close(stage);
}

Test(uplink, brings_the_offers_of_a_dhcp_server_by_tc)
{
	brings_dhcp(false);
}

Test(uplink, brings_the_offers_of_a_dhcp_server_by_xdp)
{
	brings_dhcp(true);
}

Test(uplink, a_container_by_xdp_is_believed_behind_a_bridge_too)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct packet_spec spec = stage_spec(true, STAGE_FRONT, stage_host(STAGE_BACK));
	struct packet packet;

	attach_by_xdp(stage, STAGE_FRONT);
	spec.destination_port = 80;
	packet = built(&spec);
	cr_assert(arrives(stage, true, STAGE_FRONT, STAGE_FRONT, &packet, STAGE_BACK));
	cr_assert(arrives(stage, true, STAGE_FRONT, STAGE_NOBODY, &packet, STAGE_BACK), "routed by its bridge");
	cr_assert_eq(stage_rule_packets(stage, "shop/web", "web"), 2, "each packet once");
	spec.destination_port = 22;
	packet = built(&spec);
	STAGE_EXPECT_DROP(stage, EPG_REASON_IMPLICIT_DENY,
			  arrives(stage, true, STAGE_FRONT, STAGE_FRONT, &packet, STAGE_BACK));
	stage_close(stage);
}

Test(uplink, a_tag_that_xdp_cannot_see_is_dropped_behind_it)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct packet_spec spec = stage_spec(true, STAGE_FRONT, stage_host(STAGE_BACK));
	struct stage_hook tc = {.program = STAGE_INGRESS, .interface = STAGE_FRONT};
	struct packet packet;

	attach_by_xdp(stage, STAGE_FRONT);
	spec.destination_port = 80;
	packet = built(&spec);
	memmove(packet.data + 16, packet.data + 12, packet.length - 12);
	memcpy(packet.data + 12, (uint8_t[]){0x81, 0x00, 0x00, 0x64}, 4);
	packet.length += 4;
	STAGE_EXPECT_DROP(stage, EPG_REASON_VLAN, stage_run(stage, &tc, &packet).passed);
	stage_close(stage);
}
