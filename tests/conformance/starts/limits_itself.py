import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16))
print(resource.getrlimit(resource.RLIMIT_NOFILE))
files = []
try:
    while True:
        files.append(open("helper.py"))
except OSError as problem:
    print(len(files), problem)
