// The forms that cgroup files come in. What can't be read as a number is left out.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "kernel/cgroup/cgroup.h"

namespace hull::kernel::cgroup {

// "123\n" -> 123; "max" -> UINT64_MAX; anything else -> 0.
uint64_t parse_number(std::string_view text);
// "1 2 3\n" -> {1, 2, 3}
std::vector<uint64_t> parse_numbers(std::string_view text);
// Lines "name value".
std::map<std::string, uint64_t> parse_keyed(std::string_view text);
// v1, blkio.*: lines "8:0 Read 4096"; the closing "Total n" is left out.
std::vector<IoEntry> parse_blkio(std::string_view text);
// v2, io.stat: lines "8:0 rbytes=1 wbytes=2 rios=3 wios=4 ...".
void parse_io_stat(std::string_view text, Usage& into);
// Lines of one pid each.
std::vector<pid_t> parse_pids(std::string_view text);

// What a file holds; a missing one holds nothing.
std::string text_of(const std::string& file);
uint64_t number_in(const std::string& file);

} // namespace hull::kernel::cgroup
