# Unit tests: tests/unit/test_X.c is one program, named unit.X. The folder's listing is the list.
file(GLOB unit_tests CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/unit/test_*.c)
foreach(source ${unit_tests})
  get_filename_component(stem ${source} NAME_WE)
  string(REGEX REPLACE "^test_" "" room ${stem})
  add_executable(${stem} ${source})
  target_link_libraries(${stem} PRIVATE api_rooms broker_rooms executor_rooms common
    ${CMOCKA_LIBRARY})
  add_test(NAME unit.${room} COMMAND ${stem})
  set_tests_properties(unit.${room} PROPERTIES TIMEOUT 60)
endforeach()

target_sources(test_bench_reply PRIVATE ${CMAKE_SOURCE_DIR}/tests/bench/reply.c)

# Checks against a real PostgreSQL: MILLRACE_TEST_STORE is the DSN of an empty database.
foreach(room sql store given submit life overdue moves lines line_room list edit edit_race rush lane lane_steps lane_limit partial late)
  add_executable(test_${room} ${CMAKE_SOURCE_DIR}/tests/check/test_${room}.c)
  target_link_libraries(test_${room} PRIVATE common ${CMOCKA_LIBRARY})
  add_test(NAME check.${room} COMMAND test_${room})
  set_tests_properties(check.${room} PROPERTIES LABELS store TIMEOUT 120 RESOURCE_LOCK store)
endforeach()
foreach(room store given)
  target_sources(test_${room} PRIVATE ${CMAKE_SOURCE_DIR}/tests/check/world.c)
endforeach()
foreach(room submit life overdue moves lines line_room list edit edit_race rush lane lane_steps lane_limit partial late)
  target_sources(test_${room} PRIVATE ${CMAKE_SOURCE_DIR}/tests/check/world.c
    ${CMAKE_SOURCE_DIR}/tests/check/lane_world.c ${CMAKE_SOURCE_DIR}/tests/check/cutter.c)
endforeach()

foreach(room submit life overdue lines line_room list edit edit_race rush)
  target_sources(test_${room} PRIVATE ${CMAKE_SOURCE_DIR}/tests/check/order_world.c)
endforeach()

# The broker's sweep.
add_executable(test_sweep ${CMAKE_SOURCE_DIR}/tests/check/test_sweep.c
  ${CMAKE_SOURCE_DIR}/tests/check/world.c)
target_link_libraries(test_sweep PRIVATE broker_rooms common ${CMOCKA_LIBRARY})
add_test(NAME check.sweep COMMAND test_sweep)
set_tests_properties(check.sweep PROPERTIES LABELS store TIMEOUT 120 RESOURCE_LOCK store)

# Retention; one of them reads as an API node does. And pages, read in partitions alone: at once,
# asked for and taken later, over a connection of this thread or one that is lent.
foreach(room expiry expiry_days expiry_read parted ask next lent)
  add_executable(test_${room} ${CMAKE_SOURCE_DIR}/tests/check/test_${room}.c
    ${CMAKE_SOURCE_DIR}/tests/check/world.c ${CMAKE_SOURCE_DIR}/tests/check/expiry_world.c)
  target_link_libraries(test_${room} PRIVATE api_rooms common ${CMOCKA_LIBRARY})
  add_test(NAME check.${room} COMMAND test_${room})
  set_tests_properties(check.${room} PROPERTIES LABELS store TIMEOUT 120 RESOURCE_LOCK store)
endforeach()

# The same for the API node's engine.
foreach(room engine engine_bus engine_life engine_orders engine_edit)
  add_executable(test_${room} ${CMAKE_SOURCE_DIR}/tests/check/test_${room}.c
    ${CMAKE_SOURCE_DIR}/tests/check/engine_world.c)
  target_link_libraries(test_${room} PRIVATE api_rooms common ${CMOCKA_LIBRARY})
  add_test(NAME check.${room} COMMAND test_${room})
  set_tests_properties(check.${room} PROPERTIES LABELS store TIMEOUT 120 RESOURCE_LOCK store)
endforeach()

# And for the executor: a real source, and a leader that is the test.
foreach(room executor notices limits drafts outcome course recover halt)
  add_executable(test_${room} ${CMAKE_SOURCE_DIR}/tests/check/test_${room}.c
    ${CMAKE_SOURCE_DIR}/tests/check/floor.c ${CMAKE_SOURCE_DIR}/tests/check/world.c)
  target_link_libraries(test_${room} PRIVATE executor_rooms common ${CMOCKA_LIBRARY})
  add_test(NAME check.${room} COMMAND test_${room})
  set_tests_properties(check.${room} PROPERTIES LABELS store TIMEOUT 120
    RESOURCE_LOCK floor_role)
endforeach()
target_sources(test_recover PRIVATE ${CMAKE_BINARY_DIR}/gen/ledger.inc)

# And for the driver: one channel, turned by hand.
foreach(room driver allowance said binds encoding fate)
  add_executable(test_${room} ${CMAKE_SOURCE_DIR}/tests/check/test_${room}.c
    ${CMAKE_SOURCE_DIR}/tests/check/channel_world.c ${CMAKE_BINARY_DIR}/gen/ledger.inc)
  target_link_libraries(test_${room} PRIVATE executor_rooms common ${CMOCKA_LIBRARY})
  add_test(NAME check.${room} COMMAND test_${room})
  set_tests_properties(check.${room} PROPERTIES LABELS store TIMEOUT 120
    RESOURCE_LOCK channel_role)
endforeach()

# Fuzz targets: tests/fuzz/fuzz_X.c with its seeds in fuzz_X.in/. Everywhere the seeds are replayed as
# test fuzz.X; with FUZZ=ON (clang) the program is the fuzzer itself: build/fuzz_X -max_total_time=60
# tests/fuzz/fuzz_X.in
file(GLOB fuzz_targets CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/fuzz/fuzz_*.c)
foreach(source ${fuzz_targets})
  get_filename_component(stem ${source} NAME_WE)
  string(REGEX REPLACE "^fuzz_" "" room ${stem})
  add_executable(${stem} ${source})
  target_link_libraries(${stem} PRIVATE api_rooms common)
  if(FUZZ)
    target_link_options(${stem} PRIVATE -fsanitize=fuzzer)
  else()
    target_sources(${stem} PRIVATE ${CMAKE_SOURCE_DIR}/tests/fuzz/replay.c)
    add_test(NAME fuzz.${room} COMMAND ${stem} ${CMAKE_SOURCE_DIR}/tests/fuzz/${stem}.in)
    set_tests_properties(fuzz.${room} PROPERTIES TIMEOUT 60)
  endif()
endforeach()

# The executor with its failpoints (common/failpoint.h): tests stop it at a named moment. Never
# installed.
add_library(executor_rooms_fail STATIC ${executor_sources} common/failpoint.c)
target_compile_definitions(executor_rooms_fail PUBLIC MILLRACE_FAILPOINTS)
target_link_libraries(executor_rooms_fail PUBLIC common)
add_executable(millrace-executor-failpoints executor/main.c)
target_link_libraries(millrace-executor-failpoints PRIVATE executor_rooms_fail)

# The model of a job's life (tests/model/README.md): pure code, no IO. It has flags of its own, so
# that a hundred thousand seeds are a matter of seconds under sanitizers, too.
file(GLOB model_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/model/*.c)
add_executable(model ${model_sources})
target_compile_options(model PRIVATE -O2)
target_link_libraries(model PRIVATE executor_rooms common)
add_test(NAME model.life COMMAND model --seeds 1 100000)
add_test(NAME model.breaks COMMAND model --breaks 300000)
set_tests_properties(model.life model.breaks PROPERTIES TIMEOUT 600)
