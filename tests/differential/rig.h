/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The real thing: a network namespace with the pool's interfaces, an instance, and one policy after the other. Packets
 * are put to the loaded programs by BPF_PROG_TEST_RUN.
 */
#ifndef EPG_TEST_RIG_H
#define EPG_TEST_RIG_H

#include "epg/epg.h"
#include "outcome.h"

struct rig;

/* Ends the process when something is not there that must be: ground_lacks is asked before. */
struct rig *rig_open(void);
void rig_close(struct rig *rig);

/*
 * Makes a policy the running one. Returns 0; or -EBADMSG and what is wrong with it, which the caller frees. Ends the
 * process when anything else goes wrong.
 */
int rig_apply(struct rig *rig, const char *text, char **ret_message);
const struct catalog *rig_catalog(const struct rig *rig);

/* By the programs that explain: they decide as the live ones, by no flow, and leave nothing behind. */
void rig_ask(struct rig *rig, const struct reference_packet *packet, struct outcome *ret);

/*
 * By the live ones, as a packet of no flow, right after it was asked about. NULL: they decide the same, and count it
 * where they said; else what is wrong.
 */
const char *rig_send(struct rig *rig, const struct reference_packet *packet);

/* By the live ones: do they let it pass, with all that they remember of those before? */
bool rig_passes(struct rig *rig, const struct reference_packet *packet);
/* Forgets all flows and fragments. */
void rig_forget(struct rig *rig);

/* By the library's explain. False: it can't be asked about such a packet. */
bool rig_explain(struct rig *rig, const struct model *model, const struct reference_packet *packet,
		 struct outcome *ret);

#endif
