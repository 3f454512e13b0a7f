# SeamDiscoverTests.cmake - ask a test program for its tests and write them down for CTest.
#
# Run by seam_discover_tests with seam_ANSWERS, the file of what it was told, or included by ctest
# after that file. A line of `PROGRAM --seam-list` is a name and, behind a tab, the test's tags.

if(DEFINED seam_ANSWERS)
    cmake_policy(VERSION 3.16)
    include("${seam_ANSWERS}")
endif()

execute_process(
    COMMAND "${seam_PROGRAM}" --seam-list
    WORKING_DIRECTORY "${seam_WORKING_DIRECTORY}"
    TIMEOUT ${seam_DISCOVERY_TIMEOUT}
    OUTPUT_VARIABLE seam_list
    ERROR_VARIABLE seam_error
    RESULT_VARIABLE seam_result)
if(NOT seam_result EQUAL 0)
    message(FATAL_ERROR "'${seam_PROGRAM} --seam-list' failed: ${seam_result}\n${seam_error}")
endif()

set(seam_flags ${seam_ARGS})
if(seam_TAGS)
    list(JOIN seam_TAGS "," seam_words)
    list(APPEND seam_flags -tags "${seam_words}")
endif()
list(TRANSFORM seam_flags REPLACE "(.+)" " [==[\\1]==]")
list(JOIN seam_flags "" seam_flags)
set(seam_properties "")
foreach(seam_word IN LISTS seam_PROPERTIES)
    string(APPEND seam_properties " [==[${seam_word}]==]")
endforeach()

set(seam_script "")
string(REPLACE "\n" ";" seam_list "${seam_list}")
foreach(seam_line IN LISTS seam_list)
    if(NOT seam_line MATCHES "^([^\t]+)\t?([^\t]*)")
        continue()
    endif()
    set(seam_name "${CMAKE_MATCH_1}")
    string(REGEX MATCHALL "[^ ,]+" seam_labels "${CMAKE_MATCH_2}")
    list(APPEND seam_labels ${seam_LABELS})
    string(APPEND seam_script
        "add_test([==[${seam_PREFIX}${seam_name}]==] [==[${seam_PROGRAM}]==]"
        " -run [==[^${seam_name}$]==]${seam_flags})\n"
        "set_tests_properties([==[${seam_PREFIX}${seam_name}]==] PROPERTIES SKIP_RETURN_CODE 77"
        " WORKING_DIRECTORY [==[${seam_WORKING_DIRECTORY}]==] LABELS [==[${seam_labels}]==]"
        "${seam_properties})\n")
endforeach()
file(WRITE "${seam_TESTS}" "${seam_script}")
