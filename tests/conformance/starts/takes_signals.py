import os, signal
signal.signal(signal.SIGTERM, lambda number, frame: print("got", number))
signal.signal(signal.SIGALRM, lambda number, frame: print("got", number))
os.kill(os.getpid(), signal.SIGTERM)
signal.setitimer(signal.ITIMER_REAL, 0.01)
signal.sigwait([]) if False else signal.pause()
