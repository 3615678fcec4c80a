# check_layers.cmake: who may include whom, one door for each third party, and calls nobody makes.
#
#   cmake -DROOT=<checkout> -P tests/check_layers.cmake
#
# Reads every *.c and *.h of automl/ learners/ featurize/ search/, lists all violations, then fails.
# Comments and strings do not count. A banned call is excused by a mark on its own line that gives
# the reason:   /* allowed: the reason */
cmake_minimum_required(VERSION 3.20)

if(NOT ROOT)
  message(FATAL_ERROR "usage: cmake -DROOT=<checkout> -P check_layers.cmake")
endif()
get_filename_component(ROOT "${ROOT}" ABSOLUTE)

# ---- the rules ----

# Sets `out` to what the file at `path` may include (a regular expression over include paths).
function(layer_of path out)
  set(core "automl/core/|automl/automl\\.h$")
  if(path MATCHES "^automl/engine/")
    set(may "automl/(core|metrics|store|engine)/|automl/automl(_plugin)?\\.h$|learners/|featurize/|search/")
  elseif(path MATCHES "^automl/automl_plugin\\.h$") # installed, with what it includes
    set(may "${core}")
  elseif(path MATCHES "^automl/automl(_score|_status)?\\.h$") # installed, side by side
    set(may "automl_status\\.h$")
  elseif(path MATCHES "^automl/score/")
    set(may "automl/(core|engine|score)/|automl/automl_score\\.h$|learners/|featurize/")
  elseif(path MATCHES "^automl/export/") # other formats: on top of the engine, by its models and chains
    set(may "automl/(core|engine|export)/|automl/automl\\.h$|featurize/parts/table\\.h$")
  elseif(path MATCHES "^automl/core/")
    set(may "${core}")
  elseif(path MATCHES "^(automl/metrics/|automl/store/|learners/|featurize/|search/)")
    set(may "${core}|${CMAKE_MATCH_1}")
  elseif(path MATCHES "^(automl/[^/]+/)") # cli, and whatever joins it: the public API and itself
    set(may "automl/automl\\.h$|${CMAKE_MATCH_1}")
  else()
    set(may "automl/automl\\.h$")
  endif()
  set(${out} "^(${may})" PARENT_SCOPE)
endfunction()

# Complains when a third party is let in elsewhere than at its door.
function(check_door path number subject pattern home)
  if(subject MATCHES "${pattern}" AND NOT path MATCHES "^${home}(/|_[^/]*\\.|\\.)[^/]*$")
    complain("${path}" "${number}" "${subject} outside its door, ${home}")
  endif()
endfunction()

function(check_doors path number header)
  check_door("${path}" "${number}" "${header}" "^omp\\.h$" "automl/core/par")
  check_door("${path}" "${number}" "${header}" "^(cblas|lapacke?)[^/]*\\.h$" "automl/core/linalg")
  check_door("${path}" "${number}" "${header}" "^gsl/.*$" "automl/core/special")
  check_door("${path}" "${number}" "${header}" "^(cjson/)?cJSON[^/]*\\.h$" "automl/core/json")
  check_door("${path}" "${number}" "${header}" "^sqlite3[^/]*\\.h$" "automl/store")
  check_door("${path}" "${number}" "${header}" "^mpi\\.h$" "automl/mpi")
  check_door("${path}" "${number}" "${header}" "^(zlib|zstd)[^/]*\\.h$" "automl/core/io")
endfunction()

# Unbounded writes, reads that depend on the locale or cannot fail, hidden state, shells.
string(JOIN "|" BANNED
  strcpy strcat sprintf vsprintf gets atoi atof strtod rand srand system popen alloca strtok)

# ---- reading ----

# The lines of a file as a list. What CMake's lists cannot carry is replaced: it never matters here.
function(read_lines out path)
  file(READ "${path}" text)
  string(REPLACE "\r" "" text "${text}")
  string(REPLACE ";" "," text "${text}")
  string(REPLACE "[" "{" text "${text}")
  string(REPLACE "]" "}" text "${text}")
  string(REPLACE "\\\n" " \n" text "${text}")
  string(REPLACE "\n" ";" text "${text}")
  set(${out} "${text}" PARENT_SCOPE)
endfunction()

# Blanks the comments and literals of a line. `in_comment` is carried from line to line.
function(strip_line out in_comment_variable line)
  set(in_comment ${${in_comment_variable}})
  set(rest "${line}")
  set(code "")
  while(NOT rest STREQUAL "")
    if(in_comment)
      string(FIND "${rest}" "*/" end)
      if(end LESS 0)
        break()
      endif()
      math(EXPR end "${end} + 2")
      string(SUBSTRING "${rest}" ${end} -1 rest)
      set(in_comment FALSE)
      string(APPEND code " ")
      continue()
    endif()
    if(rest MATCHES "^//")
      break()
    elseif(rest MATCHES "^/\\*")
      set(in_comment TRUE)
    elseif(rest MATCHES "^(\"(\\\\.|[^\"\\\\])*\"?|'(\\\\.|[^'\\\\])*'?)")
      string(APPEND code "\"\"")
    elseif(rest MATCHES "^([^/\"']+|.)")
      string(APPEND code "${CMAKE_MATCH_0}")
    endif()
    string(LENGTH "${CMAKE_MATCH_0}" length)
    string(SUBSTRING "${rest}" ${length} -1 rest)
  endwhile()
  set(${out} "${code}" PARENT_SCOPE)
  set(${in_comment_variable} ${in_comment} PARENT_SCOPE)
endfunction()

# ---- checking ----

function(complain path number text)
  set_property(GLOBAL APPEND_STRING PROPERTY violations "${path}:${number}: ${text}\n")
  set_property(GLOBAL APPEND PROPERTY violation_marks x)
endfunction()

function(check_include path number line may)
  if(NOT line MATCHES "^[ \t]*#[ \t]*include[ \t]*([<\"])([^>\"]+)[>\"]")
    complain("${path}" "${number}" "an include must name its file: a macro cannot be checked")
    return()
  endif()
  set(quote "${CMAKE_MATCH_1}")
  set(header "${CMAKE_MATCH_2}")
  set(ours FALSE)
  if(quote STREQUAL "\"" OR header MATCHES "^(automl|learners|featurize|search)/")
    set(ours TRUE)
  endif()
  check_doors("${path}" "${number}" "${header}")
  if(ours AND header MATCHES "(^|/)\\.\\.?/")
    complain("${path}" "${number}" "\"${header}\": includes are written from the root")
  elseif(ours AND NOT header MATCHES "${may}")
    complain("${path}" "${number}" "may not include \"${header}\"")
  endif()
endfunction()

function(check_line path number line code may)
  if(code MATCHES "^[ \t]*#[ \t]*include")
    check_include("${path}" "${number}" "${line}" "${may}")
  elseif(code MATCHES "^[ \t]*#[ \t]*pragma[ \t]+omp([^A-Za-z0-9_]|$)" OR
         (code MATCHES "(^|[^A-Za-z0-9_])_Pragma" AND line MATCHES "\"[ \t]*omp[ \t]"))
    check_door("${path}" "${number}" "#pragma omp" "^.*$" "automl/core/par")
  elseif(code MATCHES "(^|[^A-Za-z0-9_])(${BANNED})[ \t]*\\(")
    set(call "${CMAKE_MATCH_2}")
    if(NOT line MATCHES "/\\* allowed: [^*]*[^* ][^*]*\\*/")
      complain("${path}" "${number}" "calls ${call}(), which is banned")
    endif()
  endif()
endfunction()

function(check_file path)
  layer_of("${path}" may)
  read_lines(lines "${ROOT}/${path}")
  set(number 0)
  set(in_comment FALSE)
  foreach(line IN LISTS lines)
    math(EXPR number "${number} + 1")
    if(in_comment OR line MATCHES "[\"'/]")
      strip_line(code in_comment "${line}")
    else()
      set(code "${line}")
    endif()
    if(code MATCHES "#|_Pragma|\\(")
      check_line("${path}" "${number}" "${line}" "${code}" "${may}")
    endif()
  endforeach()
endfunction()

set(patterns "")
foreach(folder automl learners featurize search)
  list(APPEND patterns "${ROOT}/${folder}/*.c" "${ROOT}/${folder}/*.h")
endforeach()
file(GLOB_RECURSE files RELATIVE "${ROOT}" ${patterns})
list(LENGTH files n_files)
if(n_files EQUAL 0)
  message(FATAL_ERROR "no source file below ${ROOT}: is ROOT right?")
endif()
foreach(path IN LISTS files)
  check_file("${path}")
endforeach()

get_property(violations GLOBAL PROPERTY violations)
get_property(marks GLOBAL PROPERTY violation_marks)
list(LENGTH marks n_violations)
if(n_violations GREATER 0)
  message(NOTICE "${violations}")
  message(FATAL_ERROR "${n_violations} violation(s) in ${n_files} files; CONTRIBUTING.md has the rules")
endif()
message(STATUS "layers, doors and calls: ${n_files} files, no violation")
