/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Addresses as people write them. */
#ifndef EPG_TEXT_H
#define EPG_TEXT_H

#include <stdint.h>

#define TEXT_ADDRESS_MAX 48

/* "10.1.0.2" or "fd00:1::2" of the mapped form. */
void text_address(const uint8_t address[16], char text[TEXT_ADDRESS_MAX]);
/* Reads either family into the mapped form; -EINVAL. */
int text_parse_address(const char *text, uint8_t ret[16]);
int text_parse_mac(const char *text, uint8_t ret[6]);

#endif
