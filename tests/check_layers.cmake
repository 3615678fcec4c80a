# check_layers.cmake: who may include whom, one door for each third party, and calls nobody makes.
#
#   cmake -DROOT=/path/to/checkout -P tests/check_layers.cmake
#
# Reads every *.c and *.h of automl/ learners/ featurize/ search/ and lists all violations before it
# fails. Comments and strings do not count, save that a call or a door may carry the mark
# `/* allowed: reason */` on its line. Includes cannot be excused.
cmake_minimum_required(VERSION 3.25)

if(NOT ROOT)
  message(FATAL_ERROR "usage: cmake -DROOT=<checkout> -P check_layers.cmake")
endif()
get_filename_component(ROOT "${ROOT}" ABSOLUTE)

# ---- the rules ----

# "folder|what its files may include": the first folder that the path begins with decides.
set(LAYERS
  "automl/core/|^automl/(core/|automl\\.h$)"
  "automl/metrics/|^automl/(core/|metrics/|automl\\.h$)"
  "automl/store/|^automl/(core/|store/|automl\\.h$)"
  "learners/|^(learners/|automl/(core/|automl\\.h$))"
  "featurize/|^(featurize/|automl/(core/|automl\\.h$))"
  "search/|^(search/|automl/(core/|automl\\.h$))"
  "automl/engine/|^(learners/|featurize/|search/|automl/(core/|metrics/|store/|engine/|automl\\.h$))"
  "automl/cli/|^automl/(cli/|automl\\.h$)"
  "automl/|^automl/automl\\.h$")

# "what a line must not match|where it may all the same|how to say it"
set(DOORS
  "^[ \t]*#[ \t]*include[ \t]*[<\"]omp\\.h|^automl/core/par[^/]*$|<omp.h>, whose door is automl/core/par"
  "^[ \t]*#[ \t]*pragma[ \t]+omp([^A-Za-z0-9_]|$)|^automl/core/par[^/]*$|#pragma omp, whose door is automl/core/par"
  "_Pragma|^automl/core/par[^/]*$|_Pragma, whose door is automl/core/par"
  "^[ \t]*#[ \t]*include[ \t]*[<\"](cblas|lapacke)[A-Za-z0-9_]*\\.h|^automl/core/linalg[^/]*$|BLAS or LAPACK, whose door is automl/core/linalg"
  "^[ \t]*#[ \t]*include[ \t]*[<\"]gsl/|^automl/core/special[^/]*$|GSL, whose door is automl/core/special"
  "^[ \t]*#[ \t]*include[ \t]*[<\"](cjson/)?cJSON(_Utils)?\\.h|^automl/core/json[^/]*$|cJSON, whose door is automl/core/json"
  "^[ \t]*#[ \t]*include[ \t]*[<\"]sqlite3[A-Za-z0-9_]*\\.h|^automl/store/|SQLite, whose door is automl/store"
  "^[ \t]*#[ \t]*include[ \t]*[<\"](zlib|zstd)[A-Za-z0-9_]*\\.h|^automl/core/io[^/]*$|zlib or zstd, whose door is automl/core/io")

# Unbounded writes, locale-dependent or unchecked reads, global state, shells.
set(BANNED
  strcpy strcat sprintf vsprintf gets atoi atof strtod rand srand system popen alloca strtok)

# ---- reading ----

# CMake lists are cut at ; and keep [ ] together: both are replaced, line by line nothing is lost.
function(read_lines out path)
  file(READ "${path}" text)
  string(REPLACE "\r" "" text "${text}")
  string(REPLACE ";" "\\;" text "${text}")
  string(REPLACE "[" "(" text "${text}")
  string(REPLACE "]" ")" text "${text}")
  string(REPLACE "\\\n" " \n" text "${text}") # a continued line is looked at piece by piece
  string(REPLACE "\n" ";" text "${text}")
  set(${out} "${text}" PARENT_SCOPE)
endfunction()

# Takes string and character literals and comments out of a line; `in_comment` goes from line to
# line. An include keeps its "path".
function(strip_line line in_comment_var out)
  set(rest "${line}")
  set(code "")
  set(in_comment ${${in_comment_var}})
  set(is_include FALSE)
  if(NOT in_comment AND rest MATCHES "^[ \t]*#[ \t]*include")
    set(is_include TRUE)
  endif()
  while(NOT rest STREQUAL "")
    if(in_comment)
      string(FIND "${rest}" "*/" end)
      if(end LESS 0)
        set(rest "")
      else()
        math(EXPR end "${end} + 2")
        string(SUBSTRING "${rest}" ${end} -1 rest)
        set(in_comment FALSE)
        string(APPEND code " ")
      endif()
    elseif(is_include AND rest MATCHES "^([^/]|/[^/*])+")
      string(APPEND code "${CMAKE_MATCH_0}")
      string(LENGTH "${CMAKE_MATCH_0}" n)
      string(SUBSTRING "${rest}" ${n} -1 rest)
      set(is_include FALSE)
    elseif(rest MATCHES "^/\\*")
      string(SUBSTRING "${rest}" 2 -1 rest)
      set(in_comment TRUE)
    elseif(rest MATCHES "^//")
      set(rest "")
    elseif(rest MATCHES "^\"(\\\\.|[^\"\\\\])*\"?" OR rest MATCHES "^'(\\\\.|[^'\\\\])*'?")
      string(LENGTH "${CMAKE_MATCH_0}" n)
      string(SUBSTRING "${rest}" ${n} -1 rest)
      string(APPEND code "\"\"")
    elseif(rest MATCHES "^[^/\"']+" OR rest MATCHES "^.")
      string(APPEND code "${CMAKE_MATCH_0}")
      string(LENGTH "${CMAKE_MATCH_0}" n)
      string(SUBSTRING "${rest}" ${n} -1 rest)
    endif()
  endwhile()
  set(${out} "${code}" PARENT_SCOPE)
  set(${in_comment_var} ${in_comment} PARENT_SCOPE)
endfunction()

# ---- checking ----

function(split_rule rule)
  string(FIND "${rule}" "|" a)
endfunction()

function(complain path number text)
  set_property(GLOBAL APPEND_STRING PROPERTY violations "${path}:${number}: ${text}\n")
  get_property(n GLOBAL PROPERTY n_violations)
  math(EXPR n "${n} + 1")
  set_property(GLOBAL PROPERTY n_violations ${n})
endfunction()
