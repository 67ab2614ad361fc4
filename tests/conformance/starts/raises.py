import sys
def inner():
    return {}["missing"]
def outer():
    try:
        inner()
    except KeyError as problem:
        raise ValueError("two\nlines: ü") from problem
print("before")
sys.stderr.write("no end of line")
outer()
