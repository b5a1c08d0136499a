/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where hostile frames are played: a network namespace, an instance with a policy, and the loaded programs, which are
 * given one frame at a time. Ends the process when something is missing that must be there.
 */
#ifndef EPG_TEST_SCENE_H
#define EPG_TEST_SCENE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "epg/abi.h"
#include "policy/model.h"

/* All of them endpoints with declared addresses and MACs, but for the last two. */
enum scene_interface {
	SCENE_FRONT,  /* shop/store/front: 10.1.0.2, fd00:1::2, 02:…:02 */
	SCENE_PEER,   /* the same group: .3 */
	SCENE_BACK,   /* shop/store/back: .4 */
	SCENE_UPLINK, /* the outside: shop/world */
	SCENE_NOBODY, /* bound to nothing */
	SCENE_INTERFACES
};

/* Front and world may say to back what the contract `odd` has; see the policy in scene.c. */
#define SCENE_TCP_PORT 80
#define SCENE_UDP_PORT 53
#define SCENE_SCTP_PORT 36412
#define SCENE_DCCP_PORT 5001
#define SCENE_UDPLITE_PORT 5002
/* What front may say to world. */
#define SCENE_MULTICAST_PORT 5353

#define SCENE_FRONT_HOST 2
#define SCENE_PEER_HOST 3
#define SCENE_BACK_HOST 4

enum scene_program {
	SCENE_TC_INGRESS,
	SCENE_TC_EGRESS,
	SCENE_XDP,
	SCENE_PROGRAMS
};

/* How a frame comes to a hook. */
struct scene_arrival {
	enum scene_program program;
	enum scene_interface interface;
	uint32_t gso_size; /* TC: the kernel has aggregated it of pieces of this size */
};

struct scene;

struct scene *scene_open(void);
void scene_close(struct scene *scene);

/* The policy, for the reference. */
const struct model *scene_model(const struct scene *scene);
const char *scene_interface_name(enum scene_interface interface);

/*
 * The kernel refuses to give TC programs, for a test, frames that end within their IP header: its own drivers' frames
 * may well. XDP takes them.
 */
bool scene_can_play(const struct scene_arrival *arrival, const uint8_t *frame, size_t length);
/* Does the frame pass? */
bool scene_play(struct scene *scene, const struct scene_arrival *arrival, const uint8_t *frame, size_t length);
/* TC: was the last frame marked as one that this host has decided? */
bool scene_marked(const struct scene *scene);

/* As if nothing had been sent yet: no flows, no fragments, no learned addresses. */
void scene_forget(struct scene *scene);
/* The same after one frame, if it may have left something; quicker. */
void scene_forget_frame(struct scene *scene, bool passed);

size_t scene_flows(struct scene *scene);
/* Frames dropped so far, by reason. */
void scene_drops(struct scene *scene, uint64_t ret[EPG_REASON_COUNT]);

#endif
