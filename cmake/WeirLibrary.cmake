# weir_library(NAME SOURCES... [LINK libs...] [DEPENDS targets...] [NO_PCH])
#
# A static library of one folder under lib/. All libraries share one precompiled
# header (lib/Pch.h): MLIR's own headers are most of the compile time.
function(weir_library name)
  cmake_parse_arguments(ARG "NO_PCH" "" "LINK;DEPENDS" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PUBLIC ${ARG_LINK} MLIR LLVM)
  if(ARG_DEPENDS)
    add_dependencies(${name} ${ARG_DEPENDS})
  endif()
  if(NOT ARG_NO_PCH)
    target_precompile_headers(${name} REUSE_FROM WeirPch)
  endif()
endfunction()
