"""Every text that the pages ask for is there, and none is left that nobody asks for."""

from __future__ import annotations

import re
from pathlib import Path

import edge.words
from edge.dashboard.server import ASSETS
from edge.publish.schema import schema
from edge.session.scenarios import scenarios
from edge.words.catalogue import catalogue
from edge.words.sentence import MODALITIES

CONTRACT = schema()["$defs"]
PAGES = "".join(file.read_text() for file in ASSETS.iterdir())
SOURCES = [*Path(edge.words.__file__).parent.glob("*.py"), *ASSETS.parent.glob("*.py")]
CODE = PAGES + "".join(file.read_text() for file in SOURCES)
TEXTS = catalogue("en").texts


def values(payload: str, name: str) -> set[str]:
    prop = CONTRACT[payload]["properties"][name]
    options = prop.get("enum") or prop["anyOf"][0]["enum"]
    return set(options) - {""}


def test_every_text_a_page_names_is_there() -> None:
    named = set(re.findall(r"""["'`]([a-z_]+\.[a-z_]+)["'`]""", PAGES)) - {"login.html", "wall.html", "base.html"}
    named = {key for key in named if key.partition(".")[0] in {text.partition(".")[0] for text in TEXTS}}
    assert named <= set(TEXTS), named - set(TEXTS)
    assert len(named) > 60


def test_whatever_the_contract_may_say_has_words() -> None:
    for table, wanted in {
        "alert": values("AlertPayload", "kind"),
        "sensor": values("HealthPayload", "camera"),
        "load": values("HealthPayload", "load"),
        "purpose": values("PrivacyPayload", "purpose"),
        "muted_by": values("PrivacyPayload", "muted_by"),
        "reason": values("PrivacyPayload", "state") - {"capturing"},
        "label": set(CONTRACT["Engagement"]["properties"]["label"]["anyOf"][0]["enum"]) | {"none", "unknown"},
        "modality": set(CONTRACT["Reliability"]["properties"]),
        "absent": set(MODALITIES),
        "scenario": set(scenarios()),
    }.items():
        assert {f"{table}.{name}" for name in wanted} <= set(TEXTS), table


def test_no_table_of_texts_is_left_over() -> None:
    for key in TEXTS:
        table, _, name = key.partition(".")
        assert key in CODE or re.search(rf'{table}\.(\$?{{|" ~ )', CODE), f"{key} is asked for by nobody ({name})"
