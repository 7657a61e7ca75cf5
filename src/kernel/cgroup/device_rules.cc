#include "kernel/cgroup/device_rules.h"

#include <array>
#include <limits>
#include <map>
#include <tuple>

#include <linux/bpf.h>

#include "base/field_path.h"

namespace hull::kernel::cgroup {

namespace {

// What runc allows in every container.
constexpr std::array<DeviceMatch, 10> always_allowed{{
    {true, 'c', -1, -1, access_mknod},
    {true, 'b', -1, -1, access_mknod},
    {true, 'c', 1, 3, access_all},    // null
    {true, 'c', 1, 5, access_all},    // zero
    {true, 'c', 1, 7, access_all},    // full
    {true, 'c', 1, 8, access_all},    // random
    {true, 'c', 1, 9, access_all},    // urandom
    {true, 'c', 5, 0, access_all},    // tty
    {true, 'c', 5, 2, access_all},    // ptmx
    {true, 'c', 136, -1, access_all}, // pts
}};

Result<uint8_t> parse_access(const std::string& text) {
    uint8_t access = 0;
    for (char c : text) {
        if (c == 'r')
            access |= access_read;
        else if (c == 'w')
            access |= access_write;
        else if (c == 'm')
            access |= access_mknod;
        else
            return bad_field("access", text, "is not made of r, w and m");
    }
    return text.empty() ? static_cast<uint8_t>(access_all) : access;
}

Result<int64_t> device_number(std::optional<int64_t> number, const char* name) {
    if (!number || *number == -1) return -1;
    if (*number < 0 || *number > std::numeric_limits<uint32_t>::max())
        return bad_field(name, *number, "is out of range");
    return *number;
}

// Its type is left to the caller.
Result<DeviceMatch> parse_rule(const model::oci::DeviceRule& rule) {
    DeviceMatch match;
    match.allow = rule.allow;
    match.access = TRY(parse_access(rule.access));
    match.major = TRY(device_number(rule.major, "major"));
    match.minor = TRY(device_number(rule.minor, "minor"));
    if (rule.type != "" && rule.type != "a" && rule.type != "b" && rule.type != "c" && rule.type != "u")
        return bad_field("type", rule.type, "is not a, b or c");
    return match;
}

bool is_catch_all(const DeviceMatch& m) { return m.type == 'a'; }

} // namespace

Result<std::vector<DeviceMatch>> normalise(const std::vector<model::oci::DeviceRule>& rules) {
    std::vector<DeviceMatch> out;
    if (rules.empty()) return out;
    out.push_back({});
    for (size_t i = 0; i < rules.size(); ++i) {
        const auto& rule = rules[i];
        DeviceMatch match = TRY(whole_path(in_member(in_element(parse_rule(rule), i), "linux.resources.devices")));
        bool both = rule.type.empty() || rule.type == "a";
        bool whole = match.major == -1 && match.minor == -1 && match.access == access_all;
        if (both && whole) {
            out.push_back(match);
        } else if (both) {
            match.type = 'b';
            out.push_back(match);
            match.type = 'c';
            out.push_back(match);
        } else {
            match.type = rule.type == "b" ? 'b' : 'c'; // u is an unbuffered c
            out.push_back(match);
        }
    }
    // Last, as in runc: engines don't list them, and some deny them in passing.
    out.insert(out.end(), always_allowed.begin(), always_allowed.end());
    return out;
}

namespace {

// The kernel's own model of v1: a default, and exceptions from it by exact
// (type, major, minor).
struct V1State {
    using Key = std::tuple<char, int64_t, int64_t>;
    bool allow = true;
    std::map<Key, uint8_t> exceptions;

    Result<void> apply(const DeviceMatch& m);
};

bool overlap(int64_t a, int64_t b) { return a == -1 || b == -1 || a == b; }
bool covers(int64_t wide, int64_t narrow) { return wide == -1 || wide == narrow; }

std::string number_text(int64_t n) { return n == -1 ? "*" : std::to_string(n); }
std::string access_text(uint8_t access) {
    std::string out;
    if (access & access_read) out += 'r';
    if (access & access_write) out += 'w';
    if (access & access_mknod) out += 'm';
    return out;
}
std::string rule_text(char type, int64_t major, int64_t minor, uint8_t access) {
    if (type == 'a') return "a";
    return std::string(1, type) + " " + number_text(major) + ":" + number_text(minor) + " " + access_text(access);
}

Result<void> V1State::apply(const DeviceMatch& m) {
    if (is_catch_all(m)) {
        allow = m.allow;
        exceptions.clear();
        return {};
    }
    if (m.allow != allow) {
        exceptions[{m.type, m.major, m.minor}] |= m.access;
        return {};
    }
    for (auto it = exceptions.begin(); it != exceptions.end();) {
        auto& [key, access] = *it;
        auto [type, major, minor] = key;
        bool meets = type == m.type && overlap(major, m.major) && overlap(minor, m.minor) && (access & m.access) != 0;
        if (meets && !(covers(m.major, major) && covers(m.minor, minor)))
            return Error(ErrorKind::unsupported, std::string("device rule \"") + (m.allow ? "allow " : "deny ") +
                                                     rule_text(m.type, m.major, m.minor, m.access) + "\" within \"" +
                                                     rule_text(type, major, minor, access) +
                                                     "\" can't be held by cgroup v1");
        if (meets) access = static_cast<uint8_t>(access & ~m.access);
        it = access == 0 ? exceptions.erase(it) : std::next(it);
    }
    return {};
}

} // namespace

std::optional<std::vector<DeviceMatch>> allowed_only(const std::vector<DeviceMatch>& rules) {
    V1State state;
    for (const DeviceMatch& m : rules)
        if (!state.apply(m).ok()) return std::nullopt;
    if (state.allow) return std::nullopt;
    std::vector<DeviceMatch> out;
    for (const auto& [key, access] : state.exceptions) {
        auto [type, major, minor] = key;
        out.push_back({true, type, major, minor, access});
    }
    return out;
}

Result<std::vector<Write>> device_writes(const std::vector<DeviceMatch>& rules) {
    std::vector<Write> writes;
    if (rules.empty()) return writes;
    V1State state;
    for (const DeviceMatch& m : rules) TRY(state.apply(m));
    writes.push_back({.file = state.allow ? "devices.allow" : "devices.deny", .value = "a"});
    for (const auto& [key, access] : state.exceptions) {
        auto [type, major, minor] = key;
        writes.push_back(
            {.file = state.allow ? "devices.deny" : "devices.allow", .value = rule_text(type, major, minor, access)});
    }
    return writes;
}

namespace {

// Registers: r1 the context; after the head, w2 type, w3 the accesses that
// aren't decided yet, w4 major, w5 minor, w6 scratch.
class Assembler {
public:
    void load(uint8_t to, int16_t offset) { add(BPF_LDX | BPF_MEM | BPF_W, to, 1, offset, 0); }
    void move(uint8_t to, uint8_t from) { add(BPF_ALU | BPF_MOV | BPF_X, to, from, 0, 0); }
    void bit_and(uint8_t reg, uint32_t mask) { add(BPF_ALU | BPF_AND | BPF_K, reg, 0, 0, mask); }
    void shift_right(uint8_t reg, uint32_t bits) { add(BPF_ALU | BPF_RSH | BPF_K, reg, 0, 0, bits); }
    // To the end of the rule being built.
    void skip_unless_equal(uint8_t reg, uint32_t value) { jump(BPF_JNE, reg, value); }
    void skip_if_zero(uint8_t reg) { jump(BPF_JEQ, reg, 0); }
    void skip_if_not_zero(uint8_t reg) { jump(BPF_JNE, reg, 0); }
    void finish(bool allow) {
        add(BPF_ALU | BPF_MOV | BPF_K, 0, 0, 0, allow ? 1 : 0);
        add(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
    }
    void end_rule() {
        for (size_t at : open_) code_[at].off = static_cast<int16_t>(code_.size() - at - 1);
        open_.clear();
    }
    std::string bytes() const {
        return std::string(reinterpret_cast<const char*>(code_.data()), code_.size() * sizeof(bpf_insn));
    }

private:
    std::vector<bpf_insn> code_;
    std::vector<size_t> open_; // jumps to the end of the rule

    void add(int code, uint8_t to, uint8_t from, int16_t offset, uint32_t immediate) {
        bpf_insn insn{};
        insn.code = static_cast<uint8_t>(code);
        insn.dst_reg = to & 0xf;
        insn.src_reg = from & 0xf;
        insn.off = offset;
        insn.imm = static_cast<int32_t>(immediate);
        code_.push_back(insn);
    }
    void jump(int condition, uint8_t reg, uint32_t value) {
        open_.push_back(code_.size());
        add(BPF_JMP32 | condition | BPF_K, reg, 0, 0, value);
    }
};

void add_rule(Assembler& code, const DeviceMatch& m) {
    code.skip_unless_equal(2, m.type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR);
    if (m.major != -1) code.skip_unless_equal(4, static_cast<uint32_t>(m.major));
    if (m.minor != -1) code.skip_unless_equal(5, static_cast<uint32_t>(m.minor));
    if (m.access != access_all && m.allow) {
        code.bit_and(3, access_all & ~m.access);
        code.skip_if_not_zero(3);
    } else if (m.access != access_all) {
        code.move(6, 3);
        code.bit_and(6, m.access);
        code.skip_if_zero(6);
    }
    code.finish(m.allow);
    code.end_rule();
}

} // namespace

std::string device_program(const std::vector<DeviceMatch>& rules) {
    if (rules.empty()) return {};
    Assembler code;
    code.load(2, 0); // (access << 16) | type
    code.move(3, 2);
    code.bit_and(2, 0xffff);
    code.shift_right(3, 16);
    code.load(4, 4);
    code.load(5, 8);
    // From the last rule to the first, the first match decides. Nothing may
    // follow a catch-all: the verifier refuses code that can't be reached.
    for (auto m = rules.rbegin(); m != rules.rend(); ++m) {
        if (is_catch_all(*m)) {
            code.finish(m->allow);
            return code.bytes();
        }
        add_rule(code, *m);
    }
    code.finish(false);
    return code.bytes();
}

} // namespace hull::kernel::cgroup
