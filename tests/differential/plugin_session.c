// SPDX-License-Identifier: GPL-2.0-or-later
//
// Drives the CONNMARK plugin that XTABLES_LIBDIR names the way iptables does,
// for any number of requests in one process.
//
//   plugin_session REVISION <requests >answers
//
// REVISION is the newest one that the kernel is taken to know.  The first
// answer is the file that the plugin was loaded from.
//
// A request is a verb, a number, and that number of arguments; an answer is the
// fields named below; every string on either side ends with a NUL.
//
//   options N WORD...  the words behind "-j CONNMARK", read as iptables reads
//                      them; then what it would print of the rule
//   bytes 1 HEX        what it would print of a rule of the kernel's; in a
//                      child, since a plugin may crash over it
//   help 0             the plugin's help, in the place of the saved text
//
// Answer: BYTES SAVED LISTED TRANSLATES TRANSLATION STDERR OUTCOME, where
// BYTES are hexadecimal, TRANSLATES is what the callback returns, and OUTCOME is
// "done", "refused STATUS" (iptables' exit status) or "crashed".  Fields that
// were not reached are empty.
//
// This is C: xtables_error() must not return, and longjmp is the only way out
// of a plugin, which has no unwind tables.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <getopt.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xtables.h>

enum { kWireSize = 16, kMaxArguments = 256, kFieldsBeforeStderr = 5, kOptionOffsetScale = 256 };

// What iptables itself understands; the names decide which prefixes of the
// plugin's options are ambiguous.
static struct option front_end_options[] = {
    {"append", 1, NULL, 'A'},        {"delete", 1, NULL, 'D'},
    {"check", 1, NULL, 'C'},         {"insert", 1, NULL, 'I'},
    {"replace", 1, NULL, 'R'},       {"list", 2, NULL, 'L'},
    {"list-rules", 2, NULL, 'S'},    {"flush", 2, NULL, 'F'},
    {"zero", 2, NULL, 'Z'},          {"new-chain", 1, NULL, 'N'},
    {"delete-chain", 2, NULL, 'X'},  {"rename-chain", 1, NULL, 'E'},
    {"policy", 1, NULL, 'P'},        {"source", 1, NULL, 's'},
    {"destination", 1, NULL, 'd'},   {"src", 1, NULL, 's'},
    {"dst", 1, NULL, 'd'},           {"protocol", 1, NULL, 'p'},
    {"in-interface", 1, NULL, 'i'},  {"jump", 1, NULL, 'j'},
    {"table", 1, NULL, 't'},         {"match", 1, NULL, 'm'},
    {"numeric", 0, NULL, 'n'},       {"out-interface", 1, NULL, 'o'},
    {"verbose", 0, NULL, 'v'},       {"wait", 2, NULL, 'w'},
    {"wait-interval", 2, NULL, 'W'}, {"exact", 0, NULL, 'x'},
    {"fragments", 0, NULL, 'f'},     {"version", 0, NULL, 'V'},
    {"help", 2, NULL, 'h'},          {"line-numbers", 0, NULL, '0'},
    {"modprobe", 1, NULL, 'M'},      {"set-counters", 1, NULL, 'c'},
    {"goto", 1, NULL, 'g'},          {"ipv4", 0, NULL, '4'},
    {"ipv6", 0, NULL, '6'},          {NULL, 0, NULL, 0},
};
static const char front_end_letters[] =
    "-:A:C:D:R:I:L::S::M:F::Z::N:X::E:P:Vh::o:p:s:d:j:i:fbvw::W::nt:m:xc:g:46";

static int newest_revision;
static FILE *real_stderr;
static jmp_buf *way_out;

static int kernel_has_revision(const char *name, uint8_t revision, int what) {
  (void)name;
  (void)what;
  return revision <= newest_revision;
}

__attribute__((noreturn, format(printf, 2, 3))) static void refuse(enum xtables_exittype status,
                                                                   const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vfprintf(way_out != NULL ? stderr : real_stderr, format, arguments);
  va_end(arguments);
  fputc('\n', way_out != NULL ? stderr : real_stderr);
  if (way_out == NULL) exit(1);
  longjmp(*way_out, (int)status);
}

__attribute__((noreturn)) static void give_up(const char *why) {
  fprintf(real_stderr, "plugin_session: %s\n", why);
  exit(1);
}

static struct xtables_globals globals = {
    .program_name = "iptables",
    .program_version = "plugin_session",
    .orig_opts = front_end_options,
    .exit_err = refuse,
    .compat_rev = kernel_has_revision,
};

// -- requests and answers -----------------------------------------------------

struct request {
  char *verb;
  int count;
  char *words[kMaxArguments + 2];  // as argv: a name first, NULL last
};

static char *read_string(void) {
  char *text = NULL;
  size_t capacity = 0;
  if (getdelim(&text, &capacity, '\0', stdin) >= 0) return text;
  free(text);
  return NULL;
}

static int read_request(struct request *request) {
  request->verb = read_string();
  if (request->verb == NULL) return 0;
  char *count = read_string();
  request->count = count != NULL ? atoi(count) : -1;
  free(count);
  if (request->count < 0 || request->count > kMaxArguments) give_up("bad request");
  request->words[0] = strdup(globals.program_name);
  for (int i = 1; i <= request->count; ++i) {
    request->words[i] = read_string();
    if (request->words[i] == NULL) give_up("request cut short");
  }
  request->words[request->count + 1] = NULL;
  return 1;
}

static void free_request(struct request *request) {
  free(request->verb);
  for (int i = 0; i <= request->count; ++i) free(request->words[i]);
}

// How many fields of the answer are written; shared with the child, which
// flushes each, since it may not get to the next.
static int *fields;
static bool in_child;

static void end_field(void) {
  putchar('\0');
  if (in_child) fflush(stdout);
  ++*fields;
}

static void write_field(const char *text) {
  fputs(text, stdout);
  end_field();
}

static void write_bytes(const unsigned char *bytes) {
  for (int i = 0; i < kWireSize; ++i) printf("%02x", bytes[i]);
  end_field();
}

// stderr is a file in memory, so that what the plugin says becomes a field.
static void write_stderr(void) {
  static off_t written;
  char text[4096];
  for (ssize_t size; (size = pread(STDERR_FILENO, text, sizeof text, written)) > 0;
       written += size) {
    fwrite(text, 1, (size_t)size, stdout);
  }
  end_field();
}

static void end_answer(const char *outcome) {
  while (*fields < kFieldsBeforeStderr) end_field();
  write_stderr();
  write_field(outcome);
  fflush(stdout);
  *fields = 0;
}

// -- what iptables does -------------------------------------------------------

static void attach_entry(struct xtables_target *target) {
  const size_t size = XT_ALIGN(sizeof(struct xt_entry_target)) + target->size;
  target->t = xtables_calloc(1, size);
  target->t->u.target_size = (uint16_t)size;
  strcpy(target->t->u.user.name, target->name);
  target->t->u.user.revision = target->revision;
  target->tflags = 0;
  target->used = 0;
  if (target->init != NULL) target->init(target->t);
}

static void detach_entry(struct xtables_target *target) {
  free(target->t);
  target->t = NULL;
  xtables_free_opts(1);
}

static void print_rule(struct xtables_target *target, void *entry) {
  write_bytes(target->t->data);
  target->save(entry, target->t);
  end_field();
  target->print(entry, target->t, FMT_NUMERIC);
  end_field();

  struct xt_xlate *xl = xt_xlate_alloc(1024);
  struct xt_xlate_tg_params params = {.ip = entry, .target = target->t, .numeric = 1};
  printf("%d", target->xlate(xl, &params));
  end_field();
  write_field(xt_xlate_get(xl));
  xt_xlate_free(xl);
}

static void parse_words(struct xtables_target *target, int count, char **words, void *entry) {
  if (target->x6_options != NULL) {
    globals.opts = xtables_options_xfrm(globals.orig_opts, globals.opts, target->x6_options,
                                        &target->option_offset);
  } else {
    globals.opts = xtables_merge_options(globals.orig_opts, globals.opts, target->extra_opts,
                                         &target->option_offset);
  }
  if (globals.opts == NULL) give_up("no memory");

  bool inverted = false;
  optind = 0;  // makes getopt_long forget the last command line
  opterr = 0;
  int c;
  while ((c = getopt_long(count + 1, words, front_end_letters, globals.opts, NULL)) != -1) {
    if (c == 1 && strcmp(optarg, "!") == 0) {
      if (inverted) refuse(PARAMETER_PROBLEM, "multiple consecutive ! not allowed");
      inverted = true;
      continue;
    }
    if (c == 1) refuse(PARAMETER_PROBLEM, "Bad argument `%s'", optarg);
    if (c == ':')
      refuse(PARAMETER_PROBLEM, "option \"%s\" requires an argument", words[optind - 1]);
    if (c == '?') refuse(PARAMETER_PROBLEM, "unknown option \"%s\"", words[optind - 1]);
    const unsigned int option = (unsigned int)c;
    if (option < target->option_offset || option >= target->option_offset + kOptionOffsetScale) {
      refuse(PARAMETER_PROBLEM, "an option of iptables itself");
    }
    xtables_option_tpcall(option, words, inverted, target, entry);
    inverted = false;
  }
  if (optind <= count) refuse(PARAMETER_PROBLEM, "unknown arguments found on commandline");
  if (inverted) refuse(PARAMETER_PROBLEM, "nothing appropriate following !");
  xtables_option_tfcall(target);
}

// -- verbs --------------------------------------------------------------------

static void answer_options(struct xtables_target *target, int count, char **words) {
  char entry[256] = {0};
  char outcome[32] = "done";
  jmp_buf here;
  attach_entry(target);
  const int status = setjmp(here);
  if (status == 0) {
    way_out = &here;
    parse_words(target, count, words, entry);
    way_out = NULL;
    print_rule(target, entry);
  } else {
    way_out = NULL;
    snprintf(outcome, sizeof outcome, "refused %d", status);
  }
  detach_entry(target);
  end_answer(outcome);
}

static void put_bytes(const char *hex, unsigned char *bytes) {
  for (int i = 0; i < kWireSize; ++i) {
    unsigned int byte;
    if (sscanf(hex + 2 * i, "%2x", &byte) != 1) give_up("bad bytes");
    bytes[i] = (unsigned char)byte;
  }
}

// Leaves no core file and, under a sanitizer, no report that takes a second.
static void end_child(int signal_number) { _exit(signal_number); }

static void answer_bytes(struct xtables_target *target, const char *hex) {
  char entry[256] = {0};
  attach_entry(target);
  put_bytes(hex, target->t->data);
  const pid_t child = fork();
  if (child < 0) give_up("cannot fork");
  if (child == 0) {
    in_child = true;
    signal(SIGSEGV, end_child);
    signal(SIGBUS, end_child);
    print_rule(target, entry);
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  detach_entry(target);
  end_answer(status == 0 ? "done" : "crashed");
}

static void answer_help(struct xtables_target *target) {
  end_field();
  target->help();
  end_answer("done");
}

int main(int argc, char **argv) {
  real_stderr = fdopen(dup(STDERR_FILENO), "w");
  if (real_stderr == NULL || argc != 2) return 1;
  newest_revision = atoi(argv[1]);
  const int memory = memfd_create("stderr", 0);
  if (memory < 0 || dup2(memory, STDERR_FILENO) < 0) give_up("cannot keep stderr in memory");
  fields = mmap(NULL, sizeof *fields, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (fields == MAP_FAILED) give_up("no memory");

  if (xtables_init_all(&globals, NFPROTO_IPV4) < 0) give_up("libxtables refuses");
  struct xtables_target *target = xtables_find_target("CONNMARK", XTF_LOAD_MUST_SUCCEED);
  Dl_info library;
  if (dladdr((void *)target->name, &library) == 0) give_up("the plugin is in no file");
  printf("%s%c", library.dli_fname, '\0');
  fflush(stdout);

  for (struct request request; read_request(&request); free_request(&request)) {
    if (strcmp(request.verb, "options") == 0) {
      answer_options(target, request.count, request.words);
    } else if (strcmp(request.verb, "bytes") == 0 && request.count == 1 &&
               strlen(request.words[1]) == 2 * kWireSize) {
      answer_bytes(target, request.words[1]);
    } else if (strcmp(request.verb, "help") == 0) {
      answer_help(target);
    } else {
      give_up("bad request");
    }
  }
  return 0;
}
