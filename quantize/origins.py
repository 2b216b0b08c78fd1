"""The prose of the model cards: what the branches are made from, on what terms, and what follows for their use."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Origin:
    """One branch's data and its terms; the weights' terms; what is decided and tested; choices made; use and limits."""

    data: str
    licence: str
    weights: str
    decision: str
    test: str
    choices: tuple[str, ...]
    intended: str
    limits: tuple[str, ...]


ORIGINS: dict[str, Origin] = {
    "face_emotion": Origin(
        data=(
            "FER2013 (Goodfellow et al. 2013), 48 x 48 grey pictures from the web, with ten FER+ votes each (Barsoum "
            "et al. 2016). Trained on the share of votes for seven emotions; contempt, unknown and not-a-face are "
            "left out, and so are pictures that mostly got those."
        ),
        licence="Pictures: for research, rights not cleared. FER+ votes: MIT.",
        weights=(
            "The weights hold no picture. Whether they may be used commercially is unsettled, because the pictures' "
            "rights are; treat them as for research."
        ),
        decision=(
            "`positive` = (neutral + happy) / (1 - surprised), high from the threshold on. The truth is the data "
            "set's `binary_ferplus`, the valence of the FER+ votes (not of the older FER2013 labels, which disagree "
            "in every fifth picture)."
        ),
        test=(
            "The official test pictures without near-duplicates of earlier splits; the intervals draw those of each "
            "other together."
        ),
        choices=(
            "Plain convolutions instead of separable ones: on a workstation's int8 kernels they are faster at more "
            "parameters, and they train faster.",
            "The network before it fitted its own training pictures little better than validation ones; so this one "
            "is larger, is decayed more and disturbed less.",
            "The file holds the mean of the answers to a picture and to its mirror image. On validation pictures "
            "that made the network before it right about the emotion 0.6 points more often.",
            "First trained on smaller pictures, then on those of the crop's size, each down a cosine to zero; no epoch "
            "was picked on validation data. Only one run of a few epochs was affordable: longer is likely better.",
            "The template of the crop is where the device's face mesh finds eyes and mouth in training pictures.",
        ),
        intended="The average over a room of faces that look at a camera, as one input of the fused satisfaction.",
        limits=(
            "Posed and press pictures: expressions in a classroom are weaker and mostly neutral.",
            "Neutral counts as positive. A bored face is a positive one to this branch.",
            "Ten people's votes on how a face looks, not how its owner felt.",
            "The data set says nothing of age, sex or skin; errors by group cannot be stated and must be assumed to "
            "differ.",
            "Disgust and fear are rare in the data (2 % and 3 % of votes): do not use those outputs alone.",
        ),
    ),
    "engagement": Origin(
        data=(
            "DAiSEE (Gupta et al. 2016): the face mesh of one still per clip. There are no clips in it: each still "
            "is set in motion (smooth turning, nods, trembling landmarks) to make the 75 steps that the network "
            "reads. Real clips load through the same loader. The stills' squeezed aspect is undone (y x 0.955) "
            "before landmarks are normalised."
        ),
        licence="DAiSEE: for research use.",
        weights="The weights hold no face. Trained on research data: for research use.",
        decision=(
            "Each state is high (level 2 or 3 of 0 to 3) from its own threshold on. Thresholds come from folds of "
            "subjects inside the Train split."
        ),
        test="The official Validation split, none of whose subjects is in Train; the intervals draw whole subjects.",
        choices=(
            "Every choice was made by folds of subjects inside Train; test figures of the candidates were seen, "
            "and none was chosen by them. Best in the folds was a ridge regression of the levels with half of "
            "each subject's own mean taken away; logistic regression, a perceptron, trees, whitening and more "
            "coordinates were not better.",
            "Left to the labels the LSTM learned subjects by heart and fell behind a linear model. So that model "
            "is in the network, as a fixed linear layer over the window's mean; the LSTM adds to it, gets nine "
            "tenths of its targets from it, and subjects' mean shapes are exchanged while it trains.",
            "Each coordinate is standardised before int8, which a single scale for all of them would have blurred.",
            "The other tenth are the four levels as soft labels, so that a 1 and a 2 are not opposites.",
        ),
        intended="A weak hint about a room over minutes, one input of the fused score. Never a judgement on a person.",
        limits=(
            "Near chance: an AUC of 0.6 means that of a high and a low clip the wrong one scores higher in two of five "
            "pairs.",
            "A linear model on all 1,404 normalised coordinates did no better in folds inside Train, but somewhat "
            "better (mean AUC .66) on the subjects of Validation.",
            "Probabilities are balanced, as if each state were high in half of all clips; the calibration error says "
            "how far that is from this data set. Compare them with the thresholds, not with each other.",
            "Learned from stills: movement, the very thing ten seconds could show, was modelled and carries no label.",
            "The labels are a crowd's vote on strangers' faces, not what the learners said of themselves.",
            "Asian students, 18 to 30 years old, alone in front of a laptop. A classroom camera sees other faces "
            "from elsewhere.",
            "The data come from the refined face mesh, the device runs the plain one; fine lid and lip points are "
            "not used.",
            "Always saying the commoner answer is right more often than this network (majority accuracy below).",
        ),
    ),
    "speech_emotion": Origin(
        data=(
            "RAVDESS speech and song (Livingstone & Russo 2018, doi:10.5281/zenodo.1188976), 20 of its 24 actors. Of "
            "each recording the longest utterance, cut by the device's own voice activity detection. Level-"
            "normalised: loudness, which differs by emotion in these recordings, is of no use to the network."
        ),
        licence="CC BY-NC-SA 4.0.",
        weights=(
            "The weights are made from CC BY-NC-SA data: they are offered under CC BY-NC-SA 4.0, non-commercial, "
            "share alike. The Apache-2.0 licence of the code does not cover them."
        ),
        decision="`negative` = sad + angry + fearful + disgust, high from the threshold on.",
        test=(
            "Actors that were neither trained nor validated on, two women and two men; the intervals draw whole "
            "actors. With four actors they are wide, and rough themselves."
        ),
        choices=(
            "Wider and trained twice as long, since the loss of a first run was still falling when it ended.",
            "Temperature and threshold come from a network that did not hear the validation actors; the shipped one "
            "was then trained on them as well, with nothing else changed.",
            "Level is no feature: power is taken relative to the utterance's own peak.",
            "One of two identical recordings of actor 07 is left out.",
        ),
        intended="One input of the fused satisfaction when somebody speaks. Never a judgement on a person.",
        limits=(
            "Actors who play emotions with two sentences: spontaneous speech is subtler.",
            "North American English only, adults only.",
            "Recorded in a studio. Rooms, noise and distance were modelled, not recorded.",
        ),
    ),
}
