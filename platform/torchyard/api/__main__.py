"""`python -m torchyard.api` prints the OpenAPI document; the web app's client is generated from it."""

import json
import sys
from typing import cast

from torchyard.api.app import create_app, document
from torchyard.services.context import Context


def main() -> None:
    """Print the document."""
    # Routes are described, none is called: what they would work with is not needed.
    nothing = cast("Context", None)
    app = create_app(nothing, worker_token="", authentication=True, max_json_bytes=0, max_upload_bytes=0)
    sys.stdout.write(json.dumps(document(app), indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
