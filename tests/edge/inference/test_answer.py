import numpy as np
import pytest

from edge.inference.answer import answer

LOGITS, EMBEDDING = np.array([[1.0, 2.0]], np.float32), np.array([[3.0, 4.0, 5.0]], np.float32)


@pytest.mark.parametrize("names", [("logits", "embedding"), ("embedding", "logits")])
def test_outputs_are_told_apart_by_name_in_whatever_order(names: tuple[str, str]) -> None:
    outputs = {"logits": LOGITS, "embedding": EMBEDDING}
    said = answer({name: outputs[name] for name in names})
    assert said.logits.tolist() == [1.0, 2.0]
    assert said.embedding is not None
    assert said.embedding.tolist() == [3.0, 4.0, 5.0]


@pytest.mark.parametrize("name", ["logits", "StatefulPartitionedCall:0"])
def test_one_output_is_the_logits_whatever_its_name(name: str) -> None:
    said = answer({name: LOGITS})
    assert (said.logits.tolist(), said.embedding) == ([1.0, 2.0], None)


def test_several_outputs_without_logits_are_no_answer() -> None:
    with pytest.raises(KeyError, match="logits"):
        answer({"a": LOGITS, "b": EMBEDDING})
