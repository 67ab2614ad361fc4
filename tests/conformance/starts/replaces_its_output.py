import io, sys
sys.stdout = kept = io.StringIO()
print("kept")
sys.stdout = None
print("nowhere")
sys.stderr.write(kept.getvalue())
