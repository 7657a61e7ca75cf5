#include "engine/names.h"

#include <algorithm>
#include <array>
#include <random>

namespace hull::engine {
namespace {

constexpr std::array kAdjectives = {
    "able",   "agile",   "airy",   "amber",   "apt",     "ardent", "arctic",  "azure",  "bold",   "brave",
    "breezy", "bright",  "brisk",  "calm",    "candid",  "cheery", "civil",   "clear",  "clever", "cosy",
    "crisp",  "curious", "daring", "deft",    "eager",   "early",  "earnest", "easy",   "fair",   "fearless",
    "fleet",  "fluent",  "fond",   "frank",   "fresh",   "gentle", "glad",    "golden", "grand",  "hardy",
    "hearty", "honest",  "humble", "jolly",   "keen",    "kind",   "lively",  "lucid",  "lucky",  "mellow",
    "merry",  "mild",    "modest", "neat",    "nimble",  "noble",  "patient", "placid", "plucky", "polite",
    "proud",  "quick",   "quiet",  "rapid",   "ready",   "robust", "rosy",    "sharp",  "silent", "sincere",
    "smart",  "smooth",  "snug",   "solid",   "spry",    "steady", "stout",   "sturdy", "sunny",  "swift",
    "tidy",   "trusty",  "upbeat", "valiant", "verdant", "vivid",  "warm",    "wise",   "witty",  "zesty",
};

// People of mathematics, computing, science and seafaring.
constexpr std::array kSurnames = {
    "abel",     "amundsen", "archimedes",   "babbage",   "banach",     "bering",  "bernoulli", "bohr",     "boole",
    "brahe",    "cantor",   "cauchy",       "church",    "clarke",     "cook",    "curie",     "dedekind", "dijkstra",
    "drake",    "earhart",  "einstein",     "engelbart", "erdos",      "euclid",  "euler",     "faraday",  "fermat",
    "fourier",  "franklin", "galois",       "gauss",     "germain",    "goodall", "hamilton",  "hawking",  "hilbert",
    "hoare",    "hooke",    "hopper",       "hubble",    "hudson",     "huygens", "hypatia",   "jacobi",   "johnson",
    "kepler",   "knuth",    "kovalevskaya", "lagrange",  "lamarr",     "laplace", "leibniz",   "liskov",   "lovelace",
    "magellan", "markov",   "maxwell",      "mccarthy",  "meitner",    "mendel",  "minkowski", "nansen",   "napier",
    "newton",   "nobel",    "noether",      "pascal",    "pasteur",    "peano",   "perlman",   "poincare", "ramanujan",
    "riemann",  "ritchie",  "rubin",        "sagan",     "shackleton", "shannon", "sinclair",  "tasman",   "tesla",
    "thompson", "torvalds", "turing",       "vespucci",  "volta",      "wiles",   "wilkes",    "wirth",    "zuse",
};

bool is_alnum(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

std::mt19937_64& generator() {
    thread_local std::mt19937_64 random{std::random_device{}()};
    return random;
}

} // namespace

Result<std::string> check_container_name(std::string_view given) {
    std::string_view name = given.starts_with('/') ? given.substr(1) : given;
    bool good = name.size() >= 2 && is_alnum(name[0]) &&
                std::ranges::all_of(name, [](char c) { return is_alnum(c) || c == '_' || c == '.' || c == '-'; });
    if (!good)
        return Error(ErrorKind::invalid_argument,
                     "Invalid container name (" + std::string(given) + "), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed");
    return std::string(name);
}

std::string random_container_name(bool with_digit) {
    auto& random = generator();
    std::string name =
        std::string(kAdjectives[random() % kAdjectives.size()]) + "_" + kSurnames[random() % kSurnames.size()];
    if (with_digit) name += static_cast<char>('0' + random() % 10);
    return name;
}

} // namespace hull::engine
