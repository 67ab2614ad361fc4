import sys
def hook(kind, problem, trace):
    print("hook:", kind.__name__, problem, trace.tb_lineno, trace.tb_next, trace.tb_frame.f_code.co_name)
sys.excepthook = hook
{}["x"]
