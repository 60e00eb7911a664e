# Compiler settings, and the two functions that every folder of src/ uses.
#
#   bailey_library(bpf SOURCES program.cc DEPS base abi TESTS program_test.cc)
#
# makes the static library bailey_bpf, linking only the folders named in DEPS, and (with tests on)
# the executable bpf_test, registered with ctest as "bpf". tools/check-layers holds the same
# directions for #include lines.

add_compile_options(-Wall -Wextra -Wshadow -Wconversion -Werror -fno-strict-aliasing
                    # Designated initialisers leave the rest at their defaults on purpose.
                    -Wno-missing-field-initializers
                    # False alarms of g++ 12 in its own std::string and std::optional (PR 105329).
                    -Wno-restrict -Wno-maybe-uninitialized
                    # What a start executes lies side by side (src/cli/start_order.txt): the linker
                    # moves sections, and without this all of a file's code is one.
                    -ffunction-sections)
add_compile_definitions(_GNU_SOURCE)

if(BAILEY_SANITIZE)
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
endif()

if(BAILEY_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
                      # The compiler that warnings are kept clean for is g++.
                      -Wno-error)
  add_link_options(-fsanitize=address,undefined)
endif()

# Up to half of what a file costs the compiler is in headers that are not ours: they are compiled once,
# as a library's files are, an executable's and a test's. Not where a launcher as ccache keeps what is
# compiled: it cannot share that between trees; and there it shows that a file names all that it uses.
if(CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_DISABLE_PRECOMPILE_HEADERS ON)
  # Compiled more often than it runs: a third less time than with the libraries' -O3.
  set(test_options -O1)
else()
  set(test_options -O0)
  # More false alarms of g++ 12 in std::string (PR 105329, 105651): it forgets that the headers are the system's.
  add_compile_options(-Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread)
endif()
set(precompiled <algorithm> <array> <chrono> <cstdint> <cstring> <filesystem> <functional> <map> <memory>
    <optional> <set> <span> <string> <string_view> <utility> <vector> <fmt/format.h>)

function(bailey_precompiled name)
  file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/precompiled/${name}.cc CONTENT "")
  add_library(${name} OBJECT ${CMAKE_CURRENT_BINARY_DIR}/precompiled/${name}.cc)
  target_precompile_headers(${name} PRIVATE ${precompiled} ${ARGN})
endfunction()

bailey_precompiled(bailey_precompiled)
bailey_precompiled(bailey_precompiled_program)
target_compile_options(bailey_precompiled_program PRIVATE -fPIE)
if(BAILEY_TESTS)
  bailey_precompiled(bailey_precompiled_test <gmock/gmock.h> <gtest/gtest.h>)
  target_compile_options(bailey_precompiled_test PRIVATE -fPIE ${test_options})
  target_link_libraries(bailey_precompiled_test PRIVATE GTest::gmock)
endif()

function(bailey_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPS;LIBRARIES;TESTS;TEST_DEPS;TEST_LIBRARIES" ${ARGN})
  add_library(bailey_${name} STATIC ${arg_SOURCES})
  target_precompile_headers(bailey_${name} REUSE_FROM bailey_precompiled)
  target_include_directories(bailey_${name} PUBLIC ${CMAKE_SOURCE_DIR}/src)
  foreach(dependency ${arg_DEPS})
    target_link_libraries(bailey_${name} PUBLIC bailey_${dependency})
  endforeach()
  target_link_libraries(bailey_${name} PUBLIC ${arg_LIBRARIES})
  if(BAILEY_TESTS AND arg_TESTS)
    bailey_test(${name} SOURCES ${arg_TESTS} DEPS ${name} ${arg_TEST_DEPS}
                LIBRARIES ${arg_TEST_LIBRARIES})
  endif()
endfunction()

function(bailey_test name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPS;LIBRARIES" ${ARGN})
  add_executable(${name}_test ${arg_SOURCES})
  foreach(dependency ${arg_DEPS})
    target_link_libraries(${name}_test PRIVATE bailey_${dependency})
  endforeach()
  target_link_libraries(${name}_test PRIVATE ${arg_LIBRARIES} GTest::gmock GTest::gtest_main)
  target_compile_options(${name}_test PRIVATE ${test_options})
  target_precompile_headers(${name}_test REUSE_FROM bailey_precompiled_test)
  target_compile_definitions(${name}_test PRIVATE
    BAILEY_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  add_test(NAME ${name} COMMAND ${name}_test)
endfunction()
