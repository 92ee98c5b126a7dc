// SPDX-License-Identifier: GPL-2.0-or-later
//
// Gives the files of the folders on the command line to a fuzz target, without a
// fuzzer: any compiler will do.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size);

namespace {

std::vector<std::filesystem::path> files_in(const char *folder) {
  std::vector<std::filesystem::path> files;
  for (const auto &entry : std::filesystem::directory_iterator(folder)) {
    files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

void replay(const std::filesystem::path &file) {
  // The last line before a crash tells its input.
  std::printf("%s\n", file.c_str());
  std::fflush(stdout);
  std::ifstream stream(file, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(stream), {}};
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t *>(bytes.data()), bytes.size());
}

}  // namespace

int main(int argc, char **argv) try {
  std::size_t count = 0;
  for (int i = 1; i < argc; ++i) {
    const auto files = files_in(argv[i]);
    std::for_each(files.begin(), files.end(), replay);
    count += files.size();
  }
  std::printf("%zu inputs replayed\n", count);
  return count != 0 ? 0 : 1;
} catch (const std::exception &error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
