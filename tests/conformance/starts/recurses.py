def down():
    down()
try:
    down()
except RecursionError as problem:
    print(problem)
raise ExceptionGroup("several", [ValueError(1), TypeError(2)])
