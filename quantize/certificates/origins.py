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
            "set's `binary_ferplus`, the valence of the FER+ votes (not of the older FER2013 labels, which often "
            "disagree)."
        ),
        test=(
            "The official test pictures without near-duplicates of earlier splits; the intervals draw those of each "
            "other together."
        ),
        choices=(
            "Plain convolutions instead of separable ones: on a workstation's int8 kernels they are faster at more "
            "parameters, and they train faster.",
            "The file holds the mean of the answers to a picture and to its mirror image. On validation pictures "
            "that made an earlier, smaller network right about the emotion more often.",
            "First trained on smaller pictures, then four times on those of the crop's size, each down a cosine to "
            "zero and from the weights before; no epoch was picked on validation data. These parts were run one by "
            "one, before training drew its batches by epoch: the same recipe run today gives other weights.",
            "The last thirty-six epochs still made it better on validation pictures: more are likely to.",
            "The template of the crop is where the device's face mesh finds eyes and mouth in training pictures.",
        ),
        intended="The average over a room of faces that look at a camera, as one input of the fused satisfaction.",
        limits=(
            "Posed and press pictures: expressions in a classroom are weaker and mostly neutral.",
            "Neutral counts as positive. A bored face is a positive one to this branch.",
            "Ten people's votes on how a face looks, not how its owner felt.",
            "The votes allow more than this: ten people again, each voting as one of the ten did, would have a "
            "balanced accuracy of 0.973 and be right about the emotion in 94.2 % (validation pictures; drawn from the "
            "very votes, they agree a little too well). `affect-quantize curve face_emotion --data DIR --recipe once` "
            "prints that beside the learning curve.",
            "The data set says nothing of age, sex or skin; errors by group cannot be stated and must be assumed to "
            "differ.",
            "Disgust and fear are rare in the data (`affect-quantize datasets --data DIR` counts them): do not use "
            "those outputs alone.",
        ),
    ),
    "engagement": Origin(
        data=(
            "DAiSEE (Gupta et al. 2016): the face mesh of one still per clip. There are no clips in it. For the test "
            "each still is held for ten seconds, as the device holds the last face it saw; for training it is set in "
            "modelled motion (smooth turning, nods, trembling landmarks). Real clips load through the same loader "
            "and are left as they are. The stills' squeezed aspect is undone (y x 0.955) before landmarks are "
            "normalised."
        ),
        licence="DAiSEE: for research use.",
        weights=(
            "The weights hold no face; the principal components are averages over 69 people. Trained on research "
            "data: for research use."
        ),
        decision=(
            "Each state is high (level 2 or 3 of 0 to 3) from its own threshold on. Thresholds come from folds of "
            "subjects inside the Train split."
        ),
        test=(
            "Every clip of a subject that is not in Train: of the official file, the Validation split. The intervals "
            "draw whole subjects."
        ),
        choices=(
            "Every choice was made by five folds of subjects inside Train, shuffled two to six times. There a ridge "
            "regression, with half of each subject's own mean taken away, told more from principal components, in "
            "standard deviations, than from correlation-reduced coordinates, more again with their squares, and with "
            "mirror images of the faces at 0.3 of their weight. With so many candidates, some of that is luck.",
            "How much of a subject's own mean is taken away differs by state: all of it for frustration, which is then "
            "learned from changes in a face, a third for boredom.",
            "Tried and not taken, most of them on other coordinates than the final ones: frontalised faces with pose "
            "apart, distances between key points, symmetric shapes, radial basis functions (about as good), a Gaussian "
            "process with a term of its own for every subject, whitening within subjects, and averages of these.",
            "The regression is in the network, as fixed layers over the window's mean; the LSTM adds to it and gets "
            "nine tenths of its targets from it, and subjects' mean shapes are exchanged while it trains. Left to the "
            "labels the LSTM learned subjects by heart. On stills it changes next to nothing.",
            "The components are computed before int8, in which expressions would be lost among poses.",
            "The other tenth are the four levels as soft labels, so that a 1 and a 2 are not opposites.",
        ),
        intended="A weak hint about a room over minutes, one input of the fused score. Never a judgement on a person.",
        limits=(
            "Weak: an AUC of 0.65 means that of a high and a low clip the wrong one scores higher in a third of all "
            "pairs.",
            "The labels allow little more: to guess a clip's levels from those of the same person's neighbouring clips "
            "has a mean AUC of 0.64, from all that person's other clips 0.71 (Train; `affect-quantize curve engagement "
            "--data DIR`).",
            "More learners would help: trained on 14, 28, 41 and 55 subjects of Train and judged on others of it, the "
            "mean AUC is 0.52, 0.59, 0.61 and 0.63 (the same command).",
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
            "Cross-validated over the actors: five networks, each judged on four actors, two women and two men, that "
            "it never heard, with a threshold from the other folds; the intervals draw whole actors. The shipped "
            "network heard all actors."
        ),
        choices=(
            "Features and network were chosen by training on twelve actors and validating on folds 2 and 4, so the "
            "figures of these two may be a little kind; nothing was chosen on folds 0, 1 and 3. On the two, a "
            "perceptron on functionals did better than support vectors on them, and these than a residual CNN on the "
            "spectrogram.",
            "With so few voices it helps to be told what to listen for: pitch, its range and its turns, the spectrum's "
            "spread, and the tempo of each, at 0 to 12 Hz.",
            "Pairs of utterances are mixed and features trembled in training; two disturbed copies of each (speaker, "
            "room, microphone, noise) are heard as well.",
            "Temperature and threshold come from what the five networks say of actors they did not hear.",
            "Level is no feature: power is taken relative to the utterance's own peak. Ends that stay 25 dB under the "
            "loudest are left out, because voice activity cuts more generously at 12 dB more gain.",
            "One of two identical recordings of actor 07 is left out.",
        ),
        intended="One input of the fused satisfaction when somebody speaks. Never a judgement on a person.",
        limits=(
            "On recordings dealt out at random, as many papers do, a network knows the voices that it is asked about: "
            "there the same recipe has a balanced accuracy of 0.931 [0.891, 0.961] and an AUC of 0.973 "
            "(`affect-quantize train speech_emotion --recipe random-split --data DIR --run RUN`, then `convert "
            "speech_emotion --data DIR --run RUN --models ELSEWHERE`; int8, n = 204). That flatters by a tenth: a new "
            "speaker is what counts.",
            "Some voices are harder: the fold of actors 10, 11, 23 and 24 is judged worse than all others.",
            "Actors who play emotions with two sentences: spontaneous speech is subtler.",
            "Listeners are not always right either: about 60 % of the emotions when they only hear (Livingstone & "
            "Russo 2018, published, not measured here).",
            "More actors would help less and less: of 4, 8, 12 and 16 actors a network learns an AUC of 0.78, 0.88, "
            "0.91 and 0.92 on actors it never heard (`affect-quantize curve speech_emotion --data DIR`, speech and "
            "song).",
            "North American English only, adults only.",
            "Recorded in a studio. Rooms, noise and distance were modelled, not recorded.",
        ),
    ),
}
