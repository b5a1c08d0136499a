/* SPDX-License-Identifier: GPL-2.0-only */
#include <langinfo.h>
#include <locale.h>
#include <string.h>

#include "cli.h"

int main(int argc, char **argv)
{
	/* Policies are UTF-8, also where nobody has set a locale. */
	if (!setlocale(LC_ALL, "") || strcmp(nl_langinfo(CODESET), "UTF-8"))
		setlocale(LC_CTYPE, "C.UTF-8");
	return cli_run(argc, argv);
}
