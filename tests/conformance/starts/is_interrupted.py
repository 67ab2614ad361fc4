import atexit, os, signal
atexit.register(print, "at the end")
os.kill(os.getpid(), signal.SIGINT)
