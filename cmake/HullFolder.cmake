# hull_folder(<name> [DEPS <folder>...] [LIBS <library>...])
#
# One folder of src/ is one static library hull_<name> made of all its *.cc
# files, and one GoogleTest program <name>_test made of its *_test.cc files.
# DEPS are other folders (the levels: tools/check_levels), LIBS are outside
# libraries.
function(hull_folder name)
  cmake_parse_arguments(ARG "" "" "DEPS;LIBS" ${ARGN})
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

  if(tests AND NOT HULL_FUZZ)
    add_executable(${name}_test ${tests})
    target_link_libraries(${name}_test PRIVATE hull_${name} GTest::gmock GTest::gtest_main rapidcheck)
    add_test(NAME unit.${name} COMMAND ${name}_test)
    set_tests_properties(unit.${name} PROPERTIES TIMEOUT 120)
  endif()
endfunction()
