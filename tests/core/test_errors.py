"""What a message quotes from a file cannot make it more than one line that a person reads."""

import pickle

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from wespk.core.errors import MOST_CHARACTERS, WespkError
from wespk.core.script import errors_for_people


@given(st.text(alphabet=st.characters(), max_size=3000))
def test_any_text_becomes_one_line_that_can_be_printed(text):
    message = str(WespkError(text))
    assert message.isprintable()
    assert len(message) <= MOST_CHARACTERS
    assert str(WespkError(message)) == message
    assert str(pickle.loads(pickle.dumps(WespkError(text)))) == message


def test_plain_messages_stay_and_others_show_what_they_hold():
    assert str(WespkError("a.scp:3: 'één' hat kein Ziel; füge es hinzu")).endswith("füge es hinzu")
    assert str(WespkError("not YAML (x\n  in y)")) == "not YAML (x in y)"
    assert str(WespkError("a\x1b[2Jb\0\u2028c\udce4")) == "a\\x1b[2Jb\\x00 c\\udce4"


def test_a_long_message_keeps_its_begin_and_its_end():
    message = str(WespkError(f"a.conf:7: '{'x' * 5000}' is unknown; remove it"))
    assert message.startswith("a.conf:7: 'xxx") and message.endswith("xxx' is unknown; remove it")
    assert len(message) == MOST_CHARACTERS


class Failing(torch.utils.data.Dataset):
    def __len__(self):
        return 1

    def __getitem__(self, index):
        raise WespkError("feats.ark: is cut off; make it again")


def test_the_message_of_a_loaders_process_comes_without_its_traceback(capsys):
    loader = torch.utils.data.DataLoader(Failing(), num_workers=1)
    with pytest.raises(SystemExit), errors_for_people("wespk train"):
        list(loader)
    assert capsys.readouterr().err == "wespk train: error: feats.ark: is cut off; make it again\n"
