import sys
sys.excepthook = lambda *_: sys.exit(4)
1 / 0
