# Everything under tests/ and examples/ that is compiled.
foreach(part vpc rpc sim)
  if(EXISTS ${CMAKE_SOURCE_DIR}/tests/${part}/CMakeLists.txt)
    add_subdirectory(${CMAKE_SOURCE_DIR}/tests/${part} ${CMAKE_BINARY_DIR}/tests/${part})
  endif()
endforeach()
if(EXISTS ${CMAKE_SOURCE_DIR}/examples/lab/CMakeLists.txt)
  add_subdirectory(${CMAKE_SOURCE_DIR}/examples/lab ${CMAKE_BINARY_DIR}/examples/lab)
endif()
