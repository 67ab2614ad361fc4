import sys
def hook(kind, problem, trace):
    raise OSError("no way")
sys.excepthook = hook
1 / 0
