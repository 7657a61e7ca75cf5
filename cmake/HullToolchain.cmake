# Compiler and linker settings shared by every target.
set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS ON) # statement expressions carry TRY()
set(CMAKE_POSITION_INDEPENDENT_CODE OFF)
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")
set(CMAKE_CXX_FLAGS_DEBUG "-Og -g")

add_compile_options(-Wall -Wextra -Werror -fno-plt -ffunction-sections -fdata-sections)
# -iquote, not -I: src/sys must not hide the system's <sys/...> headers.
add_compile_options("SHELL:-iquote ${CMAKE_SOURCE_DIR}/src")
add_compile_definitions(_GNU_SOURCE HULL_VERSION="${PROJECT_VERSION}")
add_link_options(-Wl,--gc-sections -Wl,--as-needed)
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  add_link_options(-Wl,-s)
  if(NOT HULL_FUZZ) # the sanitizers check what FORTIFY would hide from them
    add_compile_options(-D_FORTIFY_SOURCE=2 -fstack-protector-strong)
  endif()
endif()

find_program(HULL_CCACHE ccache)
if(HULL_CCACHE)
  # Clones in different folders share results.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1
      ${HULL_CCACHE})
endif()
find_program(HULL_MOLD mold)
if(HULL_MOLD AND NOT HULL_FUZZ)
  add_link_options(-fuse-ld=mold)
endif()

set(HULL_SANITIZE "" CACHE STRING "Value for -fsanitize=, empty for none")
if(HULL_SANITIZE)
  add_compile_options(-fsanitize=${HULL_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${HULL_SANITIZE})
endif()
if(HULL_FUZZ)
  # clang warns of what g++'s own headers do; g++ builds the product.
  add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
                      -gline-tables-only -Wno-error -Wno-deprecated-declarations -Wno-unused-command-line-argument)
  add_link_options(-fsanitize=address,undefined)
endif()
