/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A program with the plugin linked in, as an iptables built with --enable-static
 * is: it calls the init function by name, and nothing may have run before that.
 */
#include <stdio.h>
#include <string.h>
#include <xtables.h>

void libxt_CONNMARK_init(void);

static unsigned int calls;
static unsigned int registered[3]; /* by revision */

/* In the place of that of libxtables, which asks the kernel. */
void xtables_register_targets(struct xtables_target *targets, unsigned int count) {
  unsigned int i;

  ++calls;
  for (i = 0; i < count; ++i) {
    if (strcmp(targets[i].name, "CONNMARK") == 0 && targets[i].revision < 3) {
      ++registered[targets[i].revision];
    }
  }
}

int main(void) {
  if (calls != 0) {
    puts("FAIL: something registered a target before libxt_CONNMARK_init was called");
    return 1;
  }
  libxt_CONNMARK_init();
  printf("%u calls; registered: revision 0 %u times, 1 %u times, 2 %u times\n", calls,
         registered[0], registered[1], registered[2]);
  return calls == 1 && registered[0] == 0 && registered[1] == 1 && registered[2] == 1 ? 0 : 1;
}
