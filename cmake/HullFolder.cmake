# hull_folder(<name> [SMALL] [NO_EXCEPTIONS] [DEPS <folder>...] [LIBS <library>...] [TEST_LIBS <library>...])
#
# One folder of src/ is one static library hull_<name> made of all its *.cc
# files, and one GoogleTest program <name>_test made of its *_test.cc files.
# DEPS are other folders (the levels: tools/check_levels), LIBS are outside
# libraries, TEST_LIBS those of the tests alone. SMALL: made for size,
# where the static programs' code runs once. NO_EXCEPTIONS: nothing thrown
# passes through (out of memory ends the program).
function(hull_folder name)
  cmake_parse_arguments(ARG "SMALL;NO_EXCEPTIONS" "" "DEPS;LIBS;TEST_LIBS" ${ARGN})
  file(GLOB_RECURSE all CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  # A sub-folder with a CMakeLists.txt of its own is a target of its own.
  file(GLOB nested CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*/CMakeLists.txt)
  foreach(list_file ${nested})
    get_filename_component(dir ${list_file} DIRECTORY)
    list(FILTER all EXCLUDE REGEX "^${dir}/")
  endforeach()
  set(sources ${all})
  list(FILTER sources EXCLUDE REGEX "_(test|perftest)\\.cc$")
  set(tests ${all})
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")

  if(sources)
    add_library(hull_${name} STATIC ${sources})
    set(scope PUBLIC)
  else()
    add_library(hull_${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  foreach(dep ${ARG_DEPS})
    target_link_libraries(hull_${name} ${scope} hull_${dep})
  endforeach()
  target_link_libraries(hull_${name} ${scope} ${ARG_LIBS})
  if(sources AND ARG_SMALL)
    hull_small(hull_${name})
  endif()
  if(sources AND ARG_NO_EXCEPTIONS)
    hull_no_exceptions(hull_${name})
  endif()

  if(tests AND NOT HULL_FUZZ)
    hull_test(${name}_test unit.${name} hull_${name} ${tests})
    target_link_libraries(${name}_test PRIVATE ${ARG_TEST_LIBS})
  endif()
endfunction()

# What SMALL and NO_EXCEPTIONS above do, for a target made by hand.
function(hull_small target)
  if(CMAKE_BUILD_TYPE STREQUAL "Release")
    target_compile_options(${target} PRIVATE -Os)
  endif()
endfunction()
function(hull_no_exceptions target)
  if(CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT HULL_FUZZ AND NOT HULL_SANITIZE)
    target_compile_options(${target} PRIVATE -fno-exceptions -fno-asynchronous-unwind-tables)
  endif()
endfunction()

# hull_test(<program> <name in ctest> <library> <source>...)
function(hull_test program name library)
  add_executable(${program} ${ARGN})
  target_link_libraries(${program} PRIVATE ${library} GTest::gmock GTest::gtest_main rapidcheck)
  if(CMAKE_BUILD_TYPE STREQUAL "Release")
    # Optimising what runs once takes longer than running it.
    target_compile_options(${program} PRIVATE -O0 -U_FORTIFY_SOURCE)
  endif()
  add_test(NAME ${name} COMMAND ${program})
  set_tests_properties(${name} PROPERTIES TIMEOUT 120)
endfunction()

# hull_static_program(<program>): no shared library at run time, and small.
function(hull_static_program program)
  target_sources(${program} PRIVATE ${CMAKE_SOURCE_DIR}/src/apps/terminate.cc)
  if(HULL_SANITIZE) # the sanitizers' runtimes are shared
    return()
  endif()
  target_sources(${program} PRIVATE ${CMAKE_SOURCE_DIR}/src/apps/without_libc_parts.cc)
  target_link_options(${program} PRIVATE -static)
  if(HULL_MOLD AND NOT HULL_FUZZ)
    target_link_options(${program} PRIVATE -Wl,--icf=all)
  endif()
endfunction()
