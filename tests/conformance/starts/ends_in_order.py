"""Threads first, then what was registered, then what there is: a file that nobody closed, an object, a generator."""
import atexit, threading, weakref
class Told:
    def __init__(self, name):
        self.name = name
    def __del__(self):
        print("gone:", self.name)
def generate():
    try:
        yield 1
    finally:
        print("generator closed")
running = generate()
next(running)
alone = Told("alone")
ring = Told("in a ring")
ring.itself = ring
finalized = Told("finalized")
weakref.finalize(finalized, print, "finalizer")
left_open = open("left.txt", "w")
left_open.write("not flushed")
gate = threading.Event()
threading.Thread(target=lambda: (gate.wait(), print("thread done"))).start()
threading.Thread(target=threading.Event().wait, daemon=True).start()
atexit.register(print, "registered first")
atexit.register(print, "registered last")
print("end of the script")
gate.set()
del gate
