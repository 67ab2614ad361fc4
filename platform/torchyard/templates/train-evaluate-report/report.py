"""Writes outputs/report.md about what `train` and `evaluate` left."""

import json
from pathlib import Path

history = json.loads(Path("inputs/train/history.json").read_text())
trained = json.loads(Path("inputs/train/metrics.json").read_text())
evaluated = json.loads(Path("inputs/evaluate/metrics.json").read_text())

report = f"""# Report

| metric | value |
|---|---|
| epochs | {trained["epochs"]} |
| loss at first | {history[0]:.4f} |
| loss at last | {trained["loss"]:.4f} |
| accuracy | {evaluated["accuracy"]:.1%} |
"""
outputs = Path("outputs")
outputs.mkdir(exist_ok=True)
(outputs / "report.md").write_text(report)
(outputs / "metrics.json").write_text(json.dumps({"loss": trained["loss"], **evaluated}))
print(report)
