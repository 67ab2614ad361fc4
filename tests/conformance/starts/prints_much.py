import sys
for number in range(20000):
    print(number, "x" * 100)
sys.stdout.buffer.write(bytes(range(256)))
sys.stdout.write("no newline at the end")
