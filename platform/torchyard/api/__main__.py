"""What the web app's client is generated from.

`python -m torchyard.api` prints the OpenAPI document; `python -m torchyard.api said` prints every sentence
that the API has in English, by code, for the app to have in its other languages.
"""

import json
import re
import sys
from typing import cast

from torchyard.api.app import create_app, document
from torchyard.contracts.problem_codes import meanings
from torchyard.contracts.sentences import SENTENCES
from torchyard.services.context import Context


def main() -> None:
    """Print what is asked for."""
    if sys.argv[1:] == ["said"]:
        sys.stdout.write(json.dumps(said(), indent=2, ensure_ascii=False) + "\n")
        return
    # Routes are described, none is called: what they would work with is not needed.
    nothing = cast("Context", None)
    app = create_app(nothing, worker_token="", authentication=True, max_json_bytes=0, max_upload_bytes=0)
    sys.stdout.write(json.dumps(document(app), indent=1, sort_keys=True) + "\n")


def said() -> dict[str, dict[str, str]]:
    """The sentences as the web app writes them: `{{name}}` is put in, and `_one` is for a count of one."""
    sentences: dict[str, str] = {}
    for code, known in SENTENCES.items():
        forms = (
            {f"{code}_one": known[0], f"{code}_other": known[1]}
            if isinstance(known, tuple)
            else {code: known}
        )
        sentences |= {key: re.sub(r"{(\w+)}", r"{{\1}}", text) for key, text in forms.items()}
    return {"sentence": sentences, "code": meanings()}


if __name__ == "__main__":
    main()
