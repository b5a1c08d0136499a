// SPDX-License-Identifier: GPL-2.0-only
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sink.h"
#include "traffic.h"
#include "traffic.skel.h"

static const struct command {
	const char *name;
	int (*run)(const struct options *options, struct result *ret);
	const char *about;
} COMMANDS[] = {
	{"flood", command_flood, "UDP from sockets to a receiver that drops it: CPU time a packet"},
	{"frames", command_frames, "UDP by XDP live frames, out of the sender's interface: CPU time a packet"},
	{"rr", command_rr, "requests and responses of one byte, UDP or with --tcp TCP"},
	{"connect", command_connect, "TCP connections opened and closed"},
	{"stream", command_stream, "TCP as fast as it goes"},
	{"attach", command_attach, "attach a program to both hooks of --interface…, until a signal comes"},
};

enum {
	COMMAND_COUNT = sizeof(COMMANDS) / sizeof(COMMANDS[0])
};

void die(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fputs("bench-traffic: ", stderr);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	exit(1);
}

socklen_t address_of(const char *text, uint16_t port, struct sockaddr_storage *ret)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;

	memset(ret, 0, sizeof(*ret));
	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		return sizeof(*v4);
	}
	if (inet_pton(AF_INET6, text, &v6->sin6_addr) != 1)
		die("no address: %s", text);
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	return sizeof(*v6);
}

int open_socket(const char *address, uint16_t port, int type)
{
	struct sockaddr_storage name;
	socklen_t length = address_of(address, port, &name);
	int fd = socket(name.ss_family, type, 0), on = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    bind(fd, (struct sockaddr *)&name, length))
		die("socket of %s port %u: %s", address, port, strerror(errno));
	return fd;
}

/* Stays until SIGTERM or SIGINT; links end with the process. */
int command_attach(const struct options *options, struct result *ret)
{
	struct traffic_bpf *bpf = traffic_bpf__open_and_load();
	sigset_t signals;
	int program, number;

	(void)ret;
	if (!bpf || !options->program)
		die("attach: %s", bpf ? "--program is missing" : strerror(errno));
	program =
		bpf_program__fd(strcmp(options->program, "insert") ? bpf->progs.bench_empty : bpf->progs.bench_insert);
	enter_namespace(options->host);
	for (unsigned int i = 0; i < options->interface_count; i++) {
		attach_tcx(program, options->interfaces[i], false);
		/* One insertion a packet. */
		if (program == bpf_program__fd(bpf->progs.bench_empty))
			attach_tcx(program, options->interfaces[i], true);
	}
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	puts("{\"attached\": true}");
	fflush(stdout);
	return sigwait(&signals, &number) ? 1 : 0;
}

static void print_result(const struct result *result)
{
	printf("{\"unit\": \"%s\", \"count\": %" PRIu64 ", \"cpu_ns\": %" PRIu64 ", \"wall_ns\": %" PRIu64
	       ", \"sent\": %" PRIu64 ", \"received\": %" PRIu64 ", \"elsewhere\": %" PRIu64 ", \"answered\": %" PRIu64
	       "}\n",
	       result->unit, result->count, result->cpu_ns, result->wall_ns, result->sent, result->received,
	       result->elsewhere, result->answered);
}

static void usage(void)
{
	puts("usage: bench-traffic COMMAND [OPTION]…\n\ncommands");
	for (int i = 0; i < COMMAND_COUNT; i++)
		printf("  %-8s %s\n", COMMANDS[i].name, COMMANDS[i].about);
	puts("\noptions\n"
	     "  --from NS --to NS           network namespaces of the sending and the receiving container\n"
	     "  --host NS                   attach: the namespace between them\n"
	     "  --interface NAME            the containers' interface; attach: of the host, more than once\n"
	     "  --source, --destination IP  addresses\n"
	     "  --source-mac, --destination-mac MAC\n"
	     "  --port N --ports N          the first destination port, and how many [1]\n"
	     "  --source-port N             the first source port of a flood [20000]\n"
	     "  --flows N                   how many flows, spread over the ports [1]\n"
	     "  --once                      one packet a flow, nothing before: what first packets cost\n"
	     "  --denied                    nothing is to arrive: costs are told a packet sent\n"
	     "  --window N                  packets that may be under way [no bound]\n"
	     "  --tcp                       rr: TCP\n"
	     "  --program empty|insert      attach: which one\n"
	     "  --also PID                  its CPU time counts; more than once\n"
	     "  --cpu N                     the CPU for everything\n"
	     "  --milliseconds N            how long [300]");
}

enum long_option {
	OPTION_FROM = 256,
	OPTION_TO,
	OPTION_HOST,
	OPTION_INTERFACE,
	OPTION_SOURCE,
	OPTION_DESTINATION,
	OPTION_SOURCE_MAC,
	OPTION_DESTINATION_MAC,
	OPTION_PORT,
	OPTION_PORTS,
	OPTION_SOURCE_PORT,
	OPTION_FLOWS,
	OPTION_ONCE,
	OPTION_DENIED,
	OPTION_WINDOW,
	OPTION_TCP,
	OPTION_PROGRAM,
	OPTION_ALSO,
	OPTION_CPU,
	OPTION_MILLISECONDS
};

static const struct option LONG_OPTIONS[] = {
	{"from", 1, NULL, OPTION_FROM},
	{"to", 1, NULL, OPTION_TO},
	{"host", 1, NULL, OPTION_HOST},
	{"interface", 1, NULL, OPTION_INTERFACE},
	{"source", 1, NULL, OPTION_SOURCE},
	{"destination", 1, NULL, OPTION_DESTINATION},
	{"source-mac", 1, NULL, OPTION_SOURCE_MAC},
	{"destination-mac", 1, NULL, OPTION_DESTINATION_MAC},
	{"port", 1, NULL, OPTION_PORT},
	{"ports", 1, NULL, OPTION_PORTS},
	{"source-port", 1, NULL, OPTION_SOURCE_PORT},
	{"flows", 1, NULL, OPTION_FLOWS},
	{"once", 0, NULL, OPTION_ONCE},
	{"denied", 0, NULL, OPTION_DENIED},
	{"window", 1, NULL, OPTION_WINDOW},
	{"tcp", 0, NULL, OPTION_TCP},
	{"program", 1, NULL, OPTION_PROGRAM},
	{"also", 1, NULL, OPTION_ALSO},
	{"cpu", 1, NULL, OPTION_CPU},
	{"milliseconds", 1, NULL, OPTION_MILLISECONDS},
	{NULL, 0, NULL, 0},
};

static unsigned int number(const char *text)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (!*text || *end || value > 10000000)
		die("no number: %s", text);
	return (unsigned int)value;
}

static void add_interface(struct options *options, const char *name)
{
	if (options->interface_count == INTERFACES_MAX)
		die("more than %d interfaces", INTERFACES_MAX);
	options->interfaces[options->interface_count++] = name;
	options->interface = name;
}

static void add_also(struct options *options, const char *text)
{
	if (options->also_count == ALSO_MAX)
		die("more than %d processes", ALSO_MAX);
	options->also[options->also_count++] = (int)number(text);
}

static const char **text_option(struct options *options, int option)
{
	switch (option) {
	case OPTION_FROM:
		return &options->from;
	case OPTION_TO:
		return &options->to;
	case OPTION_HOST:
		return &options->host;
	case OPTION_SOURCE:
		return &options->source;
	case OPTION_DESTINATION:
		return &options->destination;
	case OPTION_SOURCE_MAC:
		return &options->source_mac;
	case OPTION_DESTINATION_MAC:
		return &options->destination_mac;
	case OPTION_PROGRAM:
		return &options->program;
	default:
		return NULL;
	}
}

static unsigned int *number_option(struct options *options, int option)
{
	switch (option) {
	case OPTION_PORT:
		return &options->first_port;
	case OPTION_PORTS:
		return &options->ports;
	case OPTION_SOURCE_PORT:
		return &options->source_port;
	case OPTION_FLOWS:
		return &options->flows;
	case OPTION_WINDOW:
		return &options->window;
	case OPTION_CPU:
		return &options->cpu;
	case OPTION_MILLISECONDS:
		return &options->milliseconds;
	default:
		return NULL;
	}
}

static void read_option(struct options *options, int option)
{
	const char **text = text_option(options, option);
	unsigned int *value = number_option(options, option);

	if (text)
		*text = optarg;
	else if (value)
		*value = number(optarg);
	else if (option == OPTION_INTERFACE)
		add_interface(options, optarg);
	else if (option == OPTION_ALSO)
		add_also(options, optarg);
	else if (option == OPTION_ONCE)
		options->once = true;
	else if (option == OPTION_DENIED)
		options->denied = true;
	else if (option == OPTION_TCP)
		options->tcp = true;
	else
		exit(2); /* getopt has said why */
}

static void check(const struct options *options)
{
	if (!options->flows || !options->ports)
		die("no flows");
	if (options->program)
		return;
	if (!options->from || !options->to || !options->source || !options->destination)
		die("--from, --to, --source and --destination are needed");
}

int main(int argc, char **argv)
{
	struct options options = {.ports = 1, .source_port = 20000, .flows = 1, .milliseconds = 300};
	struct result result = {0};
	const struct command *command = NULL;
	const struct sched_param priority = {.sched_priority = 1};
	int option;

	for (int i = 0; i < COMMAND_COUNT && argc > 1; i++) {
		if (!strcmp(argv[1], COMMANDS[i].name))
			command = &COMMANDS[i];
	}
	if (!command) {
		usage();
		return argc > 1 && !strcmp(argv[1], "--help") ? 0 : 2;
	}
	while ((option = getopt_long(argc - 1, argv + 1, "", LONG_OPTIONS, NULL)) != -1)
		read_option(&options, option);
	check(&options);
	pin_to_cpu(options.cpu);
	/* What others do on this CPU would not count, but cool its caches. */
	sched_setscheduler(0, SCHED_FIFO, &priority);
	if (command->run(&options, &result))
		return 1;
	if (result.unit)
		print_result(&result);
	return 0;
}
