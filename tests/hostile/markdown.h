/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef EPG_TEST_MARKDOWN_H
#define EPG_TEST_MARKDOWN_H

/* The table, as docs/frames.md has it. */
void markdown_print(void);

#endif
