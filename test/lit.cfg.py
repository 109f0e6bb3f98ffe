# lit.cfg.py - How lit finds and runs the tests of this folder.
import os
import sys

import lit.formats

config.name = "Weir"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
# Those have runners of their own; Inputs hold no tests.
config.excludes = ["python", "fuzz", "unit", "models", "Inputs"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.weir_build, "test")

# One environment serves every build folder.
python = os.path.join(config.weir_source, "build", "venv", "bin", "python")
if os.path.exists(python):
    config.available_features.add("python")
else:
    python = sys.executable
# The distribution's mlir-opt brings no sanitizer runtime for a plugin that needs one.
if not config.weir_sanitize:
    config.available_features.add("plugin")
config.substitutions.append(("%python", python))
config.substitutions.append(("%weir_source", config.weir_source))
config.substitutions.append(("%mlir_opt", os.path.join(config.llvm_tools, "mlir-opt")))
config.substitutions.append(
    ("%weir_plugin", os.path.join(config.weir_build, "lib", "WeirPlugin.so")))

tools = [os.path.join(config.weir_build, "bin"), config.llvm_tools]
config.environment["PATH"] = os.pathsep.join(tools + [os.environ["PATH"]])
config.environment["WEIR_BUILD"] = config.weir_build
for name in ["ASAN_OPTIONS", "UBSAN_OPTIONS", "FILECHECK_OPTS"]:
    if name in os.environ:
        config.environment[name] = os.environ[name]
config.environment.setdefault("FILECHECK_OPTS", "-enable-var-scope")
