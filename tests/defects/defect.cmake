# Makes a build with one deliberate defect, to see the tests catch it: cmake -DALPINE_DEFECT=NAME.
#
# The product's folders are copied into the build folder, tests/defects/NAME.patch is applied to the copies, and they
# are what is built: nothing dangerous can get into an ordinary build. Whoever asks such a build for its version is
# told. Another NAME in the same build folder compiles only what differs.

set(patch ${CMAKE_SOURCE_DIR}/tests/defects/${ALPINE_DEFECT}.patch)
set(PROJECT_SOURCE_DIR ${CMAKE_BINARY_DIR}/with-defect) # where the folders are taken from, from here on
if(NOT EXISTS ${patch})
  message(FATAL_ERROR "There is no defect ${ALPINE_DEFECT}: ${patch} does not exist")
endif()

file(GLOB_RECURSE originals CONFIGURE_DEPENDS RELATIVE ${CMAKE_SOURCE_DIR} common/* sender/* receiver/* migrations/*
     tests/unit/* tests/differential/* tests/fuzz/*.c tests/fuzz/*.h tests/fuzz/CMakeLists.txt tests/bench/*.c
     tests/bench/CMakeLists.txt)
foreach(original ${originals})
  configure_file(${CMAKE_SOURCE_DIR}/${original} ${PROJECT_SOURCE_DIR}/${original} COPYONLY)
endforeach()
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${patch})
execute_process(COMMAND patch --batch --forward --fuzz=0 --no-backup-if-mismatch -p1 -i ${patch}
                WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} RESULT_VARIABLE failed OUTPUT_VARIABLE said ERROR_VARIABLE said)
if(failed)
  message(FATAL_ERROR "${patch} does not apply:\n${said}")
endif()

# Only for the files that tell their version, so that the others need not be compiled for each defect anew.
function(say_defect)
  foreach(original ${originals})
    file(STRINGS ${PROJECT_SOURCE_DIR}/${original} mentions REGEX ALPINE_VERSION LIMIT_COUNT 1)
    string(REGEX MATCH "^(common|sender|receiver)/.*[.]c$" source ${original})
    if(mentions AND source)
      set_source_files_properties(
        ${PROJECT_SOURCE_DIR}/${original} DIRECTORY ${PROJECT_SOURCE_DIR}/${CMAKE_MATCH_1} PROPERTIES COMPILE_OPTIONS
        "-UALPINE_VERSION;-DALPINE_VERSION=\"${PROJECT_VERSION} DEFECT ${ALPINE_DEFECT}\"")
    endif()
  endforeach()
endfunction()
cmake_language(DEFER CALL say_defect) # once the folders are known

message(WARNING "THIS BUILD IS DEFECTIVE ON PURPOSE (${ALPINE_DEFECT}). It is for the tests. Never install it.")
