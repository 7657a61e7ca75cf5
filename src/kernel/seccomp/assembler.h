// Classic BPF written from its end to its beginning: whatever is jumped to is
// there already, so that no jump has to be filled in later, and jumps that are
// too long for a conditional instruction get a way station.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <linux/filter.h>

namespace hull::kernel::seccomp {

class Assembler {
public:
    // An instruction's place, counted from the program's end. Valid for ever.
    using Label = size_t;

    // Each of these writes one instruction before those that are there (and
    // way stations between), and returns its place.
    Label load(uint32_t offset); // of struct seccomp_data
    Label bit_and(uint32_t mask);
    // code: BPF_JEQ, BPF_JGT, BPF_JGE or BPF_JSET.
    Label jump_if(uint16_t code, uint32_t k, Label yes, Label no);
    // An end with this result, made or found near enough for a jump.
    Label ret(uint32_t result);
    // What is written next runs into this place.
    void lead_to(Label place);

    size_t length() const { return backward_.size(); }
    std::string bytes() const; // struct sock_filter[], in order

private:
    struct End {
        uint32_t result = 0;
        Label place = 0;
    };
    Label add(const sock_filter& instruction);
    Label within_reach(Label place);

    std::vector<sock_filter> backward_;
    std::vector<End> ends_; // the nearest of each result
};

} // namespace hull::kernel::seccomp
