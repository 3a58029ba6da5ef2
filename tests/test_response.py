"""What of a model's text is the response, and whether that is the reference."""

from typing import Any

import pytest
from hypothesis import given, strategies as st

from nejm_inspect.response import after_thinking, is_verbatim, normalized_diagnosis

# The response after the thinking

THINKING = {
    "DeepSeek R1": ("<think>", "</think>"),
    "Inspect's own": ('<think signature="x">', "</think>"),
    "Nova": ("<thinking>", "</thinking>"),
    "EXAONE Deep": ("<thought>", "</thought>"),
    "Reka Flash": ("<reasoning>", "</reasoning>"),
    "upper case": ("<THINK>", "</THINK>"),
    "Seed-OSS": ("<seed:think>", "</seed:think>"),
    "LongCat": ("<longcat_think>", "</longcat_think>"),
    "MiniMax M3": ("<mm:think>", "</mm:think>"),
    "Magistral": ("[THINK]", "[/THINK]"),
    "Kimi-VL": ("◁think▷", "◁/think▷"),
    "Command A": ("<|START_THINKING|>", "<|END_THINKING|><|START_RESPONSE|>"),
    "Solar Open 2": ("<|think:start|>", "<|think:end|>"),
    "OpenThinker": ("<|begin_of_thought|>", "<|end_of_thought|>"),
    "Apertus": ("<|inner_prefix|>", "<|inner_suffix|>"),
    "Gemma 4": ("<|channel>thought\n", "<channel|>"),
    "MedGemma": ("<unused94>thought\n", "<unused95>"),
    "gpt-oss": (
        "<|channel|>analysis<|message|>",
        "<|end|><|start|>assistant<|channel|>final<|message|>",
    ),
    "gpt-oss, JSON": (
        "<|channel|>commentary<|message|>",
        "<|end|><|start|>assistant<|channel|>final <|constrain|>json<|message|>",
    ),
}
FOUND_BY_THE_END_ALONE = {
    "gpt-oss without special tokens": ("analysis", "assistantfinal"),
    "Granite 3.2": ("Here is my thought process: ", "Here is my response:"),
    "Granite 3.2, quantized": ("Here's my thought process: ", "Here's my response:"),
}
WORDS = st.text("abcdefghijklmnopqrstuvwxyz .,\n", max_size=40)
PIECES = st.sampled_from(
    [
        *(m for markers in THINKING.values() for m in markers),
        *("Gout", "\n", " ", "```", "```\n", "\n```json\n", "`", "<|return|>", "<|end|>"),
        *("assistantfinal", "Here is my response:", "<", ">", "**"),
    ]
)


@pytest.mark.parametrize(
    ("opening", "closing"),
    [*THINKING.values(), *FOUND_BY_THE_END_ALONE.values()],
    ids=[*THINKING, *FOUND_BY_THE_END_ALONE],
)
def test_what_stands_behind_the_thinking_counts(opening: str, closing: str) -> None:
    thinking = "Could be lupus.\nOr mumps."
    assert after_thinking(f"{opening}{thinking}{closing}\nGout\n") == "Gout"
    assert after_thinking(f"{thinking}{closing}Gout") == "Gout", "opened by the prompt"
    assert after_thinking(f"{opening}{thinking}{closing}\n") == ""
    twice = f"{opening}a{closing}Lupus{opening}b{closing}Gout"
    assert after_thinking(twice) == "Gout"


@pytest.mark.parametrize("opening", [o for o, _ in THINKING.values()], ids=THINKING)
def test_thinking_that_never_ends_is_no_response(opening: str) -> None:
    assert after_thinking(f"{opening}It is gout.") == ""
    assert after_thinking(f"Lupus\n{opening}It is gout.") == ""
    # Opened again behind an answer, which it withdraws.
    assert after_thinking(f"<think>a</think>Lupus\n{opening}Wait, gout.") == ""


@pytest.mark.parametrize(
    "text",
    [
        "Gout",
        "`<think>` is a tag. Gout",
        "Gout\n```html\n<think>hm</think>\n```",
        "Gout\n```\n</think>\n```\nis the answer",
        "x < y, y > z: think of gout",
        "<b>Gout</b>",
        "Gout [think about it]",
        "My reasoning: tophi. Gout",
    ],
)
def test_what_only_mentions_a_marker_stays_whole(text: str) -> None:
    assert after_thinking(text) == text


def test_code_inside_the_thinking_hides_no_marker() -> None:
    assert after_thinking("<think>```\nopen\n</think>Gout") == "Gout"
    assert after_thinking("<think>`</think>` ends it.</think>Gout") == "Gout"
    unopened = "So:\n```\nopen\n</think>\n```json\n{}\n```"
    assert after_thinking(unopened) == "```json\n{}\n```"


def test_special_tokens_around_the_response_are_none_of_it() -> None:
    assert after_thinking("<|START_RESPONSE|>Gout<|END_RESPONSE|>") == "Gout"
    assert after_thinking("<|channel|>final<|message|>Gout<|return|>\n") == "Gout"


@given(WORDS)
def test_a_text_without_markers_comes_back_stripped(text: str) -> None:
    assert after_thinking(text) == text.strip()


@given(WORDS, WORDS, st.sampled_from([*THINKING.values()]))
def test_whatever_the_thinking_says(thinking: str, response: str, markers: tuple[str, str]) -> None:
    opening, closing = markers
    assert after_thinking(f"{opening}{thinking}{closing}{response}") == response.strip()


@given(st.lists(PIECES, max_size=12).map("".join) | st.text())
def test_there_is_nothing_more_to_take_away(text: str) -> None:
    response = after_thinking(text)
    assert response in text
    assert after_thinking(response) == response


# The reference's very words


@pytest.mark.parametrize(
    "response",
    [
        "Gout",
        r"\boxed{Gout}",
        r"$\boxed{\text{Gout}}$",
        r"The crystals are needles, thus \[ \boxed{\textbf{Gout}} \]",
        "<answer>Gout</answer>",
        "<|begin_of_box|>Gout<|end_of_box|>",
        '{"diagnosis": "Gout"}',
        '{"Final Diagnosis": "gout.", "confidence": 0.9, "differential": ["Lupus"]}',
        '```json\n{"answer": "Gout"}\n```',
        'As asked:\n```json\n{"most_likely_diagnosis": "Gout"}\n```',
        "The toe is red and the crystals are needles.\n\n**Gout**",
        "The toe is red.\n__Gout__.",
        "It is not lupus.\nFinal diagnosis: Gout",
        "Tophi are seen.\n\n**Diagnosis:** Gout\n\nUrate is high.",
        "## Diagnosis\n\nGout\n\n## Reasons\n\nTophi.",
        "The toe is red. Urate is high.\n\nThe most likely diagnosis is **gout**.",
        "Gout\n\nThe crystals are needles.",
        "**Gout**\n\n**Why:**\n- tophi\n- urate",
        "**Gout**\nThe crystals are needles.",
        "# Gout\n\nLupus is less likely, for want of a rash.",
    ],
)
def test_the_form_of_an_answer_does_not_matter(response: str) -> None:
    assert is_verbatim(response, ["Podagra", "Gout"])
    assert not is_verbatim(response, ["Lupus"])


@pytest.mark.parametrize(
    "response",
    [
        *("", "Not gout", "Gout or lupus", "Possibly gout", "Gout is unlikely"),
        "Gout and lupus\n\nBoth fit.",
        "- Lupus\n- Mumps\n- **Gout**",
        "Gout\n\nUnlikely: urate is normal.\n\nLupus\n\nThe rash fits.",
        "Lupus\n\nGout would have tophi.",
        "Lupus\n\nThe differential has\n\nGout",
        "Lupus, rather than\n\nGout\n\nas one may think.",
        "Gout\n\nOn reflection, no.\n\nFinal diagnosis: Lupus",
        "Final diagnosis: Lupus\nFinal diagnosis: Gout",
        "Differential diagnosis: Gout",
        "Diagnosis: not gout",
        r"\boxed{Lupus} or \boxed{Gout}",
        r"Gout? \boxed{Lupus}",
        '{"diagnosis": "Lupus", "answer": "Gout"}',
        '{"diagnosis": "Lupus", "differential": "Gout"}',
        '{"diagnosis": ["Gout", "Lupus"]}',
        '{"excluded": "Gout"}',
        '{"diagnosis": "Gout"',
        "What is the diagnosis: gout?\n\nIt cannot be said.",
        # Taken back, or named second.
        "Gout\n\nThis was ruled out; the final answer is cellulitis.",
        "Gout\n\nThis is not gout but cellulitis.",
        "**Gout**\nis wrong; it is cellulitis",
        "Cellulitis.\n\n**Gout**",
        "1. Cellulitis\n2. Lymphangitis\n**Gout**",
        "Diagnosis: Gout\nor cellulitis",
    ],
)
def test_what_does_not_commit_to_the_reference(response: str) -> None:
    assert not is_verbatim(response, ["Gout"])


@given(st.permutations(["Gout", "Lupus", "Mumps", "Rabies", "Scurvy"]), st.data())
def test_a_list_is_not_its_last_or_middle_diagnosis(names: list[str], data: st.DataObject) -> None:
    number, bold, gap = (
        data.draw(st.sampled_from(choices))
        for choices in (["", "- ", "1. "], ["", "**"], ["\n", "\n\n", ", ", " or "])
    )
    listed = gap.join(f"{number}{bold}{name}{bold}" for name in names)
    assert not any(is_verbatim(listed, [name]) for name in names[1:])


@given(st.text())
def test_any_text_can_be_compared(text: str) -> None:
    assert is_verbatim(text, [text])


@pytest.mark.parametrize(
    "unit", ["<think ", "</think>", "```x\n", "\n \n", "<|a|>", "\\boxed{", "{", "<a_", "*a", " "]
)
def test_a_long_text_is_read_in_one_go(unit: str) -> None:
    text = f"x{unit * 60_000}x"  # hours, if every part were compared with every other
    assert isinstance(after_thinking(text), str)
    assert not is_verbatim(text, ["Gout"])


# Normalization


@pytest.mark.parametrize(
    ("response", "reference"),
    [
        *(
            (response, "Gout")
            for response in (
                *("gout", "Gout.", "**Gout**", "`Gout`\n", "Diagnosis: gout", "Final answer: gout"),
                *("**Most likely diagnosis:** Gout", "The diagnosis is gout", "(Diagnosis: Gout)"),
                *("- Diagnosis: Gout", "• **Diagnosis**: Gout", "“Diagnosis – Gout”"),
                *("Final diagnosis\nGout", "Answer: Diagnosis: Gout"),
            )
        ),
        ("A ganglion cyst", "Ganglion cyst"),
        ("Hand-foot-and-mouth disease", "Hand, foot, and mouth disease"),
        ("Hodgkin’s lymphoma", "Hodgkin lymphoma"),
        ("Hodgkin‘s lymphoma", "Hodgkin lymphoma"),
        ("Crohnʼs disease", "Crohn disease"),
        ("Graves' disease", "Graves disease"),
        ("SJÖGREN SYNDROME", "Sjögren's syndrome"),
        ("Sjogren syndrome", "Sjögren's syndrome"),
        ("Mitochondrial diseases", "Mitochondrial disease"),
        ("β₂-microglobulin", "β2-microglobulin"),
        ("ﬁbroma", "Fibroma"),
        ("hemophilia a", "Hemophilia A"),
        ("Rupture of the tendon", "Rupture of a tendon"),
    ],
)
def test_differences_that_do_not_matter(response: str, reference: str) -> None:
    assert normalized_diagnosis(response) == normalized_diagnosis(reference)


@pytest.mark.parametrize(
    ("response", "reference"),
    [
        *((other, "Gout") for other in ("Gouty arthritis", "Gout or pseudogout", "Not gout")),
        *((nothing, "Gout") for nothing in ("A", "Diagnosis", "")),
        ("Hemophilia", "Hemophilia A"),
        ("Vitamin deficiency", "Vitamin A deficiency"),
        ("Hepatitis", "Hepatitis A"),
        ("Type 1 diabetes", "Type 2 diabetes"),
        ("α-thalassemia", "β-thalassemia"),
    ],
)
def test_differences_that_matter(response: str, reference: str) -> None:
    assert normalized_diagnosis(response) != normalized_diagnosis(reference)


@given(st.text())
def test_normalization_is_stable(text: str) -> None:
    once = normalized_diagnosis(text)
    assert once == once.strip()
    assert "  " not in once


def test_references_of_the_real_list_stay_distinct_from_their_distractors(
    real_records: list[dict[str, Any]],
) -> None:
    for record in real_records:
        options = {normalized_diagnosis(record[f"option_{x}"]) for x in "ABCDE"}
        assert len(options) == 5, record["image_id"]
        assert all(options), record["image_id"]
