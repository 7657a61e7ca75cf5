// Boost.JSON itself, compiled here: function by function, so that the linker
// leaves out what nobody calls. Debian's archive comes whole, with streams.
#include <boost/json/src.hpp>
