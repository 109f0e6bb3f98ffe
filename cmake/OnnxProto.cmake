# Finds onnx-ml.proto, ONNX's file format, and generates C++ that reads it. The file is
# not part of this repository: it comes with the Python package `onnx`.
set(WEIR_ONNX_PROTO "" CACHE FILEPATH "onnx-ml.proto of the Python package onnx")

if(NOT WEIR_ONNX_PROTO)
  # `./dev setup` fills build/venv, which the sanitizer build shares.
  file(GLOB WEIR_ONNX_PROTO_FOUND
       ${CMAKE_BINARY_DIR}/venv/lib/python3*/site-packages/onnx/onnx-ml.proto
       ${PROJECT_SOURCE_DIR}/build/venv/lib/python3*/site-packages/onnx/onnx-ml.proto)
else()
  set(WEIR_ONNX_PROTO_FOUND ${WEIR_ONNX_PROTO})
endif()
if(NOT WEIR_ONNX_PROTO_FOUND)
  find_package(Python3 COMPONENTS Interpreter)
  execute_process(
    COMMAND ${Python3_EXECUTABLE} -c
            "import importlib.util as u; print(u.find_spec('onnx').submodule_search_locations[0])"
    OUTPUT_VARIABLE WEIR_ONNX_PACKAGE OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  set(WEIR_ONNX_PROTO_FOUND ${WEIR_ONNX_PACKAGE}/onnx-ml.proto)
endif()
list(GET WEIR_ONNX_PROTO_FOUND 0 WEIR_ONNX_PROTO_FOUND)
if(NOT EXISTS "${WEIR_ONNX_PROTO_FOUND}")
  message(FATAL_ERROR
    "onnx-ml.proto is missing. Run './dev setup', or install the Python package onnx "
    "(1.23.2), or pass -DWEIR_ONNX_PROTO=/path/to/onnx-ml.proto.")
endif()

find_program(WEIR_PROTOC protoc REQUIRED)
find_library(WEIR_PROTOBUF_LITE protobuf-lite REQUIRED)

# weir_onnx_proto(SOURCE_VAR): the generated .cc; its header lies in the current binary
# folder. The package is renamed so that no symbol meets those of another ONNX library.
function(weir_onnx_proto source_var)
  set(proto ${CMAKE_CURRENT_BINARY_DIR}/OnnxFormat.proto)
  file(READ ${WEIR_ONNX_PROTO_FOUND} text)
  string(REGEX REPLACE "\npackage onnx;" "\npackage weir.format;" text "${text}")
  string(REGEX REPLACE "\noption optimize_for[^\n]*" "" text "${text}")
  file(CONFIGURE OUTPUT ${proto} CONTENT "${text}\noption optimize_for = LITE_RUNTIME;\n" @ONLY)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${WEIR_ONNX_PROTO_FOUND})
  add_custom_command(
    OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/OnnxFormat.pb.cc
           ${CMAKE_CURRENT_BINARY_DIR}/OnnxFormat.pb.h
    COMMAND ${WEIR_PROTOC} --proto_path=${CMAKE_CURRENT_BINARY_DIR}
            --cpp_out=${CMAKE_CURRENT_BINARY_DIR} ${proto}
    DEPENDS ${proto} VERBATIM)
  set(${source_var} ${CMAKE_CURRENT_BINARY_DIR}/OnnxFormat.pb.cc PARENT_SCOPE)
endfunction()
