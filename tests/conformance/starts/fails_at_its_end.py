import atexit, sys, threading
def fail():
    raise RuntimeError("at the end")
class Bad:
    def __del__(self):
        raise ValueError("in __del__")
atexit.register(fail)
bad = Bad()
thread = threading.Thread(target=fail, name="worker")
thread.start()
thread.join()
sys.exit(5)
