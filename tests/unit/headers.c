/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The public headers with nothing before them: each stands alone, and what somebody builds with them
 * finds the library that they describe.
 */
#include <epg/abi.h>
#include <epg/epg.h>

#include <stdlib.h>
#include <string.h>

int main(void)
{
	return strcmp(epg_version(), EPG_VERSION) ? EXIT_FAILURE : EXIT_SUCCESS;
}
