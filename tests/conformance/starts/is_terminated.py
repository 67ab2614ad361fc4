import atexit, os, signal
atexit.register(print, "never")
os.kill(os.getpid(), signal.SIGTERM)
