# find_package(bailey) and target_link_libraries(program PRIVATE bailey::bailey). Works wherever the
# installed tree is moved to.
get_filename_component(bailey_prefix "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
if(NOT TARGET bailey::bailey)
  add_library(bailey::bailey STATIC IMPORTED)
  set_target_properties(bailey::bailey PROPERTIES
    IMPORTED_LOCATION "${bailey_prefix}/lib/libbailey.a"
    IMPORTED_LINK_INTERFACE_LANGUAGES CXX
    INTERFACE_INCLUDE_DIRECTORIES "${bailey_prefix}/include"
    INTERFACE_COMPILE_FEATURES cxx_std_23)
endif()
