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
                    -Wno-restrict -Wno-maybe-uninitialized)
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

function(bailey_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPS;LIBRARIES;TESTS;TEST_DEPS;TEST_LIBRARIES" ${ARGN})
  add_library(bailey_${name} STATIC ${arg_SOURCES})
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
  # Compiled more often than it runs: a third less time than with the libraries' -O3.
  target_compile_options(${name}_test PRIVATE -O1)
  target_compile_definitions(${name}_test PRIVATE
    BAILEY_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  add_test(NAME ${name} COMMAND ${name}_test)
endfunction()
