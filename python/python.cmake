# python.cmake: what goes into the wheel beside the Python modules. `pip install .` comes here (pyproject.toml).
add_custom_target(automl_python)
add_dependencies(automl_python automl)
target_link_options(automl PRIVATE -s)
# One file: wheels have no links.
install(PROGRAMS $<TARGET_FILE:automl> DESTINATION automl RENAME libautoml.so COMPONENT python)
