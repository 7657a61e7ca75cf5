// What a template is parsed into. Internal to this folder.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <boost/json/value.hpp>

namespace hull::gotemplate {

struct Pipeline;

// One word of a command: a literal, .A.B, $x.A, a function's name, (pipeline).A
struct Operand {
    enum class Kind : unsigned char { literal, dot, variable, function, group } kind = Kind::literal;
    boost::json::value literal;
    std::string name;                // of the variable (without $) or the function
    std::vector<std::string> fields; // taken one after the other
    std::shared_ptr<Pipeline> group;
    size_t offset = 0; // in the template, for messages
    std::string text;  // as written, for messages
};

struct Command {
    std::vector<Operand> words;
};

struct Pipeline {
    std::vector<std::string> variables; // declared or assigned: $x := ..., $k, $v := ...
    bool declares = false;              // := against =
    std::vector<Command> commands;
};

struct Node {
    enum class Kind : unsigned char { text, action, if_, range, with, break_, continue_ } kind = Kind::text;
    std::string text;
    Pipeline pipeline;
    std::vector<Node> body, otherwise;
};

} // namespace hull::gotemplate
