// SPDX-License-Identifier: GPL-2.0-or-later
//
// A program that runs for long and puts rules into the kernel itself, through
// libxtables and libiptc, as the network daemon ConnMan does.
//
//   rule_daemon <rules >answers
//
// A line of the input is "4 RULE" or "6 RULE", the words of RULE as behind
// "iptables -t mangle -A OUTPUT"; a target is all that it may have.  The answer
// is a line: "done", "refused STATUS MESSAGE" where the plugin or libxtables
// ended the rule, or "failed MESSAGE".
//
// In what a plugin may notice, this is not iptables: the process outlives bad
// rules, by longjmp out of the plugin; families alternate; the table of the
// program's own options is short, so other prefixes are unambiguous; an option
// that nobody knows, or without its argument, is passed over in silence; the
// flags of a target are zeroed between rules, not its `used`, `t` and `loaded`.
#include <errno.h>
#include <getopt.h>
#include <libiptc/libip6tc.h>
#include <libiptc/libiptc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <xtables.h>

enum { kMaxWords = 64, kOptionOffsetScale = 256 };

static const char kTableName[] = "mangle";
static const xt_chainlabel kChain = "OUTPUT";

static struct option own_options[] = {
    {"append", 1, NULL, 'A'},        {"delete", 1, NULL, 'D'},   {"insert", 1, NULL, 'I'},
    {"source", 1, NULL, 's'},        {"table", 1, NULL, 't'},    {"match", 1, NULL, 'm'},
    {"destination", 1, NULL, 'd'},   {"jump", 1, NULL, 'j'},     {"in-interface", 1, NULL, 'i'},
    {"out-interface", 1, NULL, 'o'}, {"protocol", 1, NULL, 'p'}, {NULL, 0, NULL, 0},
};

static jmp_buf way_out;
static char message[512];

__attribute__((noreturn, format(printf, 2, 3))) static void refuse(enum xtables_exittype status,
                                                                   const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  // An answer is one line; libxtables ends some messages with a line break.
  for (char *at = message; (at = strchr(at, '\n')) != NULL;) *at = ' ';
  longjmp(way_out, (int)status);
}

static struct xtables_globals globals4 = {
    .program_name = "rule_daemon",
    .program_version = "1",
    .orig_opts = own_options,
    .opts = own_options,
    .exit_err = refuse,
    .compat_rev = xtables_compatible_revision,
};
static struct xtables_globals globals6 = {
    .program_name = "rule_daemon",
    .program_version = "1",
    .orig_opts = own_options,
    .opts = own_options,
    .exit_err = refuse,
    .compat_rev = xtables_compatible_revision,
};

// The rule that is being read, for whoever comes back by longjmp.
static struct xtables_target *target;

static void use_family(int family) {
  static int current;
  if (family == current) return;
  if (xtables_init_all(family == AF_INET ? &globals4 : &globals6,
                       family == AF_INET ? NFPROTO_IPV4 : NFPROTO_IPV6) < 0) {
    refuse(OTHER_PROBLEM, "libxtables cannot begin");
  }
  current = family;
}

static void find_target(const char *name) {
  target = xtables_find_target(name, XTF_TRY_LOAD);
  if (target == NULL) refuse(PARAMETER_PROBLEM, "no target %s", name);
  const size_t size = XT_ALIGN(sizeof(struct xt_entry_target)) + target->size;
  target->t = calloc(1, size);
  if (target->t == NULL) refuse(RESOURCE_PROBLEM, "no memory");
  target->t->u.target_size = (uint16_t)size;
  strncpy(target->t->u.user.name, name, sizeof target->t->u.user.name - 1);
  target->t->u.user.revision = target->revision;
  if (target->init != NULL) target->init(target->t);

  struct option *merged = target->x6_options != NULL
                              ? xtables_options_xfrm(xt_params->orig_opts, xt_params->opts,
                                                     target->x6_options, &target->option_offset)
                              : xtables_merge_options(xt_params->orig_opts, xt_params->opts,
                                                      target->extra_opts, &target->option_offset);
  if (merged == NULL) refuse(RESOURCE_PROBLEM, "no memory");
  xt_params->opts = merged;
}

static void take_option(int c, char **words, bool inverted, void *entry) {
  if (target == NULL || c < (int)target->option_offset ||
      c >= (int)target->option_offset + kOptionOffsetScale) {
    return;
  }
  xtables_option_tpcall((unsigned int)c, words, inverted, target, entry);
}

static void read_rule(int count, char **words, void *entry) {
  bool inverted = false;
  int c;
  opterr = 0;
  optind = 0;
  while ((c = getopt_long(count, words, "-:d:i:o:s:m:j:p:", xt_params->opts, NULL)) != -1) {
    if (c == 1 && strcmp(optarg, "!") == 0) {
      *optarg = '\0';
      inverted = true;
      continue;
    }
    if (c == 'j') {
      find_target(optarg);
    } else if (c != 1) {
      take_option(c, words, inverted, entry);
    }
    inverted = false;
  }
  if (target == NULL) refuse(PARAMETER_PROBLEM, "no target");
  xtables_option_tfcall(target);
}

static bool append4(void) {
  const size_t target_size = target->t->u.target_size;
  struct ipt_entry *entry = calloc(1, sizeof *entry + target_size);
  struct xtc_handle *table = iptc_init(kTableName);
  bool done = false;
  if (entry != NULL && table != NULL) {
    entry->target_offset = sizeof *entry;
    entry->next_offset = (uint16_t)(sizeof *entry + target_size);
    memcpy(entry->elems, target->t, target_size);
    done = iptc_append_entry(kChain, entry, table) && iptc_commit(table);
  }
  const int error = errno;
  if (table != NULL) iptc_free(table);
  free(entry);
  errno = error;
  return done;
}

static bool append6(void) {
  const size_t target_size = target->t->u.target_size;
  struct ip6t_entry *entry = calloc(1, sizeof *entry + target_size);
  struct xtc_handle *table = ip6tc_init(kTableName);
  bool done = false;
  if (entry != NULL && table != NULL) {
    entry->target_offset = sizeof *entry;
    entry->next_offset = (uint16_t)(sizeof *entry + target_size);
    memcpy(entry->elems, target->t, target_size);
    done = ip6tc_append_entry(kChain, entry, table) && ip6tc_commit(table);
  }
  const int error = errno;
  if (table != NULL) ip6tc_free(table);
  free(entry);
  errno = error;
  return done;
}

static void forget_rule(void) {
  if (target != NULL) {
    free(target->t);
    target->t = NULL;
    target = NULL;
  }
  for (struct xtables_target *each = xtables_targets; each != NULL; each = each->next) {
    each->tflags = 0;
    each->used = 0;
  }
  if (xt_params != NULL && xt_params->opts != xt_params->orig_opts) {
    free(xt_params->opts);
    xt_params->opts = xt_params->orig_opts;
  }
  if (xt_params != NULL) xt_params->option_offset = 0;
}

static void answer(int family, int count, char **words) {
  union {
    struct ipt_entry v4;
    struct ip6t_entry v6;
  } entry;
  memset(&entry, 0, sizeof entry);
  const int status = setjmp(way_out);
  if (status == 0) {
    use_family(family);
    read_rule(count, words, &entry);
    if (family == AF_INET ? append4() : append6()) {
      puts("done");
    } else {
      printf("failed %s\n", strerror(errno));
    }
  } else {
    printf("refused %d %s\n", status, message);
  }
  forget_rule();
}

int main(void) {
  char *line = NULL;
  size_t capacity = 0;
  for (ssize_t size; (size = getline(&line, &capacity, stdin)) > 0;) {
    if (line[size - 1] == '\n') line[size - 1] = '\0';
    char *words[kMaxWords + 1] = {0};
    int count = 0;
    for (char *word = strtok(line, " "); word != NULL && count < kMaxWords;
         word = strtok(NULL, " ")) {
      words[count++] = word;
    }
    // The family stands where a program's name does.
    if (count > 0) answer(strcmp(words[0], "4") == 0 ? AF_INET : AF_INET6, count, words);
    fflush(stdout);
  }
  free(line);
  return 0;
}
