"""The structs, functions and statuses of the package are those of automl.h."""

import ctypes
import os
import re
import shutil
import subprocess
import tempfile
import unittest

from automl import _arrow, _errors, _library

from tables import ROOT

HEADER = os.path.join(ROOT, "automl", "automl.h")
STATUS = os.path.join(ROOT, "automl", "automl_status.h")
STRUCTS = [v for v in vars(_library).values()
           if isinstance(v, type) and issubclass(v, ctypes.Structure) and v is not ctypes.Structure]
ARROW = [_arrow.ArrowSchema, _arrow.ArrowArray, _arrow.ArrowArrayStream]


@unittest.skipUnless(os.path.exists(HEADER), "automl.h is not here")
class Layout(unittest.TestCase):
    @unittest.skipUnless(shutil.which(os.environ.get("CC") or "cc"), "there is no C compiler")
    def test_structs(self):
        lines = ["#include <stddef.h>", "#include <stdio.h>", f'#include "{HEADER}"', "int main(void) {"]
        wanted = []
        for struct in STRUCTS + ARROW:
            name = f"struct {struct.__name__}" if struct in ARROW else struct.__name__
            # Later versions append members: the library takes structs of callers that do not know them.
            lines.append(f'printf("{struct.__name__} %d\\n", sizeof({name}) >= {ctypes.sizeof(struct)});')
            wanted.append(f"{struct.__name__} 1")
            for field in (f[0] for f in struct._fields_):
                lines.append(f'printf("{struct.__name__}.{field} %zu\\n", offsetof({name}, {field}));')
                wanted.append(f"{struct.__name__}.{field} {getattr(struct, field).offset}")
        lines.append("return 0; }")
        with tempfile.TemporaryDirectory() as folder:
            source, program = os.path.join(folder, "layout.c"), os.path.join(folder, "layout")
            with open(source, "w") as file:
                file.write("\n".join(lines))
            subprocess.run([os.environ.get("CC") or "cc", source, "-o", program], check=True)
            found = subprocess.run([program], capture_output=True, text=True, check=True).stdout.split("\n")[:-1]
        self.assertGreater(len(STRUCTS), 10)
        self.assertEqual(found, wanted)

    def test_functions(self):
        """As many arguments, each of its size."""
        with open(HEADER) as file:
            header = re.sub(r"/\*.*?\*/", " ", file.read(), flags=re.S)
        declared = dict(re.findall(r"^AML_API\s+[^;()]*?(\w+)\s*\(([^;]*)\)\s*;", header, flags=re.M))
        for name, code in _library._FUNCTIONS.items():
            self.assertIn(name, declared)
            arguments = [] if declared[name].strip() == "void" else declared[name].split(",")
            kinds = "".join("p" if "*" in a else "d" if "double" in a else "z" if "size_t" in a else
                            "u" if "unsigned" in a else "q" if "uint64" in a else "i" for a in arguments)
            self.assertEqual(code[1:].replace("s", "p"), kinds, name)

    def test_statuses(self):
        """Each is an exception, and there are no others."""
        with open(STATUS) as file:
            declared = re.findall(r"\bAML_E\w+ = (\d+)", file.read())
        self.assertEqual(sorted(map(int, declared)), sorted(_errors.BY_STATUS))


if __name__ == "__main__":
    unittest.main()
