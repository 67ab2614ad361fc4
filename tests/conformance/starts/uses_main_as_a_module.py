from __future__ import annotations
import dataclasses, sys, typing
import __main__
@dataclasses.dataclass
class Point:
    x: int
    y: "int" = 0
print(typing.get_type_hints(Point), __main__.Point is Point, Point(1), sys.modules["__main__"].__dict__ is globals())
number: int = 3
print(__annotations__, eval("number"), exec("number = 4"), number)
import runpy
print(runpy.run_path("helper.py")["double"](4))
