import os, tempfile
os.makedirs("outputs/deep")
open("outputs/deep/a.bin", "wb").write(bytes(range(256)))
os.symlink("outputs", "link")
with tempfile.TemporaryDirectory() as folder:
    print(os.path.dirname(folder))
with tempfile.NamedTemporaryFile() as file:
    print(os.path.exists(file.name))
os.chdir("/")
open(os.environ["TORCHYARD_OUTPUTS"] + "/b.txt", "w").write(os.getcwd())
