# A room is a static library made of every source below a folder, every main.cpp left out, and a thin program around it.
# A new file needs no line here: the next configure finds it.
file(STRINGS ${CMAKE_SOURCE_DIR}/scripts/cmake/precompiled.txt DAYLIGHT_PRECOMPILED REGEX "^<")

function(daylight_room name)
    file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
    list(FILTER sources EXCLUDE REGEX "/main\\.cpp$")
    list(FILTER sources EXCLUDE REGEX "/node_modules/")
    foreach(left_out IN LISTS ARGN)    # folders that are not for everybody who links the room
        list(FILTER sources EXCLUDE REGEX "/${left_out}/")
    endforeach()
    add_library(daylight_${name} STATIC ${sources})
    target_include_directories(daylight_${name} PUBLIC ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR}/generated)
    target_precompile_headers(daylight_${name} PRIVATE ${DAYLIGHT_PRECOMPILED})
endfunction()

function(daylight_program name)
    add_executable(daylight-${name} main.cpp)
    target_link_libraries(daylight-${name} PRIVATE daylight_${name} CLI11::CLI11)
    set_target_properties(daylight-${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
endfunction()

configure_file(${CMAKE_SOURCE_DIR}/scripts/cmake/version.hpp.in ${CMAKE_BINARY_DIR}/generated/generated/version.hpp @ONLY)
