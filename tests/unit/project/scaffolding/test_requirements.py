"""What a model needs against a requirements file of the user's: the file's lines stay, whatever they are."""

from __future__ import annotations

import pytest

from fogbank.contracts.errors import PackageError
from fogbank.project.scaffolding.requirements import check_unlocked, lacking, merged

HASHED = """\
#
# pip-compile --generate-hashes
#
--index-url https://pypi.example/simple
joblib==1.4.2 \\
    --hash=sha256:aa \\
    --hash=sha256:bb
    # via scikit-learn
numpy==1.26.4 ; python_version >= "3.0" \\
    --hash=sha256:cc
numpy==1.21.0 ; python_version < "3.0" \\
    --hash=sha256:dd
scikit_learn==1.5.0 --hash=sha256:ee
"""
INSTALLERS = """\
-r other.txt
-c limits.txt
--extra-index-url https://pypi.example/simple
-e .
./local.whl
git+https://github.com/them/theirs.git@v1
https://files.example/they-1.0-py3-none-any.whl
# a comment that ends so \\
numpy==1.26.4  # ours
rich \\
    >=13
"""


def test_what_only_an_installer_reads_stays_where_it_is() -> None:
    assert merged(INSTALLERS, {"numpy==2.0.0", "rich", "joblib"}) == (
        INSTALLERS.replace("numpy==1.26.4  # ours", "numpy==2.0.0") + "joblib\n"
    )


def test_a_file_that_says_all_of_it_stays_to_the_byte() -> None:
    text = "numpy==1.26.4\r\n\r\nScikit_Learn==1.5.0"
    assert merged(text, {"numpy<2", "numpy", "scikit-learn==1.5.0"}) == text


def test_of_several_lines_of_one_distribution_those_of_this_environment_are_replaced_once() -> None:
    text = 'numpy==1.0\nnumpy==1.2; python_version >= "3.0"\nnumpy==0.9; python_version < "3.0"\nx @ https://a/x.whl\n'
    assert merged(text, {"numpy==2.0.0"}) == 'numpy==2.0.0\nnumpy==0.9; python_version < "3.0"\nx @ https://a/x.whl\n'


def test_a_name_is_one_however_it_is_written() -> None:
    assert merged("Scikit_Learn==1.2\n", {"scikit-learn==1.5"}) == "scikit-learn==1.5\n"


@pytest.mark.parametrize(
    ("own", "wanted"),
    [
        ("a>=1", "a==1"), ("a==1.*", "a==1.5"), ("a==2", "a<2"), ("a==1", "a[b]==1"), ("b", "a"),
        ("a==1", "a @ https://x/a.whl"),
    ],
)  # fmt: skip
def test_what_a_file_does_not_say(own: str, wanted: str) -> None:
    assert lacking(own, {wanted}) == [wanted]


@pytest.mark.parametrize(
    ("own", "wanted"),
    [
        ("a==2.0rc1", "a>=1"),
        ("a[b]==1", "a==1"),
        ("a>=2", "a>=2"),
        ("a @ https://x/a.whl", "a"),
        ("a @ https://x/a.whl", "a==1"),
    ],
)
def test_what_a_file_says(own: str, wanted: str) -> None:
    assert lacking(own, {wanted}) == []


def test_a_file_with_hashes_is_for_whoever_locks_it() -> None:
    said = {"joblib", "numpy<2", "scikit-learn==1.5.0"}
    check_unlocked(HASHED, said)
    assert merged(HASHED, said) == HASHED

    with pytest.raises(PackageError, match=r"needs lightgbm, numpy==2\.0\.0, which") as caught:
        check_unlocked(HASHED, {"numpy==2.0.0", "lightgbm", "joblib"})
    assert caught.value.code == "requirements-hashed"
    assert "--generate-hashes" in caught.value.hint


def test_a_file_without_hashes_is_nobodys_alone() -> None:
    check_unlocked(INSTALLERS + "# as with --hash=sha256:aa\n", {"numpy==2.0.0"})
    check_unlocked("", {"numpy"})
