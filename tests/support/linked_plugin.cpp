// SPDX-License-Identifier: GPL-2.0-or-later
#include "support/linked_plugin.h"

#include <getopt.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xtables.h>

#include <csetjmp>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <span>

extern "C" void libxt_CONNMARK_init();

namespace {

std::span<xtables_target> registered_targets;

}  // namespace

// Takes the place of the function in libxtables, which would ask the kernel for
// the revisions that it has and drop all but the newest.
void xtables_register_targets(xtables_target *targets, unsigned int count) {
  registered_targets = {targets, count};
}

namespace connmark::test {
namespace {

// xtables_error() must not return, and the plugin is built without exceptions.
std::jmp_buf refusal;
char refusal_text[1024];

[[gnu::noreturn, gnu::format(printf, 2, 3)]] void refuse(xtables_exittype, const char *format,
                                                         ...) {
  std::va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(refusal_text, sizeof refusal_text, format, arguments);
  va_end(arguments);
  std::longjmp(refusal, 1);
}

::option no_options[] = {{}};

xtables_target &target(Revision revision) {
  static xtables_globals globals{};
  if (registered_targets.empty()) {
    globals.program_name = "linked_plugin";
    globals.orig_opts = no_options;
    globals.exit_err = refuse;
    if (xtables_set_params(&globals) != 0) std::abort();
    libxt_CONNMARK_init();
  }
  for (xtables_target &each : registered_targets) {
    if (each.revision == static_cast<std::uint8_t>(revision)) return each;
  }
  std::abort();
}

// A rule's target with its last byte at the end of a page, and no page behind.
class GuardedTarget {
 public:
  explicit GuardedTarget(const WireBytes &bytes) {
    static char *const guard = map_page_before_guard();
    entry_ = reinterpret_cast<xt_entry_target *>(guard - sizeof(xt_entry_target) - kWireSize);
    *entry_ = {};
    entry_->u.user.target_size = sizeof(xt_entry_target) + kWireSize;
    std::memcpy(entry_->data, bytes.data(), bytes.size());
  }

  xt_entry_target *entry() { return entry_; }

  WireBytes bytes() const {
    WireBytes bytes;
    std::memcpy(bytes.data(), entry_->data, bytes.size());
    return bytes;
  }

 private:
  static char *map_page_before_guard() {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    void *const pages =
        mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) std::abort();
    char *const guard = static_cast<char *>(pages) + page;
    if (mprotect(guard, page, PROT_NONE) != 0) std::abort();
    return guard;
  }

  xt_entry_target *entry_;
};

// Stands in for stdout or stderr.
class CapturedStream {
 public:
  explicit CapturedStream(std::FILE *&stream) : stream_(stream), saved_(stream) {
    stream_ = open_memstream(&text_, &size_);
    if (stream_ == nullptr) std::abort();
  }
  ~CapturedStream() {
    std::fclose(stream_);
    stream_ = saved_;
    std::free(text_);
  }
  CapturedStream(const CapturedStream &) = delete;
  CapturedStream &operator=(const CapturedStream &) = delete;

  std::string text() {
    std::fflush(stream_);
    return {text_, size_};
  }

 private:
  std::FILE *&stream_;
  std::FILE *saved_;
  char *text_ = nullptr;
  std::size_t size_ = 0;
};

// Walks the words as the iptables programs do.  Leaves by refuse() where they
// would end, so nothing in here may need a destructor.
void parse_words(xtables_target &target, std::span<char *> argv) {
  optind = 0;  // makes getopt_long forget the last command line
  opterr = 0;
  bool inverted = false;
  int c;
  while ((c = getopt_long(static_cast<int>(argv.size() - 1), argv.data(), "-:", xt_params->opts,
                          nullptr)) != -1) {
    if (c == 1 && std::strcmp(optarg, "!") == 0 && !inverted) {
      inverted = true;
      continue;
    }
    if (c == '?' || c == ':' || c == 1) refuse(PARAMETER_PROBLEM, "not an option of the target");
    xtables_option_tpcall(static_cast<unsigned int>(c), argv.data(), inverted, &target, nullptr);
    inverted = false;
  }
  if (argv[static_cast<std::size_t>(optind)] != nullptr) {
    refuse(PARAMETER_PROBLEM, "words behind the options");
  }
  xtables_option_tfcall(&target);
}

}  // namespace

Operation decoded(Revision revision, const WireBytes &bytes) {
  return revision == Revision::k1 ? decode<Revision::k1>(bytes.data())
                                  : decode<Revision::k2>(bytes.data());
}

void encode_into(Revision revision, const Operation &op, WireBytes &bytes) {
  revision == Revision::k1 ? encode<Revision::k1>(op, bytes.data())
                           : encode<Revision::k2>(op, bytes.data());
}

std::string printed_by_save(Revision revision, const WireBytes &bytes) {
  GuardedTarget guarded(bytes);
  CapturedStream out(stdout);
  target(revision).save(nullptr, guarded.entry());
  return out.text();
}

std::string printed_by_list(Revision revision, const WireBytes &bytes) {
  GuardedTarget guarded(bytes);
  CapturedStream out(stdout);
  target(revision).print(nullptr, guarded.entry(), 1);
  return out.text();
}

std::optional<std::string> translated(Revision revision, const WireBytes &bytes) {
  GuardedTarget guarded(bytes);
  xt_xlate_tg_params parameters{};
  parameters.target = guarded.entry();
  xt_xlate *const translation = xt_xlate_alloc(1024);
  std::optional<std::string> result;
  if (target(revision).xlate(translation, &parameters) != 0) result = xt_xlate_get(translation);
  xt_xlate_free(translation);
  return result;
}

ParsedRule parsed(Revision revision, std::vector<std::string> words) {
  xtables_target &plugin = target(revision);
  GuardedTarget guarded({});
  plugin.t = guarded.entry();
  plugin.tflags = 0;
  plugin.init(plugin.t);
  xt_params->opts =
      xtables_merge_options(no_options, nullptr, plugin.extra_opts, &plugin.option_offset);

  std::string program = "iptables";
  std::vector<char *> argv{program.data()};
  for (std::string &word : words) argv.push_back(word.data());
  argv.push_back(nullptr);

  static ParsedRule result;
  result = {};
  CapturedStream err(stderr);
  if (setjmp(refusal) == 0) {
    parse_words(plugin, argv);
    result.accepted = true;
    result.bytes = guarded.bytes();
  } else {
    result.error = refusal_text;
  }
  result.warnings = err.text();
  xtables_free_opts(1);
  plugin.t = nullptr;
  return result;
}

bool takes_option(Revision revision, int c, std::string argument, bool inverted,
                  unsigned int &flags, WireBytes &bytes) {
  const xtables_target &plugin = target(revision);
  GuardedTarget guarded(bytes);
  xt_entry_target *entry = guarded.entry();
  optarg = argument.data();
  CapturedStream err(stderr);
  // Behind a longjmp only what is volatile is known to have its value.
  volatile bool taken = false;
  if (setjmp(refusal) == 0) {
    taken = plugin.parse(c, nullptr, inverted ? 1 : 0, &flags, nullptr, &entry) != 0;
  }
  bytes = guarded.bytes();
  return taken;
}

}  // namespace connmark::test
