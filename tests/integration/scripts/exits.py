"""One that ends with an exit code of its own."""

import sys

print("giving up")
print("not converged", file=sys.stderr)
sys.exit(3)
