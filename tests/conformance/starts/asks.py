try:
    input("? ")
except EOFError as problem:
    print(repr(problem))
breakpoint()
