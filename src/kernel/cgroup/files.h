// The forms that cgroup files come in. What can't be read as a number is left out.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
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
// v2, *.pressure: "some avg10=0.00 avg60=0.00 avg300=0.00 total=0", then "full
// ..." (cpu.pressure before 5.13 has no such line). nullopt without a "some".
std::optional<Pressure> parse_pressure(std::string_view text);
// Lines of one pid each.
std::vector<pid_t> parse_pids(std::string_view text);

// The machine's sizes of huge pages, as cgroup files name them: "2MB".
std::vector<std::string> hugepage_sizes();

// What a file holds; a missing one holds nothing.
std::string text_of(const std::string& file);
uint64_t number_in(const std::string& file);

} // namespace hull::kernel::cgroup
