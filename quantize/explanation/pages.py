"""Explanations as one HTML page each: no request to anywhere, readable in light and in dark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2

from quantize.evaluation.report import STYLE, Section
from quantize.evaluation.tables import interval, number
from quantize.explanation import deletion, faces, plots, states

TEMPLATE = Path(__file__).with_name("page.html")
MOST = 8
"""So many features of a state are listed."""

DRAWN = 4
"""So many features are drawn."""


@dataclass(frozen=True)
class Image:
    """What stands side by side, each as a data URI and in words, and what is written below."""

    parts: Sequence[tuple[str, str]]
    caption: str


@dataclass(frozen=True)
class Gallery:
    """A heading, what it means, and pictures."""

    title: str
    text: str
    images: Sequence[Image]


def of_faces(found: faces.Explanation, source: str) -> str:
    """The page of an explanation of the face branch; ``source`` names the data set that the pictures are from."""
    report = found.report
    height, width = report["map"]
    return _page(
        title="Where the face network looks",
        about=f"{report['n']} test pictures that it was not trained on. Bright is what speaks for the emotion that was "
        "said: Grad-CAM (Selvaraju et al. 2017). The network pools what it sees and one dense layer decides, so the "
        f"map says exactly what each place adds. It has {height} x {width} places: which part of a face, and no finer.",
        sentences=[sentence[0].upper() + sentence[1:] + "." for sentence in faces.sentences(report)],
        sections=[_deletion(report), _thirds(report)],
        galleries=[_averages(found), _shown(found, source)],
        footer=f"Seed {report['seed']}. Weights sha256 {report['sha256']}.",
    )


def of_states(found: states.Explanation) -> str:
    """The page of an explanation of the engagement branch."""
    report = found.report
    return _page(
        title="What moves the four states",
        about=f"{report['n']} clips of {report['subjects']} people that the int8 model was not trained on. How far "
        "each clip's probability is from the average face's is shared out among the parts of the face by "
        "Shapley values, in percentage points, up or down. A part that is left out lies where the average "
        "face has it, before any feature is computed, and the head is turned as the average one: so each "
        "answer is to a whole face. The features' weights would not do: each feature is a sum over all "
        "landmarks. All combinations of the parts are asked about, nothing is sampled. Behind what is seen "
        "where a part moves the state up stands the rank correlation of the two. Lines are 95 % intervals "
        "that draw whole people. What goes together is not what causes: a network that learned from few "
        "people may read who somebody is, such as the shape of a nose, where it seems to read how they feel.",
        sentences=[states.sentence(state, of) for state, of in report["states"].items()],
        sections=[
            *(_regions(state, of) for state, of in report["states"].items()),
            _moves(found),
            *(_features(state, of, report["permutations"]) for state, of in report["states"].items()),
        ],
        galleries=[],
        footer=f"Seed {report['seed']}. int8 sha256 {report['sha256']}.",
    )


def _page(**content: Any) -> str:
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    return template.render(style=STYLE.read_text(encoding="utf-8"), **content)


def _deletion(report: Mapping[str, Any]) -> Section:
    rows = [
        [f"{part['share']:.0%}", *(number(part[name]["accuracy"]) for name in deletion.CONTROLS), _ratio(part["ratio"])]
        for part in report["deletion"]
    ]
    return Section(
        "Does it matter what the maps say matters?",
        "Part of each picture is hidden behind its mean grey: the places that matter most by its own map, as coarse "
        "places at random, those that matter most in another picture, and those that matter least. The ratio is what "
        "the first costs over what the second costs. Where another's map costs nearly as much, the map tells where "
        "faces matter rather than where this face does.",
        plots.costs(report["accuracy"], report["deletion"]),
        ["hidden", *deletion.CONTROLS, "ratio"],
        rows,
    )


def _ratio(figure: Mapping[str, float | None]) -> str:
    if figure["value"] is None:
        return "–"
    told = f"{figure['value']:.1f}"
    return told if figure["low"] is None else f"{told} [{figure['low']:.1f}, {figure['high']:.1f}]"


def _thirds(report: Mapping[str, Any]) -> Section:
    there = {label: of for label, of in report["emotions"].items() if of["n"]}
    return Section(
        "Emotion by emotion",
        "How much of the maps of all pictures that were taken for an emotion lies in the upper, middle and lower third "
        "of the face. The plot shows the lower third.",
        plots.bars(
            {label: {"value": of["thirds"][faces.THIRDS[2]], "low": None, "high": None} for label, of in there.items()},
            "share of each emotion's map at mouth and chin",
            "share of the map at mouth and chin, %",
        ),
        ["taken for", "pictures", *faces.THIRDS],
        [
            [label, str(of["n"]), *(f"{of['thirds'][third]:.0%}" for third in faces.THIRDS)]
            for label, of in there.items()
        ],
    )


def _averages(found: faces.Explanation) -> Gallery:
    return Gallery(
        "On average",
        "The mean of all pictures that were taken for an emotion, and the mean of their maps.",
        [
            Image(
                [
                    (plots.picture(mean), f"mean picture, {label}"),
                    (plots.picture(mean, heat), f"mean map, {label}"),
                ],
                f"{label}: {found.report['emotions'][label]['n']} pictures",
            )
            for label, (mean, heat) in found.averages.items()
        ],
    )


def _shown(found: faces.Explanation, source: str) -> Gallery:
    return Gallery(
        "One by one",
        f"Crops of the public data set in {source}, shown because this page was asked for; its terms hold for the page "
        "too: do not pass it on. Of the wrong ones, the last picture shows what spoke for the truth.",
        [_image(one) for one in found.shown],
    )


def _image(one: faces.Shown) -> Image:
    parts = [
        (plots.picture(one.picture), f"a face, {one.truth}"),
        (plots.picture(one.picture, one.map), f"what speaks for {one.said}"),
    ]
    caption = f"{one.truth}: taken for it, at {one.probability:.0%}"
    if one.missed is not None:
        parts.append((plots.picture(one.picture, one.missed), f"what speaks for {one.truth}"))
        caption = f"{one.truth}: taken for {one.said}, at {one.probability:.0%}"
    return Image(parts, caption)


def _regions(state: str, found: Mapping[str, Any]) -> Section:
    rows = [
        [
            region["name"],
            interval(region["share"]),
            f"{100 * region['mean_size']:.1f}",
            "–" if region["trend"] is None else f"{region['trend']['with']} ({region['trend']['correlation']:.2f})",
        ]
        for region in found["regions"]
    ]
    return Section(
        f"{state}: parts of the face",
        f"The average face is given {found['average']:.2f}, these clips {found['mean']:.2f} on average.",
        plots.bars(
            {region["name"]: region["share"] for region in found["regions"]},
            f"what moves {state}, by parts of the face",
            "share of what moves it, %",
        ),
        ["part", "share", "points", "up with"],
        rows,
    )


def _moves(found: states.Explanation) -> Section:
    told = found.report["states"]
    shares = {state: {one["feature"]: one["share"] for one in of["features"]} for state, of in told.items()}
    regions = {one["feature"]: one["region"] for of in told.values() for one in of["features"]}
    most = sorted(regions, key=lambda feature: -sum(of[feature] for of in shares.values()))[:DRAWN]
    return Section(
        "The features that move most",
        "Features are principal components of the landmarks: directions in which faces differ. Here are the average "
        f"face and, in colour, the same face {plots.SPREAD:g} standard deviations along a feature.",
        plots.moves(found.mean, {f"feature {feature}": found.moves[feature] for feature in most}),
        ["feature", "seen most at", *(f"share, {state}" for state in told)],
        [[str(feature), regions[feature], *(f"{of[feature]:.1%}" for of in shares.values())] for feature in most],
    )


def _features(state: str, found: Mapping[str, Any], permutations: int) -> Section:
    rows = [
        [
            f"{of['feature']}, {of['region']}",
            f"{of['share']:.1%}",
            f"{100 * of['mean_size']:.2f}",
            f"{100 * of['error']:.2f}",
            f"{100 * of['occlusion']:.2f}",
        ]
        for of in found["features"][:MOST]
    ]
    return Section(
        f"{state}: features",
        f"The {MOST} of {len(found['features'])} features that move it most, and where each is seen most. Shapley "
        f"values over {permutations} permutations a clip, in percentage points, with the mean standard error of one "
        "clip's; occlusion sets one feature alone to its mean.",
        plots.bars(
            {
                f"{of['feature']}, {of['region']}": {"value": of["share"], "low": None, "high": None}
                for of in found["features"][:MOST]
            },
            f"what moves {state}, by features",
            "share of what moves it, %",
        ),
        ["feature", "share", "points", "error", "occlusion"],
        rows,
    )
