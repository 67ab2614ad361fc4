import os, subprocess, sys
print(subprocess.run([sys.executable, "-c", "import sys, torch, os; print(sys.prefix, sys.argv, sorted(os.environ))"], capture_output=True, text=True))
print(subprocess.run(["python", "helper.py"]).returncode, subprocess.run("echo $0 $WORD", shell=True, text=True, capture_output=True).stdout)
print(subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True, text=True).stdout)
os.execv(sys.executable, [sys.executable, "-c", "print('another program')"])
