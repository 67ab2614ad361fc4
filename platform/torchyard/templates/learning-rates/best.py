"""Picks the model with the smallest loss of all nodes above; leaves it in outputs/best.pth."""

import json
import shutil
from pathlib import Path

found = {
    path.parent.name: json.loads(path.read_text()) for path in sorted(Path("inputs").glob("*/metrics.json"))
}
for name, metrics in found.items():
    print(f"{name:8}  lr {metrics['lr']:<6}  loss {metrics['loss']:.5f}")
best = min(found, key=lambda name: float(found[name]["loss"]))
print(f"the best is {best}")

outputs = Path("outputs")
outputs.mkdir(exist_ok=True)
shutil.copy(Path("inputs") / best / "model.pth", outputs / "best.pth")
(outputs / "metrics.json").write_text(json.dumps(found[best]))
