#include "kernel/seccomp/assembler.h"

#include <algorithm>

namespace hull::kernel::seccomp {

namespace {

// A conditional jump skips 255 instructions at most; two way stations may come
// between.
constexpr size_t reach = 250;

} // namespace

Assembler::Label Assembler::add(const sock_filter& instruction) {
    backward_.push_back(instruction);
    return backward_.size() - 1;
}

Assembler::Label Assembler::load(uint32_t offset) { return add(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset)); }

Assembler::Label Assembler::bit_and(uint32_t mask) { return add(BPF_STMT(BPF_ALU | BPF_AND | BPF_K, mask)); }

Assembler::Label Assembler::within_reach(Label place) {
    size_t distance = backward_.size() - place - 1;
    if (distance <= reach) return place;
    return add(BPF_STMT(BPF_JMP | BPF_JA, static_cast<uint32_t>(distance)));
}

Assembler::Label Assembler::jump_if(uint16_t code, uint32_t k, Label yes, Label no) {
    yes = within_reach(yes);
    no = within_reach(no);
    size_t here = backward_.size();
    auto skip = [&](Label place) { return static_cast<uint8_t>(here - place - 1); };
    return add(sock_filter{static_cast<uint16_t>(BPF_JMP | BPF_K | code), skip(yes), skip(no), k});
}

Assembler::Label Assembler::ret(uint32_t result) {
    auto at = std::ranges::find(ends_, result, &End::result);
    if (at != ends_.end() && backward_.size() - at->place <= reach) return at->place;
    Label place = add(BPF_STMT(BPF_RET | BPF_K, result));
    if (at == ends_.end())
        ends_.push_back({result, place});
    else
        at->place = place;
    return place;
}

void Assembler::lead_to(Label place) {
    size_t distance = backward_.size() - place - 1;
    if (distance != 0) add(BPF_STMT(BPF_JMP | BPF_JA, static_cast<uint32_t>(distance)));
}

std::string Assembler::bytes() const {
    std::string out;
    out.reserve(backward_.size() * sizeof(sock_filter));
    for (auto i = backward_.rbegin(); i != backward_.rend(); ++i)
        out.append(reinterpret_cast<const char*>(&*i), sizeof *i);
    return out;
}

} // namespace hull::kernel::seccomp
